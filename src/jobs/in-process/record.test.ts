import { describe, expect, test } from 'vitest'
import { type JobRecord, jobObject, jobObjectName, readJob, readSchedule, scheduledJobId } from './record.ts'

const record: JobRecord = {
  version: 1,
  id: 'a1',
  kind: 'test',
  payload: { tenant: 'acme' },
  addedAtMs: 1,
  dueAtMs: 2,
  failures: 0,
  fence: 0,
}

describe('stored jobs', () => {
  test('are read as they were written', () => {
    expect(readJob(jobObject('berth-system', record))).toEqual(record)
  })

  test('keep name and version of the object they are written over', () => {
    const of = { metadata: { name: 'other', uid: 'u', resourceVersion: '7' } }
    expect(jobObject('berth-system', record, of).metadata).toMatchObject(of.metadata)
  })

  test('share a name when they have kind and deduplication id in common', () => {
    const first = jobObjectName({ ...record, deduplicationId: 'x' })
    expect(jobObjectName({ ...record, id: 'a2', deduplicationId: 'x' })).toBe(first)
    expect(jobObjectName({ ...record, kind: 'other', deduplicationId: 'x' })).not.toBe(first)
  })

  test.for<[name: string, text: string]>([
    ['no JSON', '{'],
    ['another version', JSON.stringify({ ...record, version: 2 })],
    ['a field that nobody knows', JSON.stringify({ ...record, more: true })],
    ['a missing field', JSON.stringify({ ...record, kind: undefined })],
  ])('are not read from %s', ([, text]) => {
    expect(readJob({ ...jobObject('berth-system', record), data: { record: text } })).toBeUndefined()
  })

  test('are no schedules', () => {
    expect(readSchedule(jobObject('berth-system', record))).toBeUndefined()
  })

  test('have one id for each time of a schedule', () => {
    expect(scheduledJobId('a', 1)).toBe(scheduledJobId('a', 1))
    expect(scheduledJobId('a', 1)).not.toBe(scheduledJobId('a', 2))
  })
})
