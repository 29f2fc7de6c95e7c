import type { PairReport } from './compare-pairs.ts'
import { type Difference, differenceId } from './difference.ts'

/** Rounds in a row in which each difference was seen, by its id. */
export type Seen = ReadonlyMap<string, number>

export interface Judgement {
  readonly seen: Seen
  /** Seen often enough in a row to be one. */
  readonly standing: readonly Difference[]
  /** Seen, but not often enough yet: the other side may only be on its way. */
  readonly moving: readonly Difference[]
}

/** Pure: what one more round says. Two reads are not of the same moment, so one round alone says nothing of a system at work. */
export const judgeRound = (before: Seen, differences: readonly Difference[], rounds: number): Judgement => {
  const seen = new Map(
    differences.map((difference) => [differenceId(difference), (before.get(differenceId(difference)) ?? 0) + 1]),
  )
  const stands = (difference: Difference): boolean => (seen.get(differenceId(difference)) ?? 0) >= rounds
  return { seen, standing: differences.filter(stands), moving: differences.filter((difference) => !stands(difference)) }
}

export interface SettleOptions {
  /** Rounds in a row a difference must be seen in. */
  readonly rounds: number
  /** Pause between two rounds. */
  readonly everyMs: number
  /** After this no further round is begun. */
  readonly settleMs: number
  readonly now: () => number
  readonly pause: (ms: number) => Promise<void>
  /** Told after a round that another one follows. */
  readonly onRound?: (round: number, differences: number) => void
}

export interface SettledReport extends PairReport {
  /** Seen in the last round, in too few rounds before it: the sides did not come to rest in time. */
  readonly moving: readonly Difference[]
  readonly roundsTaken: number
}

/** Looks until both sides agree, or until all that differs has stood long enough, or until the time is over. */
export const settle = async (look: () => Promise<PairReport>, options: SettleOptions): Promise<SettledReport> => {
  const { rounds, everyMs, settleMs, now, pause, onRound } = options
  const end = now() + settleMs
  let seen: Seen = new Map()
  for (let roundsTaken = 1; ; roundsTaken += 1) {
    const report = await look()
    const { standing, moving, ...judged } = judgeRound(seen, report.differences, rounds)
    if (moving.length === 0 || now() + everyMs > end) return { ...report, differences: standing, moving, roundsTaken }
    seen = judged.seen
    onRound?.(roundsTaken, report.differences.length)
    await pause(everyMs)
  }
}
