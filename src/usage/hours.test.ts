import { describe, expect, test } from 'vitest'
import { noAmounts, readAmounts, writeAmounts } from './amounts.ts'
import { createTally, hourOf, mergeHours, monthOf, monthStart, spread } from './hours.ts'

const at = (text: string): number => Date.parse(text)

describe('an amount over hours', () => {
  test.for<[what: string, amount: bigint, from: string, to: string, parts: readonly (readonly [string, bigint])[]]>([
    ['stays in one', 10n, '2026-11-22T10:00:00Z', '2026-11-22T10:59:59Z', [['2026-11-22T10:00:00Z', 10n]]],
    ['that ends with it, too', 10n, '2026-11-22T10:58:00Z', '2026-11-22T11:00:00Z', [['2026-11-22T10:00:00Z', 10n]]],
    [
      'is split at the border, and what is left over goes to the last',
      10n,
      '2026-11-22T10:59:00Z',
      '2026-11-22T11:02:00Z',
      [
        ['2026-11-22T10:00:00Z', 3n],
        ['2026-11-22T11:00:00Z', 7n],
      ],
    ],
    [
      'is split at the border of a year',
      100n,
      '2026-12-31T23:59:00Z',
      '2027-01-01T00:01:00Z',
      [
        ['2026-12-31T23:00:00Z', 50n],
        ['2027-01-01T00:00:00Z', 50n],
      ],
    ],
    [
      'of no time is in the hour where it came up',
      5n,
      '2026-11-22T11:00:00Z',
      '2026-11-22T11:00:00Z',
      [['2026-11-22T11:00:00Z', 5n]],
    ],
    ['over time that went back as well', 5n, '2026-11-22T11:30:00Z', '2026-11-22T10:00:00Z', [['2026-11-22T11:00:00Z', 5n]]],
  ])('%s', ([, amount, from, to, parts]) => {
    expect(spread(amount, at(from), at(to))).toEqual(parts.map(([hour, part]) => [at(hour), part]))
  })
  test('has the sum that it had, at any size', () => {
    const amount = 123_456_789_012_345_678_901n
    const parts = spread(amount, at('2026-11-22T10:12:34.567Z'), at('2026-11-25T03:00:00.001Z'))
    expect(parts.length).toBe(66)
    expect(parts.reduce((sum, [, part]) => sum + part, 0n)).toBe(amount)
  })
})

describe('hours', () => {
  test('are of UTC', () => {
    expect(hourOf(at('2026-11-22T10:59:59.999Z'))).toBe(at('2026-11-22T10:00:00Z'))
    expect(monthOf(at('2026-11-30T23:59:59Z'))).toBe('2026-11')
    expect(monthStart('2026-12', 1)).toBe(at('2027-01-01T00:00:00Z'))
    expect(monthOf(monthStart('2027-01', -13))).toBe('2025-12')
  })
  test('come together', () => {
    const [a, b] = [createTally(), createTally()]
    a.add('cpu', 10n, at('2026-11-22T10:59:00Z'), at('2026-11-22T11:01:00Z'))
    b.add('cpu', 1n, at('2026-11-22T11:02:00Z'), at('2026-11-22T11:03:00Z'))
    const merged = mergeHours(a.hours, b.hours)
    expect([...merged.values()].map(({ cpu }) => cpu)).toEqual([5n, 6n])
  })
})

describe('stored amounts', () => {
  test('are read as they were written', () => {
    const amounts = { ...noAmounts, memory: 2n ** 80n, unmeasuredApiMs: 7n }
    expect(readAmounts(writeAmounts(amounts))).toEqual(amounts)
  })
  test('of a version that counted less are none where it did not', () => {
    expect(readAmounts('1 2')).toEqual({ ...noAmounts, existedMs: 1n, ranMs: 2n })
  })
  test.for([[''], ['1 -2'], ['1.5'], ['1  2'], ['1 2 3 4 5 6 7 8 9 10'], [7], ['9'.repeat(41)], [null]])(
    '%j is none',
    ([text]) => {
      expect(readAmounts(text)).toBeUndefined()
    },
  )
})
