import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { createKubeClient } from '../../kube/undici-client.ts'
import { quotaUsedAnnotation, tenantLabel } from '../../tenancy/marks.ts'
import { superNamespace } from '../../tenancy/names.ts'
import { fullestOf, readQuotaUsage } from '../../tenancy/quota-usage.ts'
import { aNamespace } from '../../testing/builders.ts'
import { eventually } from '../../testing/eventually.ts'
import { type RunningSyncer, runSyncer } from '../../testing/run-syncer.ts'
import { patchPlane, type SyncClusters, type SyncTenant, startSyncClusters } from '../../testing/sync-clusters.ts'

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { pods, namespaces, services, events, serviceAccounts } = resourceTypes
const soon = { deadlineMs: 60_000 }

let clusters: SyncClusters
let acme: SyncTenant
let syncer: RunningSyncer | undefined

const setHard = (hard: Record<string, string | null>) => patchPlane(clusters, acme, { isolation: { quota: { hard } } })

beforeAll(async () => {
  clusters = await startSyncClusters(['acme'], { log })
  acme = clusters.tenants[0] as SyncTenant
  for (const name of ['shop', 'blog']) {
    await acme.api.client.create(namespaces, aNamespace({ metadata: { name } }))
    await acme.api.client.create(serviceAccounts, { metadata: { name: 'default', namespace: name } })
  }
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)

const aPod = (namespace: string, name: string, cpu = '100m'): KubeObject => ({
  metadata: { name, namespace },
  spec: {
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    containers: [{ name: 'main', image: 'web', resources: { requests: { cpu } } }],
  },
})

const inSuper = async () =>
  (await clusters.superApi.client.list<KubeObject>(pods, { labelSelector: `${tenantLabel}=${acme.ref.uid}` })).items
const inTenant = async () => (await acme.api.client.list<KubeObject>(pods, {})).items
const refusalOf = ({ status }: KubeObject): { message: string } | undefined =>
  status?.conditions?.find(
    ({ type, reason }: { type: string; reason: string }) => type === 'PodScheduled' && reason === 'QuotaExceeded',
  )
const waiting = async () => (await inTenant()).filter(refusalOf)

/** Waits until so many pods are in super and all others say why they are not. */
const settled = async (count: number): Promise<void> => {
  await eventually(
    async () => {
      const [there, all, held] = [await inSuper(), await inTenant(), await waiting()]
      return there.length === count && held.length === all.length - count
    },
    { ...soon, describe: `${count} pods in super, all others held` },
  )
}

/** Counts the pods of the tenant in super at each moment, as super's own watch tells. */
const most = (): { readonly stop: () => Promise<number> } => {
  const stopping = new AbortController()
  const there = new Set<string>()
  let peak = 0
  const watching = (async () => {
    const selection = { labelSelector: `${tenantLabel}=${acme.ref.uid}` }
    const first = await clusters.superApi.client.list<KubeObject>(pods, selection)
    for (const { metadata } of first.items) there.add(metadata.uid ?? '')
    const from = { ...selection, resourceVersion: first.metadata.resourceVersion ?? '0', signal: stopping.signal }
    for await (const { type, object } of clusters.superApi.client.watch<KubeObject>(pods, from)) {
      if (type === 'ADDED') there.add(object.metadata.uid ?? '')
      if (type === 'DELETED') there.delete(object.metadata.uid ?? '')
      peak = Math.max(peak, there.size)
    }
  })().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error
  })
  return {
    stop: async () => {
      stopping.abort()
      await watching
      return peak
    },
  }
}

test('of 200 pods at once exactly as many go down as the limit lets, places that are freed are used at once, and another limit holds at once', {
  timeout: 240_000,
}, async () => {
  await setHard({ pods: '25', 'requests.cpu': '100' })
  syncer = await runSyncer(clusters, { log })
  const peak = most()
  const names = Array.from({ length: 200 }, (_, index) => `p-${index}`)
  await Promise.all(names.map((name, index) => acme.api.client.create(pods, aPod(index % 2 ? 'shop' : 'blog', name))))
  await settled(25)
  const [held] = await waiting()
  expect(held && refusalOf(held)?.message).toBe(
    'pods: 1 asked for, 25 of 25 used by all namespaces together; it goes on when there is room',
  )
  expect(held?.status?.phase).toBe('Pending')
  await eventually(
    async () => (await acme.api.client.list<KubeObject>(events, {})).items.some(({ reason }) => reason === 'QuotaExceeded'),
    soon,
  )
  await eventually(
    async () => {
      const lease = await clusters.superApi.client.get(resourceTypes.leases, {
        name: 'berth-syncer',
        namespace: acme.controlPlaneNamespace,
      })
      return fullestOf(readQuotaUsage(lease?.metadata.annotations?.[quotaUsedAnnotation]) ?? { hard: {}, used: {} })
    },
    { ...soon, describe: 'the limits in the Lease' },
  )
  // Whoever is in the tenant may read it, and nothing else there.
  const somebody = createKubeClient(await acme.api.connectionAs('somebody'), { userAgent: 'berth-test' })
  await eventually(
    async () =>
      (await somebody.get<KubeObject>(resourceTypes.configMaps, { name: 'tenant-quota', namespace: 'kube-public' }))?.['data']
        ?.used === 'pods: 25\nrequests.cpu: 2500m\n',
    { ...soon, describe: 'the limits in the tenant' },
  )
  await expect(somebody.list(resourceTypes.configMaps, { namespace: 'kube-public' })).rejects.toThrow('forbidden')
  await somebody.close()
  const running = (await inTenant()).filter((pod) => !refusalOf(pod)).slice(0, 10)
  await Promise.all(
    running.map(({ metadata: { name = '', namespace = '' } }) => acme.api.client.delete(pods, { name, namespace })),
  )
  await eventually(async () => (await inTenant()).length === 190, soon)
  await settled(25)
  expect(await peak.stop()).toBe(25)

  await setHard({ pods: '40' })
  await settled(40)
  await setHard({ pods: '30' })
  // What is there stays; a new process, too, lets nothing in before it knows what is there.
  await syncer.stop()
  syncer = await runSyncer(clusters, { log })
  await acme.api.client.create(pods, aPod('shop', 'late'))
  await eventually(async () => (await waiting()).some(({ metadata }) => metadata.name === 'late'), soon)
  expect((await inSuper()).length).toBe(40)
  await setHard({ pods: null })
  await settled(191)
})

/** What the syncer counts. */
const counted = (): string =>
  JSON.stringify([...(syncer?.engine.tenants.values() ?? [])].map(({ side, frozen }) => [side.quota?.usage(), frozen]))

test('ConfigMaps that go down are counted, over all namespaces and by a new process too', { timeout: 120_000 }, async () => {
  const { client } = acme.api
  await setHard({ configmaps: '2' })
  syncer ??= await runSyncer(clusters, { log })
  const reading = (name: string, namespace: string): KubeObject => {
    const pod = aPod(namespace, name)
    const env = [{ name: 'A', valueFrom: { configMapKeyRef: { name, key: 'a' } } }]
    return { ...pod, spec: { ...pod.spec, containers: [{ name: 'main', image: 'web', env }] } }
  }
  const make = async (name: string, namespace: string): Promise<void> => {
    await client.create(resourceTypes.configMaps, { metadata: { name, namespace }, data: { a: '1' } })
    await client.create(pods, reading(name, namespace))
  }
  const there = async () =>
    (
      await clusters.superApi.client.list<KubeObject>(resourceTypes.configMaps, {
        labelSelector: `${tenantLabel}=${acme.ref.uid}`,
      })
    ).items.length
  const told = (name: string) =>
    eventually(
      async () =>
        (await client.list<KubeObject>(events, {})).items.some(
          ({ reason, involvedObject }) => reason === 'QuotaExceeded' && involvedObject.name === name,
        ),
      { ...soon, describe: `an Event of ${name}` },
    )
  await make('c-1', 'shop')
  await make('c-2', 'blog')
  await eventually(async () => (await there()) === 2, soon)
  await make('c-3', 'shop')
  await told('c-3')
  // Who is older is told by times in whole seconds.
  const made = Date.now()
  await eventually(() => Date.now() > made + 1_000)
  await syncer?.stop()
  syncer = await runSyncer(clusters, { log })
  await make('c-4', 'blog')
  await told('c-4')
  expect(await there()).toBe(2)
  await client.delete(pods, { name: 'c-1', namespace: 'shop' })
  await client.delete(resourceTypes.configMaps, { name: 'c-1', namespace: 'shop' })
  await eventually(
    async () => {
      const names = (await inSuper()).map(({ metadata }) => metadata.name)
      if (names.includes('c-3') && !names.includes('c-4')) return true
      // What is there and what counts, for the message.
      return Promise.reject(new Error(`${names.filter((name) => name?.startsWith('c-')).join()} ${await there()} ${counted()}`))
    },
    { deadlineMs: 15_000, describe: 'the older one goes down' },
  )
  expect(await there()).toBe(2)
  await setHard({ configmaps: null })
  await eventually(async () => (await there()) === 3, soon)
})

test('what grows has to find room as well: a Service that takes ports of the nodes, a pod that is resized', {
  timeout: 120_000,
}, async () => {
  const { client } = acme.api
  await setHard({ 'services.nodeports': '2', 'requests.cpu': '21' })
  const web = { name: 'web', namespace: 'shop' }
  const below = { name: 'web', namespace: superNamespace(acme.ref, 'shop') }
  const ports = [80, 443, 8443].map((port) => ({ name: `p-${port}`, port }))
  await client.create(services, { metadata: web, spec: { ports, selector: { app: 'web' } } })
  await eventually(() => clusters.superApi.client.get(services, below), soon)
  await client.patch(services, web, { spec: { type: 'NodePort' } })
  const told = (text: string) =>
    eventually(
      async () =>
        (await client.list<KubeObject>(events, { namespace: 'shop' })).items.some(({ message }) =>
          String(message).startsWith(text),
        ),
      { ...soon, describe: text },
    )
  await told('services.nodeports: 3 asked for, 0 of 2 used')
  expect((await clusters.superApi.client.get<KubeObject>(services, below))?.spec.type).toBe('ClusterIP')
  await setHard({ 'services.nodeports': '3' })
  await eventually(async () => (await clusters.superApi.client.get<KubeObject>(services, below))?.spec.type === 'NodePort', soon)

  const resize = (cpu: string) =>
    client.patch(
      pods,
      { name: 'late', namespace: 'shop' },
      { spec: { containers: [{ name: 'main', resources: { requests: { cpu } } }] } },
      { type: 'strategic', subresource: 'resize' },
    )
  const size = async () => (await clusters.superApi.client.get<KubeObject>(pods, late))?.spec.containers[0].resources.requests.cpu
  // Without sizes in the status the API servers take it for a node that cannot resize.
  const status = { name: 'main', resources: { requests: { cpu: '100m' } }, allocatedResources: { cpu: '100m' } }
  const late = { ...below, name: 'late' }
  await eventually(
    async () => (await clusters.superApi.client.get<KubeObject>(pods, late))?.status?.containerStatuses?.length === 1,
    soon,
  )
  await clusters.superApi.client.patch(
    pods,
    late,
    { status: { containerStatuses: [status] } },
    { type: 'strategic', subresource: 'status' },
  )
  await eventually(
    async () =>
      (await client.get<KubeObject>(pods, { name: 'late', namespace: 'shop' }))?.status?.containerStatuses?.[0]?.resources,
    soon,
  )
  await resize('5')
  await told('requests.cpu: 5 asked for, 19 of 21 used')
  expect(await size()).toBe('100m')
  await resize('2')
  await eventually(async () => (await size()) === '2', soon)
})
