import { describe, expect, test } from 'vitest'
import { readOptions } from './options.ts'
import { median, percentile, rotated } from './stats.ts'

describe('percentile', () => {
  test.for<[values: number[], share: number, wanted: number]>([
    [[5], 0.5, 5],
    [[3, 1, 2], 0.5, 2],
    [[4, 3, 2, 1], 0.5, 2],
    [Array.from({ length: 100 }, (_, index) => index + 1), 0.99, 99],
    [[], 0.5, Number.NaN],
  ])('%j at %d is %d', ([values, share, wanted]) => expect(percentile(values, share)).toBe(wanted))
})

test('the median of an even number lies between the two in the middle', () => {
  expect(median([1, 9, 3, 5])).toBe(4)
  expect(median([7, 1, 3])).toBe(3)
  expect(median([])).toBeNaN()
})

test('over as many rounds as ways each way has each place once', () => {
  const orders = [0, 1, 2].map((round) => rotated(['a', 'b', 'c'], round).join(''))
  expect(orders).toEqual(['abc', 'bca', 'cab'])
})

test('a flag that makes no sense is refused by name', () => {
  expect(() => readOptions(['--pods', 'many'])).toThrow('--pods')
  expect(() => readOptions(['--only', 'ideal,nothing'])).toThrow('nothing')
  expect(readOptions(['--only', 'ideal,berth'])?.ways).toEqual(['ideal', 'berth'])
})
