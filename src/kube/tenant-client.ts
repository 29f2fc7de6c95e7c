import type { KubeClient, KubeConnection } from './client.ts'
import { strangersLimits } from './json-limits.ts'
import { createKubeClient, type KubeClientOptions } from './undici-client.ts'

/** An object of 1.5 MiB, the most that etcd takes, is at most six times as long in JSON, where each byte is escaped. A page that is larger is asked for in parts. */
const maxBytes = 16 * 1024 * 1024
/** Six of the largest answers at once, and more of those that are common. */
const maxUnreadBytes = 6 * maxBytes

/**
 * A client of a tenant's API server, for a process that serves others as well. The server may be in the tenant's hands, and whatever it is, the tenant says what
 * it holds: what its answers may cost has an end, and who costs much waits.
 */
export const createTenantClient = (
  connection: KubeConnection,
  options: Pick<KubeClientOptions, 'userAgent' | 'tracing'>,
): KubeClient =>
  createKubeClient(connection, {
    ...options,
    maxAnswerBytes: maxBytes,
    maxWatchLineBytes: maxBytes,
    jsonLimits: strangersLimits,
    maxUnreadBytes,
    paced: true,
  })
