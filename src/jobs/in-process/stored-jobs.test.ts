import { expect, test } from 'vitest'
import { frozen } from '../../testing/frozen.ts'
import { jobObject } from './record.ts'
import { storedJobs } from './stored-jobs.ts'

const aJob = (id: string, more: { readonly deadAtMs?: number; readonly deduplicationId?: string } = {}) =>
  jobObject('berth-system', {
    version: 1,
    id,
    kind: 'test',
    payload: {},
    addedAtMs: 0,
    dueAtMs: 0,
    failures: 0,
    fence: 0,
    ...more,
  })

test('a job that is being buried is its letter alone', () => {
  const objects = frozen([aJob('a', { deduplicationId: 'd' }), aJob('b'), aJob('a', { deadAtMs: 5 }), aJob('c', { deadAtMs: 6 })])
  const seen = storedJobs(objects).map(({ record: { id, deadAtMs } }) => [id, deadAtMs])
  expect(seen).toEqual([
    ['b', undefined],
    ['a', 5],
    ['c', 6],
  ])
})

test('what is no job is left out', () => {
  expect(storedJobs(frozen([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: {} }]))).toEqual([])
})
