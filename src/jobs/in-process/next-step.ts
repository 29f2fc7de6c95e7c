import type { JobRecord } from './record.ts'

/** What a process knows when it looks at a job. */
export interface Sight {
  readonly nowMs: number
  /** Name of this process among those that run jobs. */
  readonly me: string
  /** Since when this process has seen the job unchanged, ms: its own clock, as clocks of others may differ. */
  readonly unchangedForMs: number
  /** This process runs it now. */
  readonly isRunning: boolean
  readonly attempts: number
}

/** `later`: look again after so long. `take`: claim and run it; `failures` counts a run whose process was lost. */
export type Step =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'later'; readonly inMs: number }
  | { readonly kind: 'take'; readonly failures: number }
  | { readonly kind: 'bury'; readonly reason: string; readonly failures: number }

/** What this process does with a job that it sees. */
export const nextStep = (record: JobRecord, { nowMs, me, unchangedForMs, isRunning, attempts }: Sight): Step => {
  if (record.deadAtMs !== undefined || isRunning) return { kind: 'nothing' }
  const { claim } = record
  if (claim === undefined) {
    const inMs = record.dueAtMs - nowMs
    return inMs > 0 ? { kind: 'later', inMs } : { kind: 'take', failures: record.failures }
  }
  // Our own claim without a run: the answer to it was lost, and nothing was begun.
  if (claim.by === me) return { kind: 'take', failures: record.failures }
  const leftMs = claim.forMs - unchangedForMs
  if (leftMs > 0) return { kind: 'later', inMs: leftMs }
  const failures = record.failures + 1
  if (failures < attempts) return { kind: 'take', failures }
  return { kind: 'bury', failures, reason: 'the process that ran it was lost, and there are no attempts left' }
}
