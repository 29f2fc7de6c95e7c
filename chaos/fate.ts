import { hasCode } from '../src/lib/errors.ts'

/**
 * What became of a write that failed. refused: it was not stored. conflict: somebody else was faster, or an answer of our own was lost: a read tells.
 * unknown: nothing says whether it was stored.
 */
export type Fate = 'refused' | 'conflict' | 'unknown'

/** No connection came about: the request was never sent. */
const neverSent = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])

/** Pure. */
export const fateOf = (error: unknown): Fate => {
  const { cause } = error as { cause?: { code?: unknown } }
  if (typeof cause?.code === 'string' && neverSent.has(cause.code)) return 'refused'
  if (hasCode(error, 'KUBE_CONFLICT', 'KUBE_ALREADY_EXISTS', 'KUBE_NOT_FOUND')) return 'conflict'
  const refusals = ['KUBE_BAD_REQUEST', 'KUBE_UNAUTHORIZED', 'KUBE_FORBIDDEN', 'KUBE_INVALID', 'KUBE_TOO_MANY_REQUESTS'] as const
  return hasCode(error, ...refusals) ? 'refused' : 'unknown'
}
