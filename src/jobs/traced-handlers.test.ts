import { pino } from 'pino'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { type OpenTracing, openTracing } from '../runtime/tracing.ts'
import { startTraceReceiver, type TraceReceiver } from '../testing/trace-receiver.ts'
import { handle, type JobContext, type JobKind } from './job-kind.ts'
import { tracedHandlers } from './traced-handlers.ts'

const log = pino({ level: 'silent' })
const kind: JobKind<{ fails: boolean }> = {
  name: 'probe',
  payload: z.object({ fails: z.boolean() }),
  attempts: 1,
  backoff: { firstMs: 1, capMs: 1 },
  timeLimitMs: 1000,
  concurrency: 1,
  perGroup: 1,
}
const context: JobContext = { id: 'j1', fence: 1, group: 'acme', attempt: 2, signal: new AbortController().signal, log }

let receiver: TraceReceiver
let tracing: OpenTracing | undefined
beforeAll(async () => {
  receiver = await startTraceReceiver()
  // The exporter looks for its endpoint there itself.
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', receiver.url)
  tracing = await openTracing({ service: 'berth-test', env: process.env })
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await receiver?.stop()
})

test('each run is a trace, which fails with it; what runs within has its ids', async () => {
  const seen: unknown[] = []
  const handler = handle(kind, async ({ fails }) => {
    seen.push(tracing?.ids().trace_id)
    await Promise.resolve()
    if (fails) throw new Error('it does not do')
  })
  const [traced] = tracedHandlers([handler], tracing)
  await traced?.run({ fails: false }, context)
  await expect(traced?.run({ fails: true }, context)).rejects.toThrow('it does not do')
  expect(tracing?.ids()).toEqual({})
  await tracing?.report(log)()
  expect(receiver.spans.map(({ name, failed }) => [name, failed])).toEqual([
    ['job probe', false],
    ['job probe', true],
  ])
  expect(receiver.spans.map(({ traceId }) => traceId)).toEqual(seen)
  expect(new Set(seen).size).toBe(2)
  expect(receiver.spans[0]?.attributes).toMatchObject({ 'berth.job': 'j1', 'berth.job_kind': 'probe', 'berth.group': 'acme' })
})

test('without tracing handlers stay as they are', () => {
  const handlers = [handle(kind, async () => {})]
  expect(tracedHandlers(handlers, undefined)).toBe(handlers)
})
