import { wayNames } from './options.ts'
import { type BenchResult, type Measurement, ofWay } from './results.ts'
import { median } from './stats.ts'

type Row = readonly string[]

/** Columns as wide as they need to be; the first to the left, numbers to the right. */
export const table = (rows: readonly Row[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n')
}

const fixed = (value: number, digits = 1): string => (Number.isFinite(value) ? value.toFixed(digits) : '-')
const middle = (measurements: readonly Measurement[], of: (measurement: Measurement) => number | undefined): number =>
  median(measurements.map(of).filter((value) => value !== undefined))
const total = (parts: Readonly<Record<string, number>>): number => Object.values(parts).reduce((sum, part) => sum + part, 0)

const summary = (measurements: readonly Measurement[]): string => {
  const header = [
    'median of rounds',
    'seconds',
    'pods/s',
    'p50 ms',
    'p99 ms',
    'CPU ms/pod',
    'syncer CPU ms/pod',
    'syncer RSS KB/pod',
  ]
  const rows = wayNames.flatMap((way) => {
    const of = ofWay(measurements, way)
    if (of.length === 0) return []
    return [
      [
        way,
        fixed(
          middle(of, ({ seconds }) => seconds),
          2,
        ),
        fixed(middle(of, ({ podsPerSecond }) => podsPerSecond)),
        fixed(
          middle(of, ({ p50Ms }) => p50Ms),
          0,
        ),
        fixed(
          middle(of, ({ p99Ms }) => p99Ms),
          0,
        ),
        fixed(middle(of, ({ cpuMsPerPod }) => total(cpuMsPerPod))),
        fixed(
          middle(of, ({ syncer }) => syncer?.cpuMsPerPod),
          2,
        ),
        fixed(middle(of, ({ syncer }) => syncer?.residentKbPerPod)),
      ],
    ]
  })
  return table([header, ...rows])
}

/** One line for each name in any of the ways, as medians; names below `least` in all of them are left out. */
const byName = (
  title: string,
  measurements: readonly Measurement[],
  of: (measurement: Measurement) => Readonly<Record<string, number>>,
  least: number,
): string => {
  const ways = wayNames.filter((way) => ofWay(measurements, way).length > 0)
  const names = [...new Set(measurements.flatMap((measurement) => Object.keys(of(measurement))))]
  const rows = names
    .map((name) => ({
      name,
      values: ways.map((way) => middle(ofWay(measurements, way), (measurement) => of(measurement)[name] ?? 0)),
    }))
    .filter(({ values }) => values.some((value) => value >= least))
    .toSorted((a, b) => Math.max(...b.values) - Math.max(...a.values))
  return table([[title, ...ways], ...rows.map(({ name, values }) => [name, ...values.map((value) => fixed(value, 2))])])
}

const rounds = (measurements: readonly Measurement[]): string =>
  table([
    ['round', 'way', 'seconds', 'pods/s', 'p50 ms', 'p99 ms'],
    ...measurements.map(({ round, way, seconds, podsPerSecond, p50Ms, p99Ms }) => [
      String(round + 1),
      way,
      fixed(seconds, 2),
      fixed(podsPerSecond),
      fixed(p50Ms, 0),
      fixed(p99Ms, 0),
    ]),
  ])

/** The whole result as text. */
export const reportOf = ({
  measurements,
  machine,
  options,
  commit,
  date,
  berthToIdeal,
  berthToDirect,
  profile,
}: BenchResult): string => {
  const ratios = [
    berthToIdeal === undefined ? [] : `time through Berth / ideal client: ${berthToIdeal.toFixed(2)} (goal: at most 1.10)`,
    berthToDirect === undefined ? [] : `time through Berth / directly in super: ${berthToDirect.toFixed(2)}`,
  ].flat()
  return [
    `${date}, commit ${commit}: ${options.pods} pods, ${options.tenants} tenants, ${options.inFlight} in flight, ${options.rounds} rounds`,
    `${machine.cores} x ${machine.cpu}, ${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node}, load before ${fixed(machine.loadBefore, 2)}`,
    '',
    summary(measurements),
    '',
    ...ratios,
    '',
    rounds(measurements),
    '',
    byName('CPU ms/pod', measurements, ({ cpuMsPerPod }) => cpuMsPerPod, 0.05),
    '',
    byName('writes/pod in super', measurements, ({ superWrites }) => superWrites, 0.02),
    '',
    byName('writes/pod in tenants', measurements, ({ tenantWrites }) => tenantWrites, 0.02),
    ...(profile
      ? [
          '',
          table([
            ['self time of the syncer', 'ms', '%'],
            ...profile.map(({ function: name, ms, share }) => [name, fixed(ms, 0), fixed(share * 100)]),
          ]),
        ]
      : []),
  ].join('\n')
}
