import { expect, test } from 'vitest'
import type { Condition, ConditionType } from '../../apis/conditions.ts'
import { creationProgress } from './tenant-create.ts'

const condition = (type: ConditionType, status: Condition['status'], message = '', reason = 'R'): Condition => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '',
})
const keys = condition('CertificatesReady', 'True')
const store = condition('DataStoreReady', 'False', 'waits for 1 member')

test.for<[what: string, conditions: readonly Condition[] | undefined, kind: string, message: string]>([
  ['nobody has looked at', undefined, 'under way', 'the manager has not looked at it yet'],
  [
    'waits for its store',
    [keys, store, condition('Ready', 'False', 'not yet')],
    'under way',
    '1 of 7: DataStoreReady: waits for 1 member',
  ],
  ['has no word of the next step', [keys], 'under way', '1 of 7: DataStoreReady: nothing is known yet'],
  ['is ready', [condition('Ready', 'True', 'it answers')], 'there', 'it answers'],
  ['has no class', [condition('Ready', 'False', 'there is no class', 'ClassMissing')], 'refused', 'there is no class'],
])('a new tenant that %s', ([, conditions, kind, message]) => {
  const status = conditions && { observedGeneration: 1, conditions: [...conditions] }
  expect(creationProgress({ metadata: { generation: 1 }, ...(status && { status }) })).toEqual({ kind, message })
})

test('one that is made asleep is there when it sleeps', () => {
  const conditions = [condition('Ready', 'False'), condition('Paused', 'True', 'at zero', 'Paused')]
  const plane = { metadata: { generation: 1 }, status: { observedGeneration: 1, conditions } }
  expect(creationProgress(plane, 'Paused')).toEqual({ kind: 'there', message: 'at zero' })
})
