import { table } from '../bench/report.ts'
import type { MachineFacts } from '../bench/results.ts'
import { percentile } from '../bench/stats.ts'
import { isSound, type TenantVerdict } from './check.ts'
import type { FaultRecord } from './lanes.ts'
import type { LoadFigures } from './load.ts'
import type { ChaosOptions } from './options.ts'

/** All that a run gave. */
export interface ChaosResult {
  readonly date: string
  readonly commit: string
  readonly machine: MachineFacts
  readonly options: ChaosOptions
  /** Seconds of faults. */
  readonly seconds: number
  readonly tenants: readonly { readonly name: string; readonly shape: string; readonly load: LoadFigures }[]
  readonly faults: readonly FaultRecord[]
  readonly quiet: { readonly seconds: number; readonly gaps: readonly string[] }
  readonly verdicts: readonly TenantVerdict[]
}

/** Acknowledged writes for each minute of faults, of each tenant: with fewer, the load has proved little. */
const leastWritesAMinute = 20

/** Refusals that no fault explains, by their codes: the load is wrong, or the tenant's rights were lost. */
const wrongRefusal = /^refused: KUBE_(INVALID|BAD_REQUEST|FORBIDDEN|UNAUTHORIZED)\b/

/** What the load itself says against a run, in words. */
const loadFindings = ({ options, tenants }: Pick<ChaosResult, 'options' | 'tenants'>): string[] => {
  const least = Math.ceil(options.minutes * leastWritesAMinute)
  return tenants.flatMap(({ name, load: { acknowledged, words } }) => [
    ...(acknowledged < least ? [`${name}: only ${acknowledged} writes were answered, of at least ${least}`] : []),
    ...Object.entries(words)
      .filter(([said]) => wrongRefusal.test(said))
      .map(([said, times]) => `${name}: ${times} times ${said}`),
  ])
}

/** True when enough was written, nothing was lost, all came back, and both sides agree. Pure. */
export const isClean = (result: ChaosResult): boolean => {
  const { faults, quiet, verdicts } = result
  const areMended = faults.length > 0 && faults.every(({ failure }) => failure === undefined)
  return areMended && loadFindings(result).length === 0 && quiet.gaps.length === 0 && verdicts.every(isSound)
}

const seconds = (ms: number): string => (Number.isFinite(ms) ? (ms / 1000).toFixed(1) : '-')

const faultsTable = (faults: readonly FaultRecord[]): string => {
  const groups = Map.groupBy(faults, ({ action, part }) => `${action} ${part}`)
  const rows = [...groups.entries()]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([kind, of]) => {
      const times = of.flatMap(({ recoveredMs }) => recoveredMs ?? [])
      const failed = of.filter(({ failure }) => failure !== undefined).length
      return [kind, String(of.length), String(failed), seconds(percentile(times, 0.5)), seconds(percentile(times, 1))]
    })
  return table([['fault', 'times', 'not mended', 'seconds to recover p50', 'max'], ...rows])
}

const loadTable = (tenants: ChaosResult['tenants']): string =>
  table([
    ['tenant', 'shape', 'writes answered', 'refused', 'conflicts', 'no answer', 'longest without an answer, s', 'until, s'],
    ...tenants.map(({ name, shape, load }) => [
      name,
      shape,
      ...[load.acknowledged, load.refused, load.conflicts, load.unknown].map(String),
      seconds(load.longestGapMs),
      seconds(load.longestGapEndMs),
    ]),
  ])

const verdictsTable = (verdicts: readonly TenantVerdict[]): string =>
  table([
    ['tenant', 'keys written', 'findings', 'differences', 'berth verify'],
    ...verdicts.map(({ name, keys, findings, differences, verify }) => [
      name,
      String(keys),
      String(findings.length),
      String(differences.length),
      `exit code ${verify.code ?? 'none'}`,
    ]),
  ])

const details = ({ options, tenants, faults, quiet, verdicts }: ChaosResult): string[] => [
  ...loadFindings({ options, tenants }),
  ...faults.flatMap(({ lane, number, failure }) => (failure ? [`${lane} ${number}: ${failure}`] : [])),
  ...quiet.gaps.map((gap) => `not quiet: ${gap}`),
  ...verdicts.flatMap(({ name, findings, differences, verify }) => [
    ...findings.map(({ what, object, detail }) => `${name}: ${what} ${object}: ${detail}`),
    ...differences.map((difference) => `${name}: ${difference}`),
    ...(verify.code === 0 ? [] : [`${name}: berth verify:\n${verify.output}`]),
  ]),
]

/** The whole result as text. Pure. */
export const reportOf = (result: ChaosResult): string => {
  const { date, commit, machine, options, tenants, faults, quiet, verdicts } = result
  const found = details(result)
  return [
    [
      `${date}, commit ${commit}: ${faults.length} faults in ${Math.round(result.seconds)} s, seed ${options.seed}`,
      `${machine.cores} x ${machine.cpu}, ${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node}, load before ${machine.loadBefore.toFixed(2)}`,
    ].join('\n'),
    faultsTable(faults),
    loadTable(tenants),
    `quiet after ${quiet.seconds.toFixed(1)} s`,
    verdictsTable(verdicts),
    ...(found.length > 0 ? [`FOUND:\n${found.join('\n')}`] : []),
    isClean(result)
      ? 'no answered write was lost, all came back, and both sides of all tenants agree'
      : `something is wrong; the same faults again: SEED=${options.seed}`,
  ].join('\n\n')
}
