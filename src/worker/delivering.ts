import { setTimeout as sleep } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import type { JobKind } from '../jobs/job-kind.ts'
import { createJobMetrics } from '../jobs/job-metrics.ts'
import type { JobQueue } from '../jobs/job-queue.ts'
import { openJobQueue } from '../jobs/open-queue.ts'
import { createQueueDoor } from '../jobs/queue-door.ts'
import { tracedHandlers } from '../jobs/traced-handlers.ts'
import { deliveryHandler } from '../jobs/webhooks/delivery.ts'
import { createEndpointReader } from '../jobs/webhooks/endpoint-reader.ts'
import { createPoster } from '../jobs/webhooks/post.ts'
import { createDnsResolve } from '../jobs/webhooks/resolve.ts'
import type { TargetRules } from '../jobs/webhooks/target.ts'
import { backoffMs } from '../kube/backoff.ts'
import type { KubeClient } from '../kube/client.ts'
import { explainError, hasCode } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Tracing } from '../lib/tracing.ts'

export interface DeliveringOptions {
  readonly kube: KubeClient
  /** With it jobs are in Redis, without it in Kubernetes objects. Never told. */
  readonly redisUrl?: string | undefined
  /** Where webhooks may go. */
  readonly rules: TargetRules
  readonly log: Log
  readonly registry: Registry
  readonly tracing?: Tracing | undefined
  /** Other pauses and attempts than a delivery has. */
  readonly retries?: Partial<Pick<JobKind, 'attempts' | 'backoff'>>
}

/** Runs the deliveries of webhooks. */
export interface Delivering {
  /** Opens the queue and begins. Goes on trying while its store is away, until `signal` ends; throws CONFIG_INVALID for a store that does not do. */
  start(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
  /** Why nothing is delivered; undefined when it is. */
  complaint(): string | undefined
  /** For who adds deliveries. Throws QUEUE_UNREACHABLE. */
  queue(): Promise<JobQueue>
}

const triesAgain = { firstMs: 500, capMs: 15_000 }

export const createDelivering = ({ kube, redisUrl, rules, log, registry, tracing, retries }: DeliveringOptions): Delivering => {
  const poster = createPoster()
  const handler = deliveryHandler({
    client: kube,
    endpoints: createEndpointReader({ client: kube }),
    poster,
    resolve: createDnsResolve(),
    rules,
    now: () => new Date(),
  })
  const handlers = tracedHandlers([{ ...handler, kind: { ...handler.kind, ...retries } }], tracing)
  const metrics = createJobMetrics(registry)
  const door = createQueueDoor(() => openJobQueue({ client: kube, redisUrl, handlers, log, metrics }))
  let trouble: string | undefined
  return {
    start: async (signal) => {
      for (let failures = 1; !signal.aborted; failures += 1) {
        try {
          await door.queue()
          return
        } catch (error) {
          if (hasCode(error, 'CONFIG_INVALID')) throw error
          trouble = explainError(error)
          log.warn({ reason: trouble }, 'the queue cannot be opened')
          await sleep(backoffMs(failures, triesAgain), undefined, { signal }).catch(() => {})
        }
      }
    },
    stop: async () => {
      await door.close()
      poster.close()
    },
    complaint: () => (door.isOpen ? undefined : (trouble ?? 'the queue is not open yet')),
    queue: () => door.queue(),
  }
}
