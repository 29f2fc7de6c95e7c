import ipaddr from 'ipaddr.js'
import { addressText, contains, type IpFamily, type IpRange, ipFamilies, overlaps, parseCidr } from './ip-ranges.ts'

const widthOf: Readonly<Record<IpFamily, number>> = { IPv4: 32, IPv6: 128 }

/** Everything there is of one family. */
export const everything: Readonly<Record<IpFamily, IpRange>> = {
  IPv4: { family: 'IPv4', first: 0n, size: 1n << 32n },
  IPv6: { family: 'IPv6', first: 0n, size: 1n << 128n },
}

/** The CIDR of a range whose size is a power of two and whose first address is a multiple of it. */
export const cidrText = ({ family, first, size }: IpRange): string =>
  `${addressText(first, family)}/${widthOf[family] - (size.toString(2).length - 1)}`

/** The range of a block as a NetworkPolicy takes it: host bits may be set and do not count. Undefined for what is no CIDR. */
export const blockOf = (cidr: string): IpRange | undefined => {
  if (!ipaddr.isValidCIDR(cidr) || cidr.includes('%')) return undefined
  const [address = '', prefix = ''] = cidr.split('/')
  const [parsed] = ipaddr.parseCIDR(cidr)
  // What can be read in two ways, such as 010.0.0.1, is no address here.
  if (parsed.kind() === 'ipv4' && !ipaddr.IPv4.isValidFourPartDecimal(address)) return undefined
  const network = parsed.kind() === 'ipv4' ? ipaddr.IPv4.networkAddressFromCIDR(cidr) : ipaddr.IPv6.networkAddressFromCIDR(cidr)
  return parseCidr(`${network.toString()}/${prefix}`)
}

/** The largest block that begins at `first` and holds at most `size` addresses. */
const largestAt = (first: bigint, size: bigint, family: IpFamily): bigint => {
  const aligned = first === 0n ? 1n << BigInt(widthOf[family]) : first & -first
  const fitting = 1n << BigInt(size.toString(2).length - 1)
  return aligned < fitting ? aligned : fitting
}

const blocksOf = ({ family, first, size }: IpRange): readonly IpRange[] => {
  const blocks: IpRange[] = []
  for (let at = first, left = size; left > 0n; ) {
    const block = largestAt(at, left, family)
    blocks.push({ family, first: at, size: block })
    at += block
    left -= block
  }
  return blocks
}

const byPlace = (a: IpRange, b: IpRange): number =>
  a.family === b.family ? (a.first < b.first ? -1 : Number(a.first > b.first)) : a.family < b.family ? -1 : 1

/** The same addresses in as few CIDRs as there can be, in order, none of which holds or touches another one of the same block. */
export const merged = (ranges: readonly IpRange[]): readonly IpRange[] => {
  const runs: IpRange[] = []
  for (const range of ranges.toSorted(byPlace)) {
    const last = runs.at(-1)
    if (!last || last.family !== range.family || last.first + last.size < range.first) runs.push(range)
    else {
      const end = range.first + range.size
      const size = end - last.first
      runs[runs.length - 1] = size > last.size ? { ...last, size } : last
    }
  }
  return runs.flatMap(blocksOf)
}

/** The smallest CIDR with both in it. */
const cover = (a: IpRange, b: IpRange): IpRange => {
  const last = b.first + b.size - 1n
  const bits = BigInt((a.first ^ last).toString(2).length)
  const size = a.first === last ? 1n : 1n << bits
  return { family: a.family, first: (a.first / size) * size, size }
}

/** One pass: neighbours whose cover is no larger than `size` become one, as long as there are more than `most`. */
const joined = (ranges: readonly IpRange[], size: bigint, most: number): readonly IpRange[] => {
  const kept: IpRange[] = []
  let left = ranges.length
  for (const range of ranges) {
    const last = kept.at(-1)
    const both = last && cover(last, range)
    if (last && both && (contains(last, range) || (left > most && both.size <= size))) {
      kept[kept.length - 1] = both
      left -= 1
    } else kept.push(range)
  }
  return kept
}

/**
 * At most `most` CIDRs of each family with all these addresses in them: those that lie nearest become one, with what lies between. For ranges that are
 * kept out of something: it may be more than needed, never less.
 */
export const widened = (ranges: readonly IpRange[], most: number): readonly IpRange[] =>
  ipFamilies.flatMap((family) => {
    let kept = merged(ranges.filter((range) => range.family === family))
    for (let bits = 1; kept.length > most && bits <= widthOf[family]; bits += 1) kept = joined(kept, 1n << BigInt(bits), most)
    return merged(kept)
  })

/** A block with holes, as `ipBlock` in a NetworkPolicy. */
export interface IpBlock {
  readonly cidr: string
  readonly except?: readonly string[]
}

/** A block without these ranges; undefined when nothing is left. */
export const blockWithout = (block: IpRange, ranges: readonly IpRange[]): IpBlock | undefined => {
  const holes = merged(ranges.filter((range) => overlaps(range, block)))
  if (holes.some((hole) => contains(hole, block))) return undefined
  return { cidr: cidrText(block), ...(holes.length > 0 && { except: holes.map(cidrText) }) }
}

/** Of two CIDRs the part that both have: the smaller one, or nothing. */
export const common = (a: IpRange, b: IpRange): IpRange | undefined => (contains(a, b) ? b : contains(b, a) ? a : undefined)
