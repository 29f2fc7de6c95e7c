import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { objectPath } from '../kube/paths.ts'
import { hasCode } from '../lib/errors.ts'
import { familyOf, ipFamilies } from '../tenancy/ip-ranges.ts'
import { addressManagerLabel, berthDomain, controlPlaneLabel, tenantLabel } from '../tenancy/marks.ts'
import { controlPlaneNamespace, superNamespace } from '../tenancy/names.ts'
import { addressesOf, type UsedAddresses } from '../tenancy/slices.ts'
import { beginDetour, endDetour } from './detour.ts'
import { keyOf, type ObjectKey, storeKey } from './keys.ts'
import { canonical, isInside } from './resources/addresses.ts'
import { clusterAddresses, services as serviceResource, withFirstAddress } from './resources/services.ts'
import { done, informerOf, type SyncDeps, type SyncResult } from './sides.ts'
import { contains, ownerOf, updatedObject, wantedObject } from './super-object.ts'

const { ipAddresses: type, services } = resourceTypes

/** Who has an address in super, as one tenant sees it. */
type Holder =
  | { readonly kind: 'nobody' }
  /** The tenant itself: its control plane, or the Service of the tenant's namespace and name. */
  | { readonly kind: 'ours'; readonly service?: { readonly namespace: string; readonly name: string } }
  /** A Service that the tenant has deleted and that super has still to take leave of, as with a load balancer that is cleaned up. */
  | { readonly kind: 'leaving' }
  | { readonly kind: 'foreign' }

type Caches = Pick<SyncDeps, 'tenant' | 'superSide'>

/** Reads caches only. A Service in a namespace of the tenant that is not known yet counts as the tenant's: it is being made. */
const holderOf = (superAddress: KubeObject | undefined, { tenant, superSide }: Caches): Holder => {
  if (!superAddress) return { kind: 'nobody' }
  const { ctx } = tenant
  const { resource, namespace = '', name = '' } = superAddress.spec?.parentRef ?? {}
  // The tenant's own claim on one of its slices.
  if (superAddress.metadata.labels?.[controlPlaneLabel] === ctx.tenant.uid) return { kind: 'ours' }
  if (resource !== services.plural) return { kind: 'foreign' }
  if (namespace === controlPlaneNamespace(ctx.tenant)) return { kind: 'ours' }
  if (superSide.informers.get('namespaces')?.get(namespace)?.metadata.labels?.[tenantLabel] !== ctx.tenant.uid)
    return { kind: 'foreign' }
  const superService = informerOf(superSide.informers, services.plural).get(storeKey(namespace, name))
  const owner = superService && ownerOf(superService)
  if (!owner) return { kind: 'ours' }
  const tenantService = informerOf(tenant.informers, services.plural).get(storeKey(owner.namespace, owner.name))
  const isLeaving = superService.metadata.deletionTimestamp !== undefined && tenantService?.metadata.uid !== owner.objectUid
  const isListed = clusterAddresses(superService).some((address) => canonical(address) === superAddress.metadata.name)
  // Left behind by a write that failed half-way, or written down again by the repair of addresses, which takes it back within minutes: nothing that the
  // Service still has to do sets it free.
  if (!isListed && !isLeaving) return { kind: 'ours' }
  return isLeaving ? { kind: 'leaving' } : { kind: 'ours', service: owner }
}

/** True for an address that Berth keeps the tenant from giving out. */
export const isBurnt = (tenantAddress: KubeObject | undefined): boolean =>
  tenantAddress?.metadata.labels?.[addressManagerLabel] === berthDomain

/** What is to be done about one address: burn it in the tenant, so that its allocator passes it over, or give it back. Reads caches only. */
const actionOf = (address: string, { tenant, superSide }: Caches): 'burn' | 'release' | 'none' => {
  const holder = holderOf(informerOf(superSide.informers, type.plural).get(address), { tenant, superSide })
  const live = informerOf(tenant.informers, type.plural).get(address)
  if (holder.kind === 'foreign' && isInside(address, tenant.ctx.serviceSlices)) return live ? 'none' : 'burn'
  return isBurnt(live) && holder.kind !== 'leaving' ? 'release' : 'none'
}

/** An address that the tenant's allocator leaves alone, as does its repair of addresses: it belongs to no Service of the tenant. */
export const burntAddress = (address: string): KubeObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IPAddress',
  metadata: {
    name: address,
    labels: { [addressManagerLabel]: berthDomain, 'ipaddress.kubernetes.io/ip-family': familyOf(address) },
  },
  spec: { parentRef: { group: berthDomain, resource: 'addresses', name: 'in-use' } },
})

const burn = async (address: string, { tenant }: Caches): Promise<void> => {
  const made = await tenant.tenantClient.create(type, burntAddress(address)).catch((error: unknown) => {
    // A Service of the tenant was quicker: it is told when it goes down.
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
  })
  if (made) informerOf(tenant.informers, type.plural).observe(made)
}

/**
 * The keys of the Services that have the address in the tenant. Looks at the Services themselves where no IPAddress says it: the repair of addresses takes
 * away, for moments, the one of a Service whose address is written in another form than its name (kubernetes
 * pkg/registry/core/service/ipallocator/controller/repairip.go compares the two as texts), and a burnt one may have come in between.
 */
const serviceKeys = (address: string, tenantAddress: KubeObject | undefined, { tenant }: Caches): readonly string[] => {
  const { resource, namespace = '', name = '' } = tenantAddress?.spec?.parentRef ?? {}
  if (resource === services.plural) return [keyOf(services.plural, namespace, name)]
  return informerOf(tenant.informers, services.plural)
    .list()
    .filter((service) => clusterAddresses(service).some((has) => canonical(has) === address))
    .map(({ metadata }) => keyOf(services.plural, metadata.namespace ?? '', metadata.name ?? ''))
}

const noKeys: ReadonlySet<string> = new Set()

/** Keeps the tenant from giving out an address of its slices that somebody else has in super, and gives it back when that has gone. */
export const syncAddress = async ({ name }: ObjectKey, deps: SyncDeps): Promise<SyncResult> => {
  const live = informerOf(deps.tenant.informers, type.plural).get(name)
  switch (actionOf(name, deps)) {
    case 'burn':
      await burn(name, deps)
      break
    case 'release':
      await deps.tenant.tenantClient.delete(
        type,
        { name },
        { ...(live?.metadata.uid !== undefined && { uid: live.metadata.uid }) },
      )
      break
    case 'none':
  }
  // A Service may wait for the address, or has to learn that it cannot have it.
  // One that fails comes again by itself: each of its tries may take an address and give it back. If it was refused for this one, it comes now.
  const isFree = !informerOf(deps.superSide.informers, type.plural).get(name)
  const heldUp = isFree ? deps.tenant.heldUp.take(name) : noKeys
  for (const key of serviceKeys(name, live, deps)) if (!heldUp.has(key) && !deps.isFailing(key)) deps.enqueue(key)
  for (const key of heldUp) deps.enqueue(key)
  return done
}

/** Addresses whose state differs from what it should be. */
export const driftedAddresses = function* (deps: Caches): Generator<string> {
  const { tenant, superSide } = deps
  const superAddresses = informerOf(superSide.informers, type.plural)
  // By the slices, which are small, and not by super's Services, of which there are many.
  for (const slice of tenant.ctx.serviceSlices) {
    for (const address of addressesOf(slice)) if (superAddresses.get(address) && actionOf(address, deps) !== 'none') yield address
  }
  for (const address of informerOf(tenant.informers, type.plural).list()) {
    const { name = '' } = address.metadata
    if (isBurnt(address) && actionOf(name, deps) !== 'none') yield name
  }
}

/** How many addresses of the tenant's slices its allocator cannot give out any more. */
export const usedAddresses = ({ ctx, informers }: Caches['tenant']): UsedAddresses => {
  const used = informerOf(informers, type.plural)
    .list()
    .flatMap(({ metadata: { name = '' } }) => (isInside(name, ctx.serviceSlices) ? [familyOf(name)] : []))
  return Object.fromEntries(ipFamilies.map((family) => [family, used.filter((each) => each === family).length]))
}

interface ManagedFields {
  readonly fieldsV1?: { readonly 'f:spec'?: Readonly<Record<string, unknown>> }
}

/** Fields in which somebody asks for addresses. The first one can be asked for alone. */
const askingFields = (isFirstTaken: boolean): readonly string[] =>
  isFirstTaken ? ['f:clusterIP', 'f:clusterIPs'] : ['f:clusterIPs']

/** True when somebody wrote the address into the Service, instead of leaving the choice to the API server. */
const isAddressAsked = async (service: KubeObject, isFirstTaken: boolean, { tenant }: Caches): Promise<boolean> => {
  const { name = '', namespace = '' } = service.metadata
  const { status, body } = await tenant.tenantClient.raw(objectPath(services, { name, namespace }))
  if (status !== 200) return true
  const { metadata } = JSON.parse(body) as { metadata: { managedFields?: readonly ManagedFields[] } }
  return (metadata.managedFields ?? []).some(({ fieldsV1 }) =>
    askingFields(isFirstTaken).some((field) => field in (fieldsV1?.['f:spec'] ?? {})),
  )
}

/** The way of a Service to another address: an ExternalName gives its address up, and gets a new one when it is none any more. Its UID stays. */
const wayToNewAddress = ({ spec }: KubeObject) => {
  const { clusterIP: _address, clusterIPs: _addresses, ...rest } = spec as Record<string, unknown>
  return {
    over: { type: 'ExternalName', externalName: 'address-is-changing.invalid', clusterIP: null, clusterIPs: null },
    to: { ...rest, externalName: null },
  }
}

/**
 * The way to another second address: for a moment the Service has its first one only, and keeps it. The API server trims families and addresses itself; who
 * names the addresses would count as who asked for them.
 */
const wayToNewSecondAddress = ({ spec }: KubeObject) => {
  const { ipFamilies, ipFamilyPolicy } = spec as { ipFamilies: string[]; ipFamilyPolicy: string }
  return { over: { ipFamilyPolicy: 'SingleStack' }, to: { ipFamilyPolicy, ipFamilies } }
}

/** Addresses of a Service that somebody has in super, each with who that is. Asks super: its watch may be behind its refusal. */
const holdersOf = async (
  service: KubeObject,
  deps: SyncDeps,
): Promise<{ readonly address: string; readonly holder: Holder }[]> => {
  const { superSide } = deps
  const names = clusterAddresses(service).map(canonical)
  const held = await Promise.all(names.map((name) => superSide.client.get(type, { name })))
  return held.flatMap((superAddress) => {
    if (!superAddress) return []
    informerOf(superSide.informers, type.plural).observe(superAddress)
    return [{ address: superAddress.metadata.name ?? '', holder: holderOf(superAddress, deps) }]
  })
}

/** Nothing has changed in the tenant, and what else there is to say of the Service can be said. */
interface Kept {
  readonly kind: 'kept'
}

/** Brings all but the second address up to date in super. */
const keepFirst = async (service: KubeObject, { tenant, superSide }: SyncDeps): Promise<Kept> => {
  const { name = '', namespace = '' } = service.metadata
  const live = informerOf(superSide.informers, services.plural).get(storeKey(superNamespace(tenant.ctx.tenant, namespace), name))
  const wanted = wantedObject(serviceResource, service, tenant.ctx)
  if (!live || wanted.kind !== 'object') return { kind: 'kept' }
  const updated = updatedObject(serviceResource, live, withFirstAddress(wanted.object))
  if (updated.kind === 'replace' && !contains(live, updated.object)) {
    informerOf(superSide.informers, services.plural).observe(await tenant.superClient.replace(services, updated.object))
  }
  return { kind: 'kept' }
}

/** Who waits for a Service that itself cannot go on would else wait without a word. */
const tellHeldUp = (
  service: KubeObject,
  { address, by }: { readonly address: string; readonly by: { readonly namespace: string; readonly name: string } },
  { tenant }: SyncDeps,
): void =>
  tenant.recorder.record(service, {
    type: 'Warning',
    reason: 'ServiceAddressTaken',
    message: `${address} is still held for Service ${by.namespace}/${by.name}, which cannot be brought up to date: its Events say why. This Service works as soon as the address is free`,
  })

/**
 * What to do when super refuses a Service as invalid: if somebody has its address there, it waits for a Service of the tenant's own that is about to give
 * it up, or else gets the next address. Rethrows what is no matter of addresses.
 */
export const settleAddress = async (service: KubeObject, error: unknown, deps: SyncDeps): Promise<SyncResult | Kept> => {
  const { tenant } = deps
  if (!hasCode(error, 'KUBE_INVALID') || clusterAddresses(service).length === 0) throw error
  const holders = await holdersOf(service, deps)
  const { namespace = '', name = '' } = service.metadata
  const ownKey = keyOf(services.plural, namespace, name)
  for (const { address } of holders) {
    tenant.heldUp.add(address, ownKey)
    // It has gone since super was asked: nobody else will say so.
    if (!informerOf(deps.superSide.informers, type.plural).get(address)) deps.enqueue(keyOf(type.plural, '', address))
  }
  for (const { address, holder } of holders) {
    if (holder.kind !== 'ours' || !holder.service) continue
    const key = keyOf(services.plural, holder.service.namespace, holder.service.name)
    if (key === ownKey) continue
    if (deps.isFailing(key)) tellHeldUp(service, { address, by: holder.service }, deps)
    return { kind: 'wait-for', key }
  }
  const taken = holders.flatMap(({ address, holder }) => (holder.kind === 'ours' ? [] : [address]))
  if (taken.length === 0) throw error
  const isFirstTaken = taken.includes(canonical(clusterAddresses(service)[0] ?? ''))
  if (await isAddressAsked(service, isFirstTaken, deps)) {
    tenant.recorder.record(service, {
      type: 'Warning',
      reason: 'ServiceAddressTaken',
      message: `spec.${isFirstTaken ? 'clusterIP' : 'clusterIPs'}: ${taken.join(', ')} is in use outside of this cluster. The Service works as soon as it is free; or make it anew without an address`,
    })
    return isFirstTaken ? done : keepFirst(service, deps)
  }
  const way = isFirstTaken ? wayToNewAddress(service) : wayToNewSecondAddress(service)
  const given = await beginDetour(services, service, way, tenant)
  for (const address of taken) await burn(address, deps)
  const renewed = await endDetour(services, given, tenant)
  tenant.recorder.record(service, {
    type: 'Warning',
    reason: 'ServiceAddressChanged',
    message: `${taken.join(', ')} is in use outside of this cluster: the address of this Service is ${clusterAddresses(renewed).join(', ')} now`,
  })
  return done
}
