import type { Outcome, SpecResult } from './specs.ts'

/** One spec in the tenant beside the same spec in super. */
export interface ComparedSpec {
  readonly name: string
  readonly tenant: Outcome
  /** Undefined: not run there, since it passed in the tenant. */
  readonly super?: Outcome
  /** Why it did not pass in the tenant. */
  readonly why?: string
}

export interface Comparison {
  readonly specs: readonly ComparedSpec[]
  /** Pass in super and not in the tenant: what the tenant can tell. */
  readonly worse: readonly ComparedSpec[]
  /** Pass in neither. */
  readonly neither: readonly ComparedSpec[]
  readonly passed: number
}

/** Sets the tenant's results beside super's. Super need only have run what did not pass in the tenant. */
export const compare = (tenant: readonly SpecResult[], superResults: readonly SpecResult[]): Comparison => {
  const inSuper = new Map(superResults.map((result) => [result.name, result.outcome]))
  const specs = tenant.map(({ name, outcome, why }): ComparedSpec => {
    const other = inSuper.get(name)
    return { name, tenant: outcome, ...(other && { super: other }), ...(why && { why }) }
  })
  const notPassed = specs.filter((spec) => spec.tenant !== 'passed')
  return {
    specs,
    worse: notPassed.filter((spec) => spec.super === 'passed'),
    neither: notPassed.filter((spec) => spec.super !== 'passed'),
    passed: specs.length - notPassed.length,
  }
}
