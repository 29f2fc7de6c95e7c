import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { createJobMetrics } from './job-metrics.ts'
import type { JobCounts } from './job-queue.ts'

const counts: readonly JobCounts[] = [
  { kind: 'webhook-delivery', counts: { waiting: 3, delayed: 2, running: 1, dead: 4 }, oldestMs: 1500 },
]

test('depths are asked for when metrics are read, once for all of them', async () => {
  const registry = new Registry()
  let asked = 0
  createJobMetrics(registry).watch({
    counts: async () => {
      asked += 1
      return counts
    },
  })
  expect(asked).toBe(0)
  const text = await registry.metrics()
  expect(text).toContain('berth_jobs{kind="webhook-delivery",state="waiting"} 3')
  expect(text).toContain('berth_jobs{kind="webhook-delivery",state="dead"} 4')
  expect(text).toContain('berth_job_oldest_seconds{kind="webhook-delivery"} 1.5')
  expect(asked).toBe(1)
})

test('a store that cannot be asked leaves depths out, and the rest in', async () => {
  const registry = new Registry()
  const metrics = createJobMetrics(registry)
  let isGone = false
  metrics.watch({ counts: async () => (isGone ? Promise.reject(new Error('gone')) : counts) })
  await registry.metrics()
  isGone = true
  metrics.ran({ kind: 'test', outcome: { kind: 'dead', reason: 'x', code: 'SPEC_INVALID' }, seconds: 0.2 })
  const text = await registry.metrics()
  expect(text).not.toContain('berth_jobs{')
  expect(text).toContain('berth_job_failures_total{kind="test",code="SPEC_INVALID"} 1')
  expect(text).toContain('berth_job_run_seconds_count{kind="test",outcome="dead"} 1')
})

test('runs that were done, stopped or lost are no failures', async () => {
  const registry = new Registry()
  const metrics = createJobMetrics(registry)
  for (const kind of ['done', 'stopped', 'lost'] as const) metrics.ran({ kind: 'test', outcome: { kind }, seconds: 0.2 })
  expect(await registry.metrics()).not.toContain('berth_job_failures_total{')
})
