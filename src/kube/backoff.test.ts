import { expect, test } from 'vitest'
import { backoffMs } from './backoff.ts'

test.for<[failures: number, chance: number, wanted: number]>([
  [1, 1, 100],
  [1, 0, 50],
  [2, 1, 200],
  [4, 1, 800],
  [5, 1, 1000],
  [5000, 1, 1000],
])('after %i failures and chance %d the pause is %d ms', ([failures, chance, wanted]) => {
  expect(backoffMs(failures, { firstMs: 100, capMs: 1000 }, () => chance)).toBe(wanted)
})
