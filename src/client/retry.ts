/** When a request is asked once more: pure, so that a table tests it. */

/** What came of one try. */
export type Outcome =
  | { readonly kind: 'lost' }
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfterMs: number | undefined }

export interface RetryLimits {
  /** Tries after the first. */
  readonly retries: number
  /** Longest wait, in milliseconds: who is to wait longer is told so instead. */
  readonly longestWaitMs: number
}

/** Asked twice it does nothing twice: it changes nothing (RFC 9110, 9.2.2), or the API keeps its answer by Idempotency-Key. */
export const isRepeatable = ({ method, takesKey }: { readonly method: string; readonly takesKey: boolean }): boolean =>
  takesKey || ['GET', 'HEAD', 'PUT', 'DELETE'].includes(method)

const firstPauseMs = 200

/**
 * Milliseconds to wait before the next try; undefined: there is none. 429 is before anything was done, so any request is asked again; 503 and a lost connection
 * may have been after it, so only those are that nothing does twice.
 * @param chance between 0 and 1: who lost their connection at once do not come back at once.
 */
export const retryPauseMs = (
  outcome: Outcome,
  { tries, isRepeatable: may, chance }: { readonly tries: number; readonly isRepeatable: boolean; readonly chance: number },
  { retries, longestWaitMs }: RetryLimits,
): number | undefined => {
  if (tries > retries) return undefined
  switch (outcome.kind) {
    case 'lost':
      return may ? Math.min(longestWaitMs, firstPauseMs * 2 ** (tries - 1)) * (0.5 + chance / 2) : undefined
    case 'answered': {
      const { status, retryAfterMs } = outcome
      const isAsked = (status === 429 || (status === 503 && may)) && retryAfterMs !== undefined
      return isAsked && retryAfterMs <= longestWaitMs ? retryAfterMs : undefined
    }
  }
}

/** What a Retry-After header says, in milliseconds: seconds, or a date (RFC 9110, 10.2.3). */
export const readRetryAfter = (header: string | null, now: number): number | undefined => {
  if (header === null) return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const at = /^[A-Z][a-z]{2}, /.test(header) ? Date.parse(header) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
