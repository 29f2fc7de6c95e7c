import { AppError } from '../lib/errors.ts'

/** An IPv4 range: first address and number of addresses, both as numbers. */
export interface Range {
  readonly first: number
  readonly size: number
}

const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/

const addressNumber = (text: string): number => {
  const parts = octets.exec(text)?.slice(1).map(Number)
  if (!parts || parts.some((part) => part > 255)) throw new AppError('SPEC_INVALID', `${text} is not an IPv4 address`, { text })
  return parts.reduce((value, part) => value * 256 + part, 0)
}

const addressText = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')

/** True for a dotted IPv4 address. */
export const isIpv4 = (text: string): boolean => octets.test(text) && text.split('.').every((part) => Number(part) < 256)

/** The range of an IPv4 CIDR whose host bits are zero. Throws SPEC_INVALID. */
export const parseCidr = (cidr: string): Range => {
  const [address = '', prefix = ''] = cidr.split('/')
  const bits = Number(prefix)
  if (!/^\d{1,2}$/.test(prefix) || bits > 32) throw new AppError('SPEC_INVALID', `${cidr} is not an IPv4 CIDR`, { cidr })
  const range = { first: addressNumber(address), size: 2 ** (32 - bits) }
  if (range.first % range.size !== 0) throw new AppError('SPEC_INVALID', `${cidr} has host bits that are not zero`, { cidr })
  return range
}

export const overlaps = (a: Range, b: Range): boolean => a.first < b.first + b.size && b.first < a.first + a.size

const contains = (outer: Range, inner: Range): boolean =>
  outer.first <= inner.first && inner.first + inner.size <= outer.first + outer.size

/** The `n`th address of a slice (1: the tenant's API server, 10: its DNS). */
export const sliceAddress = (slice: string, n: number): string => addressText(parseCidr(slice).first + n)

/** All slices of a tenant, the first one first; none before that is recorded. */
export const slicesOf = (
  status: { readonly serviceSlice?: string | undefined; readonly serviceSlices?: readonly string[] | undefined } = {},
): readonly string[] =>
  status.serviceSlice === undefined ? [] : [...new Set([status.serviceSlice, ...(status.serviceSlices ?? [])])]

/** Addresses that the tenant's allocator can give out of its slices: all but the first and the last of each. */
const sliceCapacity = (slices: readonly string[]): number => slices.reduce((sum, slice) => sum + parseCidr(slice).size - 2, 0)

/** True when three quarters of the slices are used up: time for another one. */
export const isSliceNeeded = (slices: readonly string[], usedAddresses: number): boolean =>
  slices.length > 0 && usedAddresses >= sliceCapacity(slices) * 0.75

/** All addresses of an IPv4 slice that an allocator may give out, in order; none of another family's. */
export const addressesOf = function* (slice: string): Generator<string> {
  if (!isIpv4(slice.split('/')[0] ?? '')) return
  const { first, size } = parseCidr(slice)
  for (let n = 1; n < size - 1; n += 1) yield addressText(first + n)
}

export const apiServerAddress = (slice: string): string => sliceAddress(slice, 1)
export const dnsAddress = (slice: string): string => sliceAddress(slice, 10)

/** The last address of a slice: for the tenant's own etcd. The tenant's allocator never gives it out, as it is the broadcast address of its range. */
export const dataStoreAddress = (slice: string): string => sliceAddress(slice, parseCidr(slice).size - 1)

export const cidrContainsAddress = (cidr: string, address: string): boolean =>
  isIpv4(address) && contains(parseCidr(cidr), { first: addressNumber(address), size: 1 })

export const cidrsOverlap = (a: string, b: string): boolean => overlaps(parseCidr(a), parseCidr(b))

/** Addresses of a slice that Berth picks itself: a /24. */
const defaultSliceSize = 256

/** What an allocation looks at: the super's ranges, what Services there hold, and what tenants have or ask for. */
export interface SliceSituation {
  /** CIDRs of super's ServiceCIDR objects; others than IPv4 are passed over. */
  readonly superRanges: readonly string[]
  /** Names of super's IPAddress objects: addresses that Services hold. */
  readonly usedAddresses: readonly string[]
  /** Slices of tenants, recorded or asked for, each with who has it, for messages. */
  readonly takenSlices: readonly { readonly tenant: string; readonly slice: string }[]
}

const ipv4Ranges = (cidrs: readonly string[]): Range[] => cidrs.filter((cidr) => isIpv4(cidr.split('/')[0] ?? '')).map(parseCidr)

/**
 * The first free /24 of super's Service ranges, or undefined when there is none. Never the first /24 of a range: there lie `kubernetes`, DNS and the
 * band that super's allocator keeps for addresses asked for by name.
 */
export const pickSlice = ({ superRanges, usedAddresses, takenSlices }: SliceSituation): string | undefined => {
  const taken = ipv4Ranges(takenSlices.map(({ slice }) => slice))
  const usedBlocks = new Set(usedAddresses.filter(isIpv4).map((address) => Math.floor(addressNumber(address) / defaultSliceSize)))
  for (const range of ipv4Ranges(superRanges)) {
    const end = range.first + range.size
    for (let first = range.first + defaultSliceSize; first + defaultSliceSize <= end; first += defaultSliceSize) {
      const candidate = { first, size: defaultSliceSize }
      if (usedBlocks.has(first / defaultSliceSize) || taken.some((other) => overlaps(other, candidate))) continue
      return `${addressText(first)}/24`
    }
  }
  return undefined
}

/** Why a slice that somebody asks for cannot be given, or undefined when it can. */
export const sliceRefusal = (slice: string, { superRanges, usedAddresses, takenSlices }: SliceSituation): string | undefined => {
  const wanted = parseCidr(slice)
  if (!ipv4Ranges(superRanges).some((range) => contains(range, wanted))) {
    return `${slice} is outside the super cluster's Service range ${superRanges.join(', ') || '(none found)'}`
  }
  const other = takenSlices.find((taken) => isIpv4(taken.slice.split('/')[0] ?? '') && overlaps(parseCidr(taken.slice), wanted))
  if (other) return `${slice} overlaps ${other.slice} of ${other.tenant}`
  const used = usedAddresses.filter((address) => cidrContainsAddress(slice, address))
  if (used.length > 0) {
    return `${slice} holds ${used.length} address(es) that Services of the super cluster use already, for example ${used[0]}`
  }
  return undefined
}
