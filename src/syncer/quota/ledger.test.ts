import { expect, test } from 'vitest'
import { createLedger } from './ledger.ts'

const amounts = (pods: number, cpu = 0): Map<string, bigint> =>
  new Map([
    ['pods', BigInt(pods)],
    ['cpu', BigInt(cpu)],
    ['unlimited', 7n],
  ])
const twoPods = () =>
  createLedger(
    new Map([
      ['pods', 2n],
      ['cpu', 100n],
    ]),
  )
const usedPods = (ledger: ReturnType<typeof createLedger>) => Number(ledger.used().get('pods'))

test('takes up to the limit, and says which one is reached', () => {
  const ledger = twoPods()
  expect(ledger.take('a', amounts(1, 60))).toBeUndefined()
  expect(ledger.take('b', amounts(1, 60))).toEqual({ name: 'cpu', hard: 100n, used: 60n, asked: 60n })
  expect(ledger.take('b', amounts(1, 40))).toBeUndefined()
  expect(ledger.take('c', amounts(1))).toEqual({ name: 'pods', hard: 2n, used: 2n, asked: 1n })
})

test('a reservation and what became of it count once, the larger of both', () => {
  const ledger = twoPods()
  ledger.take('a', amounts(1, 60))
  ledger.put('a', amounts(1, 70))
  expect(Object.fromEntries(ledger.used())).toEqual({ pods: 1n, cpu: 70n })
  ledger.release('a')
  expect(Object.fromEntries(ledger.used())).toEqual({ pods: 1n, cpu: 70n })
  ledger.put('a', undefined)
  expect(Object.fromEntries(ledger.used())).toEqual({ pods: 0n, cpu: 0n })
})

test('taking twice is taking once', () => {
  const ledger = twoPods()
  for (let turn = 0; turn < 5; turn += 1) expect(ledger.take('a', amounts(1, 60))).toBeUndefined()
  expect(usedPods(ledger)).toBe(1)
})

test('what is beyond a limit stays and may shrink or change, not grow', () => {
  const ledger = twoPods()
  ledger.put('a', amounts(1, 300))
  expect(ledger.take('a', amounts(1, 300))).toBeUndefined()
  expect(ledger.take('a', amounts(1, 200))).toBeUndefined()
  expect(ledger.take('a', amounts(1, 301))?.name).toBe('cpu')
  ledger.takeAnyway('a', amounts(1, 400))
  expect(ledger.used().get('cpu')).toBe(400n)
})

test('what is freed goes to the oldest who fits; a younger one that comes later finds nothing', () => {
  const ledger = twoPods()
  ledger.put('a', amounts(1, 50))
  ledger.put('b', amounts(1, 50))
  ledger.wait('young', { asked: amounts(1), since: '2026-01-03T00:00:00Z' })
  ledger.wait('big', { asked: amounts(1, 90), since: '2026-01-01T00:00:00Z' })
  ledger.wait('old', { asked: amounts(1), since: '2026-01-02T00:00:00Z' })
  expect(ledger.grant(0)).toEqual([])
  ledger.put('a', undefined)
  expect(ledger.grant(0)).toEqual(['old'])
  expect(ledger.take('new', amounts(1))?.name).toBe('pods')
  expect(ledger.isWaiting('old')).toBe(false)
  expect(ledger.isWaiting('big')).toBe(true)
  // Not needed after all.
  ledger.release('old')
  expect(ledger.grant(0)).toEqual(['young'])
})

test('a write that nobody heard of counts until it is seen or its time is over', () => {
  const ledger = twoPods()
  ledger.take('a', amounts(1))
  ledger.holdUntil('a', 100)
  ledger.take('b', amounts(1))
  ledger.wait('c', { asked: amounts(1), since: '' })
  expect(ledger.isHeld('a')).toBe(true)
  expect(ledger.grant(99)).toEqual([])
  expect(ledger.grant(100)).toEqual(['c'])
  expect(usedPods(ledger)).toBe(2)
})
