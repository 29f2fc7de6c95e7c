import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { advance, type Sample, type Standing } from './advance.ts'
import { type ByHour, mergeHours } from './hours.ts'
import type { MeteredTenant, Stamp } from './ledger.ts'
import type { Batch } from './ledger-objects.ts'

/** What is in memory of one tenant between two writes. */
export interface Account {
  readonly tenant: MeteredTenant
  readonly createdAt: number
  readonly standing: Standing | undefined
  /** Counted, and in no batch yet. */
  readonly pending: ByHour
  /** Sent, and not known to be written. It is sent again as it is. */
  readonly inFlight: Batch | undefined
  /** Batches that were made. */
  readonly batches: number
  /** See Batch. */
  readonly takenUpAt: number
  /** When its API server was asked last, ms since 1970. */
  readonly askedAt: number
}

/** With what is stored of a tenant, or nothing. */
export const openAccount = ({ metadata }: TenantControlPlane, stamp: Stamp | undefined): Account => ({
  tenant: { uid: metadata.uid ?? '', name: metadata.name ?? '', namespace: metadata.namespace ?? '' },
  createdAt: Date.parse(metadata.creationTimestamp ?? ''),
  standing: stamp?.standing,
  pending: new Map(),
  inFlight: undefined,
  batches: stamp?.batch ?? 0,
  takenUpAt: stamp?.standing.tenant.at ?? -1,
  askedAt: 0,
})

export const sampled = (
  account: Account,
  sample: Omit<Sample, 'createdAt'>,
): { readonly account: Account; readonly isWild: boolean } => {
  const { standing, added, isWild } = advance(account.standing, { ...sample, createdAt: account.createdAt })
  return { account: { ...account, standing, pending: mergeHours(account.pending, added) }, isWild }
}

/** What is to be written: what may not have been before anything else. Undefined when nothing is. */
export const nextBatch = (account: Account, writer: string): Batch | undefined => {
  const { inFlight, standing, pending, batches, tenant, takenUpAt } = account
  if (inFlight) return inFlight
  // The first write of a tenant without an hour says since when it is measured.
  if (!standing || (pending.size === 0 && batches > 0)) return undefined
  return { tenant, hours: pending, stamp: { writer, batch: batches + 1, standing }, takenUpAt }
}

export const sent = (account: Account, batch: Batch): Account =>
  account.inFlight === batch ? account : { ...account, inFlight: batch, pending: new Map(), batches: batch.stamp.batch }

export const written = (account: Account): Account => ({ ...account, inFlight: undefined })

/** Somebody else measured on: what is in memory is forgotten. */
export const handedOver = (account: Account, stamp: Stamp): Account => ({
  ...account,
  standing: stamp.standing,
  pending: new Map(),
  inFlight: undefined,
  takenUpAt: stamp.standing.tenant.at,
})
