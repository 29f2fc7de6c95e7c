import { parseArgs } from 'node:util'

/** What can be measured, in this order. */
export const stageNames = ['list', 'create', 'streams', 'webhooks', 'jobs', 'cli'] as const
export type StageName = (typeof stageNames)[number]

export interface PlatformOptions {
  /** In the organisation that is listed. */
  readonly tenants: number
  /** Requests of each kind that are measured; a program that is compared with them runs a tenth as often. */
  readonly calls: number
  /** Requests in flight where several are. */
  readonly atOnce: number
  /** Event streams at once. */
  readonly streams: number
  /** Changes that all of them are told of, one after the other. */
  readonly events: number
  /** Webhooks that are asked for in each second, and for how many seconds. */
  readonly deliveriesPerSecond: number
  readonly deliverySeconds: number
  /** Jobs that are added and then run on Redis; in-process a fifth of them. */
  readonly jobs: number
  /** Starts of each program. */
  readonly starts: number
  readonly stages: readonly StageName[]
  /** Runs the API and the worker under Node's CPU profiler. */
  readonly profile: boolean
}

export const usage = `Usage: node bench/platform.ts [flags]

Measures the HTTP API, jobs, webhooks and the command line, beside what a user would do without them. On loopback: an etcd, a
kube-apiserver, a Redis, the API and a worker, each a process of its own. Nobody acts on the tenants.
  list      tenants of one organisation by the API, raw from the API server, and by kubectl get
  create    POST until 202 beside kubectl apply; until a tenant is known to be ready: events beside kubectl wait
  streams   many clients of the event stream: memory, and how soon all know of a change
  webhooks  deliveries to a receiver that refuses one of twenty at first, on Redis and in-process
  jobs      jobs that do nothing: added and run, on Redis and in-process
  cli       starts of berth beside kubectl

  --tenants 1000    tenants of the organisation that is listed
  --only STAGES     only these, for example: --only list,cli
  --quick           a tenth of all, to try it out: its numbers mean little
  --profile         run the API and the worker under Node's CPU profiler and list where their time goes`

const count = (name: string, text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number from 1 on, not "${text}"`)
  return value
}

const isStage = (name: string): name is StageName => (stageNames as readonly string[]).includes(name)

const usual = {
  tenants: 1000,
  calls: 200,
  atOnce: 8,
  streams: 1000,
  events: 50,
  deliveriesPerSecond: 500,
  deliverySeconds: 30,
  jobs: 5000,
  starts: 20,
}
const quick = {
  tenants: 100,
  calls: 20,
  atOnce: 8,
  streams: 100,
  events: 5,
  deliveriesPerSecond: 100,
  deliverySeconds: 3,
  jobs: 500,
  starts: 2,
}

/** Reads the flags; undefined for `--help`. Throws for what it does not know. */
export const readOptions = (args: readonly string[]): PlatformOptions | undefined => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      tenants: { type: 'string' },
      only: { type: 'string', default: stageNames.join(',') },
      quick: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const stages = values.only.split(',').map((name) => {
    if (isStage(name)) return name
    throw new Error(`--only takes ${stageNames.join(', ')}, not "${name}"`)
  })
  const sizes = values.quick ? quick : usual
  return {
    ...sizes,
    ...(values.tenants !== undefined && { tenants: count('tenants', values.tenants) }),
    stages,
    profile: values.profile,
  }
}
