import { expect, test } from 'vitest'
import { createCpuTotals } from './cpu-totals.ts'

const pods = (seconds: Record<string, number>): ReadonlyMap<string, number> => new Map(Object.entries(seconds))

test('a total never falls, though pods come, go and start again', () => {
  const totals = createCpuTotals()
  const steps: [at: number, pods: Record<string, number>, wanted: number][] = [
    [1, { a: 10, b: 5 }, 15],
    [2, { a: 12, b: 5 }, 17],
    // b has gone, c has come with what it used since.
    [3, { a: 12, c: 1 }, 18],
    // a's counter began anew.
    [4, { a: 3, c: 1 }, 21],
    [5, {}, 21],
    [6, { d: 2 }, 23],
  ]
  for (const [at, seconds, wanted] of steps) expect(totals.add('tenant', at, pods(seconds)), `at ${at}`).toBe(wanted)
})

test('a page read twice counts once, and an older one not at all', () => {
  const totals = createCpuTotals()
  totals.add('tenant', 5, pods({ a: 10 }))
  expect(totals.add('tenant', 5, pods({ a: 10 }))).toBe(10)
  expect(totals.add('tenant', 4, pods({ a: 9, b: 9 }))).toBe(10)
  expect(totals.add('tenant', 6, pods({ a: 11 }))).toBe(11)
})

test('tenants are counted apart', () => {
  const totals = createCpuTotals()
  totals.add('one', 1, pods({ a: 10 }))
  expect(totals.add('two', 1, pods({ a: 3 }))).toBe(3)
})
