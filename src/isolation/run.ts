import { explainError } from '../lib/errors.ts'
import { type Bench, type Check, type CheckResult, notApplicable, unknown, type Verdict } from './check.ts'

const verdictOf = async ({ excused, run }: Check, bench: Bench): Promise<Verdict> => {
  const why = excused?.(bench.settings)
  if (why !== undefined) return notApplicable(`profile ${bench.settings.profile}: ${why}`)
  try {
    return await run(bench)
  } catch (error) {
    bench.signal.throwIfAborted()
    return unknown(explainError(error))
  }
}

/** Runs checks one after the other. What cannot be carried out is a result; only an abort is thrown. */
export const runChecks = async (
  checks: readonly Check[],
  bench: Bench,
  onResult: (result: CheckResult) => void = () => undefined,
): Promise<readonly CheckResult[]> => {
  const done: CheckResult[] = []
  for (const check of checks) {
    bench.signal.throwIfAborted()
    const began = performance.now()
    const verdict = await verdictOf(check, bench)
    const { id, title, category, origin } = check
    const seconds = Math.round(performance.now() - began) / 1000
    const result = { id, title, category, origin, ...verdict, seconds }
    onResult(result)
    done.push(result)
  }
  return done
}

/** How many of each. */
export interface Score {
  readonly pass: number
  readonly fail: number
  readonly error: number
  readonly notApplicable: number
}

export const scoreOf = (results: readonly CheckResult[]): Score => {
  const count = (of: CheckResult['result']): number => results.filter(({ result }) => result === of).length
  return { pass: count('pass'), fail: count('fail'), error: count('error'), notApplicable: count('not-applicable') }
}
