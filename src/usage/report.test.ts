import { describe, expect, test } from 'vitest'
import { noAmounts } from './amounts.ts'
import { hourMs } from './hours.ts'
import { emptyLedger, folded, type Ledger, withHours } from './ledger.ts'
import { decimal, periodFaults, rowsOf, shownAmounts, type UsageStep } from './report.ts'

const at = (text: string): number => Date.parse(text)
const tenant = { uid: 'u', name: 'shop', namespace: 'acme' }
/** One request in each hour. */
const month = (name: string, days: number): Ledger => {
  const start = at(`${name}-01T00:00:00Z`)
  const hours = Array.from({ length: days * 24 }, (_, hour) => [start + hour * hourMs, { ...noAmounts, requests: 1n }] as const)
  return withHours(emptyLedger(tenant, name), new Map(hours))
}
const october = folded(month('2026-10', 31), at('2026-11-01T00:00:00Z'))
const november = folded(month('2026-11', 22), at('2026-11-20T00:00:00Z'))

const asked = (step: UsageStep, from: string, to: string) =>
  rowsOf([november, october], { step, from: at(from), to: at(to) }).map((row) => [
    new Date(row.from).toISOString().slice(0, 13),
    (row.to - row.from) / hourMs,
    Number(row.amounts.requests),
  ])

describe('rows of a period', () => {
  test.for<[what: string, rows: () => unknown, wanted: unknown]>([
    ['a total over months', () => asked('total', '2026-10-01', '2026-12-01'), [['2026-10-01T00', 61 * 24, 53 * 24]]],
    [
      'months, as far as they are in the period',
      () => asked('month', '2026-10-30', '2026-11-03'),
      [
        ['2026-10-30T00', 48, 48],
        ['2026-11-01T00', 48, 48],
      ],
    ],
    [
      'days, of hours and of what was put together',
      () => asked('day', '2026-11-19', '2026-11-21'),
      [
        ['2026-11-19T00', 24, 24],
        ['2026-11-20T00', 24, 24],
      ],
    ],
    [
      'hours, and whole days where no hours are left: each row says what it is of',
      () => asked('hour', '2026-11-19T00:00:00Z', '2026-11-20T02:00:00Z'),
      [
        ['2026-11-19T00', 24, 24],
        ['2026-11-20T00', 1, 1],
        ['2026-11-20T01', 1, 1],
      ],
    ],
    ['none where nothing was measured', () => asked('total', '2026-01-01', '2026-02-01'), []],
  ])('%s', ([, rows, wanted]) => {
    expect(rows()).toEqual(wanted)
  })
  test('put an hour that came late to its day', () => {
    const late = withHours(october, new Map([[at('2026-10-05T07:00:00Z'), { ...noAmounts, requests: 100n }]]))
    const rows = rowsOf([late], { step: 'hour', from: at('2026-10-05'), to: at('2026-10-06') })
    expect(rows.map(({ amounts }) => amounts.requests)).toEqual([124n])
  })
  test('a total is of what was counted, not of rounded rows', () => {
    const third = { ...noAmounts, cpu: 1200n }
    const hours = new Map(Array.from({ length: 24 }, (_, hour) => [at('2026-11-01') + hour * hourMs, third] as const))
    const ledger = withHours(emptyLedger(tenant, '2026-11'), hours)
    const [total] = rowsOf([ledger], { step: 'total', from: at('2026-11-01'), to: at('2026-11-02') })
    expect(shownAmounts(third).cpuCoreHours).toBe('0.000000')
    expect(shownAmounts(total?.amounts ?? noAmounts).cpuCoreHours).toBe('0.000008')
  })
})

test.for<[amount: bigint, unit: bigint, decimals: number, text: string]>([
  [0n, 3n, 6, '0.000000'],
  [1n, 3n, 6, '0.333333'],
  [2n, 3n, 6, '0.666667'],
  [10n ** 30n + 1n, 10n, 3, '100000000000000000000000000000.100'],
  [999_999_999n, 1_000_000_000n, 6, '1.000000'],
])('%s of %s with %s decimals is %s', ([amount, unit, decimals, text]) => {
  expect(decimal(amount, unit, decimals)).toBe(text)
})

test('what is shown, in its units', () => {
  const hour = BigInt(hourMs)
  const amounts = {
    existedMs: hour,
    ranMs: hour / 2n,
    cpu: 1500n * hour,
    memory: 2n ** 31n * hour,
    storage: 2n ** 29n * hour,
    objects: 120n * hour,
    requests: 77n,
    unmeasuredWorkloadMs: 1n,
    unmeasuredApiMs: 61_000n,
  }
  expect(shownAmounts(amounts)).toEqual({
    existedHours: '1.000000',
    runningHours: '0.500000',
    cpuCoreHours: '1.500000',
    memoryGiBHours: '2.000000',
    storageGiBHours: '0.500000',
    objectHours: '120.000000',
    requests: 77,
    unmeasuredWorkloadSeconds: '0.001',
    unmeasuredApiSeconds: '61.000',
  })
})

test.for<[step: UsageStep, from: string, to: string, fields: string]>([
  ['hour', '2026-11-01T01:00:00Z', '2026-11-01T02:00:00Z', ''],
  ['hour', '2026-11-01T01:30:00Z', '2026-11-01T02:00:00.001Z', 'from to'],
  ['day', '2026-11-01T01:00:00Z', '2026-11-02', 'from'],
  ['total', '2026-11-01', '2026-11-01', 'to'],
  ['month', '2026-11-02T10:00:00Z', '2026-11-01T10:00:00Z', 'from to to'],
])('by %s from %s to %s: wrong is %j', ([step, from, to, fields]) => {
  expect(
    periodFaults({ step, from: at(from), to: at(to) })
      .map(({ field }) => field)
      .join(' '),
  ).toBe(fields)
})
