import { setTimeout as sleep } from 'node:timers/promises'

/** What a starting API server said of itself. */
export type FirstAnswer =
  | { readonly kind: 'answer'; readonly status: number }
  /** It takes no connections yet, or says nothing. */
  | { readonly kind: 'silence'; readonly error: unknown }

/**
 * Asks a starting API server until there is something to do about what it says, or the time is over. A whole round for each look would cost far more than the
 * look: a round reads all that the tenant has in super, and starting takes every core it can get. `isAwaited`: somebody waits for any answer at all.
 */
export const firstAnswer = async (
  ask: () => Promise<{ readonly status: number }>,
  { isAwaited, forMs, everyMs, signal }: { isAwaited: boolean; forMs: number; everyMs: number; signal: AbortSignal },
): Promise<FirstAnswer> => {
  const end = performance.now() + forMs
  for (;;) {
    const said = await ask().then(
      ({ status }): FirstAnswer => ({ kind: 'answer', status }),
      (error: unknown): FirstAnswer => ({ kind: 'silence', error }),
    )
    const isNews = said.kind === 'answer' && (said.status === 200 || isAwaited)
    if (isNews || performance.now() + everyMs >= end || signal.aborted) return said
    await sleep(everyMs, undefined, { signal }).catch(() => undefined)
  }
}
