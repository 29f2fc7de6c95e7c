import { type AmountName, type Amounts, addAmounts, noAmounts } from './amounts.ts'

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs

/** Amounts by the hour that they belong to: its beginning, in ms since 1970. Hours of UTC, which has no daylight saving. */
export type ByHour = ReadonlyMap<number, Amounts>

export const hourOf = (at: number): number => Math.floor(at / hourMs) * hourMs
export const dayOf = (at: number): number => Math.floor(at / dayMs) * dayMs
/** `2026-11`. */
export const monthOf = (at: number): string => new Date(at).toISOString().slice(0, 7)
/** The first moment of a month, `2026-11`, and of the one after; `by` months further. */
export const monthStart = (month: string, by = 0): number => {
  const [year = 1970, number = 1] = month.split('-').map(Number)
  return Date.UTC(year, number - 1 + by)
}

/** An amount that came up evenly between two moments, by hours. The parts are whole and their sum is the amount. */
export const spread = (amount: bigint, from: number, to: number): readonly (readonly [hour: number, part: bigint])[] => {
  if (to <= from) return [[hourOf(from), amount]]
  const length = BigInt(to - from)
  const parts: (readonly [number, bigint])[] = []
  let told = 0n
  for (let hour = hourOf(from); hour < to; hour += hourMs) {
    const passed = BigInt(Math.min(hour + hourMs, to) - from)
    const until = (amount * passed) / length
    parts.push([hour, until - told])
    told = until
  }
  return parts
}

/** What comes together before it is written. */
export interface Tally {
  add(name: AmountName, amount: bigint, from: number, to: number): void
  readonly hours: ByHour
}

export const createTally = (): Tally => {
  const hours = new Map<number, Amounts>()
  return {
    add: (name, amount, from, to) => {
      for (const [hour, part] of spread(amount, from, to)) {
        if (part > 0n) hours.set(hour, addAmounts(hours.get(hour) ?? noAmounts, { [name]: part }))
      }
    },
    hours,
  }
}

export const mergeHours = (a: ByHour, b: ByHour): ByHour => {
  const merged = new Map(a)
  for (const [hour, amounts] of b) merged.set(hour, addAmounts(merged.get(hour) ?? noAmounts, amounts))
  return merged
}
