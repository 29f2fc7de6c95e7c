import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { resourceTypes } from '../../src/apis/resource-types.ts'
import type { JobQueue } from '../../src/jobs/job-queue.ts'
import { openJobQueue } from '../../src/jobs/open-queue.ts'
import { addDelivery } from '../../src/jobs/webhooks/delivery.ts'
import { type EndpointRef, endpointObject } from '../../src/jobs/webhooks/endpoint.ts'
import { eventIdHeader } from '../../src/jobs/webhooks/signature.ts'
import { createLog } from '../../src/lib/log.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { startRedis } from '../../src/testing/redis-server.ts'
import { startReceiver } from '../../src/testing/webhook-receiver.ts'
import { type NodeProcess, startNodeProcess } from './node-process.ts'
import type { ByQueue, WebhookFigures } from './results.ts'
import type { Stage } from './stage.ts'
import { spreadOf } from './timing.ts'
import { type WorkerPlace, workerReady } from './webhook-worker.ts'

const endpointCount = 10
/** One event of so many is refused at first. */
const refusedOfEach = 20
const tickMs = 10
/** After the last is asked for: two pauses before a retry, and what it takes. */
const drainMs = 60_000
/** Deliveries under way, added and not answered, beyond which none is added: four seconds of them on Redis. */
const mostUnderWay = { redis: 2000, inProcess: 200 } as const
type QueueName = keyof typeof mostUnderWay

interface Endpoint extends EndpointRef {
  readonly uid: string
}

/** Endpoints of organisations of their own, that all lead to one receiver. */
const makeEndpoints = async ({ world }: Stage, name: QueueName, port: number): Promise<readonly Endpoint[]> => {
  const { kube } = world.management
  const made: Endpoint[] = []
  while (made.length < endpointCount) {
    const namespace = `hooks-${name.toLowerCase()}-${made.length}`
    await kube.create(resourceTypes.namespaces, { metadata: { name: namespace } })
    const wanted = {
      url: `http://127.0.0.1:${port}/hook`,
      events: ['*'],
      secrets: [{ value: 'a-secret-of-the-receiver', from: '2026-01-01T00:00:00Z' }],
      state: 'enabled',
    } as const
    const ref = { namespace, name: 'hook' }
    const { metadata } = await kube.create(
      resourceTypes.secrets,
      endpointObject(ref, { ...wanted, events: [...wanted.events], secrets: [...wanted.secrets] }),
    )
    made.push({ ...ref, uid: metadata.uid ?? '' })
  }
  return made
}

const body = (eventId: string): string =>
  JSON.stringify({ id: eventId, type: 'tenant.ready', organization: 'acme', tenant: 'shop', at: '2026-11-22T12:00:00Z' })

interface Deliveries {
  readonly queue: JobQueue
  readonly endpoints: readonly Endpoint[]
  readonly worker: NodeProcess
  /** Told of each event just before it is added. */
  readonly answeredMs: ReadonlyMap<string, number>
  readonly addedMs: Map<string, number>
  readonly most: number
}

/** Adds deliveries at a steady rate whatever becomes of them, but never more than may be under way. */
const addSteadily = async (deliveries: Deliveries, { options, signal }: Stage) => {
  const { queue, endpoints, worker, addedMs, answeredMs, most } = deliveries
  const { deliveriesPerSecond, deliverySeconds } = options
  const began = performance.now()
  const cpuBefore = worker.cpuSeconds()
  const adding = new Set<Promise<void>>()
  let failure: unknown
  let asked = 0
  let heldBack = 0
  for (;;) {
    signal.throwIfAborted()
    if (failure !== undefined) throw failure
    const seconds = (performance.now() - began) / 1000
    const due = Math.floor(Math.min(seconds, deliverySeconds) * deliveriesPerSecond)
    for (; asked < due; asked += 1) {
      if (addedMs.size - answeredMs.size >= most) {
        heldBack += 1
        continue
      }
      const eventId = `evt-${asked}`
      const endpoint = endpoints[asked % endpoints.length]
      if (!endpoint) throw new Error('there is no endpoint')
      addedMs.set(eventId, performance.now())
      const added = addDelivery({ ...endpoint, eventId, body: body(eventId) }, queue)
        .catch((error: unknown) => {
          failure ??= error
        })
        .finally(() => adding.delete(added))
      adding.add(added)
    }
    if (seconds >= deliverySeconds) break
    await pause(tickMs)
  }
  await Promise.all(adding)
  if (failure !== undefined) throw failure
  const elapsed = (performance.now() - began) / 1000
  return { began, asked, heldBack, cores: (worker.cpuSeconds() - cpuBefore) / elapsed, residentMiB: worker.residentMiB() }
}

const deliver = async (stage: Stage, name: QueueName, redisUrl: string | undefined): Promise<WebhookFigures> => {
  const { world, options, progress, onProfile } = stage
  const { management, folder } = world
  const addedMs = new Map<string, number>()
  const answeredMs = new Map<string, number>()
  const refused = new Set<string>()
  let twice = 0
  const receiver = await startReceiver((response, { headers }) => {
    const eventId = String(headers[eventIdHeader.toLowerCase()])
    const number = Number(eventId.slice('evt-'.length))
    if (number % refusedOfEach === 0 && !refused.has(eventId)) {
      refused.add(eventId)
      response.writeHead(503, { 'retry-after': '1' }).end()
      return
    }
    if (answeredMs.has(eventId)) twice += 1
    else answeredMs.set(eventId, performance.now())
    response.writeHead(200).end()
  })
  const placePath = join(folder, `worker-${name}.json`)
  const place: WorkerPlace = { connection: management.api.connection, ...(redisUrl !== undefined && { redisUrl }) }
  await writeFile(placePath, JSON.stringify(place), { mode: 0o600 })
  const script = join(import.meta.dirname, 'webhook-worker.ts')
  const worker = await startNodeProcess({ name: `worker-${name}`, script, args: [placePath], folder, profile: options.profile })
  const log = createLog({ process: 'bench', level: 'warn' })
  let queue: JobQueue | undefined
  try {
    const endpoints = await makeEndpoints(stage, name, receiver.port)
    await eventually(
      async () => {
        if (worker.child.exit() !== undefined) throw new Error(`the worker ended: ${await worker.child.logTail()}`)
        return (await worker.child.logTail()).includes(workerReady)
      },
      { describe: 'the worker', deadlineMs: 60_000 },
    )
    queue = await openJobQueue({ client: management.kube, redisUrl, handlers: [], log })
    await queue.start()
    progress(
      `webhooks ${name === 'redis' ? 'on Redis' : 'in-process'}: ${options.deliveriesPerSecond}/s for ${options.deliverySeconds} s`,
    )
    const run = await addSteadily({ queue, endpoints, worker, addedMs, answeredMs, most: mostUnderWay[name] }, stage)
    const end = performance.now() + drainMs
    while (answeredMs.size < addedMs.size && performance.now() < end) await pause(100, undefined, { signal: stage.signal })
    return figuresOf({ ...run, addedMs, answeredMs, refused, twice, seconds: options.deliverySeconds })
  } finally {
    await queue?.stop({ deadlineMs: 3000 })
    onProfile(`the worker, ${name}`, await worker.end())
    await receiver.stop()
  }
}

/** What was seen of one run. */
export interface Seen {
  /** `performance.now()` when the first was asked for. */
  readonly began: number
  readonly seconds: number
  readonly asked: number
  readonly heldBack: number
  readonly addedMs: ReadonlyMap<string, number>
  readonly answeredMs: ReadonlyMap<string, number>
  readonly refused: ReadonlySet<string>
  readonly twice: number
  readonly cores: number
  readonly residentMiB: number
}

/** The rate is that of the second half, in which retries of the first half come too. */
export const figuresOf = (seen: Seen): WebhookFigures => {
  const { began, seconds, asked, heldBack, addedMs, answeredMs, refused, twice, cores, residentMiB } = seen
  const from = began + seconds * 500
  const until = began + seconds * 1000
  const late = [...answeredMs.values()].filter((at) => at >= from && at < until).length
  const taken = [...answeredMs].map(([id, at]) => ({ isRetry: refused.has(id), ms: at - (addedMs.get(id) ?? Number.NaN) }))
  return {
    asked,
    heldBack,
    deliveredPerSecond: late / (seconds / 2),
    refused: refused.size,
    missing: addedMs.size - answeredMs.size,
    twice,
    firstTry: spreadOf(taken.filter(({ isRetry }) => !isRetry).map(({ ms }) => ms)),
    retried: spreadOf(taken.filter(({ isRetry }) => isRetry).map(({ ms }) => ms)),
    cores,
    residentMiB,
  }
}

/** Deliveries on Redis, then in Kubernetes objects. */
export const webhooks = async (stage: Stage): Promise<ByQueue<WebhookFigures>> => {
  const redisServer = await startRedis()
  try {
    const redis = await deliver(stage, 'redis', redisServer.url)
    return { redis, inProcess: await deliver(stage, 'inProcess', undefined) }
  } finally {
    await redisServer.stop()
  }
}
