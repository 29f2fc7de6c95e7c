import { median, percentile } from '../stats.ts'
import type { CreationsAndDeletions, PlanesResult, Rest, SizeFigures } from './results.ts'

/** One number and what it is to stay below. */
export interface Goal {
  readonly what: string
  /** NaN: not measured. */
  readonly value: number
  readonly unit: 's' | 'MiB'
  readonly below: number
}

export type Verdict = 'ok' | 'missed' | 'not measured'

export const verdictOf = ({ value, below }: Pick<Goal, 'value' | 'below'>): Verdict => {
  if (Number.isNaN(value)) return 'not measured'
  return value < below ? 'ok' : 'missed'
}

export const secondsOf = (made: CreationsAndDeletions | undefined): number[] =>
  (made?.creations ?? []).map(({ seconds }) => seconds)

/** MiB that a process of Berth grew by for each tenant, from the first look with tenants to the last; NaN with only one of them. */
export const growthPerTenant = (rests: readonly Rest[], of: (rest: Rest) => number): number => {
  const [few, ...more] = rests.filter(({ tenants }) => tenants > 0)
  const all = more.at(-1)
  return few && all ? (of(all) - of(few)) / (all.tenants - few.tenants) : Number.NaN
}

/** Of all programs of one tenant, added up; NaN when none was seen. */
export const perTenant = (programs: Rest['programs'] | undefined, of: (program: Rest['programs'][string]) => number): number => {
  const all = Object.values(programs ?? {})
  return all.length === 0 ? Number.NaN : all.reduce((sum, program) => sum + of(program), 0)
}

/** Of all programs together. */
export const sumOf = (byProgram: Readonly<Record<string, number>>): number =>
  Object.values(byProgram).reduce((sum, value) => sum + value, 0)

const most = (values: readonly number[] | undefined): number => (values?.length ? Math.max(...values) : Number.NaN)

const creationGoals = (name: string, made: CreationsAndDeletions | undefined): Goal[] => [
  { what: `create to usable, ${name}, p50`, value: percentile(secondsOf(made), 0.5), unit: 's', below: 10 },
  { what: `create to usable, ${name}, p99`, value: percentile(secondsOf(made), 0.99), unit: 's', below: 16 },
]

/** What was aimed at, with what came of it. */
export const goalsOf = ({ options, alone, oneByOne, atOnce, rests = [], upgrade }: PlanesResult): Goal[] => [
  ...creationGoals('one by one', alone),
  ...creationGoals(`beside up to ${options.tenants - 1} at rest`, oneByOne),
  ...creationGoals(`${options.atOnce} at a time`, atOnce),
  {
    what: 'delete one by one, longest',
    value: most([...(alone?.deletions ?? []), ...(oneByOne?.deletions ?? [])]),
    unit: 's',
    below: 60,
  },
  { what: `delete ${options.tenants} at once, longest`, value: most(atOnce?.deletions), unit: 's', below: 60 },
  {
    what: 'upgrade, longest time without a write',
    value: upgrade ? upgrade.longestGapMs / 1000 : Number.NaN,
    unit: 's',
    below: 30,
  },
  {
    what: 'manager, RSS per tenant',
    value: growthPerTenant(rests, ({ manager }) => manager.residentMiB),
    unit: 'MiB',
    below: 2,
  },
  // Not RSS: it counts the pages of a program's file once for each tenant, and all tenants of a node share them.
  {
    what: 'idle tenant, PSS of all its programs',
    value: perTenant(rests.at(-1)?.programs, ({ proportionalMiB }) => proportionalMiB),
    unit: 'MiB',
    below: 300,
  },
]

/** One number in times of another of the same run, which says more than seconds do on a busy machine. */
export interface Ratio {
  readonly what: string
  readonly value: number
}

const anonymousOf = ({ atRest }: SizeFigures, program: string): number => atRest[program]?.anonymousMiB ?? Number.NaN

/** Ratios of what was measured. */
export const ratiosOf = ({
  options,
  machine,
  bareStartSeconds,
  alone,
  oneByOne,
  atOnce,
  wake,
  sizes = [],
}: PlanesResult): Ratio[] => {
  const single = median(secondsOf(alone ?? oneByOne))
  // What no order of work can beat: so many starts, on so many cores.
  const floor = (options.atOnce * median(alone?.cpuSeconds ?? [])) / machine.cores
  const [small, medium] = sizes
  const ofSizes: Ratio[] =
    small && medium
      ? [
          {
            what: 'small / medium: PSS at rest',
            value:
              perTenant(small.atRest, ({ proportionalMiB }) => proportionalMiB) /
              perTenant(medium.atRest, ({ proportionalMiB }) => proportionalMiB),
          },
          {
            what: 'small / medium: anonymous at rest, kube-apiserver',
            value: anonymousOf(small, 'kube-apiserver') / anonymousOf(medium, 'kube-apiserver'),
          },
          { what: 'small / medium: get, p50', value: small.getMs.p50 / medium.getMs.p50 },
          { what: 'small / medium: get, p99', value: small.getMs.p99 / medium.getMs.p99 },
          { what: 'small / medium: create, p50', value: small.createMs.p50 / medium.createMs.p50 },
          { what: 'small / medium: create, p99', value: small.createMs.p99 / medium.createMs.p99 },
          { what: 'small / medium: CPU per call', value: small.cpuMsPerCall / medium.cpuMsPerCall },
          { what: 'small / medium: seconds of a burst', value: small.burst.seconds / medium.burst.seconds },
          { what: 'small / medium: CPU of a burst', value: sumOf(small.burst.cpuSeconds) / sumOf(medium.burst.cpuSeconds) },
          { what: 'small / medium: create in a burst, p50', value: small.burst.createMs.p50 / medium.burst.createMs.p50 },
          { what: 'small / medium: create in a burst, p99', value: small.burst.createMs.p99 / medium.burst.createMs.p99 },
          { what: 'small / medium: list, p50', value: small.burst.listMs.p50 / medium.burst.listMs.p50 },
          { what: 'small / medium: list, p99', value: small.burst.listMs.p99 / medium.burst.listMs.p99 },
        ]
      : []
  return [
    {
      what: `create ${options.atOnce} at a time / their CPU seconds over ${machine.cores} cores`,
      value: median(secondsOf(atOnce)) / floor,
    },
    { what: 'create one by one / start of a bare etcd and kube-apiserver', value: single / bareStartSeconds },
    { what: `create ${options.atOnce} at a time / one by one`, value: median(secondsOf(atOnce)) / single },
    { what: 'wake from a pause / create', value: (wake?.paused.readySeconds ?? Number.NaN) / single },
    { what: 'wake from hibernation / create', value: (wake?.hibernated.readySeconds ?? Number.NaN) / single },
    ...ofSizes,
  ].filter(({ value }) => Number.isFinite(value))
}
