import { type Amounts, addAmounts, noAmounts } from './amounts.ts'
import { dayMs, dayOf, hourMs, monthOf, monthStart } from './hours.ts'
import type { Ledger } from './ledger.ts'

export const usageSteps = ['hour', 'day', 'month', 'total'] as const
export type UsageStep = (typeof usageSteps)[number]

/** Which time, ms since 1970, and in which parts. `to` is not in it. */
export interface UsagePeriod {
  readonly from: number
  readonly to: number
  readonly step: UsageStep
}

/** What one tenant used in one part of a period. */
export interface UsageRow {
  readonly from: number
  readonly to: number
  readonly amounts: Amounts
}

/** An entry of a ledger, with the time that it is of. */
interface Entry {
  readonly from: number
  readonly to: number
  readonly amounts: Amounts
}

/** Hours and days as they are kept. An hour of a day that was put together is of that day. */
const entriesOf = ({ hours, days }: Ledger): readonly Entry[] => {
  const own = [...hours].map(([from, amounts]) => {
    const day = dayOf(from)
    return days.has(day) ? { from: day, to: day + dayMs, amounts } : { from, to: from + hourMs, amounts }
  })
  return [...own, ...[...days].map(([from, amounts]) => ({ from, to: from + dayMs, amounts }))]
}

/** The row that an entry goes to. */
const partOf = ({ from, to }: Entry, period: UsagePeriod): { readonly from: number; readonly to: number } => {
  const within = (start: number, end: number) => ({ from: Math.max(start, period.from), to: Math.min(end, period.to) })
  switch (period.step) {
    case 'hour':
      return { from, to }
    case 'day':
      return within(dayOf(from), dayOf(from) + dayMs)
    case 'month':
      return within(monthStart(monthOf(from)), monthStart(monthOf(from), 1))
    case 'total':
      return { from: period.from, to: period.to }
  }
}

/** Rows of one tenant, the earliest first. Nothing is rounded: sums are of what was counted. */
export const rowsOf = (ledgers: readonly Ledger[], period: UsagePeriod): readonly UsageRow[] => {
  const rows = new Map<number, UsageRow>()
  for (const entry of ledgers.flatMap(entriesOf)) {
    if (entry.from < period.from || entry.from >= period.to) continue
    const part = partOf(entry, period)
    const amounts = addAmounts(rows.get(part.from)?.amounts ?? noAmounts, entry.amounts)
    rows.set(part.from, { ...part, amounts })
  }
  return [...rows.values()].toSorted((a, b) => a.from - b.from)
}

/** `amount / unit` with so many decimals, the last one rounded half up. Exact at any size, unlike a number. */
export const decimal = (amount: bigint, unit: bigint, decimals: number): string => {
  const scale = 10n ** BigInt(decimals)
  const scaled = (2n * amount * scale + unit) / (2n * unit)
  return `${scaled / scale}.${(scaled % scale).toString().padStart(decimals, '0')}`
}

const hours = BigInt(hourMs)
const shownDecimals = 6

/** Amounts in the units that people are billed in. Decimals are text: a JSON number would not keep them all. */
export const shownAmounts = (amounts: Amounts) => ({
  existedHours: decimal(amounts.existedMs, hours, shownDecimals),
  runningHours: decimal(amounts.ranMs, hours, shownDecimals),
  cpuCoreHours: decimal(amounts.cpu, 1000n * hours, shownDecimals),
  memoryGiBHours: decimal(amounts.memory, 2n ** 30n * hours, shownDecimals),
  storageGiBHours: decimal(amounts.storage, 2n ** 30n * hours, shownDecimals),
  objectHours: decimal(amounts.objects, hours, shownDecimals),
  requests: Number(amounts.requests),
  unmeasuredWorkloadSeconds: decimal(amounts.unmeasuredWorkloadMs, 1000n, 3),
  unmeasuredApiSeconds: decimal(amounts.unmeasuredApiMs, 1000n, 3),
})

/** What is wrong with a period, by field. Old hours are put together to days, so only days can be told apart for sure. */
export const periodFaults = ({
  from,
  to,
  step,
}: UsagePeriod): readonly { readonly field: 'from' | 'to'; readonly detail: string }[] => {
  const border = step === 'hour' ? hourMs : dayMs
  const wanted =
    step === 'hour' ? 'must be a full hour of UTC' : `must be a day of UTC: with step ${step}, hours are not told apart`
  const wrong = (
    [
      ['from', from],
      ['to', to],
    ] as const
  ).filter(([, at]) => at % border !== 0)
  return [
    ...wrong.map(([field]) => ({ field, detail: wanted })),
    ...(to <= from ? [{ field: 'to' as const, detail: 'must be after from' }] : []),
  ]
}
