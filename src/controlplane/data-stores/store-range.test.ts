import { describe, expect, test } from 'vitest'
import { storePrefix, storeUser } from '../names.ts'
import { isExactly, rangeOfPrefix } from './store-range.ts'

const range = rangeOfPrefix('/a/')
const holds = (key: string): boolean => range.start.compare(Buffer.from(key)) <= 0 && range.end.compare(Buffer.from(key)) > 0

describe('the range of a prefix', () => {
  test.for<[key: string, isIn: boolean]>([
    ['/a/', true],
    ['/a/health', true],
    ['/a/registry/x', true],
    ['/a/\u{10ffff}', true],
    ['/a', false],
    ['/a0', false],
    ['/ab/x', false],
    ['/b/x', false],
    ['compact_rev_key', false],
  ])('%s: %s', ([key, isIn]) => {
    expect(holds(key)).toBe(isIn)
  })

  test('of one tenant holds none of another whose UID begins alike', () => {
    const uid = '6d3f0c1e-1111-4222-8333-944455556666'
    const { start, end } = rangeOfPrefix(storePrefix(uid))
    const other = Buffer.from(storePrefix(`${uid}7`))
    expect(start.compare(other) <= 0 && end.compare(other) > 0).toBe(false)
    expect(storeUser(uid)).toBe(`berth-${uid}`)
  })
})

test.for<[what: string, permission: Parameters<typeof isExactly>[0], isExact: boolean]>([
  ['to read and write it', { type: 'Readwrite', ...range }, true],
  ['as etcd writes it', { type: 'READWRITE', ...range }, true],
  ['only to read it', { type: 'Read', ...range }, false],
  ['for more', { type: 'Readwrite', start: range.start, end: Buffer.from('/b0') }, false],
  ['for one key', { type: 'Readwrite', start: range.start, end: Buffer.alloc(0) }, false],
])('a permission %s', ([, permission, isExact]) => {
  expect(isExactly(permission, range)).toBe(isExact)
})
