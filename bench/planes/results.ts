import type { MachineFacts } from '../results.ts'
import type { PlanesOptions, StageName } from './options.ts'

/** How long one tenant took. */
export interface Creation {
  /** From the create request until its own API showed the default ServiceAccount, by the client's clock. */
  readonly seconds: number
  /** `status.timings`: seconds from creation until each condition was first True, by the manager's clock; and `Volume`: until etcd had its volume. */
  readonly phases: Readonly<Record<string, number>>
}

/** Tenants that had the machine to themselves. */
export interface AloneFigures extends CreationsAndDeletions {
  /** Seconds that all cores of the machine worked while one was made, for each. */
  readonly cpuSeconds: readonly number[]
}

export interface CreationsAndDeletions {
  readonly creations: readonly Creation[]
  /** Seconds from the delete request until nothing was left. */
  readonly deletions: readonly number[]
}

/** Memory in MiB and CPU in thousandths of a core. */
export interface RestingProgram {
  readonly residentMiB: number
  readonly proportionalMiB: number
  readonly anonymousMiB: number
  readonly milliCores: number
}

/** A process of Berth at rest, by its own metrics. */
export interface RestingDaemon {
  readonly residentMiB: number
  /** Used heap: RSS without what the collector has not come to yet. */
  readonly heapMiB: number
  readonly milliCores: number
}

/** All at rest, with so many tenants. */
export interface Rest {
  readonly tenants: number
  readonly manager: RestingDaemon
  readonly syncer: RestingDaemon
  /** Of each program the median of all tenants; several processes of one in one tenant are added up. */
  readonly programs: Readonly<Record<string, RestingProgram>>
}

export interface Wake {
  /** From the request to rest until the tenant said Paused. */
  readonly restSeconds: number
  /** From the request to run until it said Ready. */
  readonly readySeconds: number
  /** From the same request until its pod in super was Ready. */
  readonly podSeconds: number
}

export interface UpgradeFigures {
  readonly from: string
  readonly to: string
  readonly seconds: number
  /** When each phase was first seen, seconds after the request. */
  readonly phases: Readonly<Record<string, number>>
  readonly longestGapMs: number
  readonly acknowledged: number
  /** Failed at first, taken a second later. */
  readonly retried: number
  /** Failed twice, a second apart. */
  readonly failed: number
}

/** Of times in milliseconds. */
export interface Percentiles {
  readonly p50: number
  readonly p99: number
}

/** Many writes at once to one tenant, and lists of what came of it. */
export interface BurstFigures {
  readonly objects: number
  readonly seconds: number
  /** Used by each program while it was written. */
  readonly cpuSeconds: Readonly<Record<string, number>>
  readonly createMs: Percentiles
  readonly listMs: Percentiles
  /** Of each program when all was written. */
  readonly residentMiB: Readonly<Record<string, number>>
}

/** What one size costs and gives. */
export interface SizeFigures {
  readonly size: string
  readonly atRest: Readonly<Record<string, RestingProgram>>
  readonly residentMiBAfterCalls: Readonly<Record<string, number>>
  readonly getMs: Percentiles
  readonly createMs: Percentiles
  /** Of all processes of the control plane, for each call; a get and a create count as one each. */
  readonly cpuMsPerCall: number
  readonly burst: BurstFigures
}

export interface PlanesResult {
  readonly date: string
  readonly commit: string
  readonly machine: MachineFacts
  readonly options: PlanesOptions
  /** Median seconds that an etcd and a kube-apiserver take to be ready as plain processes of this machine. */
  readonly bareStartSeconds: number
  readonly alone?: AloneFigures
  readonly oneByOne?: CreationsAndDeletions
  readonly atOnce?: CreationsAndDeletions
  readonly rests?: readonly Rest[]
  readonly wake?: { readonly paused: Wake; readonly hibernated: Wake }
  readonly upgrade?: UpgradeFigures
  readonly sizes?: readonly SizeFigures[]
  /** What could not be measured, and why. */
  readonly failures: readonly { readonly stage: StageName; readonly message: string }[]
}
