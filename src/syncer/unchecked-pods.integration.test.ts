import { pino } from 'pino'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aNamespace } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { policiesInForce } from '../testing/policies-in-force.ts'
import { hostAccess } from '../testing/raw-writes.ts'
import { type RunningSyncer, runSyncer } from '../testing/run-syncer.ts'
import { aTenantPod } from '../testing/sync-builders.ts'
import { type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

// A syncer that refuses no pod and narrows no debug container: a build for this test alone, no setting of the product leads to it. Pod Security admission is off
// too. Super's policies have to hold by themselves, and the tenant has to be told.
vi.mock(import('./pods/refusal.ts'), async (load) => ({ ...(await load()), podRefusal: () => undefined }))
vi.mock(import('./pods/hardening.ts'), async (load) => ({
  ...(await load()),
  withinRules: <T>(container: T) => ({ container, left: [] }),
}))

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { pods, namespaces, events } = resourceTypes
const soon = { deadlineMs: 30_000 }

/** Without what the translation never writes, refused or not: a priority of the system. */
const rows = hostAccess
  .filter(({ name }) => name !== 'the priority of the system')
  .map((row) => [row.name.toLowerCase().replace(/\W+/g, '-'), row] as const)

/** That of a volume by address is a claim, whose pod waits until something binds it; here nothing does. */
const twinOf = (name: string, harmless: object): Record<string, unknown> => (name === 'nfs' ? {} : { ...harmless })

let clusters: SyncClusters
let acme: SyncTenant
let syncer: RunningSyncer

beforeAll(async () => {
  clusters = await startSyncClusters(['acme'], { log, superFlags: ['--disable-admission-plugins=PodSecurity'] })
  acme = clusters.tenants[0] as SyncTenant
  await policiesInForce(superOf())
  syncer = await runSyncer(clusters, { log })
  const tenant = acme.api.client
  await tenant.create(namespaces, aNamespace({ metadata: { name: 'shop' } }))
  // All at once: most of the time of each is waiting.
  await Promise.all(
    rows.flatMap(([name, { hostile, harmless = {} }]) => [
      tenant.create(pods, aTenantPod(twinOf(name, harmless), { metadata: { name: `${name}-twin` } })),
      tenant.create(pods, aTenantPod(hostile, { metadata: { name } })),
    ]),
  )
}, 300_000)
afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)

const superOf = () => clusters.superApi.client

const below = () => superNamespace(acme.ref, 'shop')

/** The Event by which the tenant finds out about its pod. */
const toldOf = (pod: string, told: RegExp): Promise<KubeObject> =>
  eventually(
    async () =>
      (await acme.api.client.list<KubeObject>(events, { namespace: 'shop' })).items.find(
        (each) => each.involvedObject.name === pod && told.test(each.message),
      ),
    { ...soon, describe: 'the event that says why' },
  )

test.for(rows)('super refuses %s, and the tenant finds out why', { timeout: 90_000 }, async ([name, { told }]) => {
  await eventually(() => superOf().get(pods, { name: `${name}-twin`, namespace: below() }), {
    ...soon,
    describe: 'the twin in super',
  })
  expect((await toldOf(name, told)).type).toBe('Warning')
  expect(await superOf().get(pods, { name, namespace: below() })).toBeUndefined()
})

test('super refuses a privileged debug container, and lets a plain one in', { timeout: 90_000 }, async () => {
  for (const [pod, container] of [
    ['debugged', { name: 'debugger', image: 'registry.example/web:1' }],
    ['attacked', { name: 'debugger', image: 'registry.example/web:1', securityContext: { privileged: true } }],
  ] as const) {
    await acme.api.client.create(pods, aTenantPod({}, { metadata: { name: pod } }))
    await eventually(() => superOf().get(pods, { name: pod, namespace: below() }), { ...soon, describe: `${pod} in super` })
    await acme.api.client.patch(
      pods,
      { name: pod, namespace: 'shop' },
      { spec: { ephemeralContainers: [container] } },
      { type: 'strategic', subresource: 'ephemeralcontainers' },
    )
  }
  const debuggers = async (name: string) =>
    (await superOf().get<KubeObject>(pods, { name, namespace: below() }))?.spec?.ephemeralContainers ?? []
  await eventually(async () => (await debuggers('debugged')).length === 1, { ...soon, describe: 'the plain one in super' })
  await toldOf('attacked', /privileged/)
  expect(await debuggers('attacked')).toEqual([])
})
