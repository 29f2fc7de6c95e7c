import { expect, test } from 'vitest'
import { frozen } from '../../testing/frozen.ts'
import { tenantStorageClass } from './storage-classes.ts'

test("a class keeps what a tenant may know, and super's parameters stay away", () => {
  const superClass = frozen({
    metadata: {
      name: 'standard',
      uid: 'u',
      labels: { tier: 'gold', 'berth.dev/x': 'y' },
      annotations: {
        'storageclass.kubernetes.io/is-default-class': 'true',
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
      },
    },
    provisioner: 'rancher.io/local-path',
    parameters: { 'csi.storage.k8s.io/provisioner-secret-name': 'root' },
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: false,
  })
  expect(tenantStorageClass(superClass)).toEqual({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: {
      name: 'standard',
      labels: { tier: 'gold' },
      annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
    },
    provisioner: 'rancher.io/local-path',
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: false,
  })
})

test('a class that is not the default has no annotation', () => {
  const { metadata } = tenantStorageClass(frozen({ metadata: { name: 'slow' }, provisioner: 'x' }))
  expect(metadata).toEqual({ name: 'slow', labels: {} })
})
