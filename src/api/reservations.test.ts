import { describe, expect, test } from 'vitest'
import { readReservations, reservationLifeMs, withReservation } from './reservations.ts'

const now = 1_000_000
const input = { name: 'new', reserved: {}, tenants: new Set<string>(), quota: { tenants: 2 }, now }

describe('withReservation', () => {
  test.for<[name: string, given: Partial<Parameters<typeof withReservation>[0]>, reserved: object]>([
    ['the first', {}, { new: now }],
    ['beside another that is being made', { reserved: { a: now - 10 } }, { a: now - 10, new: now }],
    ['one that is there by now needs none', { reserved: { a: now - 10 }, tenants: new Set(['a']) }, { new: now }],
    ['one that nobody makes any more', { reserved: { a: now - reservationLifeMs, b: now } }, { b: now, new: now }],
    ['its own again, after its process was killed', { reserved: { new: now - 10, a: now } }, { a: now, new: now }],
    ['its own tenant, which is there already', { tenants: new Set(['new', 'a']) }, { new: now }],
    ['no quota', { quota: {}, tenants: new Set(['a', 'b', 'c']) }, { new: now }],
  ])('%s', ([, given, reserved]) => {
    expect(withReservation({ ...input, ...given })).toEqual(reserved)
  })

  test.for<[name: string, given: Partial<Parameters<typeof withReservation>[0]>]>([
    ['tenants', { tenants: new Set(['a', 'b']) }],
    ['tenants and those that are being made', { tenants: new Set(['a']), reserved: { b: now } }],
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
