import { DelayedError, type Job, type Queue, UnrecoverableError, WaitingError, Worker } from 'bullmq'
import { z } from 'zod'
import { explainError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { nextTime } from '../cron.ts'
import type { JobHandler } from '../job-kind.ts'
import type { JobMetrics } from '../job-metrics.ts'
import { graceMs, runJob } from '../run-job.ts'
import type { RedisConnections } from './connect.ts'
import { createGroupGate } from './group-gate.ts'
import { createWaitingRoom } from './waiting-room.ts'

/** What a job carries in Redis. */
export const storedJob = z.object({ group: z.string().optional(), payload: z.unknown() })
export type StoredJob = z.output<typeof storedJob>

export interface BullWorkerOptions {
  readonly handler: JobHandler
  readonly queue: Queue<StoredJob>
  readonly redis: RedisConnections
  readonly prefix: string
  /** After so long without a renewal other processes take over a job, ms. */
  readonly lockMs: number
  readonly stopping: AbortSignal
  readonly log: Log
  readonly metrics?: JobMetrics | undefined
}

/** A job that was fetched waits so long for a place of its group before it goes back. */
const seatedMs = 5_000
/** Places that processes elsewhere gave back are looked for so often. */
const lookEveryMs = 250

/** A job without a place comes again by itself after so long, should nobody tell it. */
const parkedMs = 30_000

/** Pauses chosen for failed runs, by the error that BullMQ is told. */
const pauses = new WeakMap<Error, number>()
const failedRun = (reason: string, pauseMs: number): Error => {
  const error = new Error(reason)
  pauses.set(error, pauseMs)
  return error
}

/** Times of schedules by the same rules as everywhere in Berth. */
export const cronStrategy = (
  afterMs: number,
  { pattern = '', tz = 'UTC' }: { pattern?: string; tz?: string },
): number | undefined => nextTime({ cron: pattern, timeZone: tz }, new Date(afterMs))?.getTime()

/** Runs the jobs of one kind until it is closed. */
export const startBullWorker = (options: BullWorkerOptions): Worker<StoredJob> => {
  const { handler, queue, redis, prefix, lockMs, stopping, metrics } = options
  const { kind } = handler
  const log = options.log.child({ part: 'jobs', kind: kind.name })
  const gate = createGroupGate({
    redis: redis.workers,
    prefix,
    kind: kind.name,
    perGroup: kind.perGroup,
    placeMs: kind.timeLimitMs + graceMs + 60_000,
  })
  const room = createWaitingRoom({ seats: Math.floor(kind.concurrency / 4), perGroup: kind.perGroup })
  /** Of running jobs: the lock was renewed, or is gone. */
  const locks = new Map<string, { readonly renewed: () => void; readonly lost: () => void }>()

  const watchLock = (id: string, sinceMs: number): { readonly lost: AbortSignal; readonly end: () => void } => {
    const lost = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const arm = (spentMs: number) => {
      clearTimeout(timer)
      // A Redis that is away renews nothing: before others may take the job, its run here is over. Renewals come at half of its time.
      timer = setTimeout(() => lost.abort(), Math.max(0, lockMs * 0.75 - spentMs))
    }
    arm(Math.max(0, Date.now() - sinceMs))
    locks.set(id, { renewed: () => arm(0), lost: () => lost.abort() })
    return {
      lost: lost.signal,
      end: () => {
        clearTimeout(timer)
        locks.delete(id)
      },
    }
  }

  /** A job noted as waiting for a place goes on now. */
  const callIn = async (id: string): Promise<void> => {
    const job = await queue.getJob(id)
    // What is not parked yet looks itself whether it is still noted; what is gone has no need of a place.
    await job?.promote().catch((error: unknown) => log.debug({ job: id, reason: explainError(error) }, 'job not called in'))
  }
  const leave = async (group: string, id: string): Promise<void> => {
    const seated = room.next(group)
    try {
      const next = seated ? await gate.handOver(group, id, seated.jobId) : await gate.leave(group, id)
      seated?.give()
      for (const each of next) await callIn(each)
    } catch (error) {
      log.warn({ reason: explainError(error) }, 'cannot give back a place; it is free by itself later')
    }
  }
  /** True once the group has a place for the job. */
  const takePlace = async (group: string, id: string): Promise<boolean> => {
    // Seated before it asks: a place that is given back meanwhile is handed to it.
    const seat = room.enter(group, id)
    if (!seat) return gate.enter(group, id)
    try {
      const end = performance.now() + seatedMs
      do {
        if (await gate.enter(group, id, { waitsHere: true })) return true
        if (await seat.handed(lookEveryMs, stopping)) return true
      } while (performance.now() < end && !stopping.aborted)
    } finally {
      seat.leave()
    }
    return gate.enter(group, id)
  }
  const park = async (job: Job<StoredJob>, id: string, group: string, token: string): Promise<never> => {
    await job.moveToDelayed(Date.now() + parkedMs, token)
    if (!(await gate.isWaiting(group, id))) await callIn(id)
    throw new DelayedError()
  }

  const run = async (job: Job<StoredJob>, id: string, stored: StoredJob, token: string): Promise<void> => {
    const lock = watchLock(id, job.processedOn ?? Date.now())
    try {
      const outcome = await runJob(
        handler,
        { id, group: stored.group, payload: stored.payload, attempt: job.attemptsMade + 1, fence: job.attemptsStarted },
        { stopping, lost: lock.lost, log, metrics },
      )
      switch (outcome.kind) {
        case 'done':
        case 'lost': // whatever is written of it is refused, as the lock is gone
          return
        case 'stopped':
          await job.moveToWait(token)
          throw new WaitingError()
        case 'retry':
          throw failedRun(outcome.reason, outcome.afterMs)
        case 'dead':
          throw new UnrecoverableError(outcome.reason)
      }
    } finally {
      lock.end()
    }
  }

  const worker = new Worker<StoredJob>(
    queue.name,
    async (job, token = '') => {
      const id = job.id ?? ''
      const parsed = storedJob.safeParse(job.data)
      if (!parsed.success)
        throw new UnrecoverableError('the stored job cannot be read: it was changed by hand, or is of a newer version')
      const { group } = parsed.data
      if (group === undefined) return run(job, id, parsed.data, token)
      if (!(await takePlace(group, id))) return park(job, id, group, token)
      try {
        return await run(job, id, parsed.data, token)
      } finally {
        await leave(group, id)
      }
    },
    {
      connection: redis.workers,
      prefix,
      concurrency: kind.concurrency,
      lockDuration: lockMs,
      stalledInterval: lockMs / 2,
      maxStalledCount: kind.attempts - 1,
      settings: {
        // What is no end of a run is Redis' fault, not the job's.
        backoffStrategy: (_made, _type, error) => (error && pauses.get(error)) ?? 1000,
        repeatStrategy: cronStrategy,
      },
    },
  )
  worker.on('error', (error) => log.warn({ reason: error.message }, 'jobs cannot be fetched or renewed'))
  worker.on('locksRenewed', ({ jobIds }) => {
    for (const id of jobIds) locks.get(id)?.renewed()
  })
  worker.on('lockRenewalFailed', (jobIds) => {
    for (const id of jobIds) locks.get(id)?.lost()
  })
  return worker
}
