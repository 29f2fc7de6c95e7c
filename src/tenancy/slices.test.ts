import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cidrsOverlap, type IpFamily } from './ip-ranges.ts'
import {
  addressesOf,
  apiServerAddress,
  dataStoreAddress,
  dnsAddress,
  familiesInNeed,
  firstSliceOf,
  parseUsedAddresses,
  pickSlice,
  type SliceSituation,
  sliceRefusal,
  slicesOf,
  type UsedAddresses,
  usedAddressesText,
} from './slices.ts'

const aSituation = (overrides: Partial<SliceSituation> = {}): SliceSituation =>
  Object.freeze<SliceSituation>({
    superRanges: ['10.96.0.0/16'],
    superFamilies: ['IPv4'],
    usedAddresses: [],
    takenSlices: [],
    ownClaims: [],
    ...overrides,
  })

test('a slice gives its first address to the API server, its tenth to DNS and its last to etcd', () => {
  expect(dataStoreAddress('10.96.4.0/24')).toBe('10.96.4.255')
  expect(apiServerAddress('10.96.4.0/24')).toBe('10.96.4.1')
  expect(dnsAddress('10.96.4.16/28')).toBe('10.96.4.26')
})

describe('pickSlice', () => {
  test.for<[name: string, situation: Partial<SliceSituation>, picked: string | undefined, family?: IpFamily]>([
    ['leaves the first /24 to super', {}, '10.96.1.0/24'],
    ['passes over a block in which super gave out an address', { usedAddresses: ['10.96.1.77', '10.96.2.0'] }, '10.96.3.0/24'],
    ['passes over slices of tenants', { takenSlices: [{ tenant: 'a', slice: '10.96.1.0/24' }] }, '10.96.2.0/24'],
    ['passes over a larger slice of a tenant', { takenSlices: [{ tenant: 'a', slice: '10.96.0.0/22' }] }, '10.96.4.0/24'],
    ['passes over a smaller slice of a tenant', { takenSlices: [{ tenant: 'a', slice: '10.96.1.32/28' }] }, '10.96.2.0/24'],
    ['finds none in a range of one /24', { superRanges: ['10.96.0.0/24'] }, undefined],
    ['goes on in the next range', { superRanges: ['10.96.0.0/24', '172.20.0.0/22'] }, '172.20.1.0/24'],
    [
      'passes over IPv6 ranges and addresses',
      { superRanges: ['fd00::/108', '10.96.0.0/16'], usedAddresses: ['fd00::1'] },
      '10.96.1.0/24',
    ],
    [
      'leaves the first /120 of an IPv6 range to super',
      { superRanges: ['10.96.0.0/16', 'fd00:96::/112'] },
      'fd00:96::100/120',
      'IPv6',
    ],
    [
      'passes over IPv6 blocks that are taken, and over what is IPv4',
      {
        superRanges: ['10.96.0.0/16', 'fd00:96::/112'],
        usedAddresses: ['fd00:96::1ff', '10.96.1.7'],
        takenSlices: [
          { tenant: 'a', slice: '10.96.1.0/24' },
          { tenant: 'a', slice: 'fd00:96::200/120' },
          { tenant: 'b', slice: 'fd00:96::300/120' },
        ],
      },
      'fd00:96::400/120',
      'IPv6',
    ],
    [
      'finds a block in a range of more addresses than a number can hold',
      { superRanges: ['fd00::/64'] },
      'fd00::100/120',
      'IPv6',
    ],
    ['finds no IPv6 block in a range of one', { superRanges: ['fd00::/120'] }, undefined, 'IPv6'],
    ['finds no IPv6 block where there is none', {}, undefined, 'IPv6'],
    [
      'takes what the tenant has claimed and nobody recorded',
      {
        usedAddresses: ['10.96.7.0', '10.96.9.0'],
        ownClaims: ['10.96.7.0', '10.96.9.0'],
        takenSlices: [{ tenant: 'a', slice: '10.96.7.0/24' }],
      },
      '10.96.9.0/24',
    ],
    [
      'passes over the claim of a slice that was asked for',
      {
        usedAddresses: ['10.96.1.16', '10.96.2.0'],
        ownClaims: ['10.96.1.16', '10.96.2.0'],
        takenSlices: [
          { tenant: 'a', slice: '10.96.1.16/28' },
          { tenant: 'a', slice: '10.96.2.0/28' },
        ],
      },
      '10.96.3.0/24',
    ],
    [
      'takes no claim of the other family',
      { superRanges: ['10.96.0.0/16', 'fd00:96::/112'], ownClaims: ['fd00:96::700'], usedAddresses: ['fd00:96::700'] },
      '10.96.1.0/24',
    ],
  ])('%s', ([, situation, picked, family]) => {
    expect(pickSlice(aSituation(situation), family)).toBe(picked)
  })

  test('never overlaps a slice given before', () => {
    const slice = fc.integer({ min: 16, max: 28 }).chain((bits) =>
      fc.integer({ min: 0, max: 2 ** (bits - 16) - 1 }).map((n) => {
        const offset = n * 2 ** (32 - bits)
        return `10.96.${Math.floor(offset / 256)}.${offset % 256}/${bits}`
      }),
    )
    fc.assert(
      fc.property(fc.array(slice, { maxLength: 8 }), (slices) => {
        const picked = pickSlice(aSituation({ takenSlices: slices.map((taken) => ({ tenant: 't', slice: taken })) }))
        for (const taken of slices) if (picked) expect(cidrsOverlap(picked, taken)).toBe(false)
      }),
    )
  })
})

describe('sliceRefusal', () => {
  test.for<[name: string, situation: Partial<SliceSituation>, refusal: RegExp | undefined]>([
    ['takes a free slice', {}, undefined],
    [
      'refuses one outside the range of super',
      { superRanges: ['10.97.0.0/16'] },
      /outside the super cluster's Service range 10.97/,
    ],
    [
      'refuses one that overlaps a tenant',
      { takenSlices: [{ tenant: 'tenant x/b', slice: '10.96.4.16/28' }] },
      /overlaps 10.96.4.16\/28 of tenant x\/b/,
    ],
    ['refuses one with addresses in use', { usedAddresses: ['10.96.4.9'] }, /for example 10.96.4.9/],
    [
      'does not mind what is of the other family',
      {
        superRanges: ['fd00::/108', '10.96.0.0/16'],
        usedAddresses: ['fd00::9'],
        takenSlices: [{ tenant: 'a', slice: 'fd00::100/120' }],
      },
      undefined,
    ],
  ])('%s', ([, situation, refusal]) => {
    const answer = sliceRefusal('10.96.4.0/24', aSituation(situation))
    if (refusal) expect(answer).toMatch(refusal)
    else expect(answer).toBeUndefined()
  })
})

test("a tenant's slices are the first and all later ones, each once", () => {
  const serviceSlice = '10.96.4.0/24'
  expect(slicesOf()).toEqual([])
  expect(slicesOf({ serviceSlice })).toEqual([serviceSlice])
  expect(slicesOf({ serviceSlice, serviceSlices: [serviceSlice, '10.96.9.0/24'] })).toEqual([serviceSlice, '10.96.9.0/24'])
})

test.for<[slices: string[], used: UsedAddresses, inNeed: IpFamily[]]>([
  [[], { IPv4: 9 }, []],
  [['10.96.4.0/28'], {}, []],
  [['10.96.4.0/28'], { IPv4: 10 }, []],
  [['10.96.4.0/28'], { IPv4: 11 }, ['IPv4']],
  [['10.96.4.0/24'], { IPv4: 190, IPv6: 300 }, []],
  [['10.96.4.0/24'], { IPv4: 191 }, ['IPv4']],
  [['10.96.4.0/24', '10.96.9.0/24'], { IPv4: 191 }, []],
  [['10.96.4.0/24', '10.96.9.0/24'], { IPv4: 381 }, ['IPv4']],
  [['10.96.4.0/24', 'fd00::100/120'], { IPv4: 191, IPv6: 191 }, ['IPv4']],
  [['10.96.4.0/24', 'fd00::100/120'], { IPv4: 2, IPv6: 192 }, ['IPv6']],
  [['10.96.4.0/24', 'fd00::100/120'], { IPv4: 191, IPv6: 192 }, ['IPv4', 'IPv6']],
])('%j with %j addresses in use: more are needed of %j', ([slices, used, inNeed]) => {
  expect(familiesInNeed(slices, used)).toEqual(inNeed)
})

test('the first slice of a family stays the first as more are added', () => {
  const slices = ['10.96.4.0/24', 'fd00::100/120', '10.96.9.0/24', 'fd00::200/120']
  expect(firstSliceOf(slices, 'IPv4')).toBe('10.96.4.0/24')
  expect(firstSliceOf(slices, 'IPv6')).toBe('fd00::100/120')
  expect(firstSliceOf(['10.96.4.0/24'], 'IPv6')).toBeUndefined()
})

test.for<[slice: string, count: number, first: string, last: string]>([
  ['10.96.4.16/28', 14, '10.96.4.17', '10.96.4.30'],
  ['fd00:96::100/120', 255, 'fd00:96::101', 'fd00:96::1ff'],
])('of %s an allocator may give out %i addresses, from %s to %s', ([slice, count, first, last]) => {
  const addresses = [...addressesOf(slice)]
  expect([addresses.length, addresses[0], addresses.at(-1)]).toEqual([count, first, last])
})

test.for<[text: string | undefined, used: UsedAddresses]>([
  [usedAddressesText({ IPv4: 3, IPv6: 1 }), { IPv4: 3, IPv6: 1 }],
  [undefined, {}],
  ['17', { IPv4: 17 }],
  ['null', {}],
  ['{', {}],
  ['{"IPv4":"3","IPv5":1}', {}],
])('%j says of addresses in use %j', ([text, used]) => {
  expect(parseUsedAddresses(text)).toEqual(used)
})
