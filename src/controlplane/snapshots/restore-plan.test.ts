import { describe, expect, test } from 'vitest'
import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import type { RestoreStatus } from '../../apis/tenant-status.ts'
import { aTenantControlPlane } from '../../testing/plane-builders.ts'
import { isRestoring, nextRestoreAction, type RestoreView, restoreRefusal, restoreRequestOf } from './restore-plan.ts'

const tenant = aTenantControlPlane({ spec: { restore: { snapshotName: 'daily' } } })
const request = { id: 'r', snapshotName: 'daily', identitySecretName: undefined }
const aSnapshot = (status: object = {}): ControlPlaneSnapshot =>
  ({
    metadata: { name: 'daily', namespace: 'home' },
    spec: { tenantName: 'acme' },
    status: { phase: 'Complete', tenantUid: tenant.metadata.uid, version: tenant.spec.version, encrypted: false, ...status },
  }) as ControlPlaneSnapshot

describe('what may be restored', () => {
  test.for<[name: string, snapshot: ControlPlaneSnapshot | undefined, refusal: RegExp | undefined]>([
    ['a complete snapshot of this tenant', aSnapshot(), undefined],
    ['of the minor before', aSnapshot({ version: 'v1.36.3' }), undefined],
    ['not one that is not there', undefined, /home\/daily is not there/],
    ['not one that failed', aSnapshot({ phase: 'Failed' }), /is Failed: choose one that is Complete/],
    ['not one that is not taken yet', aSnapshot({ phase: undefined }), /not taken yet/],
    ['not one of another tenant', aSnapshot({ tenantUid: 'other' }), /is of another tenant/],
    ['not one that is encrypted, without a key', aSnapshot({ encrypted: true }), /is encrypted: put the private key of age/],
    ['not one of a newer minor', aSnapshot({ version: 'v1.38.0' }), /does not read those data/],
    ['not one of two minors before', aSnapshot({ version: 'v1.35.0' }), /does not read those data/],
    ['not one that does not say its version', aSnapshot({ version: undefined }), /does not read those data/],
  ])('%s', ([, snapshot, refusal]) => {
    const said = restoreRefusal(request, snapshot, tenant, { kind: 'claim' })
    if (refusal === undefined) expect(said).toBeUndefined()
    else expect(said).toMatch(refusal)
  })

  test('nothing, where the data are in pods or with others', () => {
    expect(restoreRefusal(request, aSnapshot(), tenant, { kind: 'ephemeral' })).toMatch(/no volume to restore to/)
    expect(restoreRefusal(request, aSnapshot(), tenant, { kind: 'elsewhere' })).toMatch(/whoever runs that etcd restores it/)
  })
})

test('each other request is a restore of its own, and the same one is not', () => {
  const idOf = (restore: object) => restoreRequestOf(aTenantControlPlane({ spec: { restore } }))?.id
  expect(idOf({ snapshotName: 'a' })).toBe(idOf({ snapshotName: 'a' }))
  expect(idOf({ snapshotName: 'a' })).not.toBe(idOf({ snapshotName: 'b' }))
  expect(idOf({ snapshotName: 'a' })).not.toBe(idOf({ snapshotName: 'a', requestedAt: '2026-01-01T00:00:00Z' }))
  expect(restoreRequestOf(aTenantControlPlane())).toBeUndefined()
})

describe('the next step of a restore', () => {
  const nothing: RestoreView = { isStopped: false, task: { kind: 'absent' }, isReset: false, serves: false }
  test.for<[name: string, phase: RestoreStatus['phase'], asked: boolean, view: Partial<RestoreView>, expected: object]>([
    ['waits until all is stopped', 'Stopping', true, {}, { kind: 'none' }],
    ['loads when all is stopped', 'Stopping', true, { isStopped: true }, { kind: 'go', phase: 'Loading' }],
    ['ends when it is taken back in time', 'Stopping', false, { isStopped: true }, { kind: 'go', phase: 'Failed' }],
    ['makes its pod', 'Loading', true, {}, { kind: 'load' }],
    ['ends when it is taken back before its pod is made', 'Loading', false, {}, { kind: 'go', phase: 'Failed' }],
    ['goes on when it is taken back too late', 'Loading', false, { task: { kind: 'running' } }, { kind: 'none' }],
    [
      'says why it tries again',
      'Loading',
      true,
      { task: { kind: 'running', trouble: 'no route' } },
      { message: 'tries again: no route' },
    ],
    [
      'leads back to the old data when they cannot be replaced',
      'Loading',
      true,
      { task: { kind: 'failed', why: 'gone' } },
      { kind: 'go', phase: 'Failed', message: 'the data are as before, as the snapshot could not be loaded: gone' },
    ],
    ['leaves the first member alone', 'Loading', true, { task: { kind: 'done', result: '' } }, { kind: 'reset' }],
    [
      'starts when it is alone',
      'Loading',
      true,
      { task: { kind: 'done', result: '' }, isReset: true },
      { kind: 'go', phase: 'Starting' },
    ],
    [
      'starts also when it is taken back: the old data are gone',
      'Loading',
      false,
      { task: { kind: 'done', result: '' }, isReset: true },
      { phase: 'Starting' },
    ],
    ['waits until it serves', 'Starting', true, {}, { kind: 'none' }],
    ['is done when it serves', 'Starting', false, { serves: true }, { kind: 'go', phase: 'Done' }],
    ['has nothing to do when it is done', 'Done', true, { serves: true }, { kind: 'none' }],
    ['has nothing to do when it has failed', 'Failed', true, { isStopped: true }, { kind: 'none' }],
  ])('%s', ([, phase, asked, view, expected]) => {
    expect(nextRestoreAction({ phase, snapshotName: 'daily' }, asked, { ...nothing, ...view })).toMatchObject(expected)
  })

  test('the control plane is at rest for it from its beginning until its data are in place', () => {
    const phases = ['Stopping', 'Loading', 'Starting', 'Done', 'Failed'] as const
    expect(phases.map((phase) => isRestoring({ phase }))).toEqual([true, true, false, false, false])
    expect(isRestoring(undefined)).toBe(false)
  })
})
