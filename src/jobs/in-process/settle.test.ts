import { describe, expect, test } from 'vitest'
import type { JobOutcome } from '../run-job.ts'
import type { JobRecord } from './record.ts'
import { settledRecord } from './settle.ts'

const record: JobRecord = {
  version: 1,
  id: 'a',
  kind: 'test',
  payload: {},
  addedAtMs: 1,
  dueAtMs: 2,
  failures: 1,
  fence: 3,
  claim: { by: 'me', forMs: 1, renewedAt: '' },
}
const free = { ...record, claim: undefined }

describe('settledRecord', () => {
  test.for<[name: string, outcome: Exclude<JobOutcome, { kind: 'lost' }>, wanted: unknown]>([
    ['removes what is done', { kind: 'done' }, { kind: 'removed' }],
    ['frees what was stopped, and counts no failure', { kind: 'stopped' }, { kind: 'kept', record: free }],
    [
      'keeps what is tried again until its time',
      { kind: 'retry', afterMs: 500, reason: 'no', code: 'X' },
      { kind: 'kept', record: { ...free, failures: 2, dueAtMs: 10_500, reason: 'no' } },
    ],
    [
      'buries what is given up',
      { kind: 'dead', reason: 'never', code: 'X' },
      { kind: 'dead', record: { ...free, failures: 2, deadAtMs: 10_000, reason: 'never' } },
    ],
  ])('%s', ([, outcome, wanted]) => {
    expect(settledRecord(record, outcome, 10_000)).toEqual(wanted)
  })
})
