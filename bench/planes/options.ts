import { parseArgs } from 'node:util'

/** What can be measured, in this order. */
export const stageNames = ['alone', 'one-by-one', 'at-once', 'wake', 'upgrade', 'sizes'] as const
export type StageName = (typeof stageNames)[number]

export interface PlanesOptions {
  readonly cluster: string
  readonly tenants: number
  /** Tenants in the making at once, in the stage of that name. */
  readonly atOnce: number
  /** Memory and CPU at rest are read over so many seconds, after as many that are left for things to settle. */
  readonly restSeconds: number
  /** Requests of each kind that the sizes are compared by. */
  readonly calls: number
  /** Objects that are written to each of them as fast as it takes them. */
  readonly burst: number
  readonly stages: readonly StageName[]
  /** Leaves the cluster up at the end. */
  readonly keep: boolean
}

export const usage = `Usage: node bench/planes.ts [flags]

Makes tenants on a local cluster and measures their control planes:
  alone       create until usable, its CPU, delete; one tenant at a time is there
  one-by-one  create until usable beside all those before; memory and CPU at rest; delete
  at-once     create until usable, several at a time; delete all at once
  wake        out of a pause and out of hibernation
  upgrade     to the next minor version under a steady writer
  sizes       memory, latency, CPU and a burst of writes of small against medium

  --tenants 20      tenants of the first three
  --at-once 5       tenants in the making at once
  --only STAGES     only these, for example: --only wake,upgrade
  --quick           3 tenants and short rests, to try it out: its numbers mean little
  --cluster bench   name of the local cluster
  --keep            leave the cluster up; the tenants go in any case`

const count = (name: string, text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number from 1 on, not "${text}"`)
  return value
}

const isStage = (name: string): name is StageName => (stageNames as readonly string[]).includes(name)

/** Reads the flags; undefined for `--help`. Throws for what it does not know. */
export const readOptions = (args: readonly string[]): PlanesOptions | undefined => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cluster: { type: 'string', default: 'bench' },
      tenants: { type: 'string' },
      'at-once': { type: 'string' },
      only: { type: 'string', default: stageNames.join(',') },
      quick: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const stages = values.only.split(',').map((name) => {
    if (isStage(name)) return name
    throw new Error(`--only takes ${stageNames.join(', ')}, not "${name}"`)
  })
  const usual = values.quick ? { tenants: '3', atOnce: '3' } : { tenants: '20', atOnce: '5' }
  return {
    cluster: values.cluster,
    tenants: count('tenants', values.tenants ?? usual.tenants),
    atOnce: count('at-once', values['at-once'] ?? usual.atOnce),
    restSeconds: values.quick ? 5 : 20,
    calls: values.quick ? 50 : 200,
    burst: values.quick ? 500 : 10_000,
    stages,
    keep: values.keep,
  }
}
