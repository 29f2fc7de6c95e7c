import { describe, expect, test } from 'vitest'
import { nextStep, type Sight, type Step } from './next-step.ts'
import type { JobRecord } from './record.ts'

const aRecord = (wanted: Partial<JobRecord> = {}): JobRecord => ({
  version: 1,
  id: 'a',
  kind: 'test',
  payload: {},
  addedAtMs: 1000,
  dueAtMs: 1000,
  failures: 0,
  fence: 0,
  ...wanted,
})
const aClaim = (by: string) => ({ by, forMs: 30_000, renewedAt: '2026-11-22T00:00:00Z' })
const aSight = (wanted: Partial<Sight> = {}): Sight => ({
  nowMs: 5000,
  me: 'me',
  unchangedForMs: 0,
  isRunning: false,
  attempts: 3,
  ...wanted,
})

describe('nextStep', () => {
  test.for<[name: string, record: Partial<JobRecord>, sight: Partial<Sight>, wanted: Step]>([
    ['takes what is due', {}, {}, { kind: 'take', failures: 0 }],
    ['waits for its time', { dueAtMs: 7000 }, {}, { kind: 'later', inMs: 2000 }],
    ['leaves the dead alone', { deadAtMs: 1 }, {}, { kind: 'nothing' }],
    ['leaves alone what it runs', { claim: aClaim('me') }, { isRunning: true }, { kind: 'nothing' }],
    ['takes up its own claim that was never begun', { claim: aClaim('me') }, {}, { kind: 'take', failures: 0 }],
    ['waits for the claim of another', { claim: aClaim('you') }, { unchangedForMs: 10_000 }, { kind: 'later', inMs: 20_000 }],
    [
      'takes over a claim that is not renewed',
      { claim: aClaim('you') },
      { unchangedForMs: 30_000 },
      { kind: 'take', failures: 1 },
    ],
    [
      'gives up a job that has cost too many processes',
      { claim: aClaim('you'), failures: 2 },
      { unchangedForMs: 30_000 },
      { kind: 'bury', failures: 3, reason: 'the process that ran it was lost, and there are no attempts left' },
    ],
  ])('%s', ([, record, sight, wanted]) => {
    expect(nextStep(aRecord(record), aSight(sight))).toEqual(wanted)
  })
})
