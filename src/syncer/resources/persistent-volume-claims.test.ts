import { describe, expect, test } from 'vitest'
import { superNamespace } from '../../tenancy/names.ts'
import { aPersistentVolumeClaim } from '../../testing/builders.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { persistentVolumeClaims as claims } from './persistent-volume-claims.ts'

const withheld = ['withheld', 'gone']
const ctx = aSyncContext({ classes: { allows: (_kind, name) => !withheld.includes(name), defaultOf: () => 'standard' } })
const base = {
  accessModes: ['ReadWriteOnce'],
  resources: { requests: { storage: '1Gi' } },
  storageClassName: 'standard',
  volumeMode: 'Filesystem',
}
const bound = { 'pv.kubernetes.io/bind-completed': 'yes', 'pv.kubernetes.io/bound-by-controller': 'yes' }
const claim = (spec: Record<string, unknown> = {}, { metadata = {}, ...wanted }: { metadata?: object; status?: unknown } = {}) =>
  aPersistentVolumeClaim({
    metadata: { name: 'data', namespace: 'shop', uid: 'uid-t', ...metadata },
    spec: { ...base, ...spec },
    ...wanted,
  })
const superClaim = (spec: Record<string, unknown> = {}, status?: unknown) =>
  claim(spec, { metadata: { namespace: superNamespace(ctx.tenant, 'shop'), uid: 'uid-s' }, status })

describe('toSuper', () => {
  test.for<[name: string, spec: Record<string, unknown>, wanted: Record<string, unknown>]>([
    ['passes the request', {}, {}],
    [
      'clones another claim',
      { dataSource: { kind: 'PersistentVolumeClaim', name: 'old' } },
      { dataSource: { kind: 'PersistentVolumeClaim', name: 'old' } },
    ],
    ["asks for the tenant's default class", { storageClassName: undefined }, {}],
    ['an attributes class', { volumeAttributesClassName: 'gold' }, { volumeAttributesClassName: 'gold' }],
    [
      'a block device for many nodes',
      { volumeMode: 'Block', accessModes: ['ReadWriteMany'] },
      { volumeMode: 'Block', accessModes: ['ReadWriteMany'] },
    ],
  ])('%s', ([, spec, wanted]) => {
    expect(claims.toSuper(claim(spec), ctx)).toEqual({
      kind: 'object',
      body: { labels: {}, annotations: {}, fields: { spec: JSON.parse(JSON.stringify({ ...base, ...wanted })) } },
    })
  })

  test("the volume of a bound claim is super's affair", () => {
    const tenantClaim = claim(
      { volumeName: 'pvc-1' },
      { metadata: { annotations: { ...bound, 'volume.kubernetes.io/selected-node': 'n', note: 'x' } } },
    )
    expect(claims.toSuper(tenantClaim, ctx)).toEqual({
      kind: 'object',
      body: { labels: {}, annotations: {}, fields: { spec: base } },
    })
    expect(claims.toSuper(claim({ volumeName: 'pvc-1' }, { status: { phase: 'Bound' } }), ctx).kind).toBe('object')
  })

  test("annotations by which provisioners choose data and places are the operator's to let through", () => {
    const annotations = {
      'nfs.io/storage-path': '../other',
      'cdi.kubevirt.io/storage.import.endpoint': 'http://169.254.169.254',
      'pv.kubernetes.io/bind-completed': 'yes',
    }
    const bodyOf = (claimAnnotations: string[]) =>
      claims.toSuper(claim({}, { metadata: { annotations } }), aSyncContext({ policy: { claimAnnotations } }))
    expect(bodyOf([])).toMatchObject({ body: { annotations: {} } })
    expect(bodyOf(['nfs.io/*', 'pv.kubernetes.io/*'])).toMatchObject({
      body: { annotations: { 'nfs.io/storage-path': '../other' } },
    })
  })

  test('an old manifest may say the class in an annotation', () => {
    const old = claim(
      { storageClassName: undefined },
      { metadata: { annotations: { 'volume.beta.kubernetes.io/storage-class': 'fast' } } },
    )
    expect(claims.toSuper(old, ctx)).toMatchObject({ body: { annotations: {}, fields: { spec: { storageClassName: 'fast' } } } })
  })

  test('an attributes class that comes later refuses no claim that holds data', () => {
    const later = claim({ volumeName: 'pvc-1', volumeAttributesClassName: 'withheld' }, { status: { phase: 'Bound' } })
    expect(claims.toSuper(later, ctx)).toEqual({ kind: 'object', body: { labels: {}, annotations: {}, fields: { spec: base } } })
    expect(claims.toTenant?.(superClaim({ volumeName: 'pvc-1' }, { phase: 'Bound' }), later, ctx)).toEqual([
      {
        kind: 'status',
        status: { modifyVolumeStatus: { status: 'Pending', targetVolumeAttributesClassName: 'withheld' } },
      },
    ])
  })

  test('a claim that only says it is bound gets no volume made beforehand', () => {
    const forged = claim(
      { volumeName: 'x', storageClassName: '' },
      { metadata: { annotations: bound }, status: { phase: 'Bound' } },
    )
    expect(claims.toSuper(forged, ctx)).toMatchObject({ kind: 'refused', reason: 'StorageClassNeeded' })
  })

  test.for<[name: string, spec: Record<string, unknown>, reason: string]>([
    ['a selector of volumes', { selector: { matchLabels: { a: 'b' } } }, 'FieldNotSupported'],
    ['an attributes class that is not offered', { volumeAttributesClassName: 'withheld' }, 'VolumeAttributesClassNotAllowed'],
    ['a class that is not offered', { storageClassName: 'withheld' }, 'StorageClassNotAllowed'],
    ['an unknown field', { teleport: 1 }, 'FieldNotSupported'],
    ['a volume by name', { volumeName: 'somebody-elses' }, 'VolumeNameNotSupported'],
    ['no class on purpose', { storageClassName: '' }, 'StorageClassNeeded'],
    [
      'a snapshot',
      { dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' } },
      'DataSourceNotSupported',
    ],
    [
      'a claim of another namespace',
      { dataSourceRef: { kind: 'PersistentVolumeClaim', name: 'x', namespace: 'kube-system' } },
      'DataSourceNotSupported',
    ],
  ])('refuses %s', ([, spec, reason]) => {
    expect(claims.toSuper(claim(spec), ctx)).toMatchObject({ kind: 'refused', reason })
  })
})

test('a claim that says it is bound gets no class that is not offered either', () => {
  const forged = claim({ storageClassName: 'gone' }, { metadata: { annotations: bound }, status: { phase: 'Bound' } })
  expect(claims.toSuper(forged, ctx)).toMatchObject({ kind: 'refused', reason: 'StorageClassNotAllowed' })
})

test('no class, and none is the default', () => {
  expect(claims.toSuper(claim({ storageClassName: undefined }), aSyncContext())).toMatchObject({ reason: 'StorageClassNeeded' })
})

test('a snapshot can be the source where snapshots are offered', () => {
  const customKinds = [{ group: 'snapshot.storage.k8s.io', version: 'v1', plural: 'volumesnapshots', kind: 'VolumeSnapshot' }]
  const dataSource = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' }
  expect(claims.toSuper(claim({ dataSource }), { ...ctx, customKinds })).toMatchObject({
    body: { fields: { spec: { dataSource } } },
  })
})

test('update only changes the size and the attributes class', () => {
  const resources = { requests: { storage: '2Gi' } }
  const wanted = claim({ resources, accessModes: ['ReadWriteMany'], volumeAttributesClassName: 'gold' })
  expect(claims.update?.(superClaim({ volumeName: 'pvc-1' }), wanted)).toMatchObject({
    kind: 'replace',
    object: { spec: { ...base, volumeName: 'pvc-1', resources, volumeAttributesClassName: 'gold' } },
  })
})

describe('classes by other names in the tenant', () => {
  const named = aSyncContext({
    classes: {
      superName: (_kind, name) => `super-${name}`,
      tenantName: (_kind, name) => name.replace('super-', ''),
    },
  })

  test('go down by those of super', () => {
    const translation = claims.toSuper(claim({ volumeAttributesClassName: 'gold' }), named)
    expect(translation).toMatchObject({
      body: { fields: { spec: { storageClassName: 'super-standard', volumeAttributesClassName: 'super-gold' } } },
    })
  })

  test('and come up by those of the tenant', () => {
    const status = { phase: 'Bound', currentVolumeAttributesClassName: 'super-gold' }
    const change = { modifyVolumeStatus: { status: 'InProgress', targetVolumeAttributesClassName: 'super-tin' } }
    const live = superClaim({ volumeName: 'pvc-1', storageClassName: 'super-standard' }, { ...status, ...change })
    expect(claims.toTenant?.(live, claim({ storageClassName: undefined }), named)).toMatchObject([
      { body: { spec: { storageClassName: 'standard' } } },
      {
        status: {
          currentVolumeAttributesClassName: 'gold',
          modifyVolumeStatus: { status: 'InProgress', targetVolumeAttributesClassName: 'tin' },
        },
      },
    ])
  })
})

describe('toTenant', () => {
  const status = { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } }
  const bind = { kind: 'patch', body: { metadata: { annotations: bound }, spec: { volumeName: 'pvc-1' } } }

  test('binds with the volume first, then says so', () => {
    expect(
      claims.toTenant?.(superClaim({ volumeName: 'pvc-1' }, status), claim({}, { status: { phase: 'Pending' } }), ctx),
    ).toEqual([bind, { kind: 'status', status }])
  })

  test('names the class that super chose', () => {
    const [write] =
      claims.toTenant?.(superClaim({ volumeName: 'pvc-1' }, status), claim({ storageClassName: undefined }), ctx) ?? []
    expect(write).toMatchObject({ body: { spec: { volumeName: 'pvc-1', storageClassName: 'standard' } } })
  })

  test('is silent when all is said', () => {
    expect(
      claims.toTenant?.(superClaim({ volumeName: 'pvc-1' }, status), claim({ volumeName: 'pvc-1' }, { status }), ctx),
    ).toEqual([])
    expect(claims.toTenant?.(superClaim(), claim({}, { status: { phase: 'Pending' } }), ctx)).toEqual([])
  })

  test('tells of growth, and of its end', () => {
    const conditions = [{ type: 'Resizing', status: 'True', message: `in ${superNamespace(ctx.tenant, 'shop')}` }]
    const own = claim({ volumeName: 'pvc-1' }, { status })
    const growing = superClaim({ volumeName: 'pvc-1' }, { ...status, conditions, allocatedResources: { storage: '2Gi' } })
    expect(claims.toTenant?.(growing, own, ctx)).toEqual([
      {
        kind: 'status',
        status: { conditions: [{ ...conditions[0], message: 'in shop' }], allocatedResources: { storage: '2Gi' } },
      },
    ])
    const grown = claim({ volumeName: 'pvc-1' }, { status: { ...status, conditions } })
    const after = superClaim({ volumeName: 'pvc-1' }, { ...status, capacity: { storage: '2Gi' } })
    expect(claims.toTenant?.(after, grown, ctx)).toEqual([
      { kind: 'status', status: { conditions: null, capacity: { storage: '2Gi' } } },
    ])
  })

  test('says Lost when super has another volume than the tenant knows', () => {
    for (const spec of [{}, { volumeName: 'pvc-2' }]) {
      const [write] =
        claims.toTenant?.(
          superClaim(spec, { phase: 'Pending' }),
          claim({ volumeName: 'pvc-1' }, { status: { phase: 'Bound' } }),
          ctx,
        ) ?? []
      expect(write).toEqual({ kind: 'status', status: { phase: 'Lost' } })
    }
  })
})
