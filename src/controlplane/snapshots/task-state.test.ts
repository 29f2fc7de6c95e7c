import { expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { aPod } from '../../testing/builders.ts'
import { type TaskState, taskState } from './task-state.ts'

const now = new Date('2026-06-01T00:01:00Z')
const job = (...types: string[]): KubeObject => ({
  metadata: { name: 'snapshot-x' },
  status: { conditions: types.map((type) => ({ type, status: 'True' })) },
})
const ended = (exitCode: number, message: string, finishedAt: string, more: object = {}) =>
  aPod({
    metadata: { name: `p-${finishedAt}` },
    status: {
      phase: exitCode === 0 ? 'Succeeded' : 'Failed',
      containerStatuses: [{ name: 'save', state: { terminated: { exitCode, message, finishedAt } } }],
      ...more,
    },
  })
const fetched = {
  initContainerStatuses: [{ name: 'fetch', state: { terminated: { exitCode: 3, message: 'no such key', finishedAt: '9' } } }],
}

test.for<[name: string, job: KubeObject | undefined, pods: KubeObject[], expected: TaskState]>([
  ['is absent without a Job', undefined, [], { kind: 'absent' }],
  [
    'is absent with one that goes',
    { metadata: { name: 'x', deletionTimestamp: '2026-06-01T00:00:00Z' } },
    [],
    { kind: 'absent' },
  ],
  ['runs', job(), [], { kind: 'running' }],
  ['runs again after a failure', job(), [ended(1, 'no route to host', '1')], { kind: 'running', trouble: 'no route to host' }],
  ['tells the latest failure', job(), [ended(1, 'first', '1'), ended(1, 'second', '2')], { kind: 'running', trouble: 'second' }],
  [
    'is done, with a result',
    job('Complete'),
    [ended(1, 'no', '1'), ended(0, '{"a":1}', '2')],
    { kind: 'done', result: '{"a":1}' },
  ],
  ['is done, and its pod is gone', job('Complete'), [], { kind: 'done', result: '' }],
  ['failed, with its last words', job('Failed'), [ended(3, 'refused', '1')], { kind: 'failed', why: 'refused' }],
  [
    'failed in a step before the last',
    job('Failed'),
    [aPod({ metadata: { name: 'p' }, status: { phase: 'Failed', ...fetched } })],
    { kind: 'failed', why: 'no such key' },
  ],
  ['failed without a word', job('Failed'), [], { kind: 'failed', why: 'its Job failed, and left no word' }],
])('a task %s', ([, given, pods, expected]) => {
  expect(taskState(given, pods, now)).toEqual(expected)
})
