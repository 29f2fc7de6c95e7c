import { table } from '../report.ts'
import { median, percentile } from '../stats.ts'
import { goalsOf, growthPerTenant, perTenant, ratiosOf, secondsOf, sumOf, verdictOf } from './goals.ts'
import type { AloneFigures, CreationsAndDeletions, PlanesResult, Rest, SizeFigures, UpgradeFigures } from './results.ts'

const fixed = (value: number, digits = 1): string => (Number.isFinite(value) ? value.toFixed(digits) : '-')
const most = (values: readonly number[]): number => (values.length > 0 ? Math.max(...values) : Number.NaN)
const spread = (values: readonly number[]): string[] =>
  [percentile(values, 0.5), percentile(values, 0.99), most(values)].map((value) => fixed(value))

const goals = (result: PlanesResult): string =>
  table([
    ['goal', 'measured', 'below', ''],
    ...goalsOf(result).map((goal) => [
      goal.what,
      `${fixed(goal.value)} ${goal.unit}`,
      `${goal.below} ${goal.unit}`,
      verdictOf(goal),
    ]),
  ])

const ratios = (result: PlanesResult): string =>
  table([['ratio', ''], ...ratiosOf(result).map(({ what, value }) => [what, fixed(value, 2)])])

/** Conditions in the order in which they come true. */
const phaseNames = (made: CreationsAndDeletions): string[] => {
  const names = [...new Set(made.creations.flatMap(({ phases }) => Object.keys(phases)))]
  const middle = (name: string): number => median(made.creations.flatMap(({ phases }) => phases[name] ?? []))
  return names.toSorted((a, b) => middle(a) - middle(b))
}

const creations = (title: string, made: CreationsAndDeletions): string =>
  table([
    [`${title}, seconds from creation`, 'p50', 'p99', 'longest'],
    ...phaseNames(made).map((name) => [name, ...spread(made.creations.flatMap(({ phases }) => phases[name] ?? []))]),
    ['usable, by the client', ...spread(secondsOf(made))],
    ['deleted, from the request', ...spread(made.deletions)],
  ])

const aloneCpu = ({ cpuSeconds }: AloneFigures): string =>
  `CPU seconds of the whole machine for one creation: p50 ${fixed(median(cpuSeconds))}, longest ${fixed(most(cpuSeconds))}`

const daemons = (rests: readonly Rest[]): string =>
  table([
    ['Berth at rest', 'tenants', 'RSS MiB', 'heap MiB', 'CPU mcores'],
    ...(['manager', 'syncer'] as const).flatMap((name) => [
      ...rests.map((rest) => [
        name,
        String(rest.tenants),
        fixed(rest[name].residentMiB),
        fixed(rest[name].heapMiB),
        fixed(rest[name].milliCores),
      ]),
      [
        `${name}, growth per tenant`,
        '',
        fixed(
          growthPerTenant(rests, (rest) => rest[name].residentMiB),
          2,
        ),
        fixed(
          growthPerTenant(rests, (rest) => rest[name].heapMiB),
          2,
        ),
        fixed(
          growthPerTenant(rests, (rest) => rest[name].milliCores),
          2,
        ),
      ],
    ]),
  ])

const programs = (title: string, of: Rest['programs']): string => {
  const rows = Object.entries(of).toSorted(([, a], [, b]) => b.residentMiB - a.residentMiB)
  return table([
    [title, 'RSS MiB', 'PSS MiB', 'anonymous MiB', 'CPU mcores'],
    ...rows.map(([name, use]) => [
      name,
      fixed(use.residentMiB),
      fixed(use.proportionalMiB),
      fixed(use.anonymousMiB),
      fixed(use.milliCores),
    ]),
    [
      'all',
      fixed(perTenant(of, ({ residentMiB }) => residentMiB)),
      fixed(perTenant(of, ({ proportionalMiB }) => proportionalMiB)),
      fixed(perTenant(of, ({ anonymousMiB }) => anonymousMiB)),
      fixed(perTenant(of, ({ milliCores }) => milliCores)),
    ],
  ])
}

const wakes = ({ paused, hibernated }: NonNullable<PlanesResult['wake']>): string =>
  table([
    ['rest and wake, seconds', 'until at rest', 'until Ready', 'until its pod is Ready'],
    ...Object.entries({ paused, hibernated }).map(([name, { restSeconds, readySeconds, podSeconds }]) => [
      name,
      fixed(restSeconds),
      fixed(readySeconds),
      fixed(podSeconds),
    ]),
  ])

const upgrades = ({ from, to, seconds, phases, longestGapMs, acknowledged, retried, failed }: UpgradeFigures): string =>
  [
    `upgrade ${from} to ${to}: ${fixed(seconds)} s in all (${Object.entries(phases)
      .map(([name, at]) => `${name} from ${fixed(at)} s`)
      .join(', ')})`,
    `longest time without an acknowledged write ${longestGapMs} ms; ${acknowledged} writes, ${retried} failed at first, ${failed} failed`,
  ].join('\n')

const burstTable = (sizes: readonly SizeFigures[]): string =>
  table([
    ['burst of ConfigMaps', 'seconds', 'per s', 'create p50 ms', 'p99', 'list of 2,000 p50 ms', 'p99', 'CPU s', 'RSS MiB after'],
    ...sizes.map(({ size, burst: { objects, seconds, createMs, listMs, cpuSeconds, residentMiB } }) => [
      `${size}, ${objects}`,
      fixed(seconds),
      fixed(objects / seconds, 0),
      fixed(createMs.p50),
      fixed(createMs.p99),
      fixed(listMs.p50),
      fixed(listMs.p99),
      fixed(sumOf(cpuSeconds)),
      fixed(sumOf(residentMiB), 0),
    ]),
  ])

const notMeasured = `not measured: GOGC alone, which comes with the size (small 25 and 50, medium 100; docs/benchmarks.md has a table); GOMEMLIMIT, which none of these
calls comes near`

const sizesTable = (sizes: readonly SizeFigures[]): string =>
  [
    table([
      ['size', 'RSS MiB at rest', 'RSS MiB after calls', 'get p50 ms', 'p99', 'create p50 ms', 'p99', 'CPU ms/call'],
      ...sizes.map(({ size, atRest, residentMiBAfterCalls, getMs, createMs, cpuMsPerCall }) => [
        size,
        fixed(perTenant(atRest, ({ residentMiB }) => residentMiB)),
        fixed(Object.values(residentMiBAfterCalls).reduce((sum, resident) => sum + resident, 0)),
        fixed(getMs.p50, 2),
        fixed(getMs.p99, 2),
        fixed(createMs.p50, 2),
        fixed(createMs.p99, 2),
        fixed(cpuMsPerCall, 2),
      ]),
    ]),
    burstTable(sizes),
    ...sizes.map(({ size, atRest }) => programs(`${size}, at rest`, atRest)),
    notMeasured,
  ].join('\n\n')

/** The whole result as text. */
export const reportOf = (result: PlanesResult): string => {
  const { date, commit, machine, options, bareStartSeconds, oneByOne, atOnce, rests, wake, upgrade, sizes, failures } = result
  const { alone } = result
  const last = rests?.at(-1)
  return [
    [
      `${date}, commit ${commit}: ${options.tenants} tenants, ${options.atOnce} at once, ${options.restSeconds} s of rest`,
      `${machine.cores} x ${machine.cpu}, ${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node}, load before ${fixed(machine.loadBefore, 2)}; ` +
        `a bare etcd and kube-apiserver start in ${fixed(bareStartSeconds)} s`,
    ].join('\n'),
    goals(result),
    ratios(result),
    alone ? [creations('one by one', alone), aloneCpu(alone)] : [],
    oneByOne ? creations(`beside all before, up to ${options.tenants - 1}`, oneByOne) : [],
    atOnce ? creations(`${options.atOnce} at a time`, atOnce) : [],
    rests ? daemons(rests) : [],
    last ? programs(`a tenant at rest, median of ${last.tenants}`, last.programs) : [],
    wake ? wakes(wake) : [],
    upgrade ? upgrades(upgrade) : [],
    sizes ? sizesTable(sizes) : [],
    failures.map(({ stage, message }) => `${stage} broke off: ${message}`).join('\n') || [],
  ]
    .flat()
    .join('\n\n')
}
