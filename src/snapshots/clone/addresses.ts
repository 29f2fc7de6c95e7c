import { AppError } from '../../lib/errors.ts'
import { contains, familyOf, parseCidr, rangeOfAddress } from '../../tenancy/ip-ranges.ts'
import { addressesOf, firstSliceOf, sliceAddress } from '../../tenancy/slices.ts'

/** Slices of the tenant that was saved, and of the one that gets its data. The first one of each has the API server's address and that of DNS. */
export interface SlicesOfBoth {
  readonly from: readonly string[]
  readonly to: readonly string[]
}

/** The API server's and the DNS's: never given to others. */
const reservedOffsets = [1, 10]

/** How far into the first slice of its family an address lies; undefined when it lies elsewhere. */
const offsetOf = (address: string, slices: readonly string[]): bigint | undefined => {
  const slice = firstSliceOf(slices, familyOf(address))
  const range = rangeOfAddress(address)
  return slice !== undefined && contains(parseCidr(slice), range) ? range.first - parseCidr(slice).first : undefined
}

/** The address that lies as far into the new slice, where there is one to give out. */
const counterpart = (address: string, { from, to }: SlicesOfBoth): string | undefined => {
  const offset = offsetOf(address, from)
  const slice = firstSliceOf(to, familyOf(address))
  if (offset === undefined || slice === undefined) return undefined
  const { size, family } = parseCidr(slice)
  // Of IPv4 the last one is the broadcast address, which is never given out.
  return offset >= 1n && offset < size - (family === 'IPv4' ? 1n : 0n) ? sliceAddress(slice, Number(offset)) : undefined
}

/**
 * New addresses of Services by their old ones: as far into the first slice as before, so that DNS stays the tenth, and the next free one where that is not to be
 * had. Throws SPEC_INVALID, which a larger slice mends.
 */
export const newAddresses = (addresses: readonly string[], slices: SlicesOfBoth): ReadonlyMap<string, string> => {
  const given = new Map<string, string>()
  const taken = new Set<string>()
  const give = (old: string, address: string): void => {
    given.set(old, address)
    taken.add(address)
  }
  for (const old of new Set(addresses)) {
    const address = counterpart(old, slices)
    if (address !== undefined && !taken.has(address)) give(old, address)
  }
  const reserved = new Set(slices.to.flatMap((slice) => reservedOffsets.map((offset) => sliceAddress(slice, offset))))
  const free = new Map<string, Generator<string>>()
  const nextFree = (old: string): string => {
    const family = familyOf(old)
    // It goes on where it was.
    const all = free.get(family) ?? allAddressesOf(slices.to.filter((slice) => familyOf(slice) === family))
    free.set(family, all)
    for (let next = all.next(); !next.done; next = all.next())
      if (!taken.has(next.value) && !reserved.has(next.value)) return next.value
    const message = `the Services of the snapshot have ${given.size} addresses and more, and the new tenant's slices ${slices.to.join(', ')} have no free ${family} one left: make it with a larger spec.network.serviceSlice`
    throw new AppError('SPEC_INVALID', message, {})
  }
  for (const old of new Set(addresses)) if (!given.has(old)) give(old, nextFree(old))
  return given
}

const allAddressesOf = function* (slices: readonly string[]): Generator<string> {
  for (const slice of slices) yield* addressesOf(slice)
}
