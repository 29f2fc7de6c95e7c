import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressText, cidrsOverlap, contains, parseCidr, rangeOfAddress } from './ip-ranges.ts'

describe('a CIDR', () => {
  test.for<[cidr: string]>([
    ['10.96.4.1/24'],
    ['10.96.4/24'],
    ['10.96.4.0/33'],
    ['10.96.4.0/-1'],
    ['10.96.256.0/24'],
    ['010.96.4.0/24'],
    ['0x0a.96.4.0/24'],
    ['10.96.4.0'],
    ['10.96.4.0/24/24'],
    ['fd00::1/64'],
    ['fd00::/129'],
    ['fd00::%eth0/64'],
    ['fd00:::/64'],
    ['example.com/24'],
    [''],
  ])('cannot be %j', ([cidr]) => {
    expect(() => parseCidr(cidr)).toThrow(expect.objectContaining({ code: 'SPEC_INVALID' }))
  })

  test.for<[cidr: string, first: bigint, size: bigint]>([
    ['10.96.4.0/24', 174_064_640n, 256n],
    ['0.0.0.0/0', 0n, 2n ** 32n],
    ['fd00::/108', 0xfdn << 120n, 2n ** 20n],
    ['::/0', 0n, 2n ** 128n],
  ])('%s begins at %s and has %s addresses', ([cidr, first, size]) => {
    expect(parseCidr(cidr)).toMatchObject({ first, size })
  })
})

test.for<[a: string, b: string, overlap: boolean]>([
  ['10.96.0.0/16', '10.96.4.0/24', true],
  ['10.96.4.0/24', '10.96.5.0/24', false],
  ['fd00::/64', 'fd00::100/120', true],
  ['fd00::/120', 'fd00::100/120', false],
  // The same numbers in two families are not the same addresses.
  ['0.0.0.0/0', '::/96', false],
])('%s and %s overlap: %s', ([a, b, overlap]) => {
  expect(cidrsOverlap(a, b)).toBe(overlap)
  expect(cidrsOverlap(b, a)).toBe(overlap)
})

test('an address as a number is the same address as text, in the one form that names an IPAddress', () => {
  fc.assert(fc.property(fc.ipV4(), (address) => addressText(rangeOfAddress(address).first, 'IPv4') === address))
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (value) => {
      const text = addressText(value, 'IPv6')
      return rangeOfAddress(text).first === value && text === text.toLowerCase()
    }),
  )
  expect(addressText(rangeOfAddress('FD00:0:0:1:0:0:0:1').first, 'IPv6')).toBe('fd00:0:0:1::1')
  expect(contains(parseCidr('fd00::/64'), rangeOfAddress('fd00::9'))).toBe(true)
})
