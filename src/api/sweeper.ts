import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiDeps } from './deps.ts'
import { sweep } from './sweep.ts'

const everyMs = 10 * 60_000

export interface Sweeper {
  /** Resolves when no round is under way any more. */
  stop(): Promise<void>
}

/** Sweeps at once and then every ten minutes, a little apart from other processes, until it is stopped. */
export const startSweeper = (deps: ApiDeps): Sweeper => {
  const stopping = new AbortController()
  const { signal } = stopping
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await sweep(deps, signal)
      await sleep(everyMs * (0.9 + Math.random() * 0.2), undefined, { signal }).catch(() => {})
    }
  }
  const running = run()
  return {
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
