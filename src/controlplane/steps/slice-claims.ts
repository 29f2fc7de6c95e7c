import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { AppError, hasCode } from '../../lib/errors.ts'
import { familyOf } from '../../tenancy/ip-ranges.ts'
import { addressManagerLabel, berthDomain, controlPlaneLabel } from '../../tenancy/marks.ts'
import { sliceAddress } from '../../tenancy/slices.ts'
import type { Deps } from '../deps.ts'

const type = resourceTypes.ipAddresses

/**
 * Claims a slice for a tenant in super, by an IPAddress of its very first address, which the tenant's allocator never gives out: of two leaders that pick the
 * same block only one can make it, and super's own allocator passes it over. An IPAddress that another manager is named for is left alone by super's
 * repairs (KEP-1880). Throws KUBE_CONFLICT when another tenant has it.
 */
export const claimSlice = async (
  slice: string,
  { metadata }: TenantControlPlane,
  { superCluster: { kube }, signal }: Pick<Deps, 'superCluster' | 'signal'>,
): Promise<void> => {
  const name = sliceAddress(slice, 0)
  const { uid = '', namespace = '', name: tenantName = '' } = metadata
  const claim: KubeObject = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: {
      name,
      labels: {
        [addressManagerLabel]: berthDomain,
        'ipaddress.kubernetes.io/ip-family': familyOf(slice),
        [controlPlaneLabel]: uid,
      },
    },
    spec: {
      parentRef: { group: berthDomain, resource: resourceTypes.tenantControlPlanes.plural, namespace, name: tenantName },
    },
  }
  try {
    await kube.create(type, claim, { signal })
  } catch (error) {
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
    const live = await kube.get<KubeObject>(type, { name }, { signal })
    if (live?.metadata.labels?.[controlPlaneLabel] === uid) return
    throw new AppError('KUBE_CONFLICT', `${slice} was given to another tenant at the same time`, { slice, cause: error })
  }
}

/** Gives one slice back, if the tenant has claimed it. */
export const releaseSlice = async (
  slice: string,
  { metadata }: TenantControlPlane,
  { superCluster: { kube }, signal }: Pick<Deps, 'superCluster' | 'signal'>,
): Promise<void> => {
  const ref = { name: sliceAddress(slice, 0) }
  const live = await kube.get<KubeObject>(type, ref, { signal })
  if (live?.metadata.uid === undefined || live.metadata.labels?.[controlPlaneLabel] !== metadata.uid) return
  await kube.delete(type, ref, { uid: live.metadata.uid, signal })
}

/** Gives back all that a tenant has claimed. */
export const releaseSlices = async (
  uid: string,
  { superCluster: { kube }, signal }: Pick<Deps, 'superCluster' | 'signal'>,
): Promise<void> => {
  const { items } = await kube.list(type, { labelSelector: `${controlPlaneLabel}=${uid}`, metadataOnly: true, signal })
  for (const { metadata } of items)
    await kube.delete(type, { name: metadata.name ?? '' }, { ...(metadata.uid && { uid: metadata.uid }), signal })
}
