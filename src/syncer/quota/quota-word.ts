import { explainError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { quotaUsageText } from '../../tenancy/quota-usage.ts'
import { storeKey } from '../keys.ts'
import { informerOf, type TenantSide } from '../sides.ts'
import { createQuotaView, quotaViewRef } from './quota-view.ts'

/** How often management hears at most of what a tenant has used of its limits: each time is a status to be written. */
const managementMs = 30_000

/** What is said of a tenant's limits, to itself and to management. */
export interface QuotaWord {
  /** For the Lease; undefined: the tenant has no limits. */
  readonly text: string | undefined
  /** Brings what is counted up to date, and says it. Waits for nothing. */
  tell(): void
}

export const createQuotaWord = (
  { quota, tenantClient, informers }: Pick<TenantSide, 'quota' | 'tenantClient' | 'informers'>,
  { log, now, signal }: { readonly log: Log; readonly now: () => number; readonly signal: AbortSignal },
): QuotaWord => {
  const view = createQuotaView({
    tenantClient,
    cached: () => informerOf(informers, 'configmaps').get(storeKey(quotaViewRef.namespace, quotaViewRef.name)),
  })
  let text: string | undefined
  let said = Number.NEGATIVE_INFINITY
  return {
    get text() {
      return text
    },
    tell: () => {
      quota?.settle()
      const usage = quota?.usage()
      if (now() - said >= managementMs) {
        text = usage && quotaUsageText(usage)
        said = now()
      }
      // In the tenant's own time: nothing else waits for it.
      view.publish(usage).catch((error: unknown) => {
        if (!signal.aborted) log.debug({ error: explainError(error) }, 'limits could not be told in the tenant')
      })
    },
  }
}
