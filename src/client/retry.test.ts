import { describe, expect, test } from 'vitest'
import { isRepeatable, type Outcome, readRetryAfter, retryPauseMs } from './retry.ts'

const limits = { retries: 3, longestWaitMs: 30_000 }
const answered = (status: number, retryAfterMs?: number): Outcome => ({ kind: 'answered', status, retryAfterMs })
const lost: Outcome = { kind: 'lost' }

describe('retryPauseMs', () => {
  test.for<[name: string, outcome: Outcome, tries: number, isRepeatable: boolean, pauseMs: number | undefined]>([
    ['a lost connection, at once', lost, 1, true, 200],
    ['a lost connection, later', lost, 3, true, 800],
    ['a lost connection of what may have been done', lost, 1, false, undefined],
    ['too many tries', lost, 4, true, undefined],
    ['429 as long as it says', answered(429, 1000), 1, true, 1000],
    ['429 was before anything was done', answered(429, 1000), 1, false, 1000],
    ['503 as long as it says', answered(503, 2000), 2, true, 2000],
    ['503 of what may have been done', answered(503, 2000), 1, false, undefined],
    ['503 that says no time', answered(503), 1, true, undefined],
    ['a wait that is too long', answered(503, 31_000), 1, true, undefined],
    ['what is wrong with the request', answered(400, 1000), 1, true, undefined],
    ['an error of the server', answered(500, 1000), 1, true, undefined],
  ])('%s', ([, outcome, tries, may, pauseMs]) => {
    expect(retryPauseMs(outcome, { tries, isRepeatable: may, chance: 1 }, limits)).toBe(pauseMs)
  })

  test('those who lost their connection at once come back at different times', () => {
    const at = (chance: number) => retryPauseMs(lost, { tries: 1, isRepeatable: true, chance }, limits)
    expect([at(0), at(0.5), at(1)]).toEqual([100, 150, 200])
  })
})

test.for<[method: string, takesKey: boolean, wanted: boolean]>([
  ['GET', false, true],
  ['DELETE', false, true],
  ['POST', true, true],
  ['POST', false, false],
  ['PATCH', false, false],
])('%s with an Idempotency-Key %s may be asked twice: %s', ([method, takesKey, wanted]) => {
  expect(isRepeatable({ method, takesKey })).toBe(wanted)
})

test.for<[header: string | null, wanted: number | undefined]>([
  [null, undefined],
  ['2', 2000],
  ['0', 0],
  ['soon', undefined],
  ['-1', undefined],
  ['Thu, 01 Jan 1970 00:00:10 GMT', 5000],
  ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
])('Retry-After %s', ([header, wanted]) => {
  expect(readRetryAfter(header, 5000)).toBe(wanted)
})
