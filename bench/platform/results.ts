import type { SelfTime } from '../profile.ts'
import type { MachineFacts } from '../results.ts'
import type { PlatformOptions, StageName } from './options.ts'

/** Times in milliseconds of one thing that was done so often. */
export interface Spread {
  readonly count: number
  readonly p50: number
  readonly p99: number
}

export interface ListFigures {
  /** One after the other, taking turns. */
  readonly oneByOne: {
    readonly apiPage: Spread
    readonly apiAll: Spread
    readonly raw: Spread
    readonly kubectl: Spread
  }
  /** Several in flight. */
  readonly atOnce: { readonly apiPage: Spread; readonly apiAll: Spread; readonly raw: Spread }
}

export interface CreateFigures {
  readonly oneByOne: { readonly api: Spread; readonly raw: Spread; readonly kubectl: Spread }
  readonly atOnce: { readonly api: Spread; readonly raw: Spread; readonly kubectl: Spread }
  /** Requests of the API in a second, several in flight. */
  readonly perSecond: number
  /** From when it was asked to become ready until somebody who waits knows. */
  readonly knowing: { readonly events: Spread; readonly kubectl: Spread }
}

export interface StreamFigures {
  readonly clients: number
  /** RSS of the API, MiB: before, with all clients, after all events, and when they were gone. */
  readonly residentMiB: { readonly before: number; readonly open: number; readonly after: number; readonly closed: number }
  /** From a change until one client has it; all clients and changes. */
  readonly each: Spread
  /** From a change until the last client has it. */
  readonly all: Spread
  /** Milliseconds of CPU of the API for one event to one client. */
  readonly cpuMsPerEvent: number
}

/** Deliveries through one queue. */
export interface WebhookFigures {
  readonly asked: number
  /** Not added, as too many were under way. */
  readonly heldBack: number
  /** Answered with success while others were still asked for, in each second. */
  readonly deliveredPerSecond: number
  /** Refused at first, and tried again. */
  readonly refused: number
  /** Never delivered within the time that was given. */
  readonly missing: number
  /** Delivered more than once. */
  readonly twice: number
  /** From added to answered: those taken at the first try, and those at a later one. */
  readonly firstTry: Spread
  readonly retried: Spread
  /** Of the worker: cores while it worked, RSS at the end. */
  readonly cores: number
  readonly residentMiB: number
}

export interface JobFigures {
  readonly jobs: number
  readonly addedPerSecond: number
  readonly runPerSecond: number
}

/** By store of the jobs. */
export interface ByQueue<T> {
  readonly redis: T
  readonly inProcess: T
}

/** Milliseconds from start to end, by what was run. */
export type StartFigures = Readonly<Record<string, Spread>>

export interface PlatformResult {
  readonly date: string
  readonly commit: string
  readonly machine: MachineFacts
  readonly options: PlatformOptions
  readonly list?: ListFigures
  readonly create?: CreateFigures
  readonly streams?: StreamFigures
  readonly webhooks?: ByQueue<WebhookFigures>
  readonly jobs?: ByQueue<JobFigures>
  readonly cli?: StartFigures
  /** With `--profile`, by process. */
  readonly profiles?: Readonly<Record<string, readonly SelfTime[]>>
  /** What could not be measured, and why. */
  readonly failures: readonly { readonly stage: StageName; readonly message: string }[]
}
