import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { hasCode } from '../lib/errors.ts'
import { tenantLabel, tenantNameAnnotation, tenantNamespaceAnnotation, tenantObjectUidAnnotation } from '../tenancy/marks.ts'
import { superNamespace, type TenantRef } from '../tenancy/names.ts'
import type { AgentRoute } from './routes.ts'

type Tenant = Pick<TenantRef, 'uid' | 'name'>

/** True when a super pod stands for the very pod that the tenant's API server asks for. */
export const isPodOf = (superPod: KubeObject, tenant: Tenant, { namespace, pod, uid }: AgentRoute): boolean => {
  const { labels = {}, annotations = {}, name } = superPod.metadata
  return (
    labels[tenantLabel] === tenant.uid &&
    name === pod &&
    annotations[tenantNamespaceAnnotation] === namespace &&
    annotations[tenantNameAnnotation] === pod &&
    (uid === undefined || annotations[tenantObjectUidAnnotation] === uid)
  )
}

/** UIDs of one pod, for what is told of it. */
export interface OwnedPod {
  readonly superUid: string
  readonly uid: string
}

/**
 * The pod, when it is there and the tenant's; undefined else. `asTenant` is super under the tenant's identity: a namespace of nobody or of somebody else is
 * forbidden to it, which is the same answer as a pod that is not there. Throws when super cannot tell (KUBE_UNREACHABLE, KUBE_TIMEOUT, ...).
 */
export const ownedPod = async (
  tenant: Tenant,
  route: AgentRoute,
  { asTenant, signal }: { asTenant: Pick<KubeClient, 'get'>; signal: AbortSignal },
): Promise<OwnedPod | undefined> => {
  try {
    const ref = { namespace: superNamespace(tenant, route.namespace), name: route.pod }
    const superPod = await asTenant.get(resourceTypes.pods, ref, { signal })
    if (!superPod || !isPodOf(superPod, tenant, route)) return undefined
    const superUid = superPod.metadata.uid
    const uid = superPod.metadata.annotations?.[tenantObjectUidAnnotation]
    return superUid && uid ? { superUid, uid } : undefined
  } catch (error) {
    if (hasCode(error, 'KUBE_FORBIDDEN', 'KUBE_NOT_FOUND')) return undefined
    throw error
  }
}
