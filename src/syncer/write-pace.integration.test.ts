import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aNamespace, aPod } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import { type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { namespaces, pods } = resourceTypes
const perSecond = 5

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let acme: SyncTenant
let globex: SyncTenant

beforeAll(async () => {
  clusters = await startSyncClusters(['acme', 'globex'], { log })
  ;[acme, globex] = clusters.tenants as [SyncTenant, SyncTenant]
  syncer = await runSyncer(clusters, { log, writesPerSecond: perSecond })
  for (const { api } of clusters.tenants) await api.client.create(namespaces, aNamespace({ metadata: { name: 'shop' } }))
  for (const tenant of clusters.tenants) {
    await makePods(tenant, 'first', 1)
    await allRunning(tenant, 1)
  }
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)

const makePods = ({ api }: SyncTenant, name: string, count: number): Promise<unknown> =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      api.client.create(pods, aPod({ metadata: { namespace: 'shop', name: `${name}-${index}` } })),
    ),
  )
const podsBelow = async ({ ref }: SyncTenant): Promise<readonly KubeObject[]> =>
  (await clusters.superApi.client.list(pods, { namespace: superNamespace(ref, 'shop') })).items
const allRunning = ({ api }: SyncTenant, count: number): Promise<unknown> =>
  eventually(
    async () => {
      const { items } = await api.client.list(pods, { namespace: 'shop' })
      const running = items.filter(({ status }) => status?.phase === 'Running').length
      return running === count || Promise.reject(new Error(`${running} of ${count} pods run`))
    },
    { deadlineMs: 90_000, describe: 'the pods' },
  )

test('a tenant that makes many pods at once gets all of them, so many in a second, and holds up nobody', {
  timeout: 180_000,
}, async () => {
  await makePods(acme, 'many', 60)
  await makePods(globex, 'one', 1)
  await allRunning(globex, 2)
  const meanwhile = (await podsBelow(acme)).length
  await allRunning(acme, 61)
  // When the other's pod ran, most of these were still to come.
  expect(meanwhile).toBeLessThan(50)
  const seconds = (await podsBelow(acme))
    .filter(({ metadata }) => metadata.name?.startsWith('many'))
    .map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? '') / 1000)
    .toSorted((a, b) => a - b)
  // Ten at once, the others each in its turn; times are whole seconds.
  expect((seconds.at(-1) ?? 0) - (seconds[0] ?? 0)).toBeGreaterThanOrEqual((60 - 2 * perSecond) / perSecond - 1)
  const report = await verifyOnce(clusters, acme)
  expect([...report.differences, ...report.moving]).toEqual([])
})

test('what is deleted at once goes, so many in a second, and nothing is left', { timeout: 120_000 }, async () => {
  for (const { metadata } of (await acme.api.client.list(pods, { namespace: 'shop' })).items)
    await acme.api.client.delete(pods, { namespace: 'shop', name: metadata.name ?? '' }, { gracePeriodSeconds: 0 })
  await eventually(async () => (await podsBelow(acme)).length === 0, {
    deadlineMs: 90_000,
    describe: 'the pods in super to be gone',
  })
})
