import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError } from '../../lib/errors.ts'
import { serviceAddressesAnnotation } from '../../tenancy/marks.ts'
import { controlPlaneNamespace } from '../../tenancy/names.ts'
import {
  apiServerAddress,
  cidrsOverlap,
  isSliceNeeded,
  pickSlice,
  type SliceSituation,
  sliceRefusal,
  slicesOf,
} from '../../tenancy/slices.ts'
import type { Deps } from '../deps.ts'
import { componentNames } from '../names.ts'
import { refOf } from '../observe.ts'

/** One allocation at a time in this process; the leader is the only process that allocates. */
export interface SliceLock {
  run<T>(work: () => Promise<T>): Promise<T>
  /** True when the same was not said of the tenant before: trouble that lasts is told once. */
  isNews(uid: string, message: string): boolean
}

export const createSliceLock = (): SliceLock => {
  let last: Promise<unknown> = Promise.resolve()
  const said = new Map<string, string>()
  return {
    isNews: (uid, message) => {
      const isNew = said.get(uid) !== message
      said.set(uid, message)
      return isNew
    },
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
        [...new Set([...slicesOf(tenant.status), tenant.spec.network.serviceSlice])]
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

/** How many addresses of its slices a tenant has given out, as the syncer says in its Lease; none when it says nothing. */
export const usedAddressesOf = (lease: KubeObject | undefined): number =>
  Number(lease?.metadata.annotations?.[serviceAddressesAnnotation] ?? 0) || 0

type Growth = Pick<Deps, 'kube' | 'signal' | 'tell'> & { readonly lock: SliceLock }

const writeSlices = (
  tenant: TenantControlPlane,
  serviceSlices: readonly string[],
  { kube, signal }: Growth,
): Promise<TenantControlPlane> =>
  kube.replace(
    resourceTypes.tenantControlPlanes,
    { ...tenant, status: { ...tenant.status, serviceSlices: [...serviceSlices] } },
    { subresource: 'status', signal },
  )

/** Why a tenant that needs another slice gets none. */
const growthRefusal = ({ spec }: TenantControlPlane, slices: readonly string[]): string | undefined =>
  slices.length < spec.network.maxServiceSlices
    ? undefined
    : `the Services of the tenant have nearly all addresses of ${slices.join(', ')}, and spec.network.maxServiceSlices allows no more`

/**
 * Gives a tenant whose slices are three quarters full another one, recorded in status before anything uses it, guarded by resourceVersion. Nothing is
 * taken back: addresses of a slice may be in use for good.
 */
export const growSlices = async (
  tenant: TenantControlPlane,
  usedAddresses: number,
  deps: Growth,
): Promise<TenantControlPlane> => {
  const { lock, tell } = deps
  const slices = slicesOf(tenant.status)
  if (!isSliceNeeded(slices, usedAddresses)) return tenant
  const refused = (message: string): TenantControlPlane => {
    if (lock.isNews(tenant.metadata.uid ?? '', message))
      tell(tenant, { type: 'Warning', reason: 'ServiceAddressesExhausted', message })
    return tenant
  }
  const refusal = growthRefusal(tenant, slices)
  if (refusal) return refused(refusal)
  return lock.run(async () => {
    const situation = await sliceSituation(deps)
    const picked = pickSlice(situation)
    if (!picked) {
      const ranges = situation.superRanges.join(', ')
      return refused(
        `no free /24 is left in ${ranges} for the Services of the tenant. Add a ServiceCIDR object to the super cluster`,
      )
    }
    const grown = await writeSlices(tenant, [...slices, picked], deps)
    // Another leader that does not know yet that it is none may have picked the same: then each sees the other's now, and both give it back.
    const { takenSlices } = await sliceSituation(deps, tenant.metadata.uid)
    if (takenSlices.some(({ slice }) => cidrsOverlap(slice, picked))) {
      await writeSlices(grown, slices, deps)
      throw new AppError('KUBE_CONFLICT', `${picked} was given to another tenant at the same time`, { picked })
    }
    tell(grown, { type: 'Normal', reason: 'ServiceSliceAdded', message: `Services may have addresses of ${picked} too` })
    return grown
  })
}
