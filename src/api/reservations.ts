import { z } from 'zod'
import { AppError } from '../lib/errors.ts'
import type { Quota } from './organization.ts'

/** Names of tenants that are being made, and since when (ms). They stand in an annotation of the organisation's namespace. */
export type Reservations = Readonly<Record<string, number>>

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

/** What is known when a name is to be reserved: the tenants are read after the reservations. */
export interface ReserveInput {
  readonly name: string
  readonly reserved: Reservations
  readonly tenants: ReadonlySet<string>
  readonly quota: Quota
  readonly now: number
}

/**
 * The reservations with one more. They are written only if nobody has written them since they were read, so that of many who reserve at once each counts
 * all others: a name is in the reservations from before its tenant is made, and leaves them only when its tenant was seen or nobody makes it any more.
 * Throws QUOTA_EXCEEDED.
 */
export const withReservation = ({ name, reserved, tenants, quota, now }: ReserveInput): Reservations => {
  const alive = Object.entries(reserved).filter(([of, since]) => !tenants.has(of) && now - since < reservationLifeMs)
  const others = new Set([...tenants, ...alive.map(([of]) => of)].filter((of) => of !== name))
  if (quota.tenants !== undefined && others.size >= quota.tenants) {
    throw new AppError(
      'QUOTA_EXCEEDED',
      `the organisation may have ${quota.tenants} tenants and has ${others.size}: delete one, or ask the platform for more`,
      {},
    )
  }
  return { ...Object.fromEntries(alive), [name]: now }
}
