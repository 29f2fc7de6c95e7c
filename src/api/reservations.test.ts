import { describe, expect, test } from 'vitest'
import { readReservations, reservationLifeMs, withReservation } from './reservations.ts'

const now = 1_000_000
/** Each tenant at a version of its own: 11, 12 and so on. */
const versions = (...names: readonly string[]) => new Map(names.map((name, index) => [name, 11 + index]))
const input = { name: 'new', reserved: {}, tenants: versions(), quota: { tenants: 2 }, now }

describe('withReservation', () => {
  test.for<[name: string, given: Partial<Parameters<typeof withReservation>[0]>, reserved: object]>([
    ['the first', {}, { new: now }],
    [
      'one that is there in a version later than any seen',
      { reserved: { '@seen': 5, a: now }, tenants: versions('b', 'a'), quota: {} },
      { '@seen': 12, new: now },
    ],
    [
      'one that is there in an older version',
      { reserved: { '@seen': 50, a: now }, tenants: versions('a') },
      { '@seen': 50, new: now },
    ],
    [
      'tenants that were not looked at',
      { reserved: { '@seen': 5, a: now - reservationLifeMs }, tenants: undefined },
      { '@seen': 5, a: now - reservationLifeMs, new: now },
    ],
    ['beside another that is being made', { reserved: { a: now - 10 } }, { a: now - 10, new: now }],
    ['one that is there by now needs none', { reserved: { a: now - 10 }, tenants: versions('a') }, { new: now }],
    ['one that nobody makes any more', { reserved: { a: now - reservationLifeMs, b: now } }, { b: now, new: now }],
    ['its own again, after its process was killed', { reserved: { new: now - 10, a: now } }, { a: now, new: now }],
    ['its own tenant, which is there already', { tenants: versions('new', 'a') }, { new: now }],
    ['no quota', { quota: {}, tenants: versions('a', 'b', 'c') }, { new: now }],
  ])('%s', ([, given, reserved]) => {
    const { '@seen': seen, ...names } = withReservation({ ...input, ...given })
    expect({ ...('@seen' in reserved && { '@seen': seen }), ...names }).toEqual(reserved)
  })

  test.for<[name: string, given: Partial<Parameters<typeof withReservation>[0]>]>([
    ['tenants', { tenants: versions('a', 'b') }],
    ['tenants and those that are being made', { tenants: versions('a'), reserved: { b: now } }],
    ['nothing is allowed', { quota: { tenants: 0 } }],
  ])('beyond the quota: %s', ([, given]) => {
    expect(() => withReservation({ ...input, ...given })).toThrow(expect.objectContaining({ code: 'QUOTA_EXCEEDED' }))
  })
})

test.for<[text: string | undefined]>([[undefined], ['{'], ['[]'], ['{"a":"b"}'], ['null']])(
  'readReservations(%j) is none',
  ([text]) => {
    expect(readReservations(text)).toEqual({})
  },
)
