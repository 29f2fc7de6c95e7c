import { expect, test } from 'vitest'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { customResource } from './custom-kinds.ts'

const ctx = aSyncContext({ classes: { allows: (_kind, name) => name !== 'internal', defaultOf: () => 'standard' } })
const snapshots = customResource({
  group: 'snapshot.storage.k8s.io',
  version: 'v1',
  plural: 'volumesnapshots',
  kind: 'VolumeSnapshot',
})
const source = { persistentVolumeClaimName: 'data' }
const snapshot = (spec: Record<string, unknown>, status?: unknown) => ({
  metadata: { name: 'monday', namespace: 'shop', uid: 'u' },
  spec,
  ...(status !== undefined && { status }),
})

test('of a claim, with the class by name', () => {
  expect(snapshots.toSuper(snapshot({ source }), ctx)).toMatchObject({
    kind: 'object',
    body: { fields: { spec: { source, volumeSnapshotClassName: 'standard' } } },
  })
})

test.for<[name: string, spec: Record<string, unknown>, reason: string, defaultOf?: () => string | undefined]>([
  ['a content made beforehand', { source: { volumeSnapshotContentName: 'x' } }, 'SnapshotContentNotSupported'],
  ['a class that is not offered', { source, volumeSnapshotClassName: 'internal' }, 'SnapshotClassNotAllowed'],
  ['no class', { source }, 'SnapshotClassNeeded', () => undefined],
])('refuses %s', ([, spec, reason, defaultOf]) => {
  const wanted = defaultOf ? { ...ctx, classes: { ...ctx.classes, defaultOf } } : ctx
  expect(snapshots.toSuper(snapshot(spec), wanted)).toMatchObject({ kind: 'refused', reason })
})

test("its readiness comes up, its content's name does not", () => {
  const status = { boundVolumeSnapshotContentName: 'snapcontent-1', readyToUse: true, restoreSize: '1Gi' }
  expect(snapshots.toTenant?.(snapshot({ source }, status), snapshot({ source }), ctx)).toEqual([
    { kind: 'status', status: { readyToUse: true, restoreSize: '1Gi' } },
  ])
})
