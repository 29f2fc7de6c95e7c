import { parseArgs } from 'node:util'
import { type PartName, partNames } from './plan.ts'

export interface ChaosOptions {
  readonly cluster: string
  readonly minutes: number
  readonly seed: number
  readonly parts: readonly PartName[]
  /** Leaves tenants and cluster up at the end. */
  readonly keep: boolean
}

export const usage = `Usage: node chaos/run.ts [flags]

Kills, freezes and deletes parts of Berth, of tenants' control planes and of nodes, by chance, while five tenants are written to all the
time; then proves that no answered write was lost and that both sides of each tenant agree. Needs a local cluster of processes.

  --minutes 30      time of faults; making and checking comes on top
  --seed N          the same number plans the same faults; default: by chance, and printed
  --only PARTS      hits only these: ${partNames.slice(0, 6).join(',')},
                    ${partNames.slice(6).join(',')}
  --cluster chaos   name of the local cluster
  --keep            leave tenants and cluster up; they stay in any case when something was found

Exit codes: 0 nothing was lost; 1 something was found, or the run broke off; 130 ended by Ctrl-C.`

const isPart = (name: string): name is PartName => (partNames as readonly string[]).includes(name)

/** Reads the flags; undefined for `--help`. Throws for what it does not know. `seed` is taken when none is given. */
export const readOptions = (args: readonly string[], seed: number): ChaosOptions | undefined => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cluster: { type: 'string', default: 'chaos' },
      minutes: { type: 'string', default: '30' },
      seed: { type: 'string', default: String(seed) },
      only: { type: 'string', default: partNames.join(',') },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const minutes = Number(values.minutes)
  if (!(minutes > 0 && minutes <= 24 * 60))
    throw new Error(`--minutes takes a number from 0 to ${24 * 60}, not "${values.minutes}"`)
  const given = Number(values.seed)
  if (!Number.isSafeInteger(given) || given < 0) throw new Error(`--seed takes a whole number from 0 on, not "${values.seed}"`)
  const parts = values.only.split(',').map((name) => {
    if (isPart(name)) return name
    throw new Error(`--only takes ${partNames.join(', ')}, not "${name}"`)
  })
  return { cluster: values.cluster, minutes, seed: given, parts, keep: values.keep }
}
