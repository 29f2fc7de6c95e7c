import { describe, expect, test } from 'vitest'
import { afterFailure, afterPause, afterSuccess, type Breaker, breakerLimit, closedBreaker } from './breaker.ts'

const failed = (times: number): Breaker => {
  let breaker: Breaker = closedBreaker
  for (let turn = 0; turn < times; turn += 1) breaker = afterFailure(breaker, 0)
  return breaker
}

describe('breaker', () => {
  test('bears two failures, opens at the third', () => {
    expect(breakerLimit(failed(2))).toBeUndefined()
    expect(breakerLimit(failed(3))).toBe(0)
  })

  test('an answer in between starts the count anew', () => {
    expect(afterFailure(afterSuccess(failed(2)), 0)).toEqual({ kind: 'closed', failures: 1 })
  })

  test('lets one try after the pause, and no sooner', () => {
    expect(afterPause(failed(3), 999).kind).toBe('open')
    expect(breakerLimit(afterPause(failed(3), 1_000))).toBe(1)
  })

  test('doubles the pause with each failed try, up to half a minute', () => {
    let breaker = failed(3)
    const pauses: number[] = []
    for (let turn = 0; turn < 7; turn += 1) {
      if (breaker.kind !== 'open') throw new Error(`not open: ${breaker.kind}`)
      pauses.push(breaker.pauseMs)
      breaker = afterFailure(afterPause(breaker, breaker.until), 0)
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  })

  test('closes when the try is answered; late answers to earlier calls do not close it', () => {
    expect(afterSuccess(failed(3)).kind).toBe('open')
    expect(afterSuccess(afterPause(failed(3), 1_000))).toEqual(closedBreaker)
  })
})
