import { AppError } from '../lib/errors.ts'

export interface BackoffOptions {
  /** Pause after the first failure, ms. */
  readonly firstMs: number
  /** Longest pause, ms. */
  readonly capMs: number
}

/** Pause before try number `failures` (1 after the first failure): doubling, capped, between half and all of it by chance so that many do not come at once. */
export const backoffMs = (failures: number, { firstMs, capMs }: BackoffOptions, random: () => number = Math.random): number => {
  const full = Math.min(capMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return full * (0.5 + random() / 2)
}

/** What a server asked for with its failure, in milliseconds; at most ten minutes: it may ask for patience, not for silence. */
export const askedPatienceMs = (error: unknown): number => {
  const wait = error instanceof AppError ? error.details['retryAfterMs'] : undefined
  return typeof wait === 'number' ? Math.min(wait, 600_000) : 0
}
