import ipaddr from 'ipaddr.js'

type Address = ReturnType<typeof ipaddr.process>

const parsed = (text: string): Address | undefined => (ipaddr.isValid(text) ? ipaddr.process(text) : undefined)

/** An address as IPAddress objects are named. A Service may have it written otherwise; what is no address stays what it is. */
export const canonical = (text: string): string => parsed(text)?.toString() ?? text

/** True when the address lies in one of the CIDRs. An IPv4 address written as IPv6 counts as IPv4; what is no address lies nowhere. */
export const isInside = (text: string, cidrs: readonly string[]): boolean => {
  const address = parsed(text)
  if (!address) return false
  return cidrs.some((cidr) => {
    if (!ipaddr.isValidCIDR(cidr)) return false
    const [network, bits] = ipaddr.parseCIDR(cidr)
    return network.kind() === address.kind() && address.match(network, bits)
  })
}

/** Ranges of ipaddr.js that no Service may forward to: they mean the node itself, its neighbours, everybody or nobody. */
const special: ReadonlySet<string> = new Set(['unspecified', 'loopback', 'linkLocal', 'multicast', 'broadcast'])

/** IPv6 addresses with an IPv4 address in them, which gateways of cloud networks send on to that one. */
const carrying: ReadonlySet<string> = new Set(['6to4', 'rfc6052', 'rfc6145', 'teredo'])

/** Metadata services of clouds that have no link-local address: to a request from a machine they give that machine's credentials. */
const metadataServices: ReadonlySet<string> = new Set([
  'fd00:ec2::254',
  'fd20:ce::254',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
])

/** Why an endpoint may not have this address, or undefined when it may. */
export const endpointRefusal = (
  text: string,
  { serviceSlices }: { readonly serviceSlices: readonly string[] },
): string | undefined => {
  const address = parsed(text)
  if (!address) return `${text} is not an IP address`
  const range = address.range()
  if (special.has(range)) return `${text} is a ${range} address`
  if (carrying.has(range)) return `${text} stands for an IPv4 address`
  if (metadataServices.has(address.toString())) return `${text} is a metadata service of the machines`
  if (isInside(text, serviceSlices)) return `${text} is the address of a Service`
  return undefined
}
