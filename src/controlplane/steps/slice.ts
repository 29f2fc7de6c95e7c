import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError } from '../../lib/errors.ts'
import { controlPlaneNamespace } from '../../tenancy/names.ts'
import { apiServerAddress, pickSlice, type SliceSituation, sliceRefusal } from '../../tenancy/slices.ts'
import type { Deps } from '../deps.ts'
import { componentNames } from '../names.ts'
import { refOf } from '../observe.ts'

/** One allocation at a time in this process; the leader is the only process that allocates. */
export interface SliceLock {
  run<T>(work: () => Promise<T>): Promise<T>
}

export const createSliceLock = (): SliceLock => {
  let last: Promise<unknown> = Promise.resolve()
  return {
    run: (work) => {
      const next = last.then(work, work)
      last = next.catch(() => {})
      return next
    },
  }
}

/** What allocations look at: super's ranges and addresses, and the slices of all tenants but one. */
export const sliceSituation = async (
  { kube, signal }: { kube: KubeClient; signal: AbortSignal },
  exceptUid?: string,
): Promise<SliceSituation> => {
  const [ranges, addresses, tenants] = await Promise.all([
    kube.list(resourceTypes.serviceCIDRs, { signal }),
    kube.list(resourceTypes.ipAddresses, { signal, metadataOnly: true }),
    kube.list<TenantControlPlane>(resourceTypes.tenantControlPlanes, { signal }),
  ])
  return {
    superRanges: ranges.items.flatMap((range) => (range.spec?.cidrs ?? []) as string[]),
    usedAddresses: addresses.items.map(({ metadata }) => metadata.name ?? ''),
    takenSlices: tenants.items
      .filter(({ metadata }) => metadata.uid !== exceptUid)
      .flatMap((tenant) =>
        [...new Set([tenant.status?.serviceSlice, tenant.spec.network.serviceSlice])]
          .filter((slice) => slice !== undefined)
          .map((slice) => ({ tenant: `tenant ${tenant.metadata.namespace}/${tenant.metadata.name}`, slice })),
      ),
  }
}

/** The slice for a tenant that has none. Throws SLICE_EXHAUSTED with what is in the way. */
export const chooseSlice = (tenant: TenantControlPlane, situation: SliceSituation): string => {
  const wanted = tenant.spec.network.serviceSlice
  if (wanted !== undefined) {
    const refusal = sliceRefusal(wanted, situation)
    if (refusal)
      throw new AppError('SLICE_EXHAUSTED', `${refusal}. Delete this TenantControlPlane and ask for another slice`, { wanted })
    return wanted
  }
  const picked = pickSlice(situation)
  if (picked) return picked
  throw new AppError(
    'SLICE_EXHAUSTED',
    `no free /24 in the super cluster's Service range ${situation.superRanges.join(', ')}. Add a ServiceCIDR object to it, or delete a tenant`,
    {},
  )
}

/** True when the first address of a recorded slice went to somebody else before this tenant's Service claimed it. */
const isLost = async (
  tenant: TenantControlPlane,
  slice: string,
  { kube, signal }: Pick<Deps, 'kube' | 'signal'>,
): Promise<boolean> => {
  const claimed = await kube.get<KubeObject>(resourceTypes.ipAddresses, { name: apiServerAddress(slice) }, { signal })
  const parent = claimed?.spec?.parentRef
  return (
    parent !== undefined &&
    (parent.namespace !== controlPlaneNamespace(refOf(tenant)) || parent.name !== componentNames.kubeApiServer)
  )
}

/**
 * Gives the tenant its slice and records it in status before anything uses it, guarded by resourceVersion. A recorded slice stays for good; only
 * while no certificate or process can know it yet, it is chosen again when its first address was taken by another Service.
 */
export const recordSlice = async (
  tenant: TenantControlPlane,
  { kube, signal, lock }: Pick<Deps, 'kube' | 'signal'> & { lock: SliceLock },
): Promise<TenantControlPlane> => {
  const recorded = tenant.status?.serviceSlice
  if (recorded !== undefined && (tenant.status?.version !== undefined || !(await isLost(tenant, recorded, { kube, signal })))) {
    return tenant
  }
  return lock.run(async () => {
    const serviceSlice = chooseSlice(tenant, await sliceSituation({ kube, signal }, tenant.metadata.uid))
    return kube.replace(
      resourceTypes.tenantControlPlanes,
      { ...tenant, status: { ...tenant.status, serviceSlice, controlPlaneNamespace: controlPlaneNamespace(refOf(tenant)) } },
      { subresource: 'status', signal },
    )
  })
}
