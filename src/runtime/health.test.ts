import { Counter } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { type HealthServer, startHealthServer } from './health.ts'
import { createMetrics } from './metrics.ts'

let server: HealthServer | undefined
afterEach(() => server?.stop())

const ask = async (path: string, method = 'GET') => {
  const response = await fetch(`http://127.0.0.1:${server?.port}${path}`, { method })
  return { status: response.status, body: await response.text() }
}

test('says which check fails and why', async () => {
  let ready = false
  server = await startHealthServer({
    port: 0,
    host: '127.0.0.1',
    live: { loop: () => undefined },
    ready: {
      informers: async () => (ready ? undefined : 'pods not listed'),
      broken: () => {
        if (!ready) throw new Error('boom')
        return undefined
      },
    },
  })
  expect(await ask('/healthz')).toEqual({ status: 200, body: '[+] loop ok\nok\n' })
  expect(await ask('/readyz')).toEqual({ status: 503, body: '[-] informers: pods not listed\n[-] broken: boom\nnot ok\n' })
  ready = true
  expect((await ask('/readyz?x=1')).status).toBe(200)
})

test('does not wait for a check that hangs', async () => {
  server = await startHealthServer({ port: 0, host: '127.0.0.1', ready: { stuck: () => new Promise(() => {}) } })
  expect((await ask('/readyz')).body).toContain('stuck: no answer within 2000 ms')
})

test('gives the metrics of the process, and nothing else', async () => {
  const registry = createMetrics({ process: 'test', defaults: false })
  new Counter({ name: 'berth_things_total', help: 'Things', registers: [registry] }).inc(3)
  server = await startHealthServer({ port: 0, host: '127.0.0.1', registry })
  expect((await ask('/metrics')).body).toContain('berth_things_total{process="test"} 3')
  expect([(await ask('/')).status, (await ask('/healthz', 'POST')).status]).toEqual([404, 405])
})
