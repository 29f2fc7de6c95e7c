import { AppError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { JobHandler } from './job-kind.ts'
import type { JobMetrics } from './job-metrics.ts'
import { type Verdict, verdictOf } from './verdict.ts'

/** One run of a job that this process holds. */
export interface HeldJob {
  readonly id: string
  readonly group: string | undefined
  readonly payload: unknown
  /** 1 in the first run. */
  readonly attempt: number
  readonly fence: number
}

/** `stopped`: the process is stopping and the run gave way. `lost`: the job is no longer this process's, whatever the run said. */
export type JobOutcome = { readonly kind: 'done' } | { readonly kind: 'stopped' } | { readonly kind: 'lost' } | Verdict

export interface RunJobDeps {
  /** The process stops. */
  readonly stopping: AbortSignal
  /** The job was, or may have been, given to another process. */
  readonly lost: AbortSignal
  readonly log: Log
  readonly metrics?: JobMetrics | undefined
}

/** How long a run may go on after its time was over, before the next try may begin. */
export const graceMs = 5000

/** Runs a job once, within its time, and says what becomes of it. Never throws. */
export const runJob = async (handler: JobHandler, job: HeldJob, deps: RunJobDeps): Promise<JobOutcome> => {
  const { kind } = handler
  const { stopping, lost, metrics } = deps
  // A run that began now would have to end at once.
  if (lost.aborted) return { kind: 'lost' }
  if (stopping.aborted) return { kind: 'stopped' }
  const log = deps.log.child({ job: job.id, kind: kind.name, ...(job.group !== undefined && { group: job.group }) })
  const ending = new AbortController()
  const onStop = () => ending.abort(new Error('the process is stopping'))
  const onLost = () => ending.abort(new Error('the job was given to another process'))
  const late = new AppError('DEADLINE_EXCEEDED', `the run took longer than ${kind.timeLimitMs} ms`, {
    timeLimitMs: kind.timeLimitMs,
  })
  const { promise: overdue, reject: giveUp } = Promise.withResolvers<never>()
  overdue.catch(() => {})
  let grace: NodeJS.Timeout | undefined
  let isLate = false
  const limit = setTimeout(() => {
    isLate = true
    ending.abort(late)
    grace = setTimeout(() => giveUp(late), graceMs)
  }, kind.timeLimitMs)
  stopping.addEventListener('abort', onStop, { once: true })
  lost.addEventListener('abort', onLost, { once: true })

  const began = performance.now()
  const outcomeOf = async (): Promise<JobOutcome> => {
    try {
      const { id, fence, group, attempt } = job
      await Promise.race([handler.run(job.payload, { id, fence, group, attempt, signal: ending.signal, log }), overdue])
      return { kind: lost.aborted ? 'lost' : 'done' }
    } catch (error) {
      if (lost.aborted) return { kind: 'lost' }
      if (isLate) return verdictOf(late, { kind, attempt: job.attempt })
      if (stopping.aborted) return { kind: 'stopped' }
      return verdictOf(error, { kind, attempt: job.attempt })
    }
  }
  const outcome = await outcomeOf()
  clearTimeout(limit)
  clearTimeout(grace)
  stopping.removeEventListener('abort', onStop)
  lost.removeEventListener('abort', onLost)
  metrics?.ran({ kind: kind.name, outcome, seconds: (performance.now() - began) / 1000 })
  if (outcome.kind === 'retry')
    log.info({ reason: outcome.reason, attempt: job.attempt, retryInMs: outcome.afterMs }, 'job failed')
  if (outcome.kind === 'dead') log.warn({ reason: outcome.reason, attempt: job.attempt }, 'job given up')
  if (outcome.kind === 'lost') log.warn('job was given to another process')
  return outcome
}
