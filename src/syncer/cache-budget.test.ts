import { describe, expect, test } from 'vitest'
import { createCacheBudget } from './cache-budget.ts'

const opened = (limits: { perTenant: number; all: number }, count: number) => {
  const over: string[] = []
  const budget = createCacheBudget(limits)
  const shares = Array.from({ length: count }, (_, index) =>
    budget.open(({ used, limit }) => over.push(`${index}: ${used} ${limit}`)),
  )
  return { over, shares }
}

describe('createCacheBudget', () => {
  test('a tenant goes as far as its limit, and is told once that it is over', () => {
    const { over, shares } = opened({ perTenant: 100, all: 1000 }, 2)
    expect(shares[0]?.spend(100)).toBe(true)
    expect(shares[0]?.spend(1)).toBe(false)
    expect(shares[0]?.spend(50)).toBe(false)
    expect(over).toEqual(['0: 101 perTenant'])
    expect(shares[1]?.spend(100)).toBe(true)
  })

  test('what a tenant takes less is its own again', () => {
    const { over, shares } = opened({ perTenant: 100, all: 1000 }, 1)
    for (let turn = 0; turn < 10; turn += 1) {
      expect(shares[0]?.spend(90)).toBe(true)
      expect(shares[0]?.spend(-90)).toBe(true)
    }
    expect(over).toEqual([])
  })

  test('where all come to their limit the largest goes, whoever asked', () => {
    const { over, shares } = opened({ perTenant: 100, all: 150 }, 3)
    shares[0]?.spend(90)
    shares[1]?.spend(50)
    expect(shares[2]?.spend(11)).toBe(true)
    expect(over).toEqual(['0: 90 all'])
    shares[0]?.close()
    expect(shares[2]?.spend(50)).toBe(true)
    expect(over).toHaveLength(1)
  })

  test('one that is closed counts no more and takes no more', () => {
    const { over, shares } = opened({ perTenant: 100, all: 100 }, 2)
    shares[0]?.spend(80)
    shares[0]?.close()
    shares[0]?.close()
    expect(shares[0]?.spend(1)).toBe(false)
    expect(shares[1]?.spend(100)).toBe(true)
    expect(over).toEqual([])
  })
})
