import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import type { ClassRules } from '../../apis/tenant-control-plane.ts'
import { tenantClasses } from '../../tenancy/classes.ts'
import { frozen } from '../../testing/frozen.ts'
import { driversOf, type MirrorView, mirroredByPlural } from './mirrored.ts'

const view = (superObjects: readonly KubeObject[], rules: ClassRules = {}, more: Partial<MirrorView> = {}): MirrorView => ({
  classes: tenantClasses(rules, ({ kind }) => {
    const ofKind = superObjects.filter((object) => object.kind === kind)
    return { list: () => ofKind, get: (name) => ofKind.find(({ metadata }) => metadata.name === name) }
  }),
  hasNode: () => false,
  drivers: () => new Set(),
  hasOwnDefaultPriority: () => false,
  ...more,
})
const copyOf = (plural: string, object: KubeObject, of: MirrorView): KubeObject | undefined =>
  mirroredByPlural.get(plural)?.toTenant(object, of)

const isDefault = 'storageclass.kubernetes.io/is-default-class'
const storageClass = (name: string, annotations?: Record<string, string>): KubeObject =>
  frozen({
    kind: 'StorageClass',
    metadata: { name, uid: 'u', labels: { tier: 'gold', 'berth.dev/x': 'y' }, ...(annotations && { annotations }) },
    provisioner: 'rancher.io/local-path',
    parameters: { 'csi.storage.k8s.io/provisioner-secret-name': 'root' },
    reclaimPolicy: 'Delete',
    allowVolumeExpansion: false,
  })

describe('a storage class', () => {
  const fast = storageClass('fast', { [isDefault]: 'true', 'kubectl.kubernetes.io/last-applied-configuration': '{}' })
  const slow = storageClass('slow')

  test("keeps what a tenant may know, and super's parameters stay away", () => {
    expect(copyOf('storageclasses', fast, view([fast]))).toEqual({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'fast', labels: { tier: 'gold' }, annotations: { [isDefault]: 'true' } },
      provisioner: 'rancher.io/local-path',
      reclaimPolicy: 'Delete',
      allowVolumeExpansion: false,
    })
  })

  test('that is not the default has no annotation', () => {
    expect(copyOf('storageclasses', slow, view([slow]))?.metadata).toEqual({ name: 'slow', labels: { tier: 'gold' } })
  })

  test("is the default when the tenant's rule says so, and the others are not", () => {
    const of = view([fast, slow], { storage: { default: 'slow', allowed: ['fast'] } })
    expect(copyOf('storageclasses', fast, of)?.metadata.annotations).toEqual({ [isDefault]: 'false' })
    expect(copyOf('storageclasses', slow, of)?.metadata.annotations).toEqual({ [isDefault]: 'true' })
  })

  test('has the name that the tenant knows it by, and one whose name is taken is not there', () => {
    const of = view([fast, slow], { storage: { names: { slow: 'fast' } } })
    expect(copyOf('storageclasses', fast, of)?.metadata.name).toBe('slow')
    expect(copyOf('storageclasses', slow, of)).toBeUndefined()
    expect([...driversOf([fast, slow], of.classes)]).toEqual(['rancher.io/local-path'])
    expect([...driversOf([slow], of.classes)]).toEqual([])
  })

  test('that keeps its volumes is there only when it is named', () => {
    const kept = frozen({ ...slow, reclaimPolicy: 'Retain' })
    expect(copyOf('storageclasses', kept, view([kept]))).toBeUndefined()
    expect(copyOf('storageclasses', kept, view([kept], { storage: { allowed: ['slow'] } }))).toBeDefined()
  })

  test('that the tenant may not use is not there', () => {
    expect(copyOf('storageclasses', fast, view([fast, slow], { storage: { allowed: ['slow'] } }))).toBeUndefined()
  })
})

describe('a priority', () => {
  const high: KubeObject = frozen({ kind: 'PriorityClass', metadata: { name: 'high' }, value: 1000, globalDefault: true })
  const critical: KubeObject = frozen({ kind: 'PriorityClass', metadata: { name: 'system-node-critical' }, value: 2_000_001_000 })

  test('is not there unless it is named', () => {
    expect(copyOf('priorityclasses', high, view([high]))).toBeUndefined()
    expect(copyOf('priorityclasses', high, view([high], { priority: { allowed: ['high'] } }))).toMatchObject({ value: 1000 })
  })

  test('is the default unless the tenant has a default of its own, for the API takes one only', () => {
    const rules = { priority: { default: 'high' } }
    expect(copyOf('priorityclasses', high, view([high], rules))).toMatchObject({ globalDefault: true })
    const own = view([high], rules, { hasOwnDefaultPriority: () => true })
    expect(copyOf('priorityclasses', high, own)).toMatchObject({ globalDefault: false })
  })

  test("Kubernetes' own are left to the tenant's API server", () => {
    expect(copyOf('priorityclasses', critical, view([critical], { priority: { selector: {} } }))).toBeUndefined()
  })
})

test('a CSI driver that no class of the tenant uses is not there', () => {
  const driver: KubeObject = frozen({ metadata: { name: 'disks.example' }, spec: { attachRequired: true } })
  expect(copyOf('csidrivers', driver, view([]))).toBeUndefined()
  expect(copyOf('csidrivers', driver, view([], {}, { drivers: () => new Set(['disks.example']) }))).toMatchObject({
    spec: { attachRequired: true },
  })
})
