import ipaddr from 'ipaddr.js'
import { AppError } from '../lib/errors.ts'

export const ipFamilies = ['IPv4', 'IPv6'] as const
/** As in a Service's `ipFamilies`. */
export type IpFamily = (typeof ipFamilies)[number]

/** A range of addresses of one family: its first one as a number, and how many there are. */
export interface IpRange {
  readonly family: IpFamily
  readonly first: bigint
  readonly size: bigint
}

const bytesIn: Readonly<Record<IpFamily, number>> = { IPv4: 4, IPv6: 16 }

/** The family of an address or CIDR, by how it is written. */
export const familyOf = (text: string): IpFamily => (text.includes(':') ? 'IPv6' : 'IPv4')

/** True for an address as the Kubernetes API takes it: four decimals, or IPv6 without a zone. */
const isAddress = (text: string): boolean =>
  ipaddr.IPv4.isValidFourPartDecimal(text) || (ipaddr.IPv6.isValid(text) && !text.includes('%'))

const addressNumber = (text: string): bigint => {
  if (!isAddress(text)) throw new AppError('SPEC_INVALID', `${text} is not an IP address`, { text })
  return ipaddr
    .parse(text)
    .toByteArray()
    .reduce((value, byte) => value * 256n + BigInt(byte), 0n)
}

/** An address as text, IPv6 as in RFC 5952: so are IPAddress objects named. */
export const addressText = (value: bigint, family: IpFamily): string => {
  const length = bytesIn[family]
  const bytes = Array.from({ length }, (_, index) => Number((value >> BigInt(8 * (length - 1 - index))) & 255n))
  return ipaddr.fromByteArray(bytes).toString()
}

/** The range of a CIDR whose host bits are zero. Throws SPEC_INVALID. */
export const parseCidr = (cidr: string): IpRange => {
  const [address = '', prefix = '', ...rest] = cidr.split('/')
  const family = familyOf(cidr)
  const width = bytesIn[family] * 8
  const bits = Number(prefix)
  if (!/^\d{1,3}$/.test(prefix) || bits > width || rest.length > 0 || !isAddress(address))
    throw new AppError('SPEC_INVALID', `${cidr} is not a CIDR`, { cidr })
  const range = { family, first: addressNumber(address), size: 1n << BigInt(width - bits) }
  if (range.first % range.size !== 0n) throw new AppError('SPEC_INVALID', `${cidr} has host bits that are not zero`, { cidr })
  return range
}

export const overlaps = (a: IpRange, b: IpRange): boolean =>
  a.family === b.family && a.first < b.first + b.size && b.first < a.first + a.size

export const contains = (outer: IpRange, inner: IpRange): boolean =>
  outer.family === inner.family && outer.first <= inner.first && inner.first + inner.size <= outer.first + outer.size

export const cidrsOverlap = (a: string, b: string): boolean => overlaps(parseCidr(a), parseCidr(b))

/** An address as a range of one. Throws SPEC_INVALID. */
export const rangeOfAddress = (text: string): IpRange => ({ family: familyOf(text), first: addressNumber(text), size: 1n })
