import type { KubeClient } from '../kube/client.ts'
import type { Log } from '../lib/log.ts'
import { createInProcessQueue } from './in-process/queue.ts'
import type { JobHandler } from './job-kind.ts'
import type { JobMetrics } from './job-metrics.ts'
import type { JobQueue } from './job-queue.ts'
import { jobKinds } from './kinds.ts'

export interface OpenQueueOptions {
  readonly client: KubeClient
  /** With it jobs are in Redis, without it in Kubernetes objects. Never told. */
  readonly redisUrl?: string | undefined
  /** Of the kinds whose jobs this process runs; none for one that only adds and looks. */
  readonly handlers: readonly JobHandler[]
  readonly log: Log
  readonly metrics?: JobMetrics | undefined
}

/** The queue that an installation has chosen. Throws CONFIG_INVALID and QUEUE_UNREACHABLE for a Redis that does not do. */
export const openJobQueue = async ({ client, redisUrl, handlers, log, metrics }: OpenQueueOptions): Promise<JobQueue> => {
  const common = { kinds: jobKinds, handlers, log, metrics }
  const queue = redisUrl === undefined ? createInProcessQueue({ ...common, client }) : await openOnRedis(redisUrl, common)
  metrics?.watch(queue)
  return queue
}

// Loaded when it is used: without Redis nobody pays for its libraries.
const openOnRedis = async (url: string, common: Omit<OpenQueueOptions, 'client' | 'redisUrl'>): Promise<JobQueue> => {
  const { openBullQueue } = await import('./bullmq/queue.ts')
  return openBullQueue({ ...common, kinds: jobKinds, url })
}
