/** How much of this process's memory copies of tenants' objects may take, in bytes of the JSON that they came as. What they take as objects is of that size. */
export interface CacheLimits {
  readonly perTenant: number
  readonly all: number
}

/** What one tenant's copies take. */
export interface CacheShare {
  /** More of it, or less. False: it is over, and nothing more is to be taken in. */
  spend(bytes: number): boolean
  readonly used: number
  /** The tenant is no longer served. */
  close(): void
}

/** What was too much. */
export interface Overflow {
  /** Bytes that the tenant's copies take. */
  readonly used: number
  /** Its own limit, or that of all tenants together, of which this one has most. */
  readonly limit: keyof CacheLimits
}

/** The copies of all tenants that a process serves. */
export interface CacheBudget {
  /** `onOver` is told once: whoever hears it lets go of the tenant's copies. */
  open(onOver: (over: Overflow) => void): CacheShare
}

interface Share {
  used: number
  over: boolean
  readonly onOver: (over: Overflow) => void
}

/**
 * Keeps what tenants write from filling the process that serves all of them. A tenant alone goes as far as its own limit; where all together come to theirs, the
 * largest one has to go, whoever asked for the last byte.
 */
export const createCacheBudget = ({ perTenant, all }: CacheLimits): CacheBudget => {
  const shares = new Set<Share>()
  let total = 0

  const endOf = (share: Share, limit: keyof CacheLimits): void => {
    if (share.over) return
    share.over = true
    share.onOver({ used: share.used, limit })
  }
  const largest = (): Share | undefined =>
    [...shares].reduce<Share | undefined>(
      (most, share) => (share.over || (most && most.used >= share.used) ? most : share),
      undefined,
    )

  return {
    open: (onOver) => {
      const share: Share = { used: 0, over: false, onOver }
      shares.add(share)
      return {
        spend: (bytes) => {
          if (!shares.has(share)) return false
          share.used += bytes
          total += bytes
          if (share.used > perTenant) endOf(share, 'perTenant')
          else if (bytes > 0 && total > all) {
            const most = largest()
            if (most) endOf(most, 'all')
          }
          return !share.over
        },
        get used() {
          return share.used
        },
        close: () => {
          if (shares.delete(share)) total -= share.used
        },
      }
    },
  }
}
