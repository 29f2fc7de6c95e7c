import type { KubeObject } from '../../apis/kube-object.ts'
import { isBerthKey } from '../../tenancy/marks.ts'

const defaultAnnotation = 'storageclass.kubernetes.io/is-default-class'
const passing = ['provisioner', 'reclaimPolicy', 'mountOptions', 'allowVolumeExpansion', 'volumeBindingMode', 'allowedTopologies']

/** A StorageClass of super as the tenant sees it. Its parameters stay away: they name Secrets and back ends of the super cluster. */
export const tenantStorageClass = (superClass: KubeObject): KubeObject => {
  const { name = '', labels = {}, annotations } = superClass.metadata
  const isDefault = annotations?.[defaultAnnotation]
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: {
      name,
      labels: Object.fromEntries(Object.entries(labels).filter(([key]) => !isBerthKey(key))),
      ...(isDefault !== undefined && { annotations: { [defaultAnnotation]: isDefault } }),
    },
    ...Object.fromEntries(
      passing
        .filter((field) => superClass[field] !== undefined && superClass[field] !== null)
        .map((field) => [field, superClass[field]]),
    ),
  }
}
