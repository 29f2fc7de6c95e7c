import {
  addressText,
  cidrsOverlap,
  contains,
  familyOf,
  type IpFamily,
  type IpRange,
  ipFamilies,
  overlaps,
  parseCidr,
  rangeOfAddress,
} from './ip-ranges.ts'

/** The `n`th address of a slice (1: the tenant's API server, 10: its DNS). */
export const sliceAddress = (slice: string, n: number): string => {
  const { first, family } = parseCidr(slice)
  return addressText(first + BigInt(n), family)
}

/** All slices of a tenant, the first one first; none before that is recorded. */
export const slicesOf = (
  status: { readonly serviceSlice?: string | undefined; readonly serviceSlices?: readonly string[] | undefined } = {},
): readonly string[] =>
  status.serviceSlice === undefined ? [] : [...new Set([status.serviceSlice, ...(status.serviceSlices ?? [])])]

/** The first slice of a family, which the tenant's API server is started with. For IPv6 there is none where super had no such range. */
export const firstSliceOf = (slices: readonly string[], family: IpFamily): string | undefined =>
  slices.find((slice) => familyOf(slice) === family)

/**
 * How many addresses the tenant's allocator can give out of a slice: all but the first, and but the last of an IPv4 one, which is the broadcast address
 * (kubernetes pkg/registry/core/service/ipallocator).
 */
const capacityOf = ({ size, family }: IpRange): number => Number(size) - (family === 'IPv4' ? 2 : 1)

/** How many addresses of its slices a tenant has given out. */
export type UsedAddresses = Readonly<Partial<Record<IpFamily, number>>>

/** As text, for an annotation. */
export const usedAddressesText = (used: UsedAddresses): string => JSON.stringify(used)

/** What `usedAddressesText` wrote; nothing of what it did not write. */
export const parseUsedAddresses = (text: string | undefined): UsedAddresses => {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    // What syncers wrote before there were two families.
    if (typeof value === 'number') return { IPv4: value }
    const numbers = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
    return Object.fromEntries(
      ipFamilies.flatMap((family) => (typeof numbers[family] === 'number' ? [[family, numbers[family]]] : [])),
    )
  } catch {
    return {}
  }
}

/** Families of which three quarters of the tenant's slices are used up: time for another one. Never one that it has no slice of. */
export const familiesInNeed = (slices: readonly string[], used: UsedAddresses): readonly IpFamily[] =>
  ipFamilies.filter((family) => {
    const ranges = slices.map(parseCidr).filter((range) => range.family === family)
    return ranges.length > 0 && (used[family] ?? 0) >= ranges.reduce((sum, range) => sum + capacityOf(range), 0) * 0.75
  })

/** All addresses of a slice that an allocator may give out, in order. */
export const addressesOf = function* (slice: string): Generator<string> {
  const range = parseCidr(slice)
  for (let n = 1; n <= capacityOf(range); n += 1) yield addressText(range.first + BigInt(n), range.family)
}

export const apiServerAddress = (slice: string): string => sliceAddress(slice, 1)
export const dnsAddress = (slice: string): string => sliceAddress(slice, 10)

/** The last address of an IPv4 slice: for the tenant's own etcd. The tenant's allocator never gives it out, as it is the broadcast address of its range. */
export const dataStoreAddress = (slice: string): string => sliceAddress(slice, Number(parseCidr(slice).size) - 1)

/** Addresses of a slice that Berth picks itself, and the prefix that says so. */
const pickedSize = 256n
const pickedPrefix: Readonly<Record<IpFamily, string>> = { IPv4: '/24', IPv6: '/120' }

/** What an allocation looks at: the super's ranges, what Services there hold, and what tenants have or ask for. */
export interface SliceSituation {
  /** CIDRs of super's ServiceCIDR objects, of either family. */
  readonly superRanges: readonly string[]
  /** Families of super's Services, the first one first: those of its API server's flags. A ServiceCIDR object adds addresses, never a family. */
  readonly superFamilies: readonly IpFamily[]
  /** Names of super's IPAddress objects: addresses that Services hold. */
  readonly usedAddresses: readonly string[]
  /** Slices of tenants, recorded or asked for, each with who has it, for messages. */
  readonly takenSlices: readonly { readonly tenant: string; readonly slice: string }[]
  /** First addresses of the slices that this tenant has claimed, recorded or not. */
  readonly ownClaims: readonly string[]
}

const rangesOf = (cidrs: readonly string[], family: IpFamily): IpRange[] =>
  cidrs.filter((cidr) => familyOf(cidr) === family).map(parseCidr)

/**
 * The first free block of 256 addresses in super's Service ranges of a family, or undefined when there is none; first of all one that the tenant has claimed
 * and nobody recorded, as after a crash. Never the first block of a range: there lie `kubernetes`, DNS and the band that super's allocator keeps for addresses
 * asked for by name.
 */
export const pickSlice = (
  { superRanges, usedAddresses, takenSlices, ownClaims }: SliceSituation,
  family: IpFamily = 'IPv4',
): string | undefined => {
  const claimed = ownClaims
    // A slice that was asked for may begin in the middle of a block.
    .filter((address) => familyOf(address) === family && rangeOfAddress(address).first % pickedSize === 0n)
    .map((address) => `${address}${pickedPrefix[family]}`)
    .find((slice) => !takenSlices.some((taken) => cidrsOverlap(taken.slice, slice)))
  if (claimed !== undefined) return claimed
  const taken = rangesOf(
    takenSlices.map(({ slice }) => slice),
    family,
  )
  const used = usedAddresses.filter((address) => familyOf(address) === family).map(rangeOfAddress)
  const usedBlocks = new Set(used.map(({ first }) => first / pickedSize))
  for (const range of rangesOf(superRanges, family)) {
    const end = range.first + range.size
    for (let first = range.first + pickedSize; first + pickedSize <= end; first += pickedSize) {
      const candidate = { family, first, size: pickedSize }
      if (usedBlocks.has(first / pickedSize) || taken.some((other) => overlaps(other, candidate))) continue
      return `${addressText(first, family)}${pickedPrefix[family]}`
    }
  }
  return undefined
}

/** Why a slice that somebody asks for cannot be given, or undefined when it can. */
export const sliceRefusal = (
  slice: string,
  { superRanges, usedAddresses, takenSlices, ownClaims }: SliceSituation,
): string | undefined => {
  const wanted = parseCidr(slice)
  if (!rangesOf(superRanges, wanted.family).some((range) => contains(range, wanted))) {
    return `${slice} is outside the super cluster's Service range ${superRanges.join(', ') || '(none found)'}`
  }
  const other = takenSlices.find((taken) => overlaps(parseCidr(taken.slice), wanted))
  if (other) return `${slice} overlaps ${other.slice} of ${other.tenant}`
  const used = usedAddresses.filter((address) => !ownClaims.includes(address) && contains(wanted, rangeOfAddress(address)))
  if (used.length > 0) {
    return `${slice} holds ${used.length} address(es) that Services of the super cluster use already, for example ${used[0]}`
  }
  return undefined
}
