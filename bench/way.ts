import { performance } from 'node:perf_hooks'
import type { WayName } from './options.ts'

/** What one measurement gave. */
export interface Made {
  /** From the first request to the end of the last pod, as `Way` says what an end is. */
  readonly seconds: number
  /** Of each pod: from its first request to its end. */
  readonly latenciesMs: readonly number[]
}

/** One way to make pods. */
export interface Way {
  readonly name: WayName
  /** Whether the syncer runs meanwhile. */
  readonly syncer: boolean
  /** Makes the namespaces of a round, and waits until pods can be made there. */
  prepare(round: string): Promise<void>
  /** Makes `count` pods that carry `run` as their label, and waits for their ends. This is what is measured. */
  make(count: number, names: { readonly round: string; readonly run: string }): Promise<Made>
  /** Takes the pods of a run away, and waits until they are gone on all sides. */
  removePods(run: string): Promise<void>
  /** Takes away what `prepare` made, and waits until it is gone. */
  finish(round: string): Promise<void>
}

/** Puts the starts and ends of pods together. */
export const madeFrom = (starts: ReadonlyMap<string, number>, ends: ReadonlyMap<string, number>): Made => {
  const first = Math.min(...starts.values())
  const last = Math.max(...ends.values())
  return {
    seconds: (last - first) / 1000,
    latenciesMs: [...starts].map(([name, start]) => (ends.get(name) ?? performance.now()) - start),
  }
}
