import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { namespaceLabelKey, superNamespace } from '../tenancy/names.ts'
import { aNamespace } from '../testing/builders.ts'
import type { Child } from '../testing/child.ts'
import { startControllers } from '../testing/controller-manager.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import { type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { namespaces, networkPolicies, podDisruptionBudgets, deployments, pods, events } = resourceTypes
const soon = { deadlineMs: 60_000 }
/** The time in which drift made by hand has to be gone. */
const repair = { deadlineMs: 5_000 }

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let acme: SyncTenant
let below: string
const controllers: Child[] = []

beforeAll(async () => {
  clusters = await startSyncClusters(['acme', 'globex'], { log })
  acme = clusters.tenants[0] as SyncTenant
  below = superNamespace(acme.ref, 'shop')
  // Budgets are counted by the real controllers of both sides; the workload lives in the tenant only.
  controllers.push(
    await startControllers(clusters.superApi, ['disruption-controller']),
    await startControllers(acme.api, ['disruption-controller', 'deployment-controller', 'replicaset-controller']),
  )
  syncer = await runSyncer(clusters, { log })
  for (const { api } of clusters.tenants)
    await api.client.create(namespaces, aNamespace({ metadata: { name: 'shop', labels: { team: 'a' } } }))
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await Promise.all(controllers.map((child) => child.end()))
  await clusters?.stop()
}, 60_000)

const inSuper = (type: typeof networkPolicies | typeof podDisruptionBudgets, name: string) =>
  clusters.superApi.client.get<KubeObject>(type, { name, namespace: below })

describe('NetworkPolicies', () => {
  const ref = { name: 'web', namespace: 'shop' }
  const peers = [{ namespaceSelector: { matchLabels: { team: 'a' } }, podSelector: { matchLabels: { app: 'web' } } }]

  test("super's select the tenant's namespaces by the tenant's labels, also after a change of these", {
    timeout: 120_000,
  }, async () => {
    const { client } = acme.api
    await client.create(networkPolicies, {
      metadata: ref,
      spec: { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ from: peers, ports: [{ port: 'http', protocol: 'TCP' }] }] },
    })
    const policy = await eventually(() => inSuper(networkPolicies, 'web'), soon)
    const { matchLabels, matchExpressions } = policy.spec.ingress[0].from[0].namespaceSelector
    const selected = async (): Promise<(string | undefined)[]> => {
      const labelSelector = [
        ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
        ...matchExpressions.map(({ key }: { key: string }) => key),
      ].join(',')
      const { items } = await clusters.superApi.client.list<KubeObject>(namespaces, { labelSelector })
      return items.map(({ metadata }) => metadata.name)
    }
    // globex has a namespace of this name with these labels as well.
    expect(await selected()).toEqual([below])
    await client.create(namespaces, aNamespace({ metadata: { name: 'late' } }))
    await client.patch(namespaces, { name: 'late' }, { metadata: { labels: { team: 'a' } } })
    await client.patch(namespaces, { name: 'shop' }, { metadata: { labels: { team: 'b' } } })
    await eventually(async () => String(await selected()) === superNamespace(acme.ref, 'late'), soon)
  })

  test('drift in super is put right, one more peer too, and a change in the tenant goes down', { timeout: 120_000 }, async () => {
    const { client } = acme.api
    const superClient = clusters.superApi.client
    const before = (await inSuper(networkPolicies, 'web')) as KubeObject
    await superClient.patch(
      networkPolicies,
      { name: 'web', namespace: below },
      [{ op: 'add', path: '/spec/ingress/0/from/-', value: { ipBlock: { cidr: '0.0.0.0/0' } } }],
      { type: 'json' },
    )
    await eventually(async () => (await inSuper(networkPolicies, 'web'))?.spec.ingress[0].from.length === 1, repair)
    await superClient.delete(networkPolicies, { name: 'web', namespace: below })
    const again = await eventually(() => inSuper(networkPolicies, 'web'), repair)
    expect(again.spec).toEqual(before.spec)
    await client.patch(networkPolicies, ref, { spec: { ingress: [{ from: [{ namespaceSelector: {} }] }] } })
    await eventually(async () => (await inSuper(networkPolicies, 'web'))?.spec.ingress[0].from[0].podSelector === undefined, soon)
    expect((await verifyOnce(clusters, acme)).differences).toEqual([])
    await client.delete(networkPolicies, ref)
    await eventually(async () => !(await inSuper(networkPolicies, 'web')), soon)
  })

  test('one that cannot hold is refused with an Event', { timeout: 60_000 }, async () => {
    const { client } = acme.api
    await client.create(networkPolicies, {
      metadata: { name: 'odd', namespace: 'shop' },
      spec: { podSelector: { matchLabels: { [namespaceLabelKey('a')]: 'b' } }, policyTypes: ['Ingress'] },
    })
    await eventually(
      async () =>
        (await client.list<KubeObject>(events, { namespace: 'shop' })).items.some(
          ({ reason }) => reason === 'SelectorNotSupported',
        ),
      soon,
    )
    expect(await inSuper(networkPolicies, 'odd')).toBeUndefined()
    await client.delete(networkPolicies, { name: 'odd', namespace: 'shop' })
  })
})

describe('PodDisruptionBudgets', () => {
  const labels = { app: 'db' }
  const evict = (name: string) =>
    clusters.superApi.client.create(
      pods,
      { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: below } },
      { subresource: 'eviction' },
    )
  const allowed = async () => (await inSuper(podDisruptionBudgets, 'db'))?.status?.disruptionsAllowed

  test('a drain in super heeds them, by what the tenant has counted', { timeout: 240_000 }, async () => {
    const { client } = acme.api
    await client.create(podDisruptionBudgets, {
      metadata: { name: 'db', namespace: 'shop' },
      spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
    })
    await client.create(deployments, {
      metadata: { name: 'db', namespace: 'shop' },
      spec: {
        replicas: 3,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'registry.example/db:1' }] } },
      },
    })
    await eventually(async () => (await allowed()) === 1, { ...soon, describe: 'a budget in super that lets one pod go' })
    expect((await inSuper(podDisruptionBudgets, 'db'))?.spec).toEqual({ minAvailable: 2, selector: { matchLabels: labels } })

    clusters.kubelet.hold()
    const [first, second] = (await clusters.superApi.client.list<KubeObject>(pods, { namespace: below, labelSelector: 'app=db' }))
      .items
    await evict(first?.metadata.name ?? '')
    // Its successor does not run yet.
    await expect(evict(second?.metadata.name ?? '')).rejects.toMatchObject({ code: 'KUBE_TOO_MANY_REQUESTS' })
    clusters.kubelet.release()
    await eventually(async () => (await allowed()) === 1, soon)
    expect(await client.get(pods, { name: first?.metadata.name ?? '', namespace: 'shop' })).toBeUndefined()

    await client.patch(deployments, { name: 'db', namespace: 'shop' }, { spec: { replicas: 5 } })
    await eventually(async () => (await inSuper(podDisruptionBudgets, 'db'))?.spec.minAvailable === 4, soon)
    await eventually(async () => (await allowed()) === 1, soon)
    expect((await verifyOnce(clusters, acme)).differences).toEqual([])
  })
})
