import { describe, expect, test } from 'vitest'
import { superNamespace } from '../../tenancy/names.ts'
import { frozen } from '../../testing/frozen.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { tenantPersistentVolume } from './persistent-volumes.ts'

const ctx = aSyncContext()
const superNs = superNamespace(ctx.tenant, 'shop')
const tenantClaim = frozen({ metadata: { name: 'data', namespace: 'shop', uid: 'uid-t' } })
const nodeAffinity = {
  required: {
    nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node-1'] }] }],
  },
}
const volume = (source: Record<string, unknown>) =>
  frozen({
    metadata: {
      name: 'pvc-1',
      uid: 'pv-uid',
      annotations: { 'pv.kubernetes.io/provisioned-by': 'rancher.io/local-path', path: superNs },
    },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Delete',
      storageClassName: 'standard',
      volumeMode: 'Filesystem',
      nodeAffinity,
      claimRef: { kind: 'PersistentVolumeClaim', namespace: superNs, name: 'data', uid: 'uid-s', resourceVersion: '7' },
      ...source,
    },
    status: { phase: 'Bound' },
  })
const inTenant = (source: Record<string, unknown>) => tenantPersistentVolume(volume(source), { tenantClaim, ctx })

describe('tenantPersistentVolume', () => {
  test("is bound to the tenant's claim", () => {
    expect(inTenant({ hostPath: { path: '/x' } })).toEqual({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'pvc-1', labels: {}, annotations: { 'pv.kubernetes.io/provisioned-by': 'rancher.io/local-path' } },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Delete',
        storageClassName: 'standard',
        volumeMode: 'Filesystem',
        nodeAffinity,
        csi: { driver: 'berth.dev', volumeHandle: 'pvc-1' },
        claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'shop', name: 'data', uid: 'uid-t' },
      },
      status: { phase: 'Bound' },
    })
  })

  test('shows of a CSI volume only driver, handle and file system', () => {
    const csi = {
      driver: 'ebs.csi.aws.com',
      volumeHandle: 'vol-1',
      fsType: 'ext4',
      volumeAttributes: { a: superNs },
      nodePublishSecretRef: { name: 'x' },
    }
    expect(inTenant({ csi }).spec.csi).toEqual({ driver: 'ebs.csi.aws.com', volumeHandle: 'vol-1', fsType: 'ext4' })
  })

  test.for([
    { hostPath: { path: `/opt/pvc-1_${superNs}_data` } },
    { local: { path: `/mnt/${superNs}` } },
    { nfs: { server: 'nas', path: superNs } },
  ])('names nothing of super: %j', (source) => {
    const text = JSON.stringify(inTenant(source))
    for (const secret of [superNs, 'uid-s', 'nas', 'pv-uid']) expect(text).not.toContain(secret)
  })
})
