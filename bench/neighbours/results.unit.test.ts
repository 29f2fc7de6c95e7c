import { expect, test } from 'vitest'
import { type Day, figuresOf } from './results.ts'

const aDay = (day: Partial<Day>): Day => ({
  name: 'quiet',
  round: 0,
  acceptedMs: [1],
  readyMs: [10],
  trouble: 0,
  cores: {},
  ...day,
})

test('days of a kind are looked at together, and compared with the quiet ones', () => {
  const figures = figuresOf([
    aDay({ readyMs: [10, 20], acceptedMs: [2, 2] }),
    aDay({ name: 'hung', readyMs: [10, 30], acceptedMs: [1, 1] }),
    aDay({ round: 1, readyMs: [5, 5] }),
    aDay({ name: 'hung', round: 1, readyMs: [5, 25] }),
  ])
  expect(
    figures.map(({ name, ready, readyRatio, acceptedRatio }) => [name, ready.count, ready.p99, readyRatio, acceptedRatio]),
  ).toEqual([
    ['quiet', 4, 20, Number.NaN, Number.NaN],
    ['hung', 4, 30, 1.5, 0.5],
  ])
})

test('without a quiet day there is nothing to compare with', () => {
  expect(figuresOf([aDay({ name: 'garbage' })])[0]?.readyRatio).toBeNaN()
})
