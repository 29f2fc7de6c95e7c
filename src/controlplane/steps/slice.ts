import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { TenantControlPlaneStatus } from '../../apis/tenant-status.ts'
import { AppError } from '../../lib/errors.ts'
import { familyOf, type IpFamily } from '../../tenancy/ip-ranges.ts'
import { controlPlaneLabel, serviceAddressesAnnotation } from '../../tenancy/marks.ts'
import { controlPlaneNamespace, superDoorName, tenantIdentityNamespace } from '../../tenancy/names.ts'
import {
  apiServerAddress,
  familiesInNeed,
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
import { claimSlice, releaseSlice } from './slice-claims.ts'

/** One allocation at a time in this process; the leader is the only process that allocates. */
export interface SliceLock {
  run<T>(work: () => Promise<T>): Promise<T>
  /** True when the same was not said under that topic before: trouble that lasts is told once. */
  isNews(topic: string, message: string): boolean
}

export const createSliceLock = (): SliceLock => {
  let last: Promise<unknown> = Promise.resolve()
  const said = new Map<string, string>()
  return {
    isNews: (topic, message) => {
      const isNew = said.get(topic) !== message
      said.set(topic, message)
      return isNew
    },
    run: (work) => {
      const next = last.then(work, work)
      last = next.catch(() => {})
      return next
    },
  }
}

/** The ServiceCIDR that an API server makes of its flags (KEP-1880). */
const flagsRange = 'kubernetes'

/** What allocations look at: super's ranges and addresses, and the slices of tenants: of all but `exceptUid`. `forUid`: who asks. */
export const sliceSituation = async (
  { kube, superCluster, signal }: Pick<Deps, 'kube' | 'superCluster' | 'signal'>,
  { exceptUid, forUid }: { readonly exceptUid?: string | undefined; readonly forUid?: string | undefined } = {},
): Promise<SliceSituation> => {
  const [ranges, addresses, tenants] = await Promise.all([
    superCluster.kube.list(resourceTypes.serviceCIDRs, { signal }),
    superCluster.kube.list(resourceTypes.ipAddresses, { signal, metadataOnly: true }),
    kube.list<TenantControlPlane>(resourceTypes.tenantControlPlanes, { signal }),
  ])
  const cidrsOf = ({ spec }: KubeObject) => (spec?.cidrs ?? []) as string[]
  return {
    superRanges: ranges.items.flatMap(cidrsOf),
    superFamilies: ranges.items
      .filter(({ metadata }) => metadata.name === flagsRange)
      .flatMap((range) => cidrsOf(range).map(familyOf)),
    ownClaims: addresses.items
      .filter(({ metadata }) => forUid !== undefined && metadata.labels?.[controlPlaneLabel] === forUid)
      .map(({ metadata }) => metadata.name ?? ''),
    usedAddresses: addresses.items.map(({ metadata }) => metadata.name ?? ''),
    takenSlices: tenants.items
      .filter(({ metadata }) => metadata.uid !== exceptUid)
      .flatMap((tenant) =>
        [...new Set([...slicesOf(tenant.status), tenant.spec.network?.serviceSlice])]
          .filter((slice) => slice !== undefined)
          .map((slice) => ({ tenant: `tenant ${tenant.metadata.namespace}/${tenant.metadata.name}`, slice })),
      ),
  }
}

/** The IPv4 slice for a tenant that has none. Throws SLICE_EXHAUSTED with what is in the way. */
export const chooseSlice = (tenant: TenantControlPlane, situation: SliceSituation): string => {
  const wanted = tenant.spec.network.serviceSlice
  const [firstFamily = 'IPv4'] = situation.superFamilies
  if (firstFamily !== 'IPv4') {
    const message = `super's Services and pods have ${firstFamily} addresses first; a control plane needs IPv4 there. Berth cannot have tenants in this cluster`
    throw new AppError('SLICE_EXHAUSTED', message, { firstFamily })
  }
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

/** The Service of super that has the first address of a tenant's slice. */
const superServiceOf = (tenant: TenantControlPlane): { readonly namespace: string; readonly name: string } =>
  tenant.status?.superCluster?.isApart
    ? { namespace: tenantIdentityNamespace, name: superDoorName(tenant.metadata.uid ?? '') }
    : { namespace: controlPlaneNamespace(refOf(tenant)), name: componentNames.kubeApiServer }

/** True when the first address of a recorded slice went to somebody else before this tenant's Service claimed it. */
const isLost = async (
  tenant: TenantControlPlane,
  slice: string,
  { superCluster, signal }: Pick<Deps, 'superCluster' | 'signal'>,
): Promise<boolean> => {
  const claimed = await superCluster.kube.get<KubeObject>(
    resourceTypes.ipAddresses,
    { name: apiServerAddress(slice) },
    { signal },
  )
  const parent = claimed?.spec?.parentRef
  const own = superServiceOf(tenant)
  return parent !== undefined && (parent.namespace !== own.namespace || parent.name !== own.name)
}

type Allocation = Pick<Deps, 'kube' | 'superCluster' | 'signal' | 'tell'> & { readonly lock: SliceLock }

/** Tells trouble with a tenant's slices of a family once. */
const warn = (
  tenant: TenantControlPlane,
  { reason, message, family }: { readonly reason: string; readonly message: string; readonly family: IpFamily },
  { lock, tell }: Allocation,
): void => {
  if (lock.isNews(`${tenant.metadata.uid} ${reason} ${family}`, message)) tell(tenant, { type: 'Warning', reason, message })
}

/** The first slices of a tenant: an IPv4 one, and an IPv6 one where super's Services have both families. */
const firstSlices = (tenant: TenantControlPlane, situation: SliceSituation, allocation: Allocation): readonly string[] => {
  const slice = chooseSlice(tenant, situation)
  if (!situation.superFamilies.includes('IPv6')) return [slice]
  const ipv6 = pickSlice(situation, 'IPv6')
  if (ipv6 !== undefined) return [slice, ipv6]
  const ranges = situation.superRanges.join(', ')
  const message = `no free /120 is left in ${ranges}: the tenant's Services have IPv4 addresses only, for good`
  warn(tenant, { reason: 'NoIPv6Slice', message, family: 'IPv6' }, allocation)
  return [slice]
}

const writeStatus = async (
  tenant: TenantControlPlane,
  fields: Pick<TenantControlPlaneStatus, 'serviceSlice' | 'serviceSlices' | 'controlPlaneNamespace'>,
  { kube, signal }: Pick<Deps, 'kube' | 'signal'>,
): Promise<TenantControlPlane> => {
  const wanted = { ...tenant, status: { ...tenant.status, ...fields } }
  const answered = await kube.replace(resourceTypes.tenantControlPlanes, wanted, { subresource: 'status', signal })
  // The answer's spec is as stored, not the one that is in force.
  return { ...answered, spec: tenant.spec }
}

/**
 * Gives the tenant its first slices and records them in status before anything uses them, guarded by resourceVersion. Recorded slices stay for good; only
 * while no certificate or process can know them yet, the IPv4 one is chosen again when its first address was taken by another Service. All are
 * claimed in super beforehand.
 */
export const recordSlice = async (tenant: TenantControlPlane, allocation: Allocation): Promise<TenantControlPlane> => {
  const { lock } = allocation
  const recorded = tenant.status?.serviceSlice
  if (recorded !== undefined && (tenant.status?.version !== undefined || !(await isLost(tenant, recorded, allocation)))) {
    return tenant
  }
  return lock.run(async () => {
    const { uid } = tenant.metadata
    if (recorded !== undefined) await releaseSlice(recorded, tenant, allocation)
    const situation = await sliceSituation(allocation, { exceptUid: uid, forUid: uid })
    const slices = firstSlices(tenant, situation, allocation)
    for (const slice of slices) await claimSlice(slice, tenant, allocation)
    const fields = {
      serviceSlice: slices[0],
      serviceSlices: slices.length > 1 ? [...slices] : undefined,
      controlPlaneNamespace: controlPlaneNamespace(refOf(tenant)),
    }
    return writeStatus(tenant, fields, allocation)
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
    warn(tenant, { reason: 'ServiceAddressesExhausted', message, family }, allocation)
    return tenant
  }
  const refusal = growthRefusal(tenant, slices, family)
  if (refusal) return refused(refusal)
  return allocation.lock.run(async () => {
    const situation = await sliceSituation(allocation, { forUid: tenant.metadata.uid })
    const picked = pickSlice(situation, family)
    if (!picked) {
      const ranges = situation.superRanges.join(', ')
      return refused(
        `no free block of 256 ${family} addresses is left in ${ranges} for the Services of the tenant. Add a ServiceCIDR object to the super cluster`,
      )
    }
    await claimSlice(picked, tenant, allocation)
    const grown = await writeStatus(tenant, { serviceSlices: [...slices, picked] }, allocation)
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
