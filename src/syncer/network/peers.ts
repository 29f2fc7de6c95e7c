import { contains, type IpRange, ipFamilies, overlaps, parseCidr, rangeOfAddress } from '../../tenancy/ip-ranges.ts'
import { blockOf, blockWithout, cidrText, common, everything, type IpBlock } from '../../tenancy/ip-sets.ts'
import { componentLabel, controlPlaneLabel, reachesTenantsLabel, tenantLabel } from '../../tenancy/marks.ts'
import type { V1LabelSelector } from '../pods/json-types.ts'
import type { SyncContext } from '../resource.ts'
import { privateRanges } from './super-networks.ts'

export type Direction = 'ingress' | 'egress'
export const policyTypeOf: Readonly<Record<Direction, string>> = { ingress: 'Ingress', egress: 'Egress' }

/** A peer of a NetworkPolicy's rule. */
export interface Peer {
  readonly ipBlock?: IpBlock
  readonly namespaceSelector?: V1LabelSelector
  readonly podSelector?: V1LabelSelector
}

type Ctx = Pick<
  SyncContext,
  'tenant' | 'isolation' | 'superRanges' | 'superPodRanges' | 'apiServerDoor' | 'apiServerAddress' | 'serviceSlices'
>

/** Where clouds answer their own machines: link-local addresses, those that some have elsewhere, and the same through NAT64 (RFC 6052). */
const metadataRanges: readonly IpRange[] = [
  '169.254.0.0/16',
  '100.100.100.200/32',
  'fe80::/10',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
  '64:ff9b::a9fe:0/112',
].map(parseCidr)

/** IPv4 addresses as IPv6 ones: network plugins read such a block as one of IPv4. */
const mapped = parseCidr('::ffff:0:0/96')

/** Which addresses are open in one direction beside pods that labels tell. */
interface Outside {
  readonly open: boolean
  /** What stays closed all the same. */
  readonly closed: readonly IpRange[]
  /** What the operator opens, whatever it is. */
  readonly given: readonly IpRange[]
}

const blocksOf = (cidrs: readonly string[]): readonly IpRange[] => cidrs.flatMap((cidr) => blockOf(cidr) ?? [])

const outsideOf = (direction: Direction, { isolation: { network }, superRanges, superPodRanges }: Ctx): Outside =>
  direction === 'egress'
    ? {
        open: network.egress !== 'None',
        closed: [...blocksOf(superRanges), ...metadataRanges, ...(network.egress === 'Public' ? privateRanges : [])],
        given: blocksOf(network.egressTo),
      }
    : // What comes by a node port may bear the address of a node.
      { open: network.ingress === 'Any', closed: blocksOf(superPodRanges), given: blocksOf(network.ingressFrom) }

const tenantPods = ({ tenant }: Ctx): Peer => ({ namespaceSelector: { matchLabels: { [tenantLabel]: tenant.uid } } })

/** Its API server: pods of the same cluster, or the addresses by which super reaches it. */
const apiServer = ({ tenant, apiServerDoor }: Ctx): readonly Peer[] =>
  apiServerDoor
    ? apiServerDoor.map((address) => ({ ipBlock: { cidr: cidrText(rangeOfAddress(address)) } }))
    : [
        {
          namespaceSelector: { matchLabels: { [controlPlaneLabel]: tenant.uid } },
          podSelector: { matchLabels: { [componentLabel]: 'kube-apiserver' } },
        },
      ]

/** What the operator runs in super for tenants and has labelled: ingress controllers, monitoring. */
const insiders = (direction: Direction): readonly Peer[] =>
  direction === 'ingress' ? [{ namespaceSelector: { matchLabels: { [reachesTenantsLabel]: 'true' } } }] : []

/** Addresses of its own Services: network plugins that look at them before they are translated. */
const ownServices = (direction: Direction, { serviceSlices }: Ctx): readonly Peer[] =>
  direction === 'egress' ? blocksOf(serviceSlices).map((slice) => ({ ipBlock: { cidr: cidrText(slice) } })) : []

const asPeers = (blocks: readonly (IpBlock | undefined)[]): readonly Peer[] =>
  blocks.flatMap((ipBlock) => (ipBlock ? [{ ipBlock }] : []))

/** All that a pod may speak to, or be spoken to by, at most. */
export const basePeers = (direction: Direction, ctx: Ctx): readonly Peer[] => {
  const { open, closed, given } = outsideOf(direction, ctx)
  return [
    tenantPods(ctx),
    ...apiServer(ctx),
    ...insiders(direction),
    ...ownServices(direction, ctx),
    ...asPeers(open ? ipFamilies.map((family) => blockWithout(everything[family], closed)) : []),
    ...asPeers(given.map((range) => blockWithout(range, []))),
  ]
}

/**
 * What is left of a tenant's `ipBlock`: its part of what the base opens. A block with all pods of super in it means the tenant's own among them, and one with the
 * address of its API server means that.
 */
export const narrowedBlock = (
  { cidr, except = [] }: { readonly cidr: string; readonly except?: readonly string[] },
  direction: Direction,
  ctx: Ctx,
): readonly Peer[] => {
  const block = blockOf(cidr)
  if (!block || contains(mapped, block)) return []
  const holes = except.map(blockOf)
  // A hole that cannot be read might be anywhere.
  if (holes.some((hole) => hole === undefined)) return []
  const shut = holes.flatMap((hole) => hole ?? [])
  const { open, closed, given } = outsideOf(direction, ctx)
  const holdsAll = (ranges: readonly IpRange[]): boolean =>
    ranges.length > 0 && ranges.every((range) => contains(block, range) && !shut.some((hole) => overlaps(hole, range)))
  const pods = blocksOf(ctx.superPodRanges).filter(({ family }) => family === block.family)
  const door = [ctx.apiServerAddress, ...(ctx.apiServerDoor ?? [])].map(rangeOfAddress)
  return [
    ...(holdsAll(pods) ? [tenantPods(ctx), ...insiders(direction)] : []),
    ...(door.some((address) => holdsAll([address])) ? apiServer(ctx) : []),
    ...asPeers(
      [
        ...blocksOf(direction === 'egress' ? ctx.serviceSlices : []).map((slice) => common(block, slice)),
        ...given.map((range) => common(block, range)),
      ].map((range) => range && blockWithout(range, shut)),
    ),
    ...asPeers(open ? [blockWithout(block, [...closed, ...shut])] : []),
  ]
}
