import { parseArgs } from 'node:util'

/** The three ways to make pods, each compared with the one before. */
export const wayNames = ['direct', 'ideal', 'berth'] as const
export type WayName = (typeof wayNames)[number]

export interface BenchOptions {
  readonly cluster: string
  /** Pods of each measurement. */
  readonly pods: number
  readonly tenants: number
  /** Pods in the making at once, over all tenants. */
  readonly inFlight: number
  readonly rounds: number
  /** Pods made and taken away before each measurement, so that nothing is measured cold. */
  readonly warmUp: number
  readonly ways: readonly WayName[]
  /** Runs the syncer as a process of this machine under Node's CPU profiler. */
  readonly profile: boolean
  /** Leaves the cluster up at the end. */
  readonly keep: boolean
}

export const usage = `Usage: node bench/run.ts [flags]

Makes pods on kwok nodes of a local cluster in three ways and compares the times:
  direct  in super, with nothing in between
  ideal   the API writes of the tenant path, one after the other, with no logic in between
  berth   in the tenants, through Berth

  --pods 1000       pods of each measurement
  --tenants 5       tenants they are spread over
  --in-flight 32    pods in the making at once
  --rounds 3        measurements of each way; medians are compared
  --warm-up 100     pods before each measurement that are not measured
  --only WAYS       only these, for example: --only ideal,berth
  --profile         run the syncer under Node's CPU profiler and list where its time goes
  --cluster bench   name of the local cluster
  --keep            leave the cluster up`

const count = (name: string, text: string, least: number): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least) throw new Error(`--${name} takes a whole number from ${least} on, not "${text}"`)
  return value
}

const isWay = (name: string): name is WayName => (wayNames as readonly string[]).includes(name)

/** Reads the flags; undefined for `--help`. Throws for what it does not know. */
export const readOptions = (args: readonly string[]): BenchOptions | undefined => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cluster: { type: 'string', default: 'bench' },
      pods: { type: 'string', default: '1000' },
      tenants: { type: 'string', default: '5' },
      'in-flight': { type: 'string', default: '32' },
      rounds: { type: 'string', default: '3' },
      'warm-up': { type: 'string', default: '100' },
      only: { type: 'string', default: wayNames.join(',') },
      profile: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const ways = values.only.split(',').map((name) => {
    if (isWay(name)) return name
    throw new Error(`--only takes ${wayNames.join(', ')}, not "${name}"`)
  })
  return {
    cluster: values.cluster,
    pods: count('pods', values.pods, 1),
    tenants: count('tenants', values.tenants, 1),
    inFlight: count('in-flight', values['in-flight'], 1),
    rounds: count('rounds', values.rounds, 1),
    warmUp: count('warm-up', values['warm-up'], 1),
    ways,
    profile: values.profile,
    keep: values.keep,
  }
}
