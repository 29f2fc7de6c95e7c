import { randomUUID } from 'node:crypto'
import { type Job, type JobsOptions, type JobType, Queue, type Worker } from 'bullmq'
import { AppError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { nextTime } from '../cron.ts'
import { checkedPayload, type JobHandler, type JobKind } from '../job-kind.ts'
import type { JobMetrics } from '../job-metrics.ts'
import { checkKinds, checkScheduleName, type JobCounts, type JobQueue, jobConflict, jobNotFound } from '../job-queue.ts'
import { type JobState, jobStates } from '../job-states.ts'
import { asking, connectRedis } from './connect.ts'
import { cronStrategy, type StoredJob, startBullWorker, storedJob } from './worker.ts'

export interface BullQueueOptions {
  /** `redis://` or `rediss://`. Never told. */
  readonly url: string
  readonly kinds: readonly JobKind[]
  /** Of the kinds whose jobs this process runs. */
  readonly handlers: readonly JobHandler[]
  readonly log: Log
  readonly metrics?: JobMetrics | undefined
  /** Of all keys in Redis. Default `berth`. */
  readonly prefix?: string
  /** After so long without a renewal other processes take over a job, ms. Default 30 s. */
  readonly lockMs?: number
  /** Jobs of a kind that are stored at once, dead letters not included. Default 100,000. */
  readonly maxJobs?: number
  /** Dead letters of a kind that are kept; the oldest go first. Default 1,000. */
  readonly maxDead?: number
}

/** Jobs of a group are looked for among so many of each state, a page at a time: all dead letters are among them. */
const mostScanned = 2000
const scanPage = 500

const typesOf: Readonly<Record<JobState, JobType[]>> = {
  waiting: ['waiting', 'prioritized'],
  delayed: ['delayed'],
  running: ['active'],
  dead: ['failed'],
}

const viewOf = (kind: string, state: JobState, job: Job<StoredJob>) => {
  const stored = storedJob.safeParse(job.data)
  const atMs = state === 'dead' ? job.finishedOn : state === 'delayed' ? job.timestamp + job.delay : undefined
  return {
    id: job.id ?? '',
    kind,
    group: stored.success ? stored.data.group : undefined,
    state,
    payload: stored.success ? stored.data.payload : undefined,
    failures: job.attemptsMade,
    addedAt: new Date(job.timestamp),
    at: atMs === undefined ? undefined : new Date(atMs),
    reason: job.failedReason || undefined,
  }
}

/** A queue on Redis by BullMQ. Connects and checks Redis first. Throws CONFIG_INVALID, QUEUE_UNREACHABLE. */
export const openBullQueue = async (options: BullQueueOptions): Promise<JobQueue> => {
  const { kinds, handlers, metrics, prefix = 'berth', lockMs = 30_000, maxJobs = 100_000, maxDead = 1000 } = options
  checkKinds(kinds)
  const log = options.log.child({ part: 'jobs' })
  const redis = await connectRedis(options.url, log)
  const stopping = new AbortController()
  const queues = new Map(
    kinds.map((kind) => {
      const settings = { repeatStrategy: cronStrategy }
      const queue = new Queue<StoredJob>(kind.name, { connection: redis.commands, prefix, skipWaitingForReady: true, settings })
      // Told by the connection already.
      queue.on('error', (error) => log.debug({ reason: error.message }, 'Redis refused'))
      return [kind.name, { kind, queue }] as const
    }),
  )
  let workers: readonly Worker<StoredJob>[] = []

  const queueOf = (kind: JobKind): Queue<StoredJob> => {
    const known = queues.get(kind.name)
    if (!known)
      throw new AppError('CONFIG_INVALID', `this process was started without job kind ${kind.name}`, { kind: kind.name })
    return known.queue
  }
  const jobOptions = (kind: JobKind): JobsOptions => ({
    attempts: kind.attempts,
    backoff: { type: 'berth' },
    removeOnComplete: true,
    removeOnFail: { count: maxDead },
    stackTraceLimit: 0,
  })
  const find = async (id: string) => {
    for (const { kind, queue } of queues.values()) {
      const job = await asking('find a job', () => queue.getJob(id))
      if (job) return { kind, queue, job }
    }
    throw jobNotFound(id)
  }

  return {
    start: async () => {
      workers = handlers.map((handler) =>
        startBullWorker({
          handler,
          queue: queueOf(handler.kind),
          redis,
          prefix,
          lockMs,
          stopping: stopping.signal,
          log,
          metrics,
        }),
      )
    },
    stop: async ({ deadlineMs = 20_000 } = {}) => {
      stopping.abort(new Error('the process is stopping'))
      const ended = Promise.all(workers.map((worker) => worker.close())).then(
        () => true,
        () => false,
      )
      const { promise: late, resolve } = Promise.withResolvers<boolean>()
      const timer = setTimeout(() => resolve(false), deadlineMs)
      if (!(await Promise.race([ended, late])))
        log.warn({ deadlineMs }, 'jobs have not ended in time: another process takes them over')
      clearTimeout(timer)
      await Promise.all(Array.from(queues.values(), ({ queue }) => queue.close().catch(() => {})))
      redis.close()
    },
    add: async (kind, payload, { group, deduplicationId, delayMs = 0 } = {}) => {
      const queue = queueOf(kind)
      const data: StoredJob = { ...(group !== undefined && { group }), payload: checkedPayload(kind, payload) }
      const id = randomUUID()
      return asking('add a job', async () => {
        if ((await queue.count()) >= maxJobs)
          throw new AppError(
            'QUEUE_FULL',
            `there are ${maxJobs} jobs of kind ${kind.name}: berth jobs list shows what they wait for`,
          )
        const job = await queue.add(kind.name, data, {
          ...jobOptions(kind),
          jobId: id,
          delay: Math.max(0, Math.ceil(delayMs)),
          ...(deduplicationId !== undefined && { deduplication: { id: deduplicationId } }),
        })
        return { id: job.id ?? id, isNew: job.id === id }
      })
    },
    schedule: async ({ name, kind, payload, group, cron, timeZone = 'UTC' }) => {
      checkScheduleName(name)
      if (!nextTime({ cron, timeZone }, new Date()))
        throw new AppError('SPEC_INVALID', `schedule "${cron}" in ${timeZone} has no time to come`, { name })
      const queue = queueOf(kind)
      const data: StoredJob = { ...(group !== undefined && { group }), payload: checkedPayload(kind, payload) }
      await asking('set a schedule', async () => {
        for (const { queue: other } of queues.values()) if (other !== queue) await other.removeJobScheduler(name)
        const there = await queue.getJobScheduler(name)
        // Said again it would skip a time that was missed meanwhile.
        if (there?.pattern === cron && there.tz === timeZone && JSON.stringify(there.template?.data) === JSON.stringify(data))
          return
        await queue.upsertJobScheduler(name, { pattern: cron, tz: timeZone }, { name: kind.name, data, opts: jobOptions(kind) })
      })
    },
    unschedule: async (name) =>
      asking('remove a schedule', async () => {
        const removed = await Promise.all(Array.from(queues.values(), ({ queue }) => queue.removeJobScheduler(name)))
        return removed.some(Boolean)
      }),
    schedules: async () =>
      asking('list schedules', async () => {
        const lists = await Promise.all(
          Array.from(queues.values(), async ({ kind, queue }) =>
            (await queue.getJobSchedulers()).map(({ key, pattern = '', tz = 'UTC', next }) => ({
              name: key,
              kind: kind.name,
              cron: pattern,
              timeZone: tz,
              next: next === undefined ? undefined : new Date(next),
            })),
          ),
        )
        return lists.flat()
      }),
    list: async ({ states = jobStates, limit = 100, group } = {}) =>
      asking('list jobs', async () => {
        const lists = await Promise.all(
          Array.from(queues.values()).flatMap(({ kind, queue }) =>
            states.map(async (state) => {
              const jobs: Job<StoredJob>[] = []
              const page = group === undefined ? limit : scanPage
              for (let from = 0; jobs.length < limit && from < (group === undefined ? 1 : mostScanned); from += page) {
                const found = await queue.getJobs(typesOf[state], from, from + page - 1, true)
                // A job may have ended since its id was read.
                jobs.push(...found.filter((job) => job?.id !== undefined && (group === undefined || job.data.group === group)))
                if (found.length < page) break
              }
              return jobs.map((job) => viewOf(kind.name, state, job))
            }),
          ),
        )
        return lists
          .flat()
          .toSorted((a, b) => a.addedAt.getTime() - b.addedAt.getTime())
          .slice(0, limit)
      }),
    counts: async () =>
      asking('count jobs', () =>
        Promise.all(
          Array.from(queues.values(), async ({ kind, queue }): Promise<JobCounts> => {
            const [counts, [oldest]] = await Promise.all([
              queue.getJobCounts('waiting', 'prioritized', 'delayed', 'active', 'failed'),
              queue.getJobs(['waiting'], 0, 0, true),
            ])
            const of = (name: string) => counts[name] ?? 0
            return {
              kind: kind.name,
              counts: {
                waiting: of('waiting') + of('prioritized'),
                delayed: of('delayed'),
                running: of('active'),
                dead: of('failed'),
              },
              oldestMs: oldest ? Math.max(0, Date.now() - oldest.timestamp - oldest.delay) : 0,
            }
          }),
        ),
      ),
    epoch: async () =>
      asking('ask what it remembers', async () => {
        await redis.commands.set(`${prefix}:epoch`, randomUUID(), 'NX')
        return (await redis.commands.get(`${prefix}:epoch`)) ?? ''
      }),
    retry: async (id) => {
      const { job } = await find(id)
      await asking('replay a job', async () => {
        if (!(await job.isFailed())) throw jobConflict(id, 'is no dead letter: it will be tried again by itself')
        await job.retry('failed', { resetAttemptsMade: true })
      })
    },
    discard: async (id) => {
      const { job } = await find(id)
      await asking('discard a job', async () => {
        if (await job.isActive()) throw jobConflict(id, 'runs now: it can be discarded when that has ended')
        await job.remove()
      })
    },
  }
}
