export interface TokenBucketOptions {
  /** Tokens of a new bucket, and the most that one holds. */
  readonly burst: number
  /** Time for one token to come back. */
  readonly refillMs: number
  /** Buckets kept; the one not used for longest goes first, and then starts full again. */
  readonly keys: number
}

/** A token bucket for each key. */
export const createTokenBuckets = ({ burst, refillMs, keys }: TokenBucketOptions) => {
  const buckets = new Map<string, { tokens: number; at: number }>()
  return {
    /** Takes one token at time `now` (ms, monotonic); false when there is none. */
    take: (key: string, now: number): boolean => {
      const old = buckets.get(key)
      const tokens = old ? Math.min(burst, old.tokens + (now - old.at) / refillMs) : burst
      buckets.delete(key)
      buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now })
      const [oldest] = buckets.keys()
      if (buckets.size > keys && oldest !== undefined) buckets.delete(oldest)
      return tokens >= 1
    },
  }
}
