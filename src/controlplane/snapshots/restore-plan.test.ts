import { describe, expect, test } from 'vitest'
import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import type { RestoreStatus } from '../../apis/tenant-status.ts'
import { loadingAnnotation } from '../../tenancy/marks.ts'
import { aTenantControlPlane } from '../../testing/plane-builders.ts'
import {
  bumpOf,
  failedLoad,
  isAnswered,
  isRestoring,
  isToBeCloned,
  nextRestoreAction,
  type RestoreView,
  restoreRefusal,
  restoreRequestOf,
} from './restore-plan.ts'

const tenant = aTenantControlPlane({ spec: { restore: { snapshotName: 'daily' } } })
const request = { request: 'r', snapshotName: 'daily', identitySecretName: undefined, isClone: false }
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
  const idOf = (restore: object) => restoreRequestOf(aTenantControlPlane({ spec: { restore } }), [])?.request
  expect(idOf({ snapshotName: 'a' })).toBe(idOf({ snapshotName: 'a' }))
  expect(idOf({ snapshotName: 'a' })).not.toBe(idOf({ snapshotName: 'b' }))
  expect(idOf({ snapshotName: 'a' })).not.toBe(idOf({ snapshotName: 'a', requestedAt: '2026-01-01T00:00:00Z' }))
  expect(restoreRequestOf(aTenantControlPlane(), [])).toBeUndefined()
})

describe('the next step of a restore', () => {
  const nothing: RestoreView = { isStopped: true, task: { kind: 'absent' }, isInUse: false, isReset: false, serves: false }
  const running = { kind: 'running' } as const
  const done = { kind: 'done', result: '' } as const
  const failed = { kind: 'failed', why: 'gone' } as const
  test.for<[name: string, phase: RestoreStatus['phase'], asked: boolean, view: Partial<RestoreView>, expected: object]>([
    ['waits until all is stopped', 'Stopping', true, { isStopped: false }, { kind: 'none' }],
    ['loads when all is stopped', 'Stopping', true, {}, { kind: 'go', phase: 'Loading' }],
    ['ends when it is taken back in time', 'Stopping', false, {}, { kind: 'go', phase: 'Failed' }],
    ['makes its pod', 'Loading', true, {}, { kind: 'task' }],
    ['makes none while anything runs', 'Loading', true, { isStopped: false }, { kind: 'none' }],
    ['makes none while a pod of another try is on the volume', 'Loading', true, { isInUse: true }, { kind: 'none' }],
    ['ends when it is taken back before its pod is made', 'Loading', false, {}, { kind: 'go', phase: 'Failed' }],
    ['takes its pod away when it is taken back', 'Loading', false, { task: running }, { kind: 'again' }],
    ['waits for that pod before the old data are used again', 'Loading', false, { isInUse: true }, { kind: 'none' }],
    [
      'says why it tries again',
      'Loading',
      true,
      { task: { kind: 'running', trouble: 'no route' } },
      { message: 'tries again: no route' },
    ],
    [
      'leads back to the old data when others cannot be had',
      'Loading',
      true,
      { task: failed },
      { kind: 'go', phase: 'Failed', message: 'the data are as before, as the snapshot could not be loaded: gone' },
    ],
    ['notes that there is no way back before it swaps', 'Loading', true, { task: done }, { kind: 'go', phase: 'Swapping' }],
    ['swaps', 'Swapping', true, {}, { kind: 'task' }],
    ['swaps also when it is taken back', 'Swapping', false, {}, { kind: 'task' }],
    ['does not swap while anything runs', 'Swapping', true, { isStopped: false }, { kind: 'none' }],
    ['does not swap while another pod is on the volume', 'Swapping', true, { isInUse: true }, { kind: 'none' }],
    ['swaps until it is done', 'Swapping', true, { task: failed }, { kind: 'again' }],
    ['leaves the first member alone', 'Swapping', true, { task: done }, { kind: 'reset' }],
    ['starts when it is alone', 'Swapping', false, { task: done, isReset: true }, { kind: 'go', phase: 'Starting' }],
    ['waits until it serves', 'Starting', true, {}, { kind: 'none' }],
    ['is done when it serves', 'Starting', false, { serves: true }, { kind: 'go', phase: 'Done' }],
    ['has nothing to do when it is done', 'Done', true, { serves: true }, { kind: 'none' }],
    ['has nothing to do when it has failed', 'Failed', true, {}, { kind: 'none' }],
  ])('%s', ([, phase, asked, view, expected]) => {
    expect(nextRestoreAction({ phase, snapshotName: 'daily', request: 'r' }, asked, { ...nothing, ...view })).toMatchObject(
      expected,
    )
  })

  test('the control plane is at rest for it from its beginning until its data are in place', () => {
    const phases = ['Stopping', 'Loading', 'Swapping', 'Starting', 'Done', 'Failed'] as const
    expect(phases.map((phase) => isRestoring({ phase }))).toEqual([true, true, true, false, false, false])
    expect(isRestoring(undefined)).toBe(false)
  })

  test('no revision is given out twice, also when the same snapshot is restored again after a second', () => {
    const first = bumpOf('5000', new Date('2026-06-01T00:00:00Z')) + 5000
    const second = bumpOf('5000', new Date('2026-06-01T00:00:01Z')) + 5000
    expect(second - first).toBe(1_000_000)
    expect(Number.isSafeInteger(second)).toBe(true)
    expect(bumpOf(undefined, new Date('2026-06-01T00:00:00Z'))).toBe(first)
  })
})

describe('what a tenant begins with', () => {
  const cloneFrom = { snapshotName: 'daily' }
  const empty = { metadata: { name: 'data-etcd-0', annotations: { [loadingAnnotation]: 'true' } } }
  const full = { metadata: { name: 'data-etcd-0' } }
  const restored = { id: 'x', snapshotName: 'daily', at: '2026-06-01T00:00:00Z' }
  const clone = { ...request, request: 'clone', isClone: true }

  test.for<[name: string, status: object | undefined, claims: object[], is: boolean]>([
    ['is loaded into nothing', undefined, [], true],
    ['is loaded into a volume that waits for it', {}, [empty], true],
    ['is loaded once', { restored }, [], false],
    ['is not loaded over data, should the status be lost', undefined, [full], false],
    ['is not loaded over data of other members', undefined, [empty, full], false],
  ])('%s', ([, status, claims, is]) => {
    const begun = { ...aTenantControlPlane({ spec: { cloneFrom } }), status } as Parameters<typeof isToBeCloned>[0]
    expect(isToBeCloned(begun, claims as never)).toBe(is)
    expect(restoreRequestOf(begun, claims as never)?.isClone ?? false).toBe(is)
  })

  test('comes before a restore, which is heard after it', () => {
    const both = aTenantControlPlane({ spec: { cloneFrom, restore: { snapshotName: 'other' } } })
    expect(restoreRequestOf(both, [])?.snapshotName).toBe('daily')
    expect(restoreRequestOf({ ...both, status: { ...both.status, restored } }, [])?.snapshotName).toBe('other')
  })

  test('is carried through once it is being put in its place', () => {
    const swapping = { phase: 'Swapping', request: 'clone' } as RestoreStatus
    const begun = { ...aTenantControlPlane({ spec: { cloneFrom } }), status: { restore: swapping } }
    expect(restoreRequestOf(begun, [full])?.isClone).toBe(true)
  })

  test('may be of another tenant, and of no newer Kubernetes', () => {
    expect(restoreRefusal(clone, aSnapshot({ tenantUid: 'other' }), tenant, { kind: 'claim' })).toBeUndefined()
    expect(restoreRefusal(clone, aSnapshot({ version: 'v1.38.0' }), tenant, { kind: 'claim' })).toMatch(/does not read/)
    expect(restoreRefusal(clone, aSnapshot({ encrypted: true }), tenant, { kind: 'claim' })).toMatch(/spec\.cloneFrom\.identity/)
  })

  test('is tried again after a while, as there is nothing to go back to', () => {
    const failedAt = (request: string) => ({ request, phase: 'Failed', completedAt: '2026-06-01T00:00:00Z' }) as const
    expect(isAnswered(failedAt('clone'), clone, new Date('2026-06-01T00:00:10Z'))).toBe(true)
    expect(isAnswered(failedAt('clone'), clone, new Date('2026-06-01T00:01:00Z'))).toBe(false)
    expect(isAnswered(failedAt('r'), request, new Date('2026-06-01T00:01:00Z'))).toBe(true)
    expect(isAnswered(failedAt('r'), clone, new Date('2026-06-01T00:00:10Z'))).toBe(false)
    expect(failedLoad({ request: 'clone' }, 'gone')).toMatch(/tried again/)
    expect(failedLoad({ request: 'r' }, 'gone')).toMatch(/the data are as before/)
  })
})
