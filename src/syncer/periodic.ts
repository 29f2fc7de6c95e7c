import { setTimeout as sleep } from 'node:timers/promises'
import { explainError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'

export interface Periodic {
  /** Milliseconds between the end of one turn and the beginning of the next. */
  readonly ms: number
  /** What it is called in the log. */
  readonly what: string
  readonly run: () => Promise<void>
}

/** Runs something at once and then again and again, until the signal. What fails is logged and tried at the next turn. */
export const every = (
  { ms, what, run }: Periodic,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): void => {
  const turns = async (): Promise<void> => {
    while (!signal.aborted) {
      await run().catch((error: unknown) => {
        if (!signal.aborted) log.warn({ error: explainError(error), what }, 'periodic work failed')
      })
      await sleep(ms, undefined, { signal }).catch(() => {})
    }
  }
  void turns()
}
