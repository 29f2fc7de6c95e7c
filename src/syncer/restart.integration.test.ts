import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { hasCode } from '../lib/errors.ts'
import { tenantLabel } from '../tenancy/marks.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aNamespace, aPod } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import { type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { namespaces, pods, services, configMaps } = resourceTypes

/** One thing that somebody does. Numbers choose among few names, so that changes meet. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('tenant: put Service' as const), which: fc.nat(3), value: fc.nat(99) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('tenant: delete Service' as const), which: fc.nat(3), value: fc.nat(99) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('tenant: put ConfigMap' as const), which: fc.nat(2), value: fc.nat(99) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('tenant: new pod' as const), which: fc.nat(2), value: fc.nat(99) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('tenant: delete a pod' as const), which: fc.nat(9), value: fc.nat(99) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('super: balancer address' as const), which: fc.nat(3), value: fc.nat(99) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('super: spoil Service' as const), which: fc.nat(3), value: fc.nat(99) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('super: unlabel Service' as const), which: fc.nat(3), value: fc.nat(99) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('super: delete Service' as const), which: fc.nat(3), value: fc.nat(99) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('super: delete ConfigMap' as const), which: fc.nat(2), value: fc.nat(99) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('super: delete a pod' as const), which: fc.nat(9), value: fc.nat(99) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('syncer' as const), which: fc.nat(1), value: fc.nat(99) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('tenant API server' as const), which: fc.nat(1), value: fc.nat(99) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), which: fc.nat(1), value: fc.nat(99) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** The same stories each time; another number tells others. This one has a Service that loses its label, and its tenant object, while nobody looks. */
const seed = Number(process.env['BERTH_TEST_SEED'] ?? 298_671)
const rounds = 5
const stories = fc.sample(fc.array(step, { minLength: 40, maxLength: 60, size: 'max' }), { numRuns: rounds, seed })

let clusters: SyncClusters
let acme: SyncTenant
let syncer: RunningSyncer | undefined

beforeAll(async () => {
  clusters = await startSyncClusters(['acme'], { log })
  acme = clusters.tenants[0] as SyncTenant
}, 300_000)
afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)

/** What has to be so in the end, whoever was away when it was said. */
interface Expected {
  /** Selector value by Service. */
  readonly services: Map<string, string>
  readonly configMaps: Map<string, string>
  /** True: it must be there; false: super ended it, so that it may have come to its end or, if nobody knew of it yet, have been made again. */
  readonly pods: Map<string, boolean>
  /** Services from which somebody in super took the label: without a tenant's object they are nobody's, and stay. */
  readonly unlabelled: Set<string>
  /** Address that super's balancer gave, and to which Service in super. */
  readonly addresses: Map<string, { readonly ip: string; readonly uid: string | undefined }>
}

const play = async (story: readonly Step[], namespace: string): Promise<Expected> => {
  const expected: Expected = {
    services: new Map(),
    configMaps: new Map(),
    pods: new Map(),
    unlabelled: new Set(),
    addresses: new Map(),
  }
  const tenant = acme.api.client
  const superClient = clusters.superApi.client
  const below = superNamespace(acme.ref, namespace)
  let away = false
  let serial = 0
  const alive = () => [...expected.pods].filter(([, there]) => there).map(([name]) => name)

  const act = async ({ do: what, which, value }: Step): Promise<void> => {
    const text = `v${value}`
    const ref = { name: `service-${which}`, namespace: below }
    switch (what) {
      case 'tenant: put Service': {
        const name = `service-${which}`
        const spec = { type: 'LoadBalancer', selector: { app: text }, ports: [{ port: 80 }] }
        if (expected.services.has(name)) await tenant.patch(services, { name, namespace }, { spec: { selector: { app: text } } })
        else await tenant.create(services, { metadata: { name, namespace }, spec })
        expected.services.set(name, text)
        return
      }
      case 'tenant: delete Service':
        await tenant.delete(services, { name: `service-${which}`, namespace })
        expected.services.delete(`service-${which}`)
        expected.addresses.delete(`service-${which}`)
        return
      case 'tenant: put ConfigMap': {
        const name = `config-${which}`
        if (expected.configMaps.has(name)) await tenant.patch(configMaps, { name, namespace }, { data: { key: text } })
        else await tenant.create(configMaps, { metadata: { name, namespace }, data: { key: text } })
        expected.configMaps.set(name, text)
        return
      }
      case 'tenant: new pod': {
        const name = `pod-${serial++}`
        const configMapKeyRef = { name: `config-${which}`, key: 'key', optional: true }
        const containers = [
          { name: 'main', image: 'registry.example/web:1', env: [{ name: 'A', valueFrom: { configMapKeyRef } }] },
        ]
        await tenant.create(pods, aPod({ metadata: { name, namespace }, spec: { containers } }))
        expected.pods.set(name, true)
        return
      }
      case 'tenant: delete a pod': {
        const name = alive()[which]
        if (name === undefined) return
        await tenant.delete(pods, { name, namespace }, { gracePeriodSeconds: value % 2 })
        expected.pods.delete(name)
        return
      }
      case 'super: balancer address': {
        const ip = `192.0.2.${value + 1}`
        const status = { loadBalancer: { ingress: [{ ip }] } }
        const { metadata } = await superClient.patch<KubeObject>(services, ref, { status }, { subresource: 'status' })
        if (expected.services.has(ref.name)) expected.addresses.set(ref.name, { ip, uid: metadata.uid })
        return
      }
      case 'super: spoil Service':
        await superClient.patch(services, ref, { spec: { selector: { app: 'spoilt' } } })
        return
      case 'super: unlabel Service':
        await superClient.patch(services, ref, { metadata: { labels: { [tenantLabel]: null } } }, { type: 'merge' })
        expected.unlabelled.add(ref.name)
        return
      case 'super: delete Service':
        await superClient.delete(services, ref)
        return
      case 'super: delete ConfigMap':
        await superClient.delete(configMaps, { name: `config-${which}`, namespace: below })
        return
      case 'super: delete a pod': {
        const name = alive()[which]
        if (name !== undefined && (await superClient.delete(pods, { name, namespace: below }, { gracePeriodSeconds: 0 })))
          expected.pods.set(name, false)
        return
      }
      case 'wait':
        await sleep(value * 4)
        return
      case 'syncer':
        if (syncer) {
          await syncer.stop()
          syncer = undefined
        } else syncer = await runSyncer(clusters, { log })
        return
      case 'tenant API server':
        if (away) await acme.api.restart()
        else await acme.api.kill()
        away = !away
    }
  }

  for (const action of story) {
    if (away && action.do.startsWith('tenant: ')) continue
    await act(action).catch((error: unknown) => {
      // What is to be changed in super has not come down yet.
      if (!action.do.startsWith('super: ') || !hasCode(error, 'KUBE_NOT_FOUND')) throw error
    })
  }
  if (away) await acme.api.restart()
  syncer ??= await runSyncer(clusters, { log })
  return expected
}

test.for(stories.map((story, index): [number, readonly Step[]] => [index, story]))(
  `nothing that either side said is lost by who is away, story %i of seed ${seed}`,
  { timeout: 240_000 },
  async ([index, story]) => {
    const namespace = `story-${index}`
    const tenant = acme.api.client
    const superClient = clusters.superApi.client
    const below = superNamespace(acme.ref, namespace)
    syncer ??= await runSyncer(clusters, { log })
    await tenant.create(namespaces, aNamespace({ metadata: { name: namespace } }))
    const expected = await play(story, namespace)

    await eventually(
      async () => {
        const { differences, moving } = await verifyOnce(clusters, acme)
        return differences.length + moving.length === 0 || Promise.reject(new Error(JSON.stringify([...differences, ...moving])))
      },
      { deadlineMs: 90_000, describe: 'two sides that agree' },
    )
    const selectors = async (client: typeof tenant, of: string) =>
      Object.fromEntries(
        (await client.list<KubeObject>(services, { namespace: of })).items.map(({ metadata, spec }) => [
          metadata.name,
          spec.selector.app,
        ]),
      )
    expect(await selectors(tenant, namespace)).toEqual(Object.fromEntries(expected.services))
    const stray = ([name]: [string, unknown]): boolean => expected.unlabelled.has(name) && !expected.services.has(name)
    const inSuper = Object.entries(await selectors(superClient, below)).filter((entry) => !stray(entry))
    expect(Object.fromEntries(inSuper)).toEqual(Object.fromEntries(expected.services))
    for (const [name, { ip, uid }] of expected.addresses) {
      const superService = await superClient.get<KubeObject>(services, { name, namespace: below })
      const own = await tenant.get<KubeObject>(services, { name, namespace })
      if (superService?.metadata.uid === uid) expect(own?.['status'].loadBalancer.ingress).toMatchObject([{ ip }])
    }
    const names = async (client: typeof tenant, of: string) =>
      (await client.list<KubeObject>(pods, { namespace: of })).items.map(({ metadata }) => metadata.name ?? '').toSorted()
    const left = await names(tenant, namespace)
    expect(left).toEqual(await names(superClient, below))
    expect(left.filter((name) => expected.pods.get(name) === undefined)).toEqual([])
    for (const [name, there] of expected.pods) if (there) expect(left).toContain(name)
    for (const { metadata, data } of (await superClient.list<KubeObject>(configMaps, { namespace: below })).items)
      expect(data.key).toBe(expected.configMaps.get(metadata.name ?? ''))
  },
)
