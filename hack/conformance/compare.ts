import type { Outcome, SpecResult } from './specs.ts'

/** One spec in the tenant beside the same spec in super. */
export interface ComparedSpec {
  readonly name: string
  readonly tenant: Outcome
  /** Undefined: not run there, since it passed in the tenant. */
  readonly super?: Outcome
  /** In a tenant that may have privileged pods; only of what passes in super and not in the default tenant. */
  readonly privileged?: Outcome
  /** Why it did not pass in the tenant. */
  readonly why?: string
}

export interface Comparison {
  readonly specs: readonly ComparedSpec[]
  /** Pass in super and not in the tenant: what the tenant can tell. */
  readonly worse: readonly ComparedSpec[]
  /** Pass in neither. */
  readonly neither: readonly ComparedSpec[]
  /** Did not pass in the tenant, and super did not come to them: the run was ended before. */
  readonly unknown: readonly ComparedSpec[]
  readonly passed: number
}

const byName = (results: readonly SpecResult[]): ReadonlyMap<string, Outcome> =>
  new Map(results.map((result) => [result.name, result.outcome]))

/**
 * Sets the tenant's results beside super's and a privileged tenant's. Super need only have run what did not pass in the tenant, and the privileged tenant what
 * of that passes in super.
 */
export const compare = (
  tenant: readonly SpecResult[],
  superResults: readonly SpecResult[],
  privilegedResults: readonly SpecResult[] = [],
): Comparison => {
  const inSuper = byName(superResults)
  const inPrivileged = byName(privilegedResults)
  const specs = tenant.map(({ name, outcome, why }): ComparedSpec => {
    const other = inSuper.get(name)
    const privileged = inPrivileged.get(name)
    return { name, tenant: outcome, ...(other && { super: other }), ...(privileged && { privileged }), ...(why && { why }) }
  })
  const notPassed = specs.filter((spec) => spec.tenant !== 'passed')
  return {
    specs,
    worse: notPassed.filter((spec) => spec.super === 'passed'),
    neither: notPassed.filter((spec) => spec.super !== undefined && spec.super !== 'passed'),
    unknown: notPassed.filter((spec) => spec.super === undefined),
    passed: specs.length - notPassed.length,
  }
}
