import type { Generations } from './generations.ts'
import { type TenantAuthority, tenantAuthorities } from './plan.ts'

/** One write to the Secret of one authority. */
export interface AuthorityMove {
  readonly authority: TenantAuthority
  readonly move: 'begin' | 'issue' | 'cut'
}

const others = tenantAuthorities.filter((authority) => authority !== 'cluster')

/**
 * The three authorities move as one, though each has a Secret of its own. A rotation begins with the others and ends its beginning with `cluster`; from then on
 * `cluster` goes first and the others follow it, whatever else is the case: a manager may die between any two writes.
 */
export const followingMoves = (states: Readonly<Record<TenantAuthority, Generations>>): readonly AuthorityMove[] => {
  const { cluster } = states
  const isBegun = others.some((authority) => states[authority].next && states[authority].generation === cluster.generation)
  if (isBegun && !cluster.next && !cluster.old) return beginningMoves(states)
  return others.flatMap((authority): AuthorityMove[] => {
    const { generation, next, old } = states[authority]
    // Its Secret was lost in the middle, and made anew.
    if (cluster.next && !next && !old && generation === cluster.generation) return [{ authority, move: 'begin' }]
    if (next && generation < cluster.generation) return [{ authority, move: 'issue' }]
    return old && generation === cluster.generation && !cluster.old ? [{ authority, move: 'cut' }] : []
  })
}

/** The writes that begin a rotation, `cluster` last. */
export const beginningMoves = (states: Readonly<Record<TenantAuthority, Generations>>): readonly AuthorityMove[] =>
  [...others, 'cluster' as const]
    .filter((authority) => !states[authority].next)
    .map((authority) => ({ authority, move: 'begin' }))
