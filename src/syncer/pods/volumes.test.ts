import { expect, test } from 'vitest'
import { podSecretName, tokenSecretName } from '../../tenancy/names.ts'
import { aTenantPod } from '../../testing/sync-builders.ts'
import type { V1Volume } from './json-types.ts'
import type { Pod } from './pod.ts'
import { superVolume } from './volumes.ts'

const inSuper = (source: Record<string, unknown>) => {
  const pod = aTenantPod({ volumes: [{ name: 'data', ...source }] }) as Pod
  const { name: _name, ...rest } = superVolume(pod.spec.volumes?.[0] as V1Volume, pod)
  return rest
}
const tokens = tokenSecretName('web', 'tenant-pod-uid')
const labelsItem = { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }
const superLabelsItem = { path: 'labels', fieldRef: { fieldPath: "metadata.annotations['berth.dev/labels']" } }
const cpuItem = { path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu' } }

test.for<[name: string, source: Record<string, unknown>, wanted: Record<string, unknown>]>([
  ['emptyDir', { emptyDir: { medium: 'Memory' } }, { emptyDir: { medium: 'Memory' } }],
  ['image', { image: { reference: 'registry.example/data:1' } }, { image: { reference: 'registry.example/data:1' } }],
  ['configMap', { configMap: { name: 'settings', items: [] } }, { configMap: { name: 'settings', items: [] } }],
  ['the root CA', { configMap: { name: 'kube-root-ca.crt' } }, { configMap: { name: 'kube-root-ca.crt.berth' } }],
  ['secret', { secret: { secretName: 'a.berth', optional: true } }, { secret: { secretName: 'a.berth.berth', optional: true } }],
  ['claim', { persistentVolumeClaim: { claimName: 'data' } }, { persistentVolumeClaim: { claimName: 'data' } }],
  [
    'ephemeral becomes the claim of its pod',
    { ephemeral: { volumeClaimTemplate: {} } },
    { persistentVolumeClaim: { claimName: 'web-data' } },
  ],
  ['downwardAPI', { downwardAPI: { items: [labelsItem, cpuItem] } }, { downwardAPI: { items: [superLabelsItem, cpuItem] } }],
  [
    'csi',
    { csi: { driver: 'd', nodePublishSecretRef: { name: 'kube-root-ca.crt' } } },
    { csi: { driver: 'd', nodePublishSecretRef: { name: 'kube-root-ca.crt.berth' } } },
  ],
  ['csi without a Secret', { csi: { driver: 'd' } }, { csi: { driver: 'd' } }],
  ['cephfs', { cephfs: { secretRef: { name: 'c.berth' } } }, { cephfs: { secretRef: { name: 'c.berth.berth' } } }],
  ['rbd', { rbd: { secretRef: { name: 'c.berth' } } }, { rbd: { secretRef: { name: 'c.berth.berth' } } }],
  ['iscsi', { iscsi: { secretRef: { name: 'c.berth' } } }, { iscsi: { secretRef: { name: 'c.berth.berth' } } }],
  ['flexVolume', { flexVolume: { secretRef: { name: 'c.berth' } } }, { flexVolume: { secretRef: { name: 'c.berth.berth' } } }],
  ['scaleIO', { scaleIO: { secretRef: { name: 'c.berth' } } }, { scaleIO: { secretRef: { name: 'c.berth.berth' } } }],
  ['storageos', { storageos: { secretRef: { name: 'c.berth' } } }, { storageos: { secretRef: { name: 'c.berth.berth' } } }],
  ['cinder', { cinder: { secretRef: { name: 'c.berth' } } }, { cinder: { secretRef: { name: 'c.berth.berth' } } }],
  ['azureFile', { azureFile: { secretName: 'c.berth' } }, { azureFile: { secretName: 'c.berth.berth' } }],
  [
    'a projection of all kinds',
    {
      projected: {
        defaultMode: 0o644,
        sources: [
          { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
          { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
          { secret: { name: 'a.berth' } },
          { downwardAPI: { items: [labelsItem] } },
        ],
      },
    },
    {
      projected: {
        defaultMode: 0o644,
        sources: [
          { secret: { name: tokens, items: [{ key: 'data.0', path: 'token' }] } },
          { configMap: { name: 'kube-root-ca.crt.berth', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
          { secret: { name: 'a.berth.berth' } },
          { downwardAPI: { items: [superLabelsItem] } },
        ],
      },
    },
  ],
])('%s', ([, source, wanted]) => {
  expect(inSuper(source)).toEqual(wanted)
})

test('trust bundles and certificates are found in Secrets of the pod', () => {
  const pod = aTenantPod({ containers: [{ name: 'main' }] }) as Pod
  const projected = superVolume(
    {
      name: 'ids',
      projected: {
        sources: [
          { clusterTrustBundle: { name: 'roots', optional: true, path: 'ca.pem' } },
          { podCertificate: { signerName: 'a/b', keyType: 'ED25519', keyPath: 'key.pem', certificateChainPath: 'chain.pem' } },
        ],
      },
    },
    pod,
  ).projected
  expect(projected?.sources).toEqual([
    { secret: { name: podSecretName('web', 'tenant-pod-uid', 'trust'), items: [{ key: 'ids.0', path: 'ca.pem' }] } },
    {
      secret: {
        name: podSecretName('web', 'tenant-pod-uid', 'cert'),
        items: [
          { key: 'ids.1.key', path: 'key.pem' },
          { key: 'ids.1.chain', path: 'chain.pem' },
        ],
      },
    },
  ])
})

test.for<[name: string]>([['kube-api-access-x'], ['berth-tokens'], ['default-token-abcde']])(
  'a volume named %s is what its source says',
  ([name]) => {
    const pod = aTenantPod({ volumes: [{ name, emptyDir: {} }] }) as Pod
    expect(superVolume({ name, emptyDir: {} } as V1Volume, pod)).toEqual({ name, emptyDir: {} })
  },
)
