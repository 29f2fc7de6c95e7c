import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { AppError } from '../lib/errors.ts'
import { createSyncerMetrics } from './metrics.ts'

const [one, other] = ['uid-1', 'uid-2']
const sample = { waitedSeconds: 1, workSeconds: 0.5, error: undefined }

const aScrape = () => {
  const registry = new Registry()
  const metrics = createSyncerMetrics(registry)
  return { metrics, lines: async () => (await registry.metrics()).split('\n').filter((line) => line && !line.startsWith('#')) }
}

test('counts what was worked off by result, and how long it took with the wait', async () => {
  const { metrics, lines } = aScrape()
  metrics.synced({ tenant: one, key: 'pods/shop/web' }, sample)
  metrics.synced({ tenant: one, key: 'pods/shop/web' }, { ...sample, error: new AppError('KUBE_CONFLICT', 'no', {}) })
  const seen = await lines()
  expect(seen).toContain('berth_syncer_syncs_total{tenant="uid-1",resource="pods",result="ok"} 1')
  expect(seen).toContain('berth_syncer_syncs_total{tenant="uid-1",resource="pods",result="KUBE_CONFLICT"} 1')
  expect(seen).toContain('berth_syncer_latency_seconds_sum{tenant="uid-1"} 3')
})

test('reads the queue when it is asked, and says nothing of tenants that it no longer has', async () => {
  const { metrics, lines } = aScrape()
  const depth = { waiting: 2, delayed: 1, inWork: 3, oldestMs: 1500 }
  let queue = [[one, depth] as const]
  metrics.watchQueue(() => queue)
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'berth_syncer_queue_keys{tenant="uid-1",state="waiting"} 2',
      'berth_syncer_queue_keys{tenant="uid-1",state="delayed"} 1',
      'berth_syncer_queue_keys{tenant="uid-1",state="working"} 3',
      'berth_syncer_queue_oldest_seconds{tenant="uid-1"} 1.5',
    ]),
  )
  queue = []
  expect((await lines()).filter((line) => line.includes(one))).toEqual([])
})

test('takes away all of a tenant that is forgotten, and nothing of another', async () => {
  const { metrics, lines } = aScrape()
  for (const tenant of [one, other]) {
    metrics.synced({ tenant, key: 'services/shop/web' }, sample)
    metrics.drift(tenant, 1)
    metrics.breaker(tenant, true)
    metrics.frozen(tenant, true)
  }
  metrics.forget(one)
  const seen = await lines()
  expect(seen.filter((line) => line.includes(one))).toEqual([])
  expect(seen.filter((line) => line.includes(other)).length).toBeGreaterThan(5)
})
