import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resourceTypes } from '../../apis/resource-types.ts'
import { openBullQueue } from '../../jobs/bullmq/queue.ts'
import { createInProcessQueue } from '../../jobs/in-process/queue.ts'
import type { JobQueue } from '../../jobs/job-queue.ts'
import { jobKinds } from '../../jobs/kinds.ts'
import { webhookDelivery } from '../../jobs/webhooks/delivery-kind.ts'
import { AppError } from '../../lib/errors.ts'
import { systemNamespace } from '../../tenancy/names.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import { eventually } from '../../testing/eventually.ts'
import { type RedisServer, startRedis } from '../../testing/redis-server.ts'
import { runCli } from '../program.ts'

// The commands against real stores that hold dead letters of a process that ran before.
const log = pino({ level: 'silent' })
let server: TestApiServer
let redis: RedisServer
beforeAll(async () => {
  ;[server, redis] = await Promise.all([startApiServer(), startRedis()])
  const metadata = { name: systemNamespace }
  await server.client.create(resourceTypes.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata })
})
afterAll(() => Promise.all([server?.stop(), redis?.stop()]))

const handler = { kind: webhookDelivery, run: () => Promise.reject(new AppError('WEBHOOK_REFUSED', 'example.com is private')) }
const stores: readonly (readonly [name: string, open: () => Promise<JobQueue>, env: () => Record<string, string>])[] = [
  ['objects', async () => createInProcessQueue({ client: server.client, kinds: jobKinds, handlers: [handler], log }), () => ({})],
  ['Redis', () => openBullQueue({ url: redis.url, kinds: jobKinds, handlers: [handler], log }), () => ({ REDIS_URL: redis.url })],
]

describe.each(stores)('berth jobs, with jobs in %s', (_name, open, envOf) => {
  const berth = async (...args: readonly string[]) => {
    const [out, err]: [string[], string[]] = [[], []]
    const code = await runCli(
      ['jobs', ...args],
      {
        env: { KUBECONFIG: server.kubeconfigPath, ...envOf() },
        stdin: Readable.from([]),
        stdout: { write: (text) => void out.push(text) },
        stderr: { write: (text) => void err.push(text) },
        signal: new AbortController().signal,
        now: Date.now,
        explainChange: async () => [],
        explainObject: () => Promise.reject(new Error('not asked for')),
        diagnose: async () => [],
        verify: () => Promise.reject(new Error('not asked for')),
      },
      { version: '1.2.3' },
    )
    return { code, out: out.join(''), err: err.join('') }
  }

  test('lists, replays and discards', async () => {
    expect(await berth('list')).toEqual({ code: 0, out: '', err: 'there are no jobs\n' })
    const queue = await open()
    await queue.start()
    const delivery = { namespace: 'org-a', name: 'hook', uid: randomUUID(), eventId: 'e1', body: '{}' }
    const { id } = await queue.add(webhookDelivery, delivery, { group: 'org-a' })
    await eventually(async () => (await queue.list({ states: ['dead'] })).length === 1)
    await queue.stop()

    const listed = await berth('list', '--state', 'dead')
    expect(listed.out).toMatch(new RegExp(`${id} +webhook-delivery +org-a +dead +1 +\\d+s +example\\.com is private`))
    expect(JSON.parse((await berth('list', '-o', 'json')).out)).toMatchObject({ items: [{ id, payload: delivery }] })
    expect(await berth('retry', id)).toEqual({ code: 0, out: '', err: '' })
    expect((await berth('list', '--state', 'waiting', '-o', 'name')).out).toBe(`${id}\n`)
    expect(await berth('retry', id)).toMatchObject({ code: 4, err: expect.stringContaining('is no dead letter') })
    expect(await berth('discard', id)).toEqual({ code: 0, out: '', err: '' })
    expect(await berth('discard', id)).toMatchObject({ code: 3, err: expect.stringContaining(`there is no job ${id}`) })
    expect((await berth('list')).out).toBe('')
  })

  test('refuses a state that is none', async () => {
    expect(await berth('list', '--state', 'lost')).toMatchObject({ code: 2 })
  })
})

test('a Redis that cannot be reached is told, without its password', async () => {
  const gone = await startRedis()
  await gone.stop()
  const lines: string[] = []
  const url = gone.url.replace('redis://', 'redis://:a-secret-of-redis@')
  const opened = openBullQueue({ url, kinds: jobKinds, handlers: [], log: pino({}, { write: (line) => void lines.push(line) }) })
  const error = await opened.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({ code: 'QUEUE_UNREACHABLE', message: expect.stringContaining('Redis: cannot connect') })
  expect(`${lines.join('')}${JSON.stringify(error)}${String(error)}`).not.toContain('a-secret-of-redis')
})

test.for(['allkeys-lru', 'volatile-ttl'])('a Redis that drops keys (%s) is refused, with what to set', async (policy) => {
  const careless = await startRedis({ policy })
  const opened = openBullQueue({ url: careless.url, kinds: jobKinds, handlers: [], log })
  await expect(opened).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(new RegExp(`maxmemory-policy is ${policy}.*set maxmemory-policy noeviction`)),
  })
  await careless.stop()
})

test.for(['localhost:6379', 'http://localhost:6379', 'not a url'])('REDIS_URL %s is refused', async (url) => {
  await expect(openBullQueue({ url, kinds: jobKinds, handlers: [], log })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})
