import { expect, test } from 'vitest'
import { frozen } from '../../testing/frozen.ts'
import { aStoredJob as aJob } from '../../testing/stored-job.ts'
import { storedJobs } from './stored-jobs.ts'

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
