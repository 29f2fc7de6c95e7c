import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contains, type IpRange, overlaps, parseCidr } from './ip-ranges.ts'
import { blockOf, blockWithout, cidrText, everything, merged, widened } from './ip-sets.ts'

const ranges = (cidrs: readonly string[]): readonly IpRange[] => cidrs.map(parseCidr)

test.for<[name: string, given: readonly string[], wanted: readonly string[]]>([
  ['nothing', [], []],
  ['two halves are one', ['10.0.1.0/24', '10.0.0.0/24'], ['10.0.0.0/23']],
  ['neighbours that are no block stay two', ['10.0.1.0/24', '10.0.2.0/24'], ['10.0.1.0/24', '10.0.2.0/24']],
  ['one inside another', ['10.0.0.0/8', '10.1.0.0/16'], ['10.0.0.0/8']],
  ['each family for itself', ['::/0', '0.0.0.0/0'], ['0.0.0.0/0', '::/0']],
])('merged: %s', ([, given, wanted]) => {
  expect(merged(ranges(given)).map(cidrText)).toEqual(wanted)
})

test.for<[name: string, given: readonly string[], most: number, wanted: readonly string[]]>([
  ['few stay as they are', ['10.0.0.1/32', '10.0.0.9/32'], 2, ['10.0.0.1/32', '10.0.0.9/32']],
  ['the nearest become one', ['10.0.0.1/32', '10.0.0.2/32', '10.9.0.0/24'], 2, ['10.0.0.0/30', '10.9.0.0/24']],
  ['what lies between goes with them', ['10.0.0.0/32', '10.0.0.2/32', '10.0.0.6/32'], 1, ['10.0.0.0/29']],
])('widened: %s', ([, given, most, wanted]) => {
  expect(widened(ranges(given), most).map(cidrText)).toEqual(wanted)
})

const aRange = fc.tuple(fc.nat({ max: 2 ** 16 - 1 }), fc.integer({ min: 16, max: 32 })).map(([host, prefix]): IpRange => {
  const size = 1n << BigInt(32 - prefix)
  return { family: 'IPv4', first: (((10n << 24n) + BigInt(host)) / size) * size, size }
})

test('widened: nothing gets out, and there are never more than asked for', () => {
  fc.assert(
    fc.property(fc.array(aRange, { maxLength: 40 }), fc.integer({ min: 1, max: 8 }), (given, most) => {
      const kept = widened(given, most)
      expect(kept.length).toBeLessThanOrEqual(most)
      for (const range of given) expect(kept.some((each) => contains(each, range))).toBe(true)
      for (const [index, range] of kept.entries())
        for (const other of kept.slice(index + 1)) expect(overlaps(range, other)).toBe(false)
    }),
  )
})

describe('blockWithout', () => {
  test.for<[name: string, block: string, without: readonly string[], wanted: ReturnType<typeof blockWithout>]>([
    ['as it is', '192.0.2.0/24', ['10.0.0.0/8'], { cidr: '192.0.2.0/24' }],
    ['with a hole', '0.0.0.0/0', ['10.0.0.0/8', 'fd00::/8'], { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] }],
    ['gone, being inside one', '10.1.0.0/16', ['10.0.0.0/8'], undefined],
    ['gone, being one', '10.0.0.0/8', ['10.0.0.0/8'], undefined],
    ['gone, being in two halves', '10.0.0.0/8', ['10.0.0.0/9', '10.128.0.0/9'], undefined],
  ])('%s', ([, block, without, wanted]) => {
    expect(blockWithout(parseCidr(block), ranges(without))).toEqual(wanted)
  })
})

test.for<[cidr: string, wanted: string | undefined]>([
  ['10.0.0.7/24', '10.0.0.0/24'],
  ['fd00::7/64', 'fd00::/64'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['::/0', '::/0'],
  ['010.0.0.0/8', undefined],
  ['10.0/16', undefined],
  ['10.0.0.0', undefined],
  ['fe80::1%eth0/64', undefined],
  ['x/8', undefined],
])('blockOf: %s', ([cidr, wanted]) => {
  const block = blockOf(cidr)
  expect(block && cidrText(block)).toBe(wanted)
})

test('everything of a family is a block', () => {
  expect(Object.values(everything).map(cidrText)).toEqual(['0.0.0.0/0', '::/0'])
})
