import { expect, test } from 'vitest'
import type { JobView } from '../../jobs/job-queue.ts'
import { resultText } from '../print.ts'
import { jobTable } from './jobs.ts'

const now = Date.parse('2026-11-22T12:00:00Z')
const job: JobView = {
  id: 'a1',
  kind: 'webhook-delivery',
  group: 'org-a',
  state: 'dead',
  payload: { eventId: 'e1' },
  failures: 15,
  addedAt: new Date('2026-11-21T12:00:00Z'),
  at: undefined,
  reason: 'example.com answered 500',
}

test('jobs are rows, the reason last', () => {
  expect(
    resultText(
      jobTable([job, { ...job, id: 'b2', group: undefined, reason: undefined, state: 'waiting', failures: 0 }], now),
      'table',
    ),
  ).toBe(
    'ID  KIND              GROUP  STATE    FAILURES  AGE  REASON\n' +
      'a1  webhook-delivery  org-a  dead     15        24h  example.com answered 500\n' +
      'b2  webhook-delivery  -      waiting  0         24h  -\n',
  )
})

test('a name is what retry and discard take', () => {
  expect(resultText(jobTable([job], now), 'name')).toBe('a1\n')
})
