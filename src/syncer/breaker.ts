/** State of one tenant's circuit breaker. Closed: all is well. Open: nothing is tried until `until`. Probing: one unit at a time. */
export type Breaker =
  | { readonly kind: 'closed'; readonly failures: number }
  | { readonly kind: 'open'; readonly until: number; readonly pauseMs: number }
  | { readonly kind: 'probing'; readonly pauseMs: number }

export const closedBreaker: Breaker = { kind: 'closed', failures: 0 }

/** One refused connection may be a restart; a third in a row is an outage. */
const failuresToOpen = 3
const firstPauseMs = 1_000
const longestPauseMs = 30_000

/** After a call the tenant's API server did not answer. */
export const afterFailure = (breaker: Breaker, now: number): Breaker => {
  switch (breaker.kind) {
    case 'closed': {
      const failures = breaker.failures + 1
      return failures < failuresToOpen
        ? { kind: 'closed', failures }
        : { kind: 'open', until: now + firstPauseMs, pauseMs: firstPauseMs }
    }
    case 'probing': {
      const pauseMs = Math.min(longestPauseMs, breaker.pauseMs * 2)
      return { kind: 'open', until: now + pauseMs, pauseMs }
    }
    case 'open':
      return breaker
  }
}

/** After any answer, also a refusal: the server is there. Answers to calls begun before the breaker opened do not close it. */
export const afterSuccess = (breaker: Breaker): Breaker => (breaker.kind === 'open' ? breaker : closedBreaker)

/** When the pause is over, one unit may try. */
export const afterPause = (breaker: Breaker, now: number): Breaker =>
  breaker.kind === 'open' && now >= breaker.until ? { kind: 'probing', pauseMs: breaker.pauseMs } : breaker

/** Places in the queue: undefined is the default. */
export const breakerLimit = (breaker: Breaker): number | undefined => {
  switch (breaker.kind) {
    case 'closed':
      return undefined
    case 'open':
      return 0
    case 'probing':
      return 1
  }
}
