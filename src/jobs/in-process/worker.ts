import { type KubeObject, objectKey } from '../../apis/kube-object.ts'
import type { Informer } from '../../kube/informer.ts'
import { explainError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { FairQueue } from '../../runtime/fair-queue.ts'
import type { JobHandler } from '../job-kind.ts'
import type { JobMetrics } from '../job-metrics.ts'
import { runJob } from '../run-job.ts'
import { takeClaim } from './claim.ts'
import { type JobObjects, persist } from './job-objects.ts'
import { nextStep } from './next-step.ts'
import { type JobRecord, readJob } from './record.ts'
import { settle, settledRecord } from './settle.ts'

export interface JobWorkerOptions {
  readonly handlers: readonly JobHandler[]
  readonly informer: Pick<Informer<KubeObject>, 'get' | 'observe'>
  readonly objects: JobObjects
  readonly namespace: string
  readonly me: string
  readonly claimMs: number
  readonly log: Log
  readonly metrics?: JobMetrics | undefined
  readonly onBuried: () => void
}

/** Runs the jobs that its informer shows. */
export interface JobWorker {
  start(): void
  /** A job is new or has changed. */
  seen(object: KubeObject): void
  gone(object: KubeObject): void
  /** Tells runs to end, waits for them until the deadline. False when some have not ended. */
  stop(deadlineMs: number): Promise<boolean>
}

/** Setting timers further than this would fire them at once. */
const longestPauseMs = 24 * 3600_000
const afterErrorMs = 2000

export const createJobWorker = (options: JobWorkerOptions): JobWorker => {
  const { informer, objects, namespace, me, claimMs, metrics, onBuried } = options
  const log = options.log.child({ part: 'jobs' })
  const stopping = new AbortController()
  const giveUp = new AbortController()
  const running = new Set<string>()
  /** Since when each job that another holds is seen unchanged, by this process's clock. */
  const changes = new Map<string, { readonly version: string; readonly atMs: number }>()
  /** Done here; the watch has yet to say so. */
  const finished = new Set<string>()
  const lanes = new Map(
    options.handlers.map((handler) => {
      const { concurrency, perGroup, name } = handler.kind
      const queue = new FairQueue({ concurrency, perTenant: perGroup })
      // Jobs of nobody have all places.
      queue.limit('', concurrency)
      return [name, { handler, queue }]
    }),
  )

  const sightOf = (key: string, object: KubeObject): { unchangedForMs: number; isRunning: boolean } => {
    const version = object.metadata.resourceVersion ?? ''
    const known = changes.get(key)
    const since = known?.version === version ? known.atMs : performance.now()
    if (known?.version !== version) changes.set(key, { version, atMs: since })
    return { unchangedForMs: performance.now() - since, isRunning: running.has(key) }
  }

  const runHeld = async (handler: JobHandler, object: KubeObject, record: JobRecord): Promise<void> => {
    const onWritten = (written: KubeObject) => informer.observe(written)
    const claim = await takeClaim(object, record, { objects, namespace, me, forMs: claimMs, log, onWritten })
    if (!claim) return
    const { id, group, payload, failures, fence } = record
    const outcome = await runJob(
      handler,
      { id, group, payload, attempt: failures + 1, fence },
      { stopping: stopping.signal, lost: claim.lost, log, metrics },
    )
    try {
      if (outcome.kind === 'lost') return
      const settled = settledRecord(record, outcome, Date.now())
      // Renewed until the end is stored: the work was done, nobody else should do it again.
      const written = await persist(() => settle(claim, settled, { objects, namespace, me }), giveUp.signal)
      if (written === undefined) return log.warn({ job: id }, 'the job is held by another process; its end is not stored')
      if (written === 'removed' || written.metadata.name !== claim.object().metadata.name) finished.add(object.metadata.uid ?? '')
      if (written !== 'removed') informer.observe(written)
      if (settled.kind === 'dead') onBuried()
    } finally {
      await claim.release()
    }
  }

  const work = async (handler: JobHandler, queue: FairQueue, key: string): Promise<void> => {
    const object = informer.get(key)
    const record = object && readJob(object)
    if (!object || !record || finished.has(object.metadata.uid ?? '')) return
    const sight = { nowMs: Date.now(), me, attempts: handler.kind.attempts, ...sightOf(key, object) }
    const step = nextStep(record, sight)
    if (step.kind === 'nothing') return
    if (step.kind === 'later')
      return queue.addAfter({ tenant: record.group ?? '', key }, Math.min(Math.ceil(step.inMs) + 1, longestPauseMs))
    if (step.kind === 'bury') {
      const { claim: _lost, ...dead } = record
      const { failures, reason } = step
      if (await objects.bury(object, { ...dead, failures, reason, deadAtMs: sight.nowMs })) onBuried()
      return
    }
    running.add(key)
    try {
      await runHeld(handler, object, { ...record, failures: step.failures, fence: record.fence + 1 })
    } finally {
      running.delete(key)
      // News of it were passed over meanwhile.
      if (informer.get(key) && !finished.has(object.metadata.uid ?? '')) queue.addAfter({ tenant: record.group ?? '', key }, 0)
    }
  }

  const enqueue = (object: KubeObject) => {
    const record = readJob(object)
    if (!record) {
      log.warn({ name: object.metadata.name }, 'a job cannot be read: it was changed by hand, or is of a newer version')
      return
    }
    if (record.deadAtMs === undefined) lanes.get(record.kind)?.queue.add({ tenant: record.group ?? '', key: objectKey(object) })
  }

  return {
    start: () => {
      for (const { handler, queue } of lanes.values())
        queue.start(async ({ tenant, key }) => {
          try {
            await work(handler, queue, key)
          } catch (error) {
            log.warn({ reason: explainError(error), key }, 'cannot work on a job')
            queue.addAfter({ tenant, key }, afterErrorMs)
          }
        })
    },
    seen: (object) => {
      const key = objectKey(object)
      sightOf(key, object)
      // Own claims and renewals are no news.
      if (!running.has(key)) enqueue(object)
    },
    gone: (object) => {
      changes.delete(objectKey(object))
      finished.delete(object.metadata.uid ?? '')
    },
    stop: async (deadlineMs) => {
      stopping.abort(new Error('the process is stopping'))
      const ended = Promise.all(Array.from(lanes.values(), ({ queue }) => queue.stop())).then(() => true)
      const { promise: late, resolve } = Promise.withResolvers<boolean>()
      const timer = setTimeout(() => resolve(false), deadlineMs)
      const isDone = await Promise.race([ended, late])
      clearTimeout(timer)
      giveUp.abort(new Error('the process stops now'))
      return isDone
    },
  }
}
