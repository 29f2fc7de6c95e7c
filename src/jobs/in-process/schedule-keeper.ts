import { type KubeObject, objectKey } from '../../apis/kube-object.ts'
import type { Informer } from '../../kube/informer.ts'
import { explainError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { FairQueue } from '../../runtime/fair-queue.ts'
import { nextTime } from '../cron.ts'
import type { JobObjects } from './job-objects.ts'
import { type JobRecord, jobObject, readSchedule, type ScheduleRecord, scheduledJobId, scheduleObject } from './record.ts'

export interface ScheduleKeeperOptions {
  readonly informer: Pick<Informer<KubeObject>, 'get' | 'observe'>
  readonly objects: JobObjects
  readonly namespace: string
  readonly me: string
  /** After so long a time that another process began to add is added by this one. */
  readonly claimMs: number
  readonly log: Log
  readonly onAdded: (job: KubeObject) => void
}

/** Adds the jobs of schedules when their time comes. */
export interface ScheduleKeeper {
  start(): void
  seen(object: KubeObject): void
  gone(object: KubeObject): void
  stop(): Promise<void>
}

const longestPauseMs = 24 * 3600_000
const afterErrorMs = 2000
const tenant = 'schedules'

/** The job of one time of a schedule. */
export const scheduledJob = ({ name, kind, group, payload }: ScheduleRecord, atMs: number, nowMs: number): JobRecord => ({
  version: 1,
  id: scheduledJobId(name, atMs),
  kind,
  ...(group !== undefined && { group }),
  payload,
  addedAtMs: nowMs,
  dueAtMs: atMs,
  failures: 0,
  fence: 0,
})

/**
 * One process marks a time as its own, adds the job, then moves the schedule on. The mark keeps a slower one from adding a job that is done by then; a mark of a
 * process that was killed is taken over, and its job has the same id.
 */
export const createScheduleKeeper = (options: ScheduleKeeperOptions): ScheduleKeeper => {
  const { informer, objects, namespace, me, claimMs, log, onAdded } = options
  const queue = new FairQueue({ concurrency: 4, perTenant: 4 })
  const changes = new Map<string, { readonly version: string; readonly atMs: number }>()

  const unchangedForMs = (key: string, { metadata }: KubeObject): number => {
    const version = metadata.resourceVersion ?? ''
    const known = changes.get(key)
    if (known?.version === version) return performance.now() - known.atMs
    changes.set(key, { version, atMs: performance.now() })
    return 0
  }

  const work = async (key: string): Promise<void> => {
    const stored = informer.get(key)
    const record = stored && readSchedule(stored)
    if (!stored || !record) return
    const later = (inMs: number) => queue.addAfter({ tenant, key }, Math.min(Math.ceil(inMs) + 1, longestPauseMs))
    const { pending } = record
    if (pending && pending.by !== me) {
      const leftMs = pending.forMs - unchangedForMs(key, stored)
      if (leftMs > 0) return later(leftMs)
    }
    const nowMs = Date.now()
    const atMs = pending?.atMs ?? record.nextAtMs
    if (atMs > nowMs) return later(atMs - nowMs)
    const marked = await objects.replace(
      scheduleObject(namespace, { ...record, pending: { atMs, by: me, forMs: claimMs } }, stored),
    )
    if (!marked) return
    const job = await objects.create(jobObject(namespace, scheduledJob(record, atMs, nowMs)))
    if (job) onAdded(job)
    const { pending: _done, ...rest } = record
    // Times that were missed meanwhile are one job, not many.
    const next = nextTime(record, new Date(Math.max(nowMs, atMs)))
    if (!next) {
      log.warn({ schedule: record.name }, 'a schedule has no further time')
      await objects.remove(marked)
      return
    }
    const moved = await objects.replace(scheduleObject(namespace, { ...rest, nextAtMs: next.getTime() }, marked))
    if (!moved) return
    informer.observe(moved)
    later(next.getTime() - Date.now())
  }

  return {
    start: () =>
      queue.start(async ({ key }) => {
        try {
          await work(key)
        } catch (error) {
          log.warn({ reason: explainError(error), key }, 'cannot add the job of a schedule')
          queue.addAfter({ tenant, key }, afterErrorMs)
        }
      }),
    seen: (object) => {
      const key = objectKey(object)
      unchangedForMs(key, object)
      queue.add({ tenant, key })
    },
    gone: (object) => void changes.delete(objectKey(object)),
    stop: () => queue.stop(),
  }
}
