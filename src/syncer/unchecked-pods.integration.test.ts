import { pino } from 'pino'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aNamespace } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { policiesInForce } from '../testing/policies-in-force.ts'
import { type RunningSyncer, runSyncer } from '../testing/run-syncer.ts'
import { aTenantPod } from '../testing/sync-builders.ts'
import { type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

// A syncer that refuses no pod: a build for this test alone, no setting of the product leads to it. Super has to hold by itself, and the tenant has to be told.
vi.mock(import('./pods/refusal.ts'), async (load) => ({ ...(await load()), podRefusal: () => undefined }))

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { pods, namespaces, events } = resourceTypes
const soon = { deadlineMs: 30_000 }

let clusters: SyncClusters
let acme: SyncTenant
let syncer: RunningSyncer

beforeAll(async () => {
  clusters = await startSyncClusters(['acme'], { log })
  acme = clusters.tenants[0] as SyncTenant
  await policiesInForce(superOf())
  syncer = await runSyncer(clusters, { log })
}, 300_000)
afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)

const superOf = () => clusters.superApi.client

test.for<[name: string, spec: object, told: RegExp]>([
  ['host-path', { volumes: [{ name: 'v', hostPath: { path: '/' } }] }, /hostPath/],
  ['host-network', { hostNetwork: true }, /host namespaces|hostNetwork/],
  ['privileged', { containers: [{ name: 'main', image: 'x', securityContext: { privileged: true } }] }, /privileged/],
  [
    'added-capability',
    {
      priorityClassName: 'system-cluster-critical',
      containers: [{ name: 'main', image: 'x', securityContext: { capabilities: { add: ['SYS_ADMIN'] } } }],
    },
    /SYS_ADMIN|capability/,
  ],
])('super refuses %s, and the tenant finds out why', { timeout: 60_000 }, async ([name, spec, told]) => {
  const tenant = acme.api.client
  await tenant.create(namespaces, aNamespace({ metadata: { name } }))
  await tenant.create(pods, aTenantPod({}, { metadata: { name: 'twin', namespace: name } }))
  await tenant.create(pods, aTenantPod(spec as Record<string, unknown>, { metadata: { name: 'hostile', namespace: name } }))
  const below = superNamespace(acme.ref, name)
  await eventually(() => superOf().get(pods, { name: 'twin', namespace: below }), { ...soon, describe: 'the twin in super' })
  const event = await eventually(
    async () =>
      (await tenant.list<KubeObject>(events, { namespace: name })).items.find(
        (each) => each.involvedObject.name === 'hostile' && told.test(each.message),
      ),
    { ...soon, describe: 'the event that says why' },
  )
  expect(event.type).toBe('Warning')
  expect(await superOf().get(pods, { name: 'hostile', namespace: below })).toBeUndefined()
})
