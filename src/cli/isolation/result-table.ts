import type { CheckResult } from '../../isolation/check.ts'
import { scoreOf } from '../../isolation/run.ts'
import type { Printable } from '../print.ts'

const layersOf = ({ evidence }: CheckResult): string => [...new Set(evidence.map(({ layer }) => layer))].join(',') || '-'

const word = ({ result }: CheckResult): string => result.toUpperCase()

/** Results as they are printed. `-o name` has the IDs of what did not pass. */
export const resultTable = (
  tenant: { readonly name: string; readonly namespace: string },
  results: readonly CheckResult[],
): Printable => ({
  data: { tenant, score: scoreOf(results), results },
  names: results.filter(({ result }) => result === 'fail' || result === 'error').map(({ id }) => id),
  columns: ['ID', 'RESULT', 'CHECK', 'MESSAGE'],
  rows: results.map((each) => [each.id, word(each), each.title, each.message]),
  wide: {
    columns: ['ID', 'RESULT', 'SECONDS', 'LAYERS', 'CHECK', 'MESSAGE'],
    rows: results.map((each) => [each.id, word(each), each.seconds.toFixed(1), layersOf(each), each.title, each.message]),
  },
})

const part = (name: string, results: readonly CheckResult[]): readonly string[] => {
  if (results.length === 0) return []
  const { pass, fail, error, notApplicable } = scoreOf(results)
  const rest = [
    ...(fail > 0 ? [`${fail} failed`] : []),
    ...(error > 0 ? [`${error} could not be carried out`] : []),
    ...(notApplicable > 0 ? [`${notApplicable} not applicable`] : []),
  ]
  return [`${name}: ${pass} of ${results.length} passed${rest.length > 0 ? `, ${rest.join(', ')}` : ''}`]
}

/** One line for people: those of the benchmarks apart from ours. */
export const scoreLine = (results: readonly CheckResult[]): string =>
  [
    ...part(
      'Multi-Tenancy Benchmarks',
      results.filter(({ origin }) => origin !== 'berth'),
    ),
    ...part(
      "Berth's own",
      results.filter(({ origin }) => origin === 'berth'),
    ),
  ].join('; ')
