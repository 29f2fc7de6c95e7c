import type { Spread } from '../platform/results.ts'
import { spreadOf } from '../platform/timing.ts'
import type { MachineFacts } from '../results.ts'
import type { NeighboursOptions, TroubleName } from './options.ts'

/** A day on which nobody makes trouble, or one with trouble. */
export type DayName = 'quiet' | TroubleName

/** One measurement. */
export interface Day {
  readonly name: DayName
  readonly round: number
  readonly acceptedMs: readonly number[]
  readonly readyMs: readonly number[]
  /** What the one that makes trouble got done: writes taken, or requests that its server was asked. */
  readonly trouble: number
  /** Cores in use, by program of the cluster. */
  readonly cores: Readonly<Record<string, number>>
}

export interface NeighboursResult {
  readonly date: string
  readonly commit: string
  readonly machine: MachineFacts
  readonly options: NeighboursOptions
  readonly days: readonly Day[]
}

/** The greatest ratio to a quiet day that is wanted. */
export const goalRatio = 1.5

export interface DayFigures {
  readonly name: DayName
  readonly accepted: Spread
  readonly ready: Spread
  /** p99 of this day in times of that of the quiet one; NaN for the quiet one, or without it. */
  readonly acceptedRatio: number
  readonly readyRatio: number
}

/** All rounds of each kind of day together, in the order in which they were first measured. */
export const figuresOf = (days: readonly Day[]): readonly DayFigures[] => {
  const names = [...new Set(days.map(({ name }) => name))]
  const spreads = names.map((name) => {
    const of = days.filter((day) => day.name === name)
    return {
      name,
      accepted: spreadOf(of.flatMap(({ acceptedMs }) => acceptedMs)),
      ready: spreadOf(of.flatMap(({ readyMs }) => readyMs)),
    }
  })
  const quiet = spreads.find(({ name }) => name === 'quiet')
  const ratio = (value: number, base: number | undefined): number => (base === undefined ? Number.NaN : value / base)
  return spreads.map((spread) => ({
    ...spread,
    acceptedRatio: spread === quiet ? Number.NaN : ratio(spread.accepted.p99, quiet?.accepted.p99),
    readyRatio: spread === quiet ? Number.NaN : ratio(spread.ready.p99, quiet?.ready.p99),
  }))
}
