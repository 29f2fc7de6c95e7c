import { join } from 'node:path'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openJobQueue } from '../jobs/open-queue.ts'
import { createQueueDoor } from '../jobs/queue-door.ts'
import { verifySignature } from '../jobs/webhooks/signature.ts'
import { type ApiProcess, type ApiWorld, startApiWorld } from '../testing/api-world.ts'
import { type Child, startChild } from '../testing/child.ts'
import { eventually } from '../testing/eventually.ts'
import { freePorts } from '../testing/ports.ts'
import { type RedisServer, startRedis } from '../testing/redis-server.ts'
import { type Received, startReceiver } from '../testing/webhook-receiver.ts'

// The process as it is run, killed in the middle of its work.
let world: ApiWorld
let redis: RedisServer
beforeAll(async () => {
  ;[world, redis] = await Promise.all([startApiWorld(), startRedis()])
}, 300_000)
afterAll(async () => {
  await world?.stop()
  await redis?.stop()
})

const startApi = async (redisUrl: string | undefined): Promise<{ api: ApiProcess; close: () => Promise<void> }> => {
  const log = pino({ level: 'silent' })
  const door = createQueueDoor(() => openJobQueue({ client: world.kube, redisUrl, handlers: [], log }))
  const rules = { allowed: ['127.0.0.0/8'], refused: [], allowHttp: true }
  return { api: await world.start({ webhooks: { queue: () => door.queue(), rules } }), close: () => door.close() }
}
// The present time: what a worker meets as old news is told to no webhook that is younger than it.
const readyNow = () => {
  const lastTransitionTime = `${new Date().toISOString().slice(0, 19)}Z`
  return { conditions: [{ type: 'Ready', status: 'True', reason: 'Serving', message: 'm', lastTransitionTime }] }
}

describe.each(['objects', 'redis'] as const)('the worker, its jobs in %s', (place) => {
  let child: Child | undefined
  let healthPort: number | undefined
  const start = (): Child =>
    startChild(
      'env',
      [
        ...(place === 'redis' ? [`REDIS_URL=${redis.url}`] : ['-u', 'REDIS_URL']),
        process.execPath,
        join(import.meta.dirname, 'worker.ts'),
        `--kubeconfig=${world.api.kubeconfigPath}`,
        `--health-port=${healthPort}`,
        '--identity=worker-0',
        '--webhook-allow-http=true',
        '--webhook-allowed-cidrs=127.0.0.0/8',
      ],
      join(world.api.folder, `worker-${place}.log`),
    )
  const isReady = async () => {
    if (child?.exit() !== undefined) throw new Error(`the worker ended: ${await child.logTail()}`)
    const answer = await fetch(`http://127.0.0.1:${healthPort}/readyz`, { signal: AbortSignal.timeout(2000) })
    return answer.status === 200
  }
  beforeAll(async () => {
    ;[healthPort] = await freePorts(1)
  })
  afterAll(() => child?.end())

  test('killed between the event and its delivery, it delivers when it is back: the same id, taken once', async () => {
    const { api, close } = await startApi(place === 'redis' ? redis.url : undefined)
    let isBroken = true
    const taken: Received[] = []
    const receiver = await startReceiver((response, received) => {
      if (!isBroken) taken.push(received)
      response.writeHead(isBroken ? 503 : 200).end()
    })
    try {
      child = start()
      await eventually(isReady, { deadlineMs: 30_000, describe: 'the worker to be ready' })
      const at = `/v1/organizations/signups-${place}`
      await api.ask('POST', '/v1/organizations', { body: { name: `signups-${place}` } })
      const url = `http://127.0.0.1:${receiver.port}/hook`
      const { body: hook } = await api.ask('POST', `${at}/webhooks`, { body: { url, events: ['tenant.ready'] } })
      await api.ask('POST', `${at}/tenants`, { body: { name: 'shop' } })
      await world.setStatus(`signups-${place}`, 'shop', readyNow())
      const waiting = async () => (await api.ask('GET', `${at}/webhook-deliveries`)).body.items
      const [delivery] = await eventually(
        async () => {
          const items = await waiting()
          return items.length === 1 && items[0].failures === 1 && items[0].state === 'delayed' ? items : undefined
        },
        // The lease of a worker that had no time to give it back has to run out first.
        { describe: 'a first try to have failed', deadlineMs: 60_000 },
      )
      await child.end('SIGKILL')
      isBroken = false
      child = start()
      await eventually(() => taken.length === 1, { describe: 'the delivery', deadlineMs: 45_000 })
      await eventually(async () => (await waiting()).length === 0, { describe: 'the end of the delivery' })
      const [one] = taken
      expect(one?.headers['berth-event-id']).toBe(delivery.eventId)
      expect(taken).toHaveLength(1)
      const header = String(one?.headers['berth-signature'])
      const input = { header, body: one?.body ?? '', nowSeconds: Date.now() / 1000 }
      expect(verifySignature({ ...input, secrets: [hook.secret] })).toMatchObject({ kind: 'valid' })
    } finally {
      await receiver.stop()
      await close()
    }
  }, 120_000)

  const tellsAgain = async () => {
    const { api, close } = await startApi(redis.url)
    let isBroken = true
    const ids: unknown[] = []
    const receiver = await startReceiver((response, { headers }) => {
      if (!isBroken) ids.push(headers['berth-event-id'])
      response.writeHead(isBroken ? 503 : 200).end()
    })
    const commands = new Redis(redis.url)
    try {
      const at = '/v1/organizations/forgotten'
      await api.ask('POST', '/v1/organizations', { body: { name: 'forgotten' } })
      await api.ask('POST', `${at}/webhooks`, {
        body: { url: `http://127.0.0.1:${receiver.port}/`, events: ['tenant.created'] },
      })
      await api.ask('POST', `${at}/tenants`, { body: { name: 'shop' } })
      const waiting = async () => (await api.ask('GET', `${at}/webhook-deliveries`)).body.items
      const [delivery] = await eventually(
        async () => {
          const items = await waiting()
          return items[0]?.failures === 1 ? items : undefined
        },
        // The lease of a worker that had no time to give it back has to run out first.
        { describe: 'a first try to have failed', deadlineMs: 60_000 },
      )
      await child?.end('SIGKILL')
      await commands.flushall()
      expect(await waiting()).toEqual([])
      isBroken = false
      child = start()
      await eventually(() => ids.length === 1, { describe: 'the delivery', deadlineMs: 30_000 })
      expect(ids).toEqual([delivery.eventId])
    } finally {
      commands.disconnect()
      await receiver.stop()
      await close()
    }
  }
  if (place === 'redis') test('a Redis whose data are gone is told again what happened, under the same id', tellsAgain, 90_000)

  test('says how its jobs are', async () => {
    const answer = await fetch(`http://127.0.0.1:${healthPort}/metrics`, { signal: AbortSignal.timeout(5000) })
    const text = await answer.text()
    expect(text).toMatch(/berth_jobs\{kind="webhook-delivery",state="dead".*\} 0/)
    expect(text).not.toContain('signups')
  })

  test('stops in good order', async () => {
    await child?.end('SIGTERM')
    expect(child?.exit()).toBe('code 0')
  })
})
