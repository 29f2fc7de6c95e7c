import { explainError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Overflow } from './cache-budget.ts'
import type { OpenSyncRecord } from './lease.ts'

interface OverfullOptions {
  readonly record: OpenSyncRecord
  /** The operator's last word. */
  readonly word: () => string | undefined
  readonly log: Log
  /** Ends all that keeps objects of the tenant. */
  readonly letGo: () => Promise<void>
}

/** A tenant whose objects are more than this process may keep: nothing is kept of it until the operator says so, and nobody else's sync suffers. */
export interface Overfull {
  /** It is so from now on. */
  enter(overflow: Overflow): Promise<void>
  /** True while it is so. A word that is newer lets it be listed again; it is heard when that went well, as after any freeze. */
  isSo(): Promise<boolean>
}

const frozenText = ({ used, limit }: Overflow): string => {
  const size = `${Math.round(used / 2 ** 20)} MiB so far`
  return limit === 'perTenant'
    ? `the tenant's objects are more than the syncer keeps of one tenant (${size}): delete some in the tenant and resume its sync, or allow more by the syncer's setting BERTH_TENANT_CACHE_MIB`
    : `the objects of all tenants are more than the syncer has memory for, and this one has most of them (${size}): give the syncer more memory or more replicas, or delete some in the tenant, and resume its sync`
}

export const createOverfull = ({ record, word, log, letGo }: OverfullOptions): Overfull => ({
  enter: async (overflow) => {
    const frozen = frozenText(overflow)
    log.error({ reason: frozen }, 'syncing frozen')
    await letGo().catch(() => {})
    // The word that let it be listed is used up, or it would be listed over and over.
    await record.write({ frozen, overfull: true, resumed: word() ?? record.current.resumed }).catch((error: unknown) => {
      log.warn({ error: explainError(error) }, 'that a tenant has too many objects is not noted')
    })
  },
  isSo: async () => {
    const { overfull, resumed } = record.current
    if (!overfull) return false
    if (word() === undefined || word() === resumed) return true
    await record.write({ overfull: false })
    return false
  },
})
