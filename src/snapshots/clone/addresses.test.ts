import { describe, expect, test } from 'vitest'
import { newAddresses, type SlicesOfBoth } from './addresses.ts'

const slices = { from: ['10.96.4.0/24'], to: ['10.96.9.0/24'] }
const dual = { from: ['10.96.4.0/24', 'fd00::400/120'], to: ['10.96.9.0/24', 'fd00::900/120'] }
const grown = { from: ['10.96.4.0/24', '10.96.7.0/24'], to: ['10.96.9.0/24'] }
const larger = { from: ['10.96.4.0/24'], to: ['10.96.16.0/22'] }
const smaller = { from: ['10.96.4.0/24'], to: ['10.96.9.16/28'] }

describe('newAddresses', () => {
  test.for<[name: string, slices: SlicesOfBoth, given: Record<string, string>]>([
    ['lie as far into the slice as before', slices, { '10.96.4.10': '10.96.9.10', '10.96.4.77': '10.96.9.77' }],
    ['of both families', dual, { '10.96.4.3': '10.96.9.3', 'fd00::42a': 'fd00::92a' }],
    ['lie at the beginning of a larger slice', larger, { '10.96.4.10': '10.96.16.10', '10.96.4.200': '10.96.16.200' }],
    ['are the next free ones for those of a second slice', grown, { '10.96.4.2': '10.96.9.2', '10.96.7.2': '10.96.9.3' }],
    [
      'are the next free ones in a slice that is too small',
      smaller,
      { '10.96.4.200': '10.96.9.18', '10.96.4.201': '10.96.9.19' },
    ],
    ['are ours for addresses that a tenant brought', slices, { '172.16.0.5': '10.96.9.2' }],
    ['are ours when the old slice is not known', { ...slices, from: [] }, { '10.96.4.77': '10.96.9.2' }],
    ['are not the broadcast address', smaller, { '10.96.4.15': '10.96.9.18' }],
  ])('%s', ([, both, given]) => {
    expect(Object.fromEntries(newAddresses(Object.keys(given), both))).toEqual(given)
  })

  test('are each given once, whatever is asked for, and the API server and DNS keep theirs', () => {
    const old = Array.from({ length: 200 }, (_, n) => `10.96.${n % 2 ? 4 : 7}.${n + 20}`)
    const given = newAddresses([...old, ...old], grown)
    expect(new Set(given.values()).size).toBe(200)
    expect([...given.values()]).not.toContain('10.96.9.1')
    expect([...given.values()]).not.toContain('10.96.9.10')
  })

  test('say what to do when there are too few', () => {
    const old = Array.from({ length: 20 }, (_, n) => `10.96.4.${n + 100}`)
    expect(() => newAddresses(old, smaller)).toThrow(/larger spec\.network\.serviceSlice/)
    expect(() => newAddresses(['fd00::1'], slices)).toThrow(/no free IPv6 one/)
  })
})
