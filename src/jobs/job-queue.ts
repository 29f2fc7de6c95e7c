import { AppError } from '../lib/errors.ts'
import type { JobKind } from './job-kind.ts'
import type { JobState } from './job-states.ts'

export interface AddOptions {
  /** Whose job it is: a tenant, an organisation. Places are shared out between groups. */
  readonly group?: string
  /** While a job of this kind with the same id waits or runs, no other is added. Dead letters do not count. */
  readonly deduplicationId?: string
  /** Not before so many ms from now. */
  readonly delayMs?: number
}

export interface AddedJob {
  readonly id: string
  /** False: one with the same deduplication id was there, and `id` is its. */
  readonly isNew: boolean
}

/** A job as operators see it. */
export interface JobView {
  readonly id: string
  readonly kind: string
  readonly group: string | undefined
  readonly state: JobState
  readonly payload: unknown
  /** Runs that failed so far. */
  readonly failures: number
  readonly addedAt: Date
  /** When a delayed job is due; when a dead one was given up. */
  readonly at: Date | undefined
  /** Why the last run failed. */
  readonly reason: string | undefined
}

export interface JobCounts {
  readonly kind: string
  readonly counts: Readonly<Record<JobState, number>>
  /** How long the oldest due job has been waiting, ms; 0 when none is. */
  readonly oldestMs: number
}

export interface JobSchedule<P = unknown> {
  /** A DNS label, unique over all kinds. */
  readonly name: string
  readonly kind: JobKind<P>
  readonly payload: P
  readonly group?: string
  /** Five fields of cron. */
  readonly cron: string
  /** Default UTC. */
  readonly timeZone?: string
}

export interface ScheduleView {
  readonly name: string
  readonly kind: string
  readonly cron: string
  readonly timeZone: string
  readonly next: Date | undefined
}

export interface ListOptions {
  readonly states?: readonly JobState[]
  /** Default 100. */
  readonly limit?: number
  /** Only jobs of this group. A store that cannot look for them looks at the first 2,000 jobs of each state. */
  readonly group?: string
}

/** Work with a clock, a retry or an outside party. Each job runs at least once; docs/explanation/jobs.md says what is promised beyond that. */
export interface JobQueue {
  /** Begins to follow the store, and to run jobs of the kinds that have handlers. Throws when the store cannot be reached. */
  start(): Promise<void>
  /** Tells running jobs to end and waits for them; what has not ended by the deadline is left to the next process. */
  stop(options?: { readonly deadlineMs?: number }): Promise<void>
  /** Resolves when the job is stored. Throws SPEC_INVALID for a bad payload, QUEUE_FULL. */
  add<P>(kind: JobKind<P>, payload: P, options?: AddOptions): Promise<AddedJob>
  /** Adds a job at each time of a schedule. The same name again changes the schedule; the same schedule again changes nothing. Throws SPEC_INVALID. */
  schedule<P>(schedule: JobSchedule<P>): Promise<void>
  /** False when there is none of this name. Jobs it has added stay. */
  unschedule(name: string): Promise<boolean>
  schedules(): Promise<readonly ScheduleView[]>
  /** Oldest first. */
  list(options?: ListOptions): Promise<readonly JobView[]>
  counts(): Promise<readonly JobCounts[]>
  /** Stands for what the store remembers: another one when it has lost all that it held. */
  epoch(): Promise<string>
  /** Gives a dead letter all its attempts again. Throws JOB_NOT_FOUND; JOB_CONFLICT when the job is not dead. */
  retry(id: string): Promise<void>
  /** Removes a job that does not run. Throws JOB_NOT_FOUND; JOB_CONFLICT while it runs. */
  discard(id: string): Promise<void>
}

export const jobNotFound = (id: string): AppError =>
  new AppError('JOB_NOT_FOUND', `there is no job ${id}: berth jobs list shows what there is`, { id })

export const jobConflict = (id: string, text: string): AppError => new AppError('JOB_CONFLICT', `job ${id} ${text}`, { id })

const dnsLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** Throws CONFIG_INVALID for kinds that cannot be told apart or stored. */
export const checkKinds = (kinds: readonly JobKind[]): void => {
  const names = kinds.map(({ name }) => name)
  const bad = names.find((name, index) => !dnsLabel.test(name) || names.indexOf(name) !== index)
  if (bad !== undefined) throw new AppError('CONFIG_INVALID', `job kind ${bad} is there twice or is no DNS label`, { kind: bad })
}

/** Throws SPEC_INVALID for a name that cannot be stored. */
export const checkScheduleName = (name: string): void => {
  if (!dnsLabel.test(name))
    throw new AppError('SPEC_INVALID', `a schedule's name has to be a DNS label, ${name} is none`, { name })
}
