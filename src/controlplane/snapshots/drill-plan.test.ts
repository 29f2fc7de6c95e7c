import { describe, expect, test } from 'vitest'
import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import { type DrillAction, drillRefusal, drillRequestOf, nextDrillAction } from './drill-plan.ts'
import type { TaskState } from './task-state.ts'

const good = { objects: 200, kinds: 50, secrets: 4, problems: [] }
const done = (result: object | string): TaskState => ({
  kind: 'done',
  result: typeof result === 'string' ? result : JSON.stringify(result),
})
const absent: TaskState = { kind: 'absent' }
const running: TaskState = { kind: 'running' }
type Present = Parameters<typeof nextDrillAction>[0]
const open: Present = { request: 'r', result: 'Running' }
const over: Present = { request: 'r', result: 'Passed' }

describe('a drill', () => {
  test.for<[name: string, present: Present, request: string | undefined, task: TaskState, action: Partial<DrillAction>]>([
    ['that nobody asks for is none', undefined, undefined, absent, { kind: 'none' }],
    ['is noted before it begins', undefined, 'r', absent, { kind: 'begin' }],
    ['is started when it is noted', open, 'r', absent, { kind: 'start' }],
    ['goes on', open, 'r', running, { kind: 'wait' }],
    ['tells trouble', open, 'r', { kind: 'running', trouble: 'no room' }, { kind: 'wait', message: 'tries again: no room' }],
    ['is passed when all could be read', open, 'r', done(good), { kind: 'end', result: 'Passed' }],
    [
      'has failed when something could not',
      open,
      'r',
      done({ ...good, problems: ['pods: 1 of 2'] }),
      { kind: 'end', result: 'Failed', message: 'pods: 1 of 2' },
    ],
    ['has failed when its pod said nothing', open, 'r', done('hello'), { kind: 'end', result: 'Failed' }],
    [
      'has failed with its pod',
      open,
      'r',
      { kind: 'failed', why: 'no etcd' },
      { kind: 'end', result: 'Failed', message: 'no etcd' },
    ],
    ['leaves nothing', over, 'r', done(good), { kind: 'clean' }],
    ['is done once', over, 'r', absent, { kind: 'none' }],
    ['that is taken back is cleaned up', open, undefined, running, { kind: 'clean' }],
    [
      'that is taken back has ended then',
      open,
      undefined,
      absent,
      { kind: 'end', result: 'Failed', message: 'it was taken back' },
    ],
    ['that is taken back when it was over is as it was', over, undefined, absent, { kind: 'none' }],
    ['that is asked for anew waits until the old one is gone', over, 'again', done(good), { kind: 'clean' }],
    ['that is asked for anew begins then', over, 'again', absent, { kind: 'begin' }],
  ])('%s', ([, present, request, task, action]) => {
    expect(nextDrillAction(present, request, task)).toMatchObject(action)
  })

  test('is another one for whatever is asked for differently', () => {
    const idOf = (drill: object | undefined) => drillRequestOf({ spec: { drill } } as ControlPlaneSnapshot)
    expect(idOf(undefined)).toBeUndefined()
    expect(idOf({ requestedAt: 'a' })).toBe(idOf({ requestedAt: 'a' }))
    expect(idOf({ requestedAt: 'a' })).not.toBe(idOf({ requestedAt: 'b' }))
  })

  test.for<[name: string, status: object, uid: string | undefined, refusal: RegExp | undefined]>([
    ['of a complete snapshot', {}, 'u', undefined],
    ['not of one that failed', { phase: 'Failed' }, 'u', /is Failed/],
    ['not of a tenant that is gone', {}, undefined, /spec\.cloneFrom instead/],
    ['not beside another tenant of that name', {}, 'other', /spec\.cloneFrom instead/],
    ['not of an old Kubernetes', { version: 'v1.30.0' }, 'u', /not served any more/],
  ])('can be had %s', ([, status, uid, refusal]) => {
    const snapshot = {
      spec: { tenantName: 'acme' },
      status: { phase: 'Complete', tenantUid: 'u', version: 'v1.37.1', ...status },
    }
    const said = drillRefusal(
      snapshot as ControlPlaneSnapshot,
      uid === undefined ? undefined : { metadata: { name: 'acme', uid } },
    )
    if (refusal) expect(said).toMatch(refusal)
    else expect(said).toBeUndefined()
  })
})
