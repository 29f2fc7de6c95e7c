import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { TenantControlPlaneStatus } from '../../apis/tenant-status.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError } from '../../lib/errors.ts'
import { cidrsOverlap, familyOf, type IpFamily } from '../../tenancy/ip-ranges.ts'
import { serviceAddressesAnnotation } from '../../tenancy/marks.ts'
import { controlPlaneNamespace } from '../../tenancy/names.ts'
import {
  apiServerAddress,
  familiesInNeed,
  firstSliceOf,
  hasFamily,
  parseUsedAddresses,
  pickSlice,
  type SliceSituation,
  sliceRefusal,
  slicesOf,
  type UsedAddresses,
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

/** The IPv4 slice for a tenant that has none. Throws SLICE_EXHAUSTED with what is in the way. */
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

type Allocation = Pick<Deps, 'kube' | 'signal' | 'tell'> & { readonly lock: SliceLock }

/** Tells trouble with a tenant's slices once. */
const warn = (tenant: TenantControlPlane, reason: string, message: string, { lock, tell }: Allocation): void => {
  if (lock.isNews(tenant.metadata.uid ?? '', message)) tell(tenant, { type: 'Warning', reason, message })
}

/** The first slices of a tenant: an IPv4 one, and an IPv6 one where super's Services have both families. */
const firstSlices = (tenant: TenantControlPlane, situation: SliceSituation, allocation: Allocation): readonly string[] => {
  const slice = chooseSlice(tenant, situation)
  if (!hasFamily(situation, 'IPv6')) return [slice]
  const ipv6 = pickSlice(situation, 'IPv6')
  if (ipv6 !== undefined) return [slice, ipv6]
  const ranges = situation.superRanges.join(', ')
  const message = `no free /120 is left in ${ranges}: the tenant's Services have IPv4 addresses only, for good`
  warn(tenant, 'NoIPv6Slice', message, allocation)
  return [slice]
}

const writeStatus = (
  tenant: TenantControlPlane,
  fields: Pick<TenantControlPlaneStatus, 'serviceSlice' | 'serviceSlices' | 'controlPlaneNamespace'>,
  { kube, signal }: Pick<Deps, 'kube' | 'signal'>,
): Promise<TenantControlPlane> =>
  kube.replace(
    resourceTypes.tenantControlPlanes,
    { ...tenant, status: { ...tenant.status, ...fields } },
    { subresource: 'status', signal },
  )

/**
 * After a slice is written: another leader that does not know yet that it is none may have picked the same. Then each sees the other's now, and both give
 * theirs back. Throws KUBE_CONFLICT.
 */
const keepUnlessShared = async (
  picked: string,
  tenant: TenantControlPlane,
  giveBack: () => Promise<unknown>,
  deps: Pick<Deps, 'kube' | 'signal'>,
): Promise<void> => {
  const { takenSlices } = await sliceSituation(deps, tenant.metadata.uid)
  if (!takenSlices.some(({ slice }) => cidrsOverlap(slice, picked))) return
  await giveBack()
  throw new AppError('KUBE_CONFLICT', `${picked} was given to another tenant at the same time`, { picked })
}

/**
 * Gives the tenant its first slices and records them in status before anything uses them, guarded by resourceVersion. Recorded slices stay for good; only
 * while no certificate or process can know them yet, they are chosen again when the first address was taken by another Service. In super nothing claims an
 * IPv6 slice, so it is looked at once more after it is written.
 */
export const recordSlice = async (tenant: TenantControlPlane, allocation: Allocation): Promise<TenantControlPlane> => {
  const { kube, signal, lock } = allocation
  const recorded = tenant.status?.serviceSlice
  if (recorded !== undefined && (tenant.status?.version !== undefined || !(await isLost(tenant, recorded, { kube, signal })))) {
    return tenant
  }
  return lock.run(async () => {
    const slices = firstSlices(tenant, await sliceSituation({ kube, signal }, tenant.metadata.uid), allocation)
    const fields = {
      serviceSlice: slices[0],
      serviceSlices: slices.length > 1 ? [...slices] : undefined,
      controlPlaneNamespace: controlPlaneNamespace(refOf(tenant)),
    }
    const written = await writeStatus(tenant, fields, allocation)
    const ipv6 = firstSliceOf(slices, 'IPv6')
    const nothing = { serviceSlice: undefined, serviceSlices: undefined }
    if (ipv6 !== undefined) await keepUnlessShared(ipv6, tenant, () => writeStatus(written, nothing, allocation), allocation)
    return written
  })
}

/** How many addresses of its slices a tenant has given out, as the syncer says in its Lease; none when it says nothing. */
export const usedAddressesOf = (lease: KubeObject | undefined): UsedAddresses =>
  parseUsedAddresses(lease?.metadata.annotations?.[serviceAddressesAnnotation])

/** Why a tenant that needs another slice of a family gets none. */
const growthRefusal = ({ spec }: TenantControlPlane, slices: readonly string[], family: IpFamily): string | undefined => {
  const ofFamily = slices.filter((slice) => familyOf(slice) === family)
  return ofFamily.length < spec.network.maxServiceSlices
    ? undefined
    : `the Services of the tenant have nearly all addresses of ${ofFamily.join(', ')}, and spec.network.maxServiceSlices allows no more`
}

const growFamily = async (tenant: TenantControlPlane, family: IpFamily, allocation: Allocation): Promise<TenantControlPlane> => {
  const slices = slicesOf(tenant.status)
  const refused = (message: string): TenantControlPlane => {
    warn(tenant, 'ServiceAddressesExhausted', message, allocation)
    return tenant
  }
  const refusal = growthRefusal(tenant, slices, family)
  if (refusal) return refused(refusal)
  return allocation.lock.run(async () => {
    const situation = await sliceSituation(allocation)
    const picked = pickSlice(situation, family)
    if (!picked) {
      const ranges = situation.superRanges.join(', ')
      return refused(
        `no free block of 256 ${family} addresses is left in ${ranges} for the Services of the tenant. Add a ServiceCIDR object to the super cluster`,
      )
    }
    const grown = await writeStatus(tenant, { serviceSlices: [...slices, picked] }, allocation)
    await keepUnlessShared(picked, tenant, () => writeStatus(grown, { serviceSlices: [...slices] }, allocation), allocation)
    allocation.tell(grown, {
      type: 'Normal',
      reason: 'ServiceSliceAdded',
      message: `Services may have addresses of ${picked} too`,
    })
    return grown
  })
}

/**
 * Gives a tenant whose slices of a family are three quarters full another one, recorded in status before anything uses it, guarded by resourceVersion.
 * Nothing is taken back: addresses of a slice may be in use for good.
 */
export const growSlices = async (
  tenant: TenantControlPlane,
  used: UsedAddresses,
  allocation: Allocation,
): Promise<TenantControlPlane> => {
  let grown = tenant
  for (const family of familiesInNeed(slicesOf(tenant.status), used)) grown = await growFamily(grown, family, allocation)
  return grown
}
