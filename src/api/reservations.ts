import { z } from 'zod'
import { AppError } from '../lib/errors.ts'
import type { Quota } from './organization.ts'

/**
 * Names of tenants that are being made, and since when (ms). They stand in an annotation of the organisation's namespace. Beside them, under a key that is no
 * name, stands the version of tenants that a copy of them must have come to: it has all those then whose names have left.
 */
export type Reservations = Readonly<Record<string, number>>

const seenKey = '@seen'

/** The version of tenants that a copy has to have come to; undefined: no copy will do. */
export const seenVersion = (reserved: Reservations): number | undefined => reserved[seenKey]

/** After this nobody makes the tenant any more: whoever reserved its name has been killed, as every call of theirs ends far sooner. */
export const reservationLifeMs = 120_000

const schema = z.record(z.string(), z.number())

/** Of an annotation; one that cannot be read reserves nothing. */
export const readReservations = (text: string | undefined): Reservations => {
  if (text === undefined) return {}
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    return {}
  }
}

/** The names in the reservations, and since when. */
export const reservedNames = (reserved: Reservations): readonly (readonly [name: string, sinceMs: number])[] =>
  Object.entries(reserved).filter(([name]) => name !== seenKey)

/** True when a name is in them that nobody makes any more. */
export const hasExpired = (reserved: Reservations, now: number): boolean =>
  reservedNames(reserved).some(([, since]) => now - since >= reservationLifeMs)

/** What is known when a name is to be reserved: the tenants are read after the reservations. */
export interface ReserveInput {
  readonly name: string
  readonly reserved: Reservations
  /** Versions of the tenants by name; undefined: they were not looked at, and no name leaves the reservations. */
  readonly tenants: ReadonlyMap<string, number> | undefined
  readonly quota: Quota
  readonly now: number
}

/**
 * The reservations with one more. They are written only if nobody has written them since they were read, so that of many who reserve at once each counts
 * all others: a name is in the reservations from before its tenant is made, and leaves them only when its tenant was seen or nobody makes it any more.
 * Throws QUOTA_EXCEEDED.
 */
export const withReservation = ({ name, reserved, tenants, quota, now }: ReserveInput): Reservations => {
  if (!tenants) return { ...reserved, [name]: now }
  const names = reservedNames(reserved)
  const alive = names.filter(([of, since]) => !tenants.has(of) && now - since < reservationLifeMs)
  const others = new Set([...tenants.keys(), ...alive.map(([of]) => of)].filter((of) => of !== name))
  if (quota.tenants !== undefined && others.size >= quota.tenants) {
    throw new AppError(
      'QUOTA_EXCEEDED',
      `the organisation may have ${quota.tenants} tenants and has ${others.size}: delete one, or ask the platform for more`,
      {},
    )
  }
  const seen = Math.max(seenVersion(reserved) ?? 0, ...names.map(([of]) => tenants.get(of) ?? 0))
  return { ...Object.fromEntries(alive), [seenKey]: seen, [name]: now }
}
