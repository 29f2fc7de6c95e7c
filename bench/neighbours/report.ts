import { table } from '../report.ts'
import { type Day, figuresOf, goalRatio, type NeighboursResult } from './results.ts'

const fixed = (value: number, digits = 0): string => (Number.isFinite(value) ? value.toFixed(digits) : '-')

const perRound = (days: readonly Day[]): string =>
  table([
    ['round', 'day', 'ready p50 ms', 'ready p99 ms', 'accepted p99 ms', 'writes or requests', 'cores'],
    ...days.map((day) => {
      const [one] = figuresOf([day])
      const cores = Object.values(day.cores).reduce((sum, each) => sum + each, 0)
      return [
        String(day.round + 1),
        day.name,
        fixed(one?.ready.p50 ?? Number.NaN),
        fixed(one?.ready.p99 ?? Number.NaN),
        fixed(one?.accepted.p99 ?? Number.NaN),
        String(day.trouble),
        fixed(cores, 2),
      ]
    }),
  ])

/** Cores in use by program, as means over the rounds; what never comes to a hundredth is left out. */
const byProgram = (days: readonly Day[]): string => {
  const names = [...new Set(days.map(({ name }) => name))]
  const programs = [...new Set(days.flatMap(({ cores }) => Object.keys(cores)))]
  const mean = (name: string, program: string): number => {
    const of = days.filter((day) => day.name === name)
    return of.reduce((sum, { cores }) => sum + (cores[program] ?? 0), 0) / of.length
  }
  const rows = programs
    .map((program) => ({ program, values: names.map((name) => mean(name, program)) }))
    .filter(({ values }) => values.some((value) => value >= 0.01))
    .toSorted((a, b) => Math.max(...b.values) - Math.max(...a.values))
  return table([['cores', ...names], ...rows.map(({ program, values }) => [program, ...values.map((value) => fixed(value, 2))])])
}

/** The whole result as text. */
export const reportOf = ({ date, commit, machine, options, days }: NeighboursResult): string => {
  const figures = figuresOf(days)
  const rows = figures.map(({ name, accepted, ready, acceptedRatio, readyRatio }) => [
    name,
    String(ready.count),
    fixed(ready.p50),
    fixed(ready.p99),
    fixed(readyRatio, 2),
    fixed(accepted.p50),
    fixed(accepted.p99),
    fixed(acceptedRatio, 2),
    Number.isNaN(readyRatio) ? '' : readyRatio <= goalRatio ? 'ok' : 'missed',
  ])
  return [
    `${date}, commit ${commit}: ${options.tenants} tenants and one that makes trouble, ${options.rate} pods/s for ${options.seconds} s, ${options.rounds} rounds`,
    `${machine.cores} x ${machine.cpu}, ${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node}, load before ${fixed(machine.loadBefore, 2)}`,
    '',
    table([
      [
        'day',
        'pods',
        'ready p50 ms',
        'p99 ms',
        'p99 / quiet',
        'accepted p50 ms',
        'p99 ms',
        'p99 / quiet',
        `at most ${goalRatio}`,
      ],
      ...rows,
    ]),
    '',
    perRound(days),
    '',
    byProgram(days),
  ].join('\n')
}
