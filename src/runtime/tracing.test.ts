import { expect, test } from 'vitest'
import { openTracing } from './tracing.ts'

// Nobody listens there, and nothing is sent before the test is over.
const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }

test('what a span has left behind is not of it once it has ended', async () => {
  const tracing = await openTracing({ service: 'test', env })
  if (!tracing) throw new Error('traces are wanted')
  const { promise: over, resolve } = Promise.withResolvers<void>()
  let left: Promise<unknown> | undefined
  await tracing.run('round', {}, async () => {
    expect(tracing.isKept).toBe(true)
    expect(tracing.traceparent()).toBe(`00-${tracing.ids().trace_id}-${tracing.ids().span_id}-01`)
    left = over.then(() => ({ ids: tracing.ids(), isKept: tracing.isKept, traceparent: tracing.traceparent() }))
  })
  resolve()
  expect(await left).toEqual({ ids: {}, isKept: false, traceparent: undefined })
})

test('work within work is of the same trace; work with no caller begins its own', async () => {
  const tracing = await openTracing({ service: 'test', env })
  await tracing?.run('outer', {}, async () => {
    const outer = tracing.ids()
    await tracing.run('inner', {}, async () => {
      expect(tracing.ids().trace_id).toBe(outer.trace_id)
      expect(tracing.ids().span_id).not.toBe(outer.span_id)
    })
    await tracing.run('another', { caller: {} }, async () => expect(tracing.ids().trace_id).not.toBe(outer.trace_id))
    expect(tracing.ids()).toEqual(outer)
  })
  expect.assertions(4)
})
