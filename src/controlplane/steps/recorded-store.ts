import { resourceTypes } from '../../apis/resource-types.ts'
import type { DataStoreRecord } from '../../apis/store-move.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { AppError } from '../../lib/errors.ts'
import { controlPlaneNamespace } from '../../tenancy/names.ts'
import type { Deps } from '../deps.ts'
import { componentNames } from '../names.ts'
import { refOf } from '../observe.ts'

/**
 * A tenant whose data store is written down. One of a Berth that did not write it down yet has that of its spec, unless that was changed before anybody looked: then
 * what runs says what it has. Throws SPEC_INVALID when that cannot be told.
 */
export const withRecordedStore = async (
  tenant: TenantControlPlane,
  { kube, signal }: Pick<Deps, 'kube' | 'signal'>,
): Promise<TenantControlPlane> => {
  const { status, spec } = tenant
  if (status?.version === undefined || status.dataStore) return tenant
  const namespace = controlPlaneNamespace(refOf(tenant))
  const [own, apiServer] = await Promise.all([
    kube.get(resourceTypes.statefulSets, { namespace, name: componentNames.etcd }, { signal }),
    kube.get(resourceTypes.deployments, { namespace, name: componentNames.kubeApiServer }, { signal }),
  ])
  const wantsOwn = spec.dataStore.kind === 'dedicated'
  if (wantsOwn === (own !== undefined) || !apiServer) return tenant
  if (!own)
    throw new AppError(
      'SPEC_INVALID',
      'spec.dataStore was changed before Berth had written down what it was: set it back to that first, and then again to what it is to be',
      {},
    )
  const [volume] = (own.spec?.volumeClaimTemplates ?? []) as {
    spec: { storageClassName?: string; resources?: { requests?: { storage?: string } } }
  }[]
  const storageSize = volume?.spec.resources?.requests?.storage ?? spec.dataStore.storageSize
  const storageClassName = volume?.spec.storageClassName
  const dataStore: DataStoreRecord = {
    kind: 'dedicated',
    storageSize,
    ...(storageClassName !== undefined && { storageClassName }),
  }
  return { ...tenant, status: { ...status, dataStore } }
}
