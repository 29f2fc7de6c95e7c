import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

// What is loaded costs memory and time: nothing of OpenTelemetry is, unless traces are wanted.
const program = `
import { registerHooks } from 'node:module'
const loaded = []
registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
const { openTracing } = await import(${JSON.stringify(join(import.meta.dirname, '../runtime/tracing.ts'))})
const tracing = await openTracing({ service: 'test', env: process.env })
console.log(JSON.stringify({ isOpen: tracing !== undefined, count: loaded.filter((url) => url.includes('@opentelemetry')).length }))`

const open = async (env: Readonly<Record<string, string>>): Promise<{ isOpen: boolean; count: number }> => {
  const args = ['--input-type=module', '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH: process.env['PATH'], ...env } })
  return JSON.parse(stdout) as { isOpen: boolean; count: number }
}

test('nothing is loaded without an endpoint', async () => {
  expect(await open({ OTEL_SERVICE_NAME: 'test', OTEL_TRACES_SAMPLER: 'always_on' })).toEqual({ isOpen: false, count: 0 })
})

test('with one it is', async () => {
  const { isOpen, count } = await open({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' })
  expect(isOpen).toBe(true)
  expect(count).toBeGreaterThan(10)
})
