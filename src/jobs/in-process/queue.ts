import { randomUUID } from 'node:crypto'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { createInformer } from '../../kube/informer.ts'
import { AppError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { jobsLabel } from '../../tenancy/marks.ts'
import { systemNamespace } from '../../tenancy/names.ts'
import { nextTime } from '../cron.ts'
import { checkedPayload, type JobHandler, type JobKind } from '../job-kind.ts'
import type { JobMetrics } from '../job-metrics.ts'
import { checkKinds, checkScheduleName, type JobQueue, jobConflict, jobNotFound } from '../job-queue.ts'
import { createGroupCounts } from './group-counts.ts'
import { createJobObjects } from './job-objects.ts'
import {
  type JobRecord,
  jobObject,
  jobObjectName,
  readJob,
  readSchedule,
  type ScheduleRecord,
  scheduleObject,
  scheduleObjectName,
} from './record.ts'
import { createScheduleKeeper } from './schedule-keeper.ts'
import { type StoredJob, storedJobs } from './stored-jobs.ts'
import { createTrimDead } from './trim-dead.ts'
import { countsOf, viewOf } from './views.ts'
import { createJobWorker } from './worker.ts'

export interface InProcessQueueOptions {
  readonly client: KubeClient
  readonly kinds: readonly JobKind[]
  /** Of the kinds whose jobs this process runs. */
  readonly handlers: readonly JobHandler[]
  readonly log: Log
  readonly metrics?: JobMetrics | undefined
  /** Default `berth-system`. */
  readonly namespace?: string
  /** After so long without a renewal other processes take over a job, ms. Default 30 s. */
  readonly claimMs?: number
  /** Jobs that are stored at once, dead letters included; one group may have a fifth of them. Default 10,000. */
  readonly maxJobs?: number
  /** Dead letters that are kept; the oldest go first. Default 1,000. */
  readonly maxDead?: number
}

const syncDeadlineMs = 30_000

/** A queue without a server of its own: each job is a ConfigMap, which a process claims by its resourceVersion while it runs. */
export const createInProcessQueue = (options: InProcessQueueOptions): JobQueue => {
  const { client, kinds, handlers, namespace = systemNamespace, claimMs = 30_000, maxJobs = 10_000, maxDead = 1000 } = options
  checkKinds(kinds)
  const log = options.log.child({ part: 'jobs' })
  const me = randomUUID()
  const objects = createJobObjects({ client, namespace })
  const informer = createInformer<KubeObject>({
    client,
    type: resourceTypes.configMaps,
    namespace,
    labelSelector: jobsLabel,
    log,
    onEvent: (change, object) => {
      const keeper = object.metadata.labels?.[jobsLabel] === 'schedule' ? schedules : worker
      if (keeper === worker) groups[change === 'deleted' ? 'gone' : 'there'](object)
      keeper[change === 'deleted' ? 'gone' : 'seen'](object)
    },
  })
  const groups = createGroupCounts()
  const added = (object: KubeObject) => {
    informer.observe(object)
    groups.there(object)
    worker.seen(object)
  }
  const trim = createTrimDead({ all: () => informer.list(), objects, maxDead, log })
  const common = { informer, objects, namespace, me, claimMs, log }
  const worker = createJobWorker({ ...common, handlers, metrics: options.metrics, onBuried: () => trim.buried() })
  const schedules = createScheduleKeeper({ ...common, onAdded: added })

  const stored = async (): Promise<readonly KubeObject[]> => (informer.hasSynced ? informer.list() : objects.list())
  const throwIfFull = (group: string | undefined) => {
    const fullGroup = group !== undefined && groups.of(group) >= maxJobs / 5
    if (!fullGroup && informer.size < maxJobs) return
    const whose = fullGroup ? `of group ${group} ` : ''
    throw new AppError('QUEUE_FULL', `there are too many jobs ${whose}: berth jobs list shows what they wait for`, { group })
  }
  const find = async (id: string): Promise<StoredJob> => {
    // Straight from the API server: the copy here may be older than what the caller has seen.
    const found = storedJobs(await objects.list()).find(({ record }) => record.id === id)
    if (!found) throw jobNotFound(id)
    return found
  }

  return {
    start: async () => {
      informer.start()
      await informer.whenSynced({ deadlineMs: syncDeadlineMs })
      worker.start()
      if (handlers.length > 0) schedules.start()
    },
    stop: async ({ deadlineMs = 20_000 } = {}) => {
      await schedules.stop()
      if (!(await worker.stop(deadlineMs)))
        log.warn({ deadlineMs }, 'jobs have not ended in time: another process takes them over')
      trim.stop()
      await informer.stop()
    },
    add: async (kind, payload, { group, deduplicationId, delayMs = 0 } = {}) => {
      const checked = checkedPayload(kind, payload)
      throwIfFull(group)
      const nowMs = Date.now()
      const record: JobRecord = {
        version: 1,
        id: randomUUID(),
        kind: kind.name,
        ...(group !== undefined && { group }),
        ...(deduplicationId !== undefined && { deduplicationId }),
        payload: checked,
        addedAtMs: nowMs,
        dueAtMs: nowMs + Math.max(0, Math.ceil(delayMs)),
        failures: 0,
        fence: 0,
      }
      for (;;) {
        const made = await objects.create(jobObject(namespace, record))
        if (made) {
          added(made)
          return { id: record.id, isNew: true }
        }
        const there = await objects.read(jobObjectName(record))
        const known = there && readJob(there)
        if (known) return { id: known.id, isNew: false }
        // Done in between: then this is a new one.
        if (there) throw jobConflict(record.id, `cannot be added: ${there.metadata.name} in ${namespace} is no job, remove it`)
      }
    },
    schedule: async ({ name, kind, payload, group, cron, timeZone = 'UTC' }) => {
      checkScheduleName(name)
      const next = nextTime({ cron, timeZone }, new Date())
      if (!next) throw new AppError('SPEC_INVALID', `schedule "${cron}" in ${timeZone} has no time to come`, { name })
      const wanted: ScheduleRecord = {
        version: 1,
        name,
        kind: kind.name,
        ...(group !== undefined && { group }),
        payload: checkedPayload(kind, payload),
        cron,
        timeZone,
        nextAtMs: next.getTime(),
      }
      for (;;) {
        const there = await objects.read(scheduleObjectName(name))
        if (there && isSameSchedule(readSchedule(there), wanted)) return
        const written = await (there
          ? objects.replace(scheduleObject(namespace, wanted, there))
          : objects.create(scheduleObject(namespace, wanted)))
        if (!written) continue
        informer.observe(written)
        return schedules.seen(written)
      }
    },
    unschedule: async (name) => client.delete(resourceTypes.configMaps, { name: scheduleObjectName(name), namespace }),
    schedules: async () =>
      (await stored()).flatMap((object) => {
        const record = readSchedule(object)
        if (!record) return []
        const { name, kind, cron, timeZone, nextAtMs } = record
        return [{ name, kind, cron, timeZone, next: new Date(nextAtMs) }]
      }),
    list: async ({ states, limit = 100, group } = {}) =>
      // Who asks for one group asks often: a copy of all will do.
      storedJobs(await (group === undefined ? objects.list() : stored()))
        .map(({ record }) => viewOf(record, Date.now()))
        .filter((job) => (states === undefined || states.includes(job.state)) && (group === undefined || job.group === group))
        .toSorted((a, b) => a.addedAt.getTime() - b.addedAt.getTime())
        .slice(0, limit),
    counts: async () =>
      countsOf(
        kinds,
        storedJobs(await stored()).map(({ record }) => record),
        Date.now(),
      ),
    // Jobs are objects beside all others: what loses them loses those as well.
    epoch: async () => 'objects',
    retry: async (id) => {
      const { object, record } = await find(id)
      const { deadAtMs, reason: _old, ...again } = record
      if (deadAtMs === undefined) throw jobConflict(id, 'is no dead letter: it will be tried again by itself')
      const written = await objects.replace(jobObject(namespace, { ...again, failures: 0, dueAtMs: Date.now() }, object))
      if (!written) throw jobConflict(id, 'was changed at the same moment: look again')
      if (informer.hasSynced) added(written)
    },
    discard: async (id) => {
      const { object, record } = await find(id)
      if (record.claim) throw jobConflict(id, 'runs now: it can be discarded when that has ended')
      if (!(await objects.remove(object))) throw jobConflict(id, 'was changed at the same moment: look again')
    },
  }
}

const isSameSchedule = (stored: ScheduleRecord | undefined, wanted: ScheduleRecord): boolean => {
  const told = ({ kind, group, payload, cron, timeZone }: ScheduleRecord) =>
    JSON.stringify([kind, group, payload, cron, timeZone])
  return stored !== undefined && told(stored) === told(wanted)
}
