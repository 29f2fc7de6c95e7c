import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { resourceTypes } from '../apis/resource-types.ts'
import { openBullQueue } from '../jobs/bullmq/queue.ts'
import { createInProcessQueue } from '../jobs/in-process/queue.ts'
import type { JobHandler, JobKind } from '../jobs/job-kind.ts'
import type { JobMetrics } from '../jobs/job-metrics.ts'
import type { JobQueue } from '../jobs/job-queue.ts'
import type { KubeConnection } from '../kube/client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { createLog } from '../lib/log.ts'
import { startApiServer } from './api-server.ts'
import { type Child, startChild } from './child.ts'
import { startRedis } from './redis-server.ts'

/** How another process reaches a queue: JSON, as it goes on its command line. */
export type QueueAddress =
  | { readonly kind: 'in-process'; readonly connection: KubeConnection; readonly namespace: string }
  | { readonly kind: 'bullmq'; readonly url: string; readonly prefix: string }

export interface OpenOptions {
  readonly kinds: readonly JobKind[]
  readonly handlers: readonly JobHandler[]
  readonly metrics?: JobMetrics
}

/** Others take over a lost job after so long, in tests. */
export const testClaimMs = 2000

/** A queue with a store of its own, as long as the test; `close` is of the client, if it has one. */
export const openAt = async (
  address: QueueAddress,
  options: OpenOptions,
): Promise<{ readonly queue: JobQueue; readonly close: () => Promise<void> }> => {
  const log = createLog({ process: 'test', level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
  if (address.kind === 'bullmq') {
    const { url, prefix } = address
    return { queue: await openBullQueue({ ...options, url, prefix, lockMs: testClaimMs, log }), close: async () => {} }
  }
  const client = createKubeClient(address.connection, { userAgent: 'berth-test' })
  const { namespace } = address
  const queue = createInProcessQueue({ ...options, client, namespace, claimMs: testClaimMs, log })
  return { queue, close: () => client.close() }
}

/** One of the stores that jobs may lie in, as a real server. */
export interface JobWorld {
  /** Places that know nothing of each other. */
  newAddress(): Promise<QueueAddress>
  /** The store is gone, from one moment to the next. */
  kill(): Promise<void>
  restart(): Promise<void>
  /** Codes of errors while it is gone. */
  readonly goneCodes: readonly string[]
  stop(): Promise<void>
}

const startKubeWorld = async (): Promise<JobWorld> => {
  const server = await startApiServer()
  return {
    newAddress: async () => {
      const namespace = `jobs-${randomUUID().slice(0, 8)}`
      await server.client.create(resourceTypes.namespaces, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: namespace },
      })
      return { kind: 'in-process', connection: server.connection, namespace }
    },
    kill: () => server.kill(),
    restart: () => server.restart(),
    goneCodes: ['KUBE_UNREACHABLE', 'KUBE_TIMEOUT'],
    stop: () => server.stop(),
  }
}

const startRedisWorld = async (): Promise<JobWorld> => {
  const server = await startRedis()
  return {
    newAddress: async () => ({ kind: 'bullmq', url: server.url, prefix: `test-${randomUUID().slice(0, 8)}` }),
    kill: () => server.kill(),
    restart: () => server.restart(),
    goneCodes: ['QUEUE_UNREACHABLE'],
    stop: () => server.stop(),
  }
}

export const jobWorlds: readonly (readonly [name: string, start: () => Promise<JobWorld>])[] = [
  ['in-process', startKubeWorld],
  ['bullmq', startRedisWorld],
]

export const testPayload = z.strictObject({ value: z.string() })

/** A kind of jobs with quick retries. */
export const aKind = (wanted: Partial<JobKind<z.output<typeof testPayload>>> = {}): JobKind<z.output<typeof testPayload>> => ({
  name: 'test',
  payload: testPayload,
  attempts: 3,
  backoff: { firstMs: 50, capMs: 200 },
  timeLimitMs: 20_000,
  concurrency: 10,
  perGroup: 4,
  ...wanted,
})

export interface WorkerProcess {
  readonly child: Child
  /** Ids of the runs it has begun. */
  begun(): Promise<readonly string[]>
  stop(): Promise<void>
}

/** A process that takes jobs of `aKind` and never ends one. */
export const startWorkerProcess = async (address: QueueAddress): Promise<WorkerProcess> => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-worker-'))
  const begunPath = join(folder, 'begun')
  const script = join(import.meta.dirname, 'job-worker.ts')
  const child = startChild(process.execPath, [script, JSON.stringify(address), begunPath], join(folder, 'log'))
  return {
    child,
    begun: async () => {
      if (child.exit() !== undefined) throw new Error(`the worker ended: ${await child.logTail()}`)
      return (await readFile(begunPath, 'utf8').catch(() => '')).split('\n').filter(Boolean)
    },
    stop: async () => {
      await child.end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
