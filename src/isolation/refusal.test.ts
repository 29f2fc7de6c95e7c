import { describe, expect, test } from 'vitest'
import { AppError, type ErrorCode } from '../lib/errors.ts'
import { wordOf } from './attempt.ts'
import { answered, answerOf } from './refusal.ts'

describe('answerOf', () => {
  test.for<[code: ErrorCode, message: string, kind: string]>([
    ['KUBE_FORBIDDEN', 'violates PodSecurity "restricted"', 'refused'],
    ['KUBE_INVALID', 'spec.type: not allowed', 'refused'],
    ['KUBE_FORBIDDEN', 'exceeded quota: berth, requested: pods=1', 'unknown'],
    ['KUBE_FORBIDDEN', 'status unknown for quota: berth, resources: pods', 'unknown'],
    ['KUBE_SERVER_ERROR', 'failed calling webhook', 'unknown'],
    ['KUBE_UNREACHABLE', 'connection refused', 'unknown'],
    ['KUBE_UNAUTHORIZED', 'Unauthorized', 'unknown'],
    ['KUBE_ALREADY_EXISTS', 'pods "x" already exists', 'unknown'],
  ])('%s: %s is %s', ([code, message, kind]) => {
    expect(answerOf(new AppError(code, message, {})).kind).toBe(kind)
  })

  test('an abort is no answer', async () => {
    const stop = new AbortController()
    const write = async () => {
      stop.abort(new Error('interrupted'))
      throw new AppError('KUBE_FORBIDDEN', 'no', {})
    }
    await expect(answered(write, stop.signal)).rejects.toThrow('interrupted')
  })
})

describe('wordOf', () => {
  const event = (reason: string, message: string, type = 'Warning') => ({ metadata: {}, type, reason, message })

  test.for<[name: string, events: ReturnType<typeof event>[], expected: object | undefined]>([
    [
      'a refusal of the syncer',
      [event('PodSecurityViolation', 'hostPath')],
      { message: 'PodSecurityViolation: hostPath', bySuper: false },
    ],
    [
      'a refusal of super',
      [event('SyncFailed', 'pods "x" is forbidden: violates PodSecurity')],
      { message: 'pods "x" is forbidden: violates PodSecurity', bySuper: true },
    ],
    ['super is away', [event('SyncFailed', 'connect ECONNREFUSED')], undefined],
    ['a note', [event('FailedScheduling', 'no nodes')], undefined],
    ['nothing bad', [event('Scheduled', 'to n1', 'Normal')], undefined],
    ['nothing', [], undefined],
  ])('%s', ([, events, expected]) => {
    expect(wordOf(events)).toEqual(expected)
  })
})
