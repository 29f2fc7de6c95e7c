import type { KubeObject } from '../../apis/kube-object.ts'
import { contains, type IpRange, parseCidr, rangeOfAddress } from '../../tenancy/ip-ranges.ts'
import { blockOf, cidrText, widened } from '../../tenancy/ip-sets.ts'

/** Super's own networks, as CIDRs in order. */
export interface SuperNetworks {
  /** Pods, Services, nodes, API servers, and what the operator names: no tenant speaks to them by address. */
  readonly ranges: readonly string[]
  /** Of these the pods'. */
  readonly podRanges: readonly string[]
  /** The nodes', by the addresses that tenants see: vn-agent is there. */
  readonly nodeRanges: readonly string[]
}

/** What is known of super. */
export interface SuperFacts {
  readonly nodes: readonly KubeObject[]
  readonly serviceCIDRs: readonly KubeObject[]
  /** EndpointSlices of super's own Service `kubernetes`. */
  readonly apiServers: readonly KubeObject[]
  /** CIDRs that the operator names. */
  readonly named: readonly string[]
}

/** Most CIDRs of each family: every policy of every super namespace has them all. */
const mostRanges = 64

/** Addresses that are nobody's in the internet: RFC 1918, RFC 6598 and RFC 4193. */
export const privateRanges: readonly IpRange[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  'fc00::/7',
].map(parseCidr)

const addressOf = (text: unknown): readonly IpRange[] => {
  try {
    return [rangeOfAddress(String(text))]
  } catch {
    return []
  }
}

const podRangesOf = ({ spec }: KubeObject): readonly IpRange[] =>
  ((spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : [])) as string[]).flatMap((cidr) => blockOf(cidr) ?? [])

/** Addresses of these types. Nodes say their external ones too: whoever speaks to one of these speaks to the machine. */
const nodeAddresses = ({ status }: KubeObject, types = ['InternalIP', 'ExternalIP']): readonly IpRange[] =>
  ((status?.addresses ?? []) as { type: string; address: string }[])
    .filter(({ type }) => types.includes(type))
    .flatMap(({ address }) => addressOf(address))

/** True when a change of this node may change super's networks. */
export const placeOfNode = ({ spec, status }: KubeObject): string =>
  JSON.stringify([spec?.podCIDRs ?? spec?.podCIDR, (status?.addresses ?? []) as unknown])

/**
 * Which addresses are super's own. Where no node says which addresses its pods have and the operator names none, every private address may be a pod's. Single
 * addresses inside a range that the operator names add nothing, so that a new node there changes no policy. Pure.
 */
export const superNetworks = ({ nodes, serviceCIDRs, apiServers, named }: SuperFacts): SuperNetworks => {
  const told = named.flatMap((cidr) => blockOf(cidr) ?? [])
  const fromNodes = nodes.flatMap(podRangesOf)
  const pods = fromNodes.length > 0 ? fromNodes : told.length > 0 ? told : privateRanges
  const services = serviceCIDRs.flatMap(({ spec }) => ((spec?.cidrs ?? []) as string[]).flatMap((cidr) => blockOf(cidr) ?? []))
  const endpoints = apiServers.flatMap((slice) =>
    ((slice['endpoints'] ?? []) as { addresses?: string[] }[]).flatMap(({ addresses = [] }) => addresses.flatMap(addressOf)),
  )
  const single = [...nodes.flatMap((node) => nodeAddresses(node)), ...endpoints].filter(
    (address) => !told.some((range) => contains(range, address)),
  )
  return {
    ranges: widened([...told, ...pods, ...services, ...single], mostRanges).map(cidrText),
    podRanges: widened(pods, mostRanges).map(cidrText),
    nodeRanges: widened(
      nodes.flatMap((node) => nodeAddresses(node, ['InternalIP'])),
      mostRanges,
    ).map(cidrText),
  }
}
