import ipaddr from 'ipaddr.js'
import { contains, parseCidr, rangeOfAddress } from '../../tenancy/ip-ranges.ts'

/** Where webhooks may go. Ranges are CIDRs. */
export interface AddressRules {
  /** Ranges that an operator has opened, whatever they are. */
  readonly allowed: readonly string[]
  /** Ranges of the clusters: pods, Services, nodes. */
  readonly refused: readonly string[]
}

/** Public addresses that clouds answer their machines' secrets from. */
const metadataAddresses = new Set(['168.63.129.16', '100.100.100.200', '169.254.169.254', 'fd00:ec2::254'])

const isIn = (address: string, cidrs: readonly string[]): boolean =>
  cidrs.some((cidr) => contains(parseCidr(cidr), rangeOfAddress(address)))

/** IPv4 addresses inside of IPv6 ones: the machine, or a gateway on the way, would go to those. */
const innerAddress = (parsed: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | undefined => {
  if (!(parsed instanceof ipaddr.IPv6)) return undefined
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address() : undefined
}

/** Why webhooks do not go to an address; undefined when they may. What is not plainly public is refused. */
export const refusedAddress = (address: string, rules: AddressRules): string | undefined => {
  if (!ipaddr.isValid(address) || address.includes('%')) return 'is no address'
  const given = ipaddr.parse(address)
  const parsed = innerAddress(given) ?? given
  const text = parsed.toString()
  if (isIn(text, rules.allowed)) return undefined
  if (isIn(text, rules.refused)) return 'is in a range of the cluster'
  if (metadataAddresses.has(text)) return 'is the metadata service of a cloud'
  // All of IPv6 that is given out to anybody; what is beyond means IPv4 addresses in old clothes, or nothing.
  if (parsed instanceof ipaddr.IPv6 && parsed.range() === 'unicast' && !isIn(text, ['2000::/3'])) return 'is not public'
  const range = parsed.range()
  return range === 'unicast' ? undefined : `is ${rangeWords[range] ?? 'not public'}`
}

const rangeWords: Readonly<Record<string, string>> = {
  private: 'private',
  uniqueLocal: 'private',
  loopback: 'loopback',
  linkLocal: 'link-local',
  multicast: 'multicast',
  broadcast: 'a broadcast address',
  unspecified: 'unspecified',
  carrierGradeNat: 'private',
}
