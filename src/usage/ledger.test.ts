import { describe, expect, test } from 'vitest'
import { type Amounts, addAmounts, noAmounts } from './amounts.ts'
import { hourMs } from './hours.ts'
import {
  byMonth,
  emptyLedger,
  folded,
  ledgerObject,
  ledgerPlace,
  readLedger,
  readStamp,
  type Stamp,
  withHours,
} from './ledger.ts'

const at = (text: string): number => Date.parse(text)
const tenant = { uid: '6d3f0c1e-1111-4222-8333-944455556666', name: 'shop', namespace: 'acme' }
const requests = (number: number): Amounts => ({ ...noAmounts, requests: BigInt(number) })
const stamp: Stamp = {
  writer: 'w',
  batch: 3,
  standing: {
    since: 1,
    tenant: { at: 5, runs: true },
    workload: { at: 5 },
    api: { at: 4, objects: 2, counted: { p: { startedAt: 1, requests: 9 } } },
  },
}
const days = (count: number, from = at('2026-11-01T00:00:00Z')) =>
  new Map(Array.from({ length: count * 24 }, (_, index) => [from + index * hourMs, requests(index)] as const))
const sumOf = (...maps: readonly ReadonlyMap<number, Amounts>[]): bigint =>
  maps.flatMap((map) => [...map.values()]).reduce((sum, each) => addAmounts(sum, each), noAmounts).requests

describe('a ledger', () => {
  const ledger = withHours(emptyLedger(tenant, '2026-11'), days(2))
  test('is read as it was written', () => {
    const object = ledgerObject(folded(ledger, at('2026-11-02T05:00:00Z')), stamp)
    expect(readLedger(object)).toEqual(folded(ledger, at('2026-11-02T05:00:00Z')))
    expect(readStamp(object)).toEqual(stamp)
    expect(readStamp({ metadata: object.metadata })).toEqual(stamp)
  })
  test('puts whole old days together, and the sum stays', () => {
    const after = folded(ledger, at('2026-11-02T23:59:00Z'))
    expect([after.hours.size, after.days.size]).toEqual([24, 1])
    expect(sumOf(after.hours, after.days)).toBe(sumOf(ledger.hours))
    expect(folded(after, at('2026-11-02T23:59:00Z'))).toBe(after)
  })
  test('adds to a day that was put together before', () => {
    const after = folded(withHours(folded(ledger, at('2026-11-03T00:00:00Z')), days(1)), at('2026-11-03T00:00:00Z'))
    expect([after.hours.size, after.days.size]).toEqual([0, 2])
    expect(sumOf(after.days)).toBe(sumOf(ledger.hours) + sumOf(days(1)))
  })
  test('of a whole month by hours, with the largest tenants, is far from what an object may hold', () => {
    const large = Object.fromEntries(Object.keys(noAmounts).map((name) => [name, 10n ** 24n])) as unknown as Amounts
    const hours = new Map([...days(31, at('2026-10-01T00:00:00Z')).keys()].map((hour) => [hour, large]))
    const object = ledgerObject(withHours(emptyLedger(tenant, '2026-10'), hours), stamp)
    expect(JSON.stringify(object).length).toBeLessThan(256 * 1024)
    expect(readLedger(object)?.hours.size).toBe(744)
  })
})

describe('an object that is not as Berth writes it', () => {
  const good = ledgerObject(withHours(emptyLedger(tenant, '2026-11'), days(1)), stamp)
  test.for<[what: string, change: (object: typeof good) => object]>([
    ['of another name', (object) => ({ ...object, metadata: { ...object.metadata, name: 'mine' } })],
    ['without labels', (object) => ({ ...object, metadata: { ...object.metadata, labels: {} } })],
    [
      'of no month',
      ({ metadata, ...object }) => ({
        ...object,
        metadata: { ...metadata, labels: { ...metadata.labels, 'berth.dev/usage-month': '2026-13' } },
      }),
    ],
    ['without data', ({ metadata }) => ({ metadata })],
    ['with data that are no JSON', (object) => ({ ...object, data: { usage: '{' } })],
    ['with other data', (object) => ({ ...object, data: { usage: '{"hours":[],"days":{}}' } })],
    ['with data without end', (object) => ({ ...object, data: { usage: `${' '.repeat(600_000)}{"hours":{},"days":{}}` } })],
  ])('%s is none', ([, change]) => {
    expect(readLedger(change(good) as typeof good)).toBeUndefined()
  })
  test('keeps the entries that can be read', () => {
    const usage = JSON.stringify({
      hours: { '01T00': '1 2', '32T00': '1', '01T24': '1', x: '1', '02T00': '-1' },
      days: { '31': '1' },
    })
    const read = readLedger({ ...good, data: { usage } })
    expect([read?.hours.size, read?.days.size]).toEqual([1, 0])
  })
  test('has no stamp where that cannot be read', () => {
    expect(readStamp({ metadata: { annotations: { 'berth.dev/usage-standing': '{"writer":1}' } } })).toBeUndefined()
    expect(ledgerPlace({ metadata: {} })).toBeUndefined()
  })
})

test('hours go to their months, the earliest first', () => {
  const hours = new Map([
    [at('2026-12-01T00:00:00Z'), requests(2)],
    [at('2026-11-30T23:00:00Z'), requests(1)],
  ])
  expect(byMonth(hours).map(([month, { size }]) => [month, size])).toEqual([
    ['2026-11', 1],
    ['2026-12', 1],
  ])
})
