import { table } from '../report.ts'
import { goalsOf, ratiosOf, verdictOf } from './goals.ts'
import type {
  ByQueue,
  CreateFigures,
  JobFigures,
  ListFigures,
  PlatformResult,
  Spread,
  StartFigures,
  StreamFigures,
  WebhookFigures,
} from './results.ts'

const fixed = (value: number, digits = 1): string => (Number.isFinite(value) ? value.toFixed(digits) : '-')
const spread = ({ count, p50, p99 }: Spread): string[] => [String(count), fixed(p50), fixed(p99)]

const goals = (result: PlatformResult): string =>
  table([
    ['goal', 'measured', '', 'limit', ''],
    ...goalsOf(result).map((goal) => [
      goal.what,
      `${fixed(goal.value)} ${goal.unit}`,
      goal.is,
      `${goal.limit} ${goal.unit}`,
      verdictOf(goal),
    ]),
  ])

const ratios = (result: PlatformResult): string =>
  table([['ratio of medians', ''], ...ratiosOf(result).map(({ what, value }) => [what, fixed(value, 2)])])

const spreads = (title: string, rows: Readonly<Record<string, Spread>>): string =>
  table([[title, 'times', 'p50 ms', 'p99 ms'], ...Object.entries(rows).map(([name, row]) => [name, ...spread(row)])])

const listed = ({ oneByOne, atOnce }: ListFigures, at: number): string =>
  spreads('list', {
    'API, a page of 100': oneByOne.apiPage,
    'API, all in one': oneByOne.apiAll,
    'API server, raw, all': oneByOne.raw,
    'kubectl get tcp, all': oneByOne.kubectl,
    [`API, a page of 100, ${at} at a time`]: atOnce.apiPage,
    [`API, all in one, ${at} at a time`]: atOnce.apiAll,
    [`API server, raw, all, ${at} at a time`]: atOnce.raw,
  })

const made = ({ oneByOne, atOnce, perSecond, knowing }: CreateFigures, at: number): string =>
  [
    spreads('create', {
      'API, until 202': oneByOne.api,
      'API server, raw': oneByOne.raw,
      'kubectl apply': oneByOne.kubectl,
      [`API, until 202, ${at} at a time`]: atOnce.api,
      [`API server, raw, ${at} at a time`]: atOnce.raw,
      [`kubectl apply, ${at} at a time`]: atOnce.kubectl,
      'ready until known: events of the API': knowing.events,
      'ready until known: kubectl wait': knowing.kubectl,
    }),
    `${fixed(perSecond)} creates/s by the API, ${at} at a time`,
  ].join('\n')

const streamed = ({ clients, residentMiB: { before, open, after, closed }, each, all, cpuMsPerEvent }: StreamFigures): string =>
  [
    spreads(`${clients} event streams`, { 'a change until one client has it': each, 'until all have it': all }),
    `RSS of the API: ${fixed(before)} MiB before, ${fixed(open)} with all open, ${fixed(after)} after the events, ${fixed(closed)} closed; ` +
      `${fixed(((open - before) * 1024) / clients)} KiB per client; ${fixed(cpuMsPerEvent * 1000)} us of CPU per event and client`,
  ].join('\n')

const delivered = ({ redis, inProcess }: ByQueue<WebhookFigures>): string =>
  table([
    [
      'webhooks',
      'delivered/s',
      'asked',
      'held back',
      'refused',
      'missing',
      'twice',
      'p50 ms',
      'p99 ms',
      'retried p50',
      'p99',
      'cores',
      'RSS MiB',
    ],
    ...Object.entries({ 'on Redis': redis, 'in-process': inProcess }).map(([name, figures]) => [
      name,
      fixed(figures.deliveredPerSecond),
      String(figures.asked),
      String(figures.heldBack),
      String(figures.refused),
      String(figures.missing),
      String(figures.twice),
      fixed(figures.firstTry.p50),
      fixed(figures.firstTry.p99),
      fixed(figures.retried.p50, 0),
      fixed(figures.retried.p99, 0),
      fixed(figures.cores, 2),
      fixed(figures.residentMiB, 0),
    ]),
  ])

const worked = ({ redis, inProcess }: ByQueue<JobFigures>): string =>
  table([
    ['jobs that do nothing', 'jobs', 'added/s', 'run/s'],
    ...Object.entries({ 'on Redis': redis, 'in-process': inProcess }).map(([name, { jobs, addedPerSecond, runPerSecond }]) => [
      name,
      String(jobs),
      fixed(addedPerSecond, 0),
      fixed(runPerSecond, 0),
    ]),
  ])

const profiles = (by: NonNullable<PlatformResult['profiles']>): string[] =>
  Object.entries(by).map(([name, rows]) =>
    table([
      [`self time of ${name}`, 'ms', '%'],
      ...rows.map(({ function: what, ms, share }) => [what, fixed(ms, 0), fixed(share * 100)]),
    ]),
  )

const starts = (figures: StartFigures): string => spreads('start to end', figures)

/** The whole result as text. */
export const reportOf = (result: PlatformResult): string => {
  const { date, commit, machine, options, list, create, streams, webhooks, jobs, cli, failures } = result
  return [
    [
      `${date}, commit ${commit}: ${options.tenants} tenants, ${options.calls} calls, ${options.streams} streams, ${options.deliveriesPerSecond} webhooks/s`,
      `${machine.cores} x ${machine.cpu}, ${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node}, load before ${fixed(machine.loadBefore, 2)}`,
    ].join('\n'),
    goals(result),
    ratios(result),
    list ? listed(list, options.atOnce) : [],
    create ? made(create, options.atOnce) : [],
    streams ? streamed(streams) : [],
    webhooks ? delivered(webhooks) : [],
    jobs ? worked(jobs) : [],
    cli ? starts(cli) : [],
    profiles(result.profiles ?? {}),
    failures.map(({ stage, message }) => `${stage} broke off: ${message}`).join('\n') || [],
  ]
    .flat()
    .join('\n\n')
}
