import type { KubeObject } from '../../apis/kube-object.ts'
import { berthDomain, isBerthKey } from '../../tenancy/marks.ts'
import type { V1PersistentVolumeSpec } from '../pods/json-types.ts'
import type { SyncContext } from '../resource.ts'

const provisionedBy = 'pv.kubernetes.io/provisioned-by'
const passing = [
  'capacity',
  'accessModes',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'mountOptions',
  'volumeMode',
  'nodeAffinity',
] as const

/**
 * The source as the tenant sees it. A volume must have one, and it cannot change later. Of a CSI volume driver, handle and file system are shown; paths,
 * servers, attributes and Secrets of super are not, so any other source shows as a CSI volume of Berth's, by its name.
 */
const tenantSource = ({ csi }: V1PersistentVolumeSpec, name: string): Record<string, unknown> => ({
  csi: csi
    ? {
        driver: csi.driver,
        volumeHandle: csi.volumeHandle,
        ...(csi.fsType !== undefined && { fsType: csi.fsType }),
        ...(csi.readOnly !== undefined && { readOnly: csi.readOnly }),
      }
    : { driver: berthDomain, volumeHandle: name },
})

/** A super PersistentVolume as the tenant of its claim sees it: bound to the tenant's claim. `tenantClaim` is that claim. */
export const tenantPersistentVolume = (
  superVolume: KubeObject,
  { tenantClaim, ctx }: { readonly tenantClaim: Pick<KubeObject, 'metadata'>; readonly ctx: SyncContext },
): KubeObject => {
  const { name = '', labels = {}, annotations } = superVolume.metadata
  const spec: V1PersistentVolumeSpec = superVolume.spec
  const provisioner = annotations?.[provisionedBy]
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name,
      labels: Object.fromEntries(Object.entries(labels).filter(([key]) => !isBerthKey(key))),
      ...(provisioner !== undefined && { annotations: { [provisionedBy]: provisioner } }),
    },
    spec: {
      ...Object.fromEntries(passing.filter((field) => spec[field] !== undefined).map((field) => [field, spec[field]])),
      ...(spec.storageClassName && {
        storageClassName: ctx.classes.tenantName('StorageClass', spec.storageClassName) ?? spec.storageClassName,
      }),
      ...tenantSource(spec, name),
      claimRef: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        namespace: tenantClaim.metadata.namespace ?? '',
        name: tenantClaim.metadata.name ?? '',
        uid: tenantClaim.metadata.uid ?? '',
      },
    },
    status: { phase: superVolume.status?.phase ?? 'Bound' },
  }
}
