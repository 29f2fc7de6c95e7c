import { parseArgs } from 'node:util'

/** What one tenant does while the others are measured. */
export const troubleNames = ['greedy', 'hung', 'garbage'] as const
export type TroubleName = (typeof troubleNames)[number]

export interface NeighboursOptions {
  readonly cluster: string
  /** Tenants that are measured; one more makes the trouble. */
  readonly tenants: number
  /** Pods in each second, over all of them. */
  readonly rate: number
  /** Length of each measurement. */
  readonly seconds: number
  readonly rounds: number
  /** Most changes in super for one tenant in a second, as the operator of so small a machine would set it. */
  readonly writesPerSecond: number
  /** Most CPU of the API server of the one that makes trouble, in thousandths of a core; its etcd has half of that. */
  readonly milliCpu: number
  readonly troubles: readonly TroubleName[]
  /** Leaves the cluster up at the end. */
  readonly keep: boolean
}

export const usage = `Usage: node bench/neighbours.ts [flags]

Measures what tenants feel of another one: they make pods at an even pace on kwok nodes, each timed from when it was due until it is Ready
in its tenant, on a quiet day and while the other one is
  greedy   makes and deletes pods, ConfigMaps and Services as fast as its API server takes them from 32 connections
  hung     has an API server that takes every request and answers none
  garbage  has an API server that answers with all that no API server says: no JSON, endless lists, endless events, redirects

  --tenants 3           tenants that are measured
  --rate 5              pods in each second, over all of them
  --seconds 60          length of each measurement
  --rounds 3            measurements of each kind; all pods of a kind are looked at together
  --writes 3            most changes in super for one tenant in a second (BERTH_TENANT_WRITES_PER_SECOND)
  --cpu 100             most CPU of the troublesome one's API server, in thousandths of a core, by its TenantClass
  --only TROUBLES       only these, for example: --only hung,garbage
  --cluster neighbours  name of the local cluster
  --keep                leave the cluster up`

const count = (name: string, text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number from 1 on, not "${text}"`)
  return value
}

const isTrouble = (name: string): name is TroubleName => (troubleNames as readonly string[]).includes(name)

/** Reads the flags; undefined for `--help`. Throws for what it does not know. */
export const readOptions = (args: readonly string[]): NeighboursOptions | undefined => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cluster: { type: 'string', default: 'neighbours' },
      tenants: { type: 'string', default: '3' },
      rate: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '60' },
      rounds: { type: 'string', default: '3' },
      writes: { type: 'string', default: '3' },
      cpu: { type: 'string', default: '100' },
      only: { type: 'string', default: troubleNames.join(',') },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const troubles = values.only.split(',').map((name) => {
    if (isTrouble(name)) return name
    throw new Error(`--only takes ${troubleNames.join(', ')}, not "${name}"`)
  })
  return {
    cluster: values.cluster,
    tenants: count('tenants', values.tenants),
    rate: count('rate', values.rate),
    seconds: count('seconds', values.seconds),
    rounds: count('rounds', values.rounds),
    writesPerSecond: count('writes', values.writes),
    milliCpu: count('cpu', values.cpu),
    troubles,
    keep: values.keep,
  }
}
