import type { KubeObject } from '../apis/kube-object.ts'
import { kindKey, type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { ChangeKind } from '../kube/informer.ts'
import { claimedHosts, hostKinds } from './host-claims.ts'
import { createIngressHosts, type IngressHosts, overlaps } from './ingress-hosts.ts'
import { keyOf, storeKey } from './keys.ts'
import { createPodAddresses, type PodAddresses } from './pod-addresses.ts'
import type { SyncContext } from './resource.ts'
import { canonical, isInside } from './resources/addresses.ts'
import { isMadeInSuper } from './resources/endpoint-slices.ts'
import type { TenantSide } from './sides.ts'
import { ownerOf } from './super-object.ts'

/** What objects in super lay claim to, of which other objects, of any tenant, are refused or cut. */
export interface Claims {
  readonly podAddresses: PodAddresses
  readonly ingressHosts: IngressHosts
  /** Takes in what happened in super. Returns the keys of tenants' objects that are to be looked at again because of it. */
  heard(
    change: {
      readonly type: ResourceType
      readonly event: ChangeKind
      readonly object: KubeObject
      readonly old: KubeObject | undefined
    },
    tenants: ReadonlyMap<string, { readonly side: Pick<TenantSide, 'ctx' | 'informers'> }>,
  ): readonly { readonly tenant: string; readonly key: string }[]
}

/** How what claims hosts is told apart from others, of whatever tenant. */
const claimKey = (tenantUid: string, kind: string, { namespace, name }: { namespace: string; name: string }): string =>
  `${tenantUid}/${kind}/${storeKey(namespace, name)}`

/** What one tenant's translations go by. */
export type ClaimView = Pick<SyncContext, 'podAt' | 'hostStanding'>

export const claimView = (
  { podAddresses, ingressHosts }: Pick<Claims, 'podAddresses' | 'ingressHosts'>,
  tenantUid: string,
): ClaimView => ({
  podAt: (address) => podAddresses.of(tenantUid, address),
  hostStanding: (host, claimant) => ingressHosts.standingOf(host, claimKey(tenantUid, claimant.kind, claimant), tenantUid),
})

const refKey = (plural: string, { metadata }: KubeObject): string => keyOf(plural, metadata.namespace ?? '', metadata.name ?? '')

/** Slices of the tenant that name the address, where addresses count. */
const slicesWith = (address: string, { ctx, informers }: Pick<TenantSide, 'ctx' | 'informers'>): readonly string[] => {
  const { plural } = resourceTypes.endpointSlices
  if (!isInside(address, ctx.superRanges)) return []
  const names = ({ endpoints }: KubeObject): boolean =>
    ((endpoints ?? []) as { addresses: string[] }[]).some(({ addresses }) =>
      addresses.some((each) => canonical(each) === address),
    )
  return (informers.get(plural)?.list() ?? [])
    .filter((slice) => !isMadeInSuper(slice) && names(slice))
    .map((slice) => refKey(plural, slice))
}

/** Objects of the tenant that want the host, or one that overlaps with it. */
const wanting = (host: string, { informers }: Pick<TenantSide, 'informers'>): readonly string[] =>
  hostKinds.flatMap((kind) =>
    (informers.get(kind)?.list() ?? [])
      .filter((object) => claimedHosts(kind, object).some((each) => overlaps(each, host)))
      .map((object) => refKey(kind, object)),
  )

export const createClaims = (): Claims => {
  const podAddresses = createPodAddresses()
  const ingressHosts = createIngressHosts()
  return {
    podAddresses,
    ingressHosts,
    heard: ({ type, event, object, old }, tenants) => {
      const owner = ownerOf(object) ?? (old && ownerOf(old))
      if (!owner) return []
      const { tenantUid, namespace, name } = owner
      const live = event === 'deleted' ? undefined : object
      if (type === resourceTypes.pods) {
        const side = tenants.get(tenantUid)?.side
        const changed = podAddresses.set(storeKey(object.metadata.namespace ?? '', object.metadata.name ?? ''), tenantUid, live)
        return side ? changed.flatMap((address) => slicesWith(address, side).map((key) => ({ tenant: tenantUid, key }))) : []
      }
      const kind = kindKey(type)
      if (!hostKinds.includes(kind)) return []
      const before = old && ownerOf(old)
      // Somebody changed whose it is.
      if (before && before.tenantUid !== tenantUid)
        ingressHosts.set(claimKey(before.tenantUid, kind, before), { tenantUid: before.tenantUid, since: '' }, [])
      const claim = { tenantUid, since: object.metadata.creationTimestamp ?? '' }
      const changed = ingressHosts.set(
        claimKey(tenantUid, kind, { namespace, name }),
        claim,
        live ? claimedHosts(kind, live) : [],
      )
      return [...tenants].flatMap(([tenant, { side }]) =>
        tenant === tenantUid ? [] : changed.flatMap((host) => wanting(host, side).map((key) => ({ tenant, key }))),
      )
    },
  }
}
