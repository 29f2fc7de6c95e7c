import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addressesOf,
  apiServerAddress,
  cidrsOverlap,
  dataStoreAddress,
  dnsAddress,
  isSliceNeeded,
  parseCidr,
  pickSlice,
  type SliceSituation,
  sliceRefusal,
  slicesOf,
} from './slices.ts'

const aSituation = (overrides: Partial<SliceSituation> = {}): SliceSituation =>
  Object.freeze({ superRanges: ['10.96.0.0/16'], usedAddresses: [], takenSlices: [], ...overrides })

test('a slice gives its first address to the API server, its tenth to DNS and its last to etcd', () => {
  expect(dataStoreAddress('10.96.4.0/24')).toBe('10.96.4.255')
  expect(apiServerAddress('10.96.4.0/24')).toBe('10.96.4.1')
  expect(dnsAddress('10.96.4.16/28')).toBe('10.96.4.26')
})

test.for<[cidr: string]>([['10.96.4.1/24'], ['10.96.4/24'], ['10.96.4.0/33'], ['10.96.256.0/24'], ['fd00::/108'], ['10.96.4.0']])(
  'refuses %s as a CIDR',
  ([cidr]) => {
    expect(() => parseCidr(cidr)).toThrow()
  },
)

describe('pickSlice', () => {
  test.for<[name: string, situation: Partial<SliceSituation>, picked: string | undefined]>([
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
  ])('%s', ([, situation, picked]) => {
    expect(pickSlice(aSituation(situation))).toBe(picked)
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

test.for<[slices: string[], used: number, isNeeded: boolean]>([
  [[], 9, false],
  [['10.96.4.0/28'], 10, false],
  [['10.96.4.0/28'], 11, true],
  [['10.96.4.0/24'], 190, false],
  [['10.96.4.0/24'], 191, true],
  [['10.96.4.0/24', '10.96.9.0/24'], 191, false],
  [['10.96.4.0/24', '10.96.9.0/24'], 381, true],
])('%j with %i addresses in use: another is needed: %s', ([slices, used, isNeeded]) => {
  expect(isSliceNeeded(slices, used)).toBe(isNeeded)
})

test('addresses of a slice are those between its first and its last', () => {
  const addresses = [...addressesOf('10.96.4.16/28')]
  expect([addresses.length, addresses[0], addresses.at(-1)]).toEqual([14, '10.96.4.17', '10.96.4.30'])
  expect([...addressesOf('fd00::/120')]).toEqual([])
})
