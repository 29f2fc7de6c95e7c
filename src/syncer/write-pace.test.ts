import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createWritePace } from './write-pace.ts'

const paced = (perSecond: number) => {
  const clock = { ms: 1_000 }
  return { clock, pace: createWritePace({ perSecond, now: () => clock.ms }) }
}

test('two seconds of writes come at once, then one after the other', () => {
  const { pace } = paced(10)
  const waits = Array.from({ length: 24 }, (_, index) => pace.wait(`k${index}`))
  expect(waits.slice(0, 20).every((wait) => wait === 0)).toBe(true)
  expect(waits.slice(20).map(Math.round)).toEqual([100, 200, 300, 400])
})

test('who has waited is let through, once', () => {
  const { clock, pace } = paced(1)
  pace.wait('a')
  pace.wait('b')
  expect(pace.wait('c')).toBe(1_000)
  clock.ms += 400
  expect(pace.wait('c')).toBe(600)
  clock.ms += 600
  expect(pace.wait('c')).toBe(0)
  expect(pace.wait('c')).toBeGreaterThan(0)
})

test('a rest fills it up, and no further', () => {
  const { clock, pace } = paced(1)
  for (const key of ['a', 'b']) expect(pace.wait(key)).toBe(0)
  clock.ms += 3_600_000
  for (const key of ['c', 'd']) expect(pace.wait(key)).toBe(0)
  expect(pace.wait('e')).toBeGreaterThan(0)
})

test('turns are not given out for hours, and those that nobody comes for are forgotten', () => {
  const { clock, pace } = paced(1)
  const waits = Array.from({ length: 10_000 }, (_, index) => pace.wait(`k${index}`))
  expect(Math.max(...waits)).toBe(30_000)
  clock.ms += 32_000
  expect(pace.wait('late')).toBeLessThanOrEqual(1_000)
})

test('whatever is asked when, no more is let through than the pace allows', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), fc.nat(500)), { maxLength: 300 }), (asks) => {
      const { clock, pace } = paced(5)
      const letThrough: number[] = []
      for (const [key, pauseMs] of asks) {
        clock.ms += pauseMs
        if (pace.wait(`k${key}`) === 0) letThrough.push(clock.ms)
      }
      const spanMs = clock.ms - 1_000
      expect(letThrough.length).toBeLessThanOrEqual(10 + (spanMs / 1000) * 5 + 1)
    }),
  )
})
