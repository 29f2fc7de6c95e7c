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

/** The copies of all tenants that a process serves. */
export interface CacheBudget {
  /** `onOver` is told once, with what the tenant's copies take: whoever hears it lets go of them. */
  open(onOver: (used: number) => void): CacheShare
}

interface Share {
  used: number
  over: boolean
  readonly onOver: (used: number) => void
}

/**
 * Keeps what tenants write from filling the process that serves all of them. A tenant alone goes as far as its own limit; where all together come to theirs, the
 * largest one has to go, whoever asked for the last byte.
 */
export const createCacheBudget = ({ perTenant, all }: CacheLimits): CacheBudget => {
  const shares = new Set<Share>()
  let total = 0

  const endOf = (share: Share): void => {
    if (share.over) return
    share.over = true
    share.onOver(share.used)
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
          if (share.used > perTenant) endOf(share)
          else if (bytes > 0 && total > all) {
            const most = largest()
            if (most) endOf(most)
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
