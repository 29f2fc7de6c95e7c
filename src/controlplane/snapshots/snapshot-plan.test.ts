import { describe, expect, test } from 'vitest'
import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { aTenantControlPlane } from '../../testing/plane-builders.ts'
import { nextSnapshotAction, storedKey } from './snapshot-plan.ts'
import type { TaskState } from './task-state.ts'

const condition = (type: string, status: 'True' | 'False') => ({
  type,
  status,
  reason: 'R',
  message: 'm',
  lastTransitionTime: '',
})
const serving = aTenantControlPlane({
  status: { version: 'v1.37.1', conditions: [condition('DataStoreReady', 'True')] } as TenantControlPlane['status'],
})
const with_ = (change: Partial<TenantControlPlane>): TenantControlPlane => ({ ...serving, ...change }) as TenantControlPlane
const result = { sizeBytes: 1, sha256: 'ab', revision: '7' }

const absent: TaskState = { kind: 'absent' }
const running: TaskState = { kind: 'running' }

describe('the next step for a snapshot', () => {
  test.for<[name: string, phase: string | undefined, tenant: TenantControlPlane | undefined, task: TaskState, expected: object]>([
    ['begins when the tenant serves', undefined, serving, absent, { kind: 'start' }],
    ['begins again when its pod was taken away', 'Running', serving, absent, { kind: 'start' }],
    [
      'waits while it is saved',
      'Running',
      serving,
      running,
      { kind: 'wait', reason: 'Saving', message: 'the data are being saved' },
    ],
    [
      'says why it is tried again',
      'Running',
      serving,
      { kind: 'running', trouble: 'no route' },
      { kind: 'wait', message: 'tries again: no route' },
    ],
    [
      'is over with what was stored',
      'Running',
      serving,
      { kind: 'done', result: JSON.stringify(result) },
      { kind: 'complete', result },
    ],
    [
      'is over also when the tenant went meanwhile',
      'Running',
      undefined,
      { kind: 'done', result: JSON.stringify(result) },
      { kind: 'complete' },
    ],
    [
      'fails without a word of what was stored',
      'Running',
      serving,
      { kind: 'done', result: '' },
      { kind: 'fail', reason: 'NoResult' },
    ],
    [
      'fails with a word that is none',
      'Running',
      serving,
      { kind: 'done', result: '{"sizeBytes":"1"}' },
      { kind: 'fail', reason: 'NoResult' },
    ],
    ['fails with its Job', 'Running', serving, { kind: 'failed', why: 'refused' }, { kind: 'fail', message: 'refused' }],
    ['fails without a tenant', undefined, undefined, absent, { kind: 'fail', reason: 'TenantNotFound' }],
    [
      'fails with a tenant that goes',
      undefined,
      with_({ metadata: { ...serving.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }),
      absent,
      { kind: 'fail', reason: 'TenantNotFound' },
    ],
    [
      'waits for a tenant that is at rest',
      undefined,
      with_({ spec: { ...serving.spec, state: 'Paused' } }),
      absent,
      { kind: 'wait', reason: 'TenantPaused' },
    ],
    [
      'waits for a data store that does not serve',
      undefined,
      with_({
        status: { version: 'v1.37.1', conditions: [condition('DataStoreReady', 'False')] } as TenantControlPlane['status'],
      }),
      absent,
      { kind: 'wait', reason: 'DataStoreNotReady' },
    ],
    [
      'fails for a tenant whose data lie with others',
      undefined,
      with_({ spec: { ...serving.spec, dataStore: { ...serving.spec.dataStore, kind: 'shared', name: 'pool' } } }),
      absent,
      { kind: 'fail', reason: 'NotSupported' },
    ],
    ['rests when it is complete', 'Complete', serving, running, { kind: 'rest' }],
    ['rests when it has failed', 'Failed', serving, absent, { kind: 'rest' }],
  ])('%s', ([, phase, tenant, task, expected]) => {
    const status = phase === undefined ? undefined : { phase }
    expect(nextSnapshotAction({ status } as ControlPlaneSnapshot, tenant, task)).toMatchObject(expected)
  })
})

test('what is stored has a name of its own, also when a snapshot of its name was there before', () => {
  const snapshot = (uid: string) =>
    ({
      metadata: { name: 'daily', namespace: 'prod', uid },
      spec: { tenantName: 'acme', storage: { s3: { prefix: 'berth/' } } },
    }) as ControlPlaneSnapshot
  expect(storedKey(snapshot('11111111-aaaa'))).toBe('berth/prod/acme/daily.11111111.berthsnap')
  expect(storedKey(snapshot('22222222-aaaa'))).not.toBe(storedKey(snapshot('11111111-aaaa')))
})
