import type { JobQueue } from '../jobs/job-queue.ts'
import type { TargetRules } from '../jobs/webhooks/target.ts'
import type { KubeClient, KubeConnection } from '../kube/client.ts'
import type { Log } from '../lib/log.ts'
import type { ApiCaches } from './caches.ts'

/** How much one organisation, or one key of the platform, may ask for. */
export interface RateLimits {
  /** Requests in one second, for long. */
  readonly perSecond: number
  /** Requests at once. */
  readonly burst: number
  /** Event streams at once. */
  readonly streams: number
}

/** Where deliveries of webhooks are, and where webhooks may go. */
export interface WebhookDeps {
  /** Throws QUEUE_UNREACHABLE. */
  readonly queue: () => Promise<JobQueue>
  readonly rules: TargetRules
}

/** What the HTTP API works with. */
export interface ApiDeps {
  readonly kube: KubeClient
  readonly caches: ApiCaches
  /** A client of a tenant's API server. */
  readonly connectTenant: (connection: KubeConnection) => KubeClient
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly limits: RateLimits
  readonly webhooks: WebhookDeps
}
