import { expect, test } from 'vitest'
import type { Condition } from '../../apis/conditions.ts'
import { progressOf } from './tenant-state.ts'

const condition = (type: Condition['type'], status: Condition['status'], message: string, reason = 'R'): Condition => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-06-01T00:00:00Z',
})
const usable = condition('Ready', 'True', 'usable')
const away = condition('Ready', 'False', 'etcd starts')

test.for<[name: string, state: 'Running' | 'Paused' | 'Hibernated', generation: number, conditions: Condition[], wanted: string]>(
  [
    ['what was said of an older spec does not count', 'Running', 4, [usable], 'under way: the manager has not looked at it yet'],
    ['it runs', 'Running', 3, [usable], 'there: usable'],
    ['it starts', 'Running', 3, [away], 'under way: etcd starts'],
    ['it is being paused', 'Paused', 3, [condition('Ready', 'False', 'waits for a pod')], 'under way: waits for a pod'],
    ['it is paused', 'Paused', 3, [away, condition('Paused', 'True', 'at zero', 'Paused')], 'there: at zero'],
    [
      'it is paused, not hibernated',
      'Hibernated',
      3,
      [away, condition('Paused', 'True', 'at zero', 'Paused')],
      'under way: etcd starts',
    ],
    ['it hibernates', 'Hibernated', 3, [away, condition('Paused', 'True', 'all at zero', 'Hibernated')], 'there: all at zero'],
    [
      'it hibernates, and is not just paused',
      'Paused',
      3,
      [away, condition('Paused', 'True', 'all at zero', 'Hibernated')],
      'under way: etcd starts',
    ],
    [
      'it would lose its data',
      'Paused',
      3,
      [usable, condition('Paused', 'False', 'not paused: so', 'DataWouldBeLost')],
      'refused: not paused: so',
    ],
    ['it begins to be paused', 'Paused', 3, [away, condition('Paused', 'False', '', 'Pausing')], 'under way: etcd starts'],
    ['nothing is known', 'Paused', 3, [], 'under way: nothing is known yet'],
  ],
)('%s', ([, state, generation, conditions, wanted]) => {
  const { kind, message } = progressOf({ metadata: { generation }, status: { observedGeneration: 3, conditions } }, state)
  expect(`${kind}: ${message}`).toBe(wanted)
})
