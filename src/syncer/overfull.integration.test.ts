import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import { frozenAnnotation, overfullAnnotation, resumeSyncAnnotation } from '../tenancy/marks.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aNamespace, aService } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer } from '../testing/run-syncer.ts'
import { type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'
import { syncerLeaseName } from './lease.ts'

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { services, namespaces, leases, tenantControlPlanes } = resourceTypes
const soon = { deadlineMs: 60_000 }
const limits = { perTenant: 3 * 2 ** 20, all: 20 * 2 ** 20 }

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let acme: SyncTenant
let globex: SyncTenant

beforeAll(async () => {
  clusters = await startSyncClusters(['acme', 'globex'], { log })
  ;[acme, globex] = clusters.tenants as [SyncTenant, SyncTenant]
  syncer = await runSyncer(clusters, { log, cacheLimits: limits })
  for (const { api } of [acme, globex]) await api.client.create(namespaces, aNamespace({ metadata: { name: 'shop' } }))
}, 300_000)
afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)

const superOf = () => clusters.superApi.client
const service = ({ api }: SyncTenant, name: string, annotations: Record<string, string> = {}) =>
  api.client.create(services, aService({ metadata: { name, namespace: 'shop', annotations } }))
const isDown = ({ ref }: SyncTenant, name: string) =>
  eventually(() => superOf().get(services, { name, namespace: superNamespace(ref, 'shop') }), {
    ...soon,
    describe: `Service ${name} of ${ref.name} in super`,
  })
const marks = async ({ controlPlaneNamespace }: SyncTenant) =>
  (await superOf().get(leases, { name: syncerLeaseName, namespace: controlPlaneNamespace }))?.metadata.annotations ?? {}
const giant = { note: 'x'.repeat(200 * 1024) }
const giants = Array.from({ length: 16 }, (_, index) => `giant-${index}`)

test('a tenant with more than may be kept of it is frozen, and its neighbour is served on', async () => {
  await service(acme, 'before')
  await isDown(acme, 'before')
  for (const name of giants) await service(acme, name, giant)
  const frozen = await eventually(async () => (await marks(acme))[frozenAnnotation], { ...soon, describe: 'the freeze' })
  expect(frozen).toMatch(/more than the syncer keeps of one tenant \(3 MiB so far\): delete some/)
  expect((await marks(acme))[overfullAnnotation]).toBe('true')
  await service(globex, 'beside')
  await isDown(globex, 'beside')
  expect(await isDown(acme, 'before')).toBeDefined()
  expect((await marks(globex))[frozenAnnotation]).toBeUndefined()
}, 180_000)

test('another process that takes it over lists nothing of it', async () => {
  await syncer?.stop()
  const connected: string[] = []
  syncer = await runSyncer(clusters, { log, cacheLimits: limits, onList: (server) => connected.push(server) })
  await service(globex, 'after')
  await isDown(globex, 'after')
  const renewed = async () =>
    (await superOf().get(leases, { name: syncerLeaseName, namespace: acme.controlPlaneNamespace }))?.spec
  await eventually(async () => (await renewed())?.holderIdentity === 'test', { ...soon, describe: 'its Lease to be held' })
  expect(connected).toContain(globex.api.connection.server)
  expect(connected).not.toContain(acme.api.connection.server)
}, 180_000)

test("with less in it, the operator's word brings it back", async () => {
  for (const name of giants) await acme.api.client.delete(services, { name, namespace: 'shop' })
  const word = { metadata: { annotations: { [resumeSyncAnnotation]: 'it has deleted them' } } }
  const { name, namespace } = acme.ref
  await superOf().patch(tenantControlPlanes, { name, namespace }, word)
  await service(acme, 'again')
  await isDown(acme, 'again')
  expect(await marks(acme)).not.toMatchObject({ [frozenAnnotation]: expect.anything() })
  expect(await marks(acme)).not.toMatchObject({ [overfullAnnotation]: expect.anything() })
}, 180_000)
