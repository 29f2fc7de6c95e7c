import type { PlatformResult, Spread } from './results.ts'

/** One number and what it is to stay below, or to come up to. */
export interface Goal {
  readonly what: string
  /** NaN: not measured. */
  readonly value: number
  readonly unit: 'ms' | '/s'
  readonly is: 'below' | 'at least'
  readonly limit: number
}

export type Verdict = 'ok' | 'missed' | 'not measured'

export const verdictOf = ({ value, is, limit }: Pick<Goal, 'value' | 'is' | 'limit'>): Verdict => {
  if (Number.isNaN(value)) return 'not measured'
  return (is === 'below' ? value < limit : value >= limit) ? 'ok' : 'missed'
}

/** The name under which starts of the built package are kept. */
export const builtVersion = 'berth --version'
export const builtHelp = 'berth --help'

const below = (what: string, value: number | undefined, limit: number): Goal => ({
  what,
  value: value ?? Number.NaN,
  unit: 'ms',
  is: 'below',
  limit,
})

/** Deliveries that count as what was asked for: the last second of a run is still on its way when the next would begin. */
const sustained = 0.98

/** What was aimed at, with what came of it. */
export const goalsOf = ({ options, list, create, webhooks, cli }: PlatformResult): Goal[] => [
  below(`list ${options.tenants} tenants, p99`, list?.oneByOne.apiAll.p99, 50),
  below(`list a page of 100 of them, ${options.atOnce} at a time, p99`, list?.atOnce.apiPage.p99, 50),
  below('create accepted, one by one, p99', create?.oneByOne.api.p99, 100),
  below(`create accepted, ${options.atOnce} at a time, p99`, create?.atOnce.api.p99, 100),
  {
    what: 'webhooks delivered on Redis',
    value: webhooks?.redis.deliveredPerSecond ?? Number.NaN,
    unit: '/s',
    is: 'at least',
    limit: options.deliveriesPerSecond * sustained,
  },
  below(`${builtVersion}, p50`, cli?.[builtVersion]?.p50, 150),
  below(`${builtHelp}, p50`, cli?.[builtHelp]?.p50, 150),
]

/** One time in times of another of the same run, which says more than milliseconds do on a busy machine. */
export interface Ratio {
  readonly what: string
  readonly value: number
}

const over = (a: Spread | undefined, b: Spread | undefined): number => (a?.p50 ?? Number.NaN) / (b?.p50 ?? Number.NaN)

/** Ratios of medians. Those that were not measured are left out. */
export const ratiosOf = ({ options, list, create, cli }: PlatformResult): Ratio[] =>
  [
    { what: 'list by the API / raw from the API server', value: over(list?.oneByOne.apiAll, list?.oneByOne.raw) },
    { what: 'list by the API / kubectl get', value: over(list?.oneByOne.apiAll, list?.oneByOne.kubectl) },
    {
      what: `list by the API / raw, ${options.atOnce} at a time`,
      value: over(list?.atOnce.apiAll, list?.atOnce.raw),
    },
    { what: 'create by the API / raw in the API server', value: over(create?.oneByOne.api, create?.oneByOne.raw) },
    { what: 'create by the API / kubectl apply', value: over(create?.oneByOne.api, create?.oneByOne.kubectl) },
    {
      what: `create by the API / kubectl apply, ${options.atOnce} at a time`,
      value: over(create?.atOnce.api, create?.atOnce.kubectl),
    },
    { what: 'known to be ready: events / kubectl wait', value: over(create?.knowing.events, create?.knowing.kubectl) },
    { what: 'berth --version / kubectl version --client', value: over(cli?.[builtVersion], cli?.['kubectl version --client']) },
    { what: 'berth tenant list / kubectl get tcp', value: over(cli?.['berth tenant list'], cli?.['kubectl get tcp']) },
  ].filter(({ value }) => Number.isFinite(value))
