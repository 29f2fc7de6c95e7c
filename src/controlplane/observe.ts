import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { type Hibernation, readHibernation } from '../tenancy/hibernation.ts'
import { controlPlaneLabel, hibernationAnnotation, quotaUsedAnnotation } from '../tenancy/marks.ts'
import { controlPlaneNamespace, kubeconfigSecretName, type TenantRef } from '../tenancy/names.ts'
import { type QuotaUsage, readQuotaUsage } from '../tenancy/quota-usage.ts'
import { type RemoteStore, readRemoteStore } from './data-stores/store-access.ts'
import type { Deps } from './deps.ts'
import type { PlanePlace } from './endpoints.ts'
import { syncerLease } from './names.ts'
import type { Secrets } from './pki/keys.ts'

/** What is there of one tenant in the management cluster, read once at the start of a round. */
export interface Observed {
  readonly namespace: KubeObject | undefined
  /** Applied objects of the control-plane namespace by `kind/name`. */
  readonly objects: ReadonlyMap<string, KubeObject>
  readonly secrets: Secrets
  readonly pods: readonly KubeObject[]
  readonly syncerLease: KubeObject | undefined
  /** The kubeconfig Secret beside the TenantControlPlane. */
  readonly publishedSecret: KubeObject | undefined
  /** Storage classes of the cluster; only read before the data store is there, whose volumes never change. */
  readonly storageClasses: readonly KubeObject[]
  /** A data store that is not the tenant's own. */
  readonly remoteStore: RemoteStore | undefined
}

export const refOf = ({ metadata }: TenantControlPlane): TenantRef => ({
  uid: metadata.uid ?? '',
  name: metadata.name ?? '',
  namespace: metadata.namespace ?? '',
})

/** What the syncer says of the tenant's limits. */
export const quotaOf = (syncerLease: KubeObject | undefined): QuotaUsage | 'none' =>
  readQuotaUsage(syncerLease?.metadata.annotations?.[quotaUsedAnnotation]) ?? 'none'

/** What the syncer has noted of the tenant's pods; undefined: they run. */
export const hibernationOf = (syncerLease: KubeObject | undefined): Hibernation | undefined =>
  readHibernation(syncerLease?.metadata.annotations?.[hibernationAnnotation])

/** Where the tenant's control plane is, as recorded. */
export const planePlaceOf = (tenant: TenantControlPlane): PlanePlace => ({
  namespace: controlPlaneNamespace(refOf(tenant)),
  slice: tenant.status?.serviceSlice ?? '',
  ...(tenant.status?.superCluster?.isApart && { isApart: true }),
})

export const objectId = ({ kind, metadata }: KubeObject): string => `${kind}/${metadata.name}`

const listed: readonly ResourceType[] = [
  resourceTypes.services,
  resourceTypes.configMaps,
  resourceTypes.persistentVolumeClaims,
  resourceTypes.deployments,
  resourceTypes.statefulSets,
  resourceTypes.networkPolicies,
  resourceTypes.resourceQuotas,
  resourceTypes.podDisruptionBudgets,
]

/** The values of a Secret as texts. */
export const decoded = (data: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]))

/** Every read of a round in the management cluster, all at once. */
export const observe = async (tenant: TenantControlPlane, { kube, signal }: Pick<Deps, 'kube' | 'signal'>): Promise<Observed> => {
  const ref = refOf(tenant)
  const namespace = controlPlaneNamespace(ref)
  const labelSelector = `${controlPlaneLabel}=${ref.uid}`
  const list = async (type: ResourceType): Promise<KubeObject[]> =>
    (await kube.list(type, { namespace, labelSelector, signal })).items.map((object) => ({ ...object, kind: type.kind }))

  const [namespaceObject, secrets, pods, lease, publishedSecret, storageClasses, remoteStore, ...lists] = await Promise.all([
    kube.get(resourceTypes.namespaces, { name: namespace }, { signal }),
    list(resourceTypes.secrets),
    list(resourceTypes.pods),
    kube.get(resourceTypes.leases, { name: syncerLease, namespace }, { signal }),
    kube.get(resourceTypes.secrets, { name: kubeconfigSecretName(ref.name), namespace: ref.namespace }, { signal }),
    tenant.status?.version ? [] : kube.list(resourceTypes.storageClasses, { signal }).then(({ items }) => items),
    readRemoteStore(tenant, { kube, signal }),
    ...listed.map(list),
  ])
  return {
    namespace: namespaceObject,
    objects: new Map(lists.flat().map((object) => [objectId(object), object])),
    secrets: new Map(secrets.map((secret) => [secret.metadata.name ?? '', decoded(secret.data)])),
    pods,
    syncerLease: lease,
    publishedSecret,
    storageClasses,
    remoteStore,
  }
}
