import type { BackoffOptions } from '../kube/backoff.ts'
import { AppError, explainError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Span, Tracing } from '../lib/tracing.ts'
import type { ControllerMetrics } from './metrics.ts'
import { createWorkQueue } from './work-queue.ts'

/** "Not yet" is an answer, not an error. Without `retryAfterMs` a watch will wake the key. */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'wait'; readonly reason?: string; readonly message?: string; readonly retryAfterMs?: number }

/** What feeds a controller; an informer is one. */
export interface Source {
  start(): void
  whenSynced(options: { deadlineMs: number; signal?: AbortSignal }): Promise<void>
  stop(): Promise<void>
}

export interface ControllerOptions {
  readonly name: string
  /** Brings the world of one key to what it should be, from whatever it is now. The signal ends with the process or the deadline. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Outcome>
  readonly log: Log
  /** Started with the controller; nothing is reconciled before all are in step. */
  readonly sources?: readonly Source[]
  /** Keys in work at once. Default 4. */
  readonly concurrency?: number
  /** Deadline of one reconcile. Default 60 s. */
  readonly reconcileDeadlineMs?: number
  /** Deadline for all sources to be in step. Default 2 min. */
  readonly syncDeadlineMs?: number
  readonly backoff?: BackoffOptions
  readonly metrics?: ControllerMetrics
  /** Each reconcile is a trace. */
  readonly tracing?: Tracing | undefined
}

/** Takes keys and reconciles them until it is stopped. */
export interface Controller {
  /** May be called before `start`. */
  enqueue(key: string): void
  enqueueAfter(key: string, ms: number): void
  /** Resolves when the sources are in step and work has begun. Throws what `whenSynced` throws. */
  start(): Promise<void>
  /** Takes nothing new, gives what is in work `graceMs` (default 10 s), then aborts it. Stops the sources. */
  stop(options?: { graceMs?: number }): Promise<void>
  readonly queued: number
  readonly inWork: number
  /** True when no key is due, in work or to come within `withinMs` (default: at any time). For tests and drains. */
  readonly idle: boolean
}

/** What a failed reconcile leads to. `atLeastMs` comes from the server's Retry-After. */
export type FailureAction = { readonly kind: 'retry'; readonly atLeastMs: number } | { readonly kind: 'drop' }

/** `soon` starts over at once and slows down only if that goes on; what is not an AppError is a bug and is retried like any failure. */
export const failureAction = (error: unknown): FailureAction => {
  if (!(error instanceof AppError)) return { kind: 'retry', atLeastMs: 0 }
  if (error.policy.retry === 'never') return { kind: 'drop' }
  const { retryAfterMs } = error.details
  return { kind: 'retry', atLeastMs: typeof retryAfterMs === 'number' ? retryAfterMs : 0 }
}

const soonRetries = 5
const soonMs = 20

export const createController = (options: ControllerOptions): Controller => {
  const {
    name,
    reconcile,
    sources = [],
    concurrency = 4,
    reconcileDeadlineMs = 60_000,
    syncDeadlineMs = 120_000,
    metrics,
    tracing,
  } = options
  const log = options.log.child({ controller: name })
  const stopping = new AbortController()
  const soon = new Map<string, number>()
  let started = false
  let drained: (() => void) | undefined

  const queue = createWorkQueue({ onReady: () => pump(), ...(options.backoff && { backoff: options.backoff }) })

  const settle = (key: string, outcome: Outcome) => {
    queue.forget(key)
    soon.delete(key)
    if (outcome.kind === 'wait' && outcome.retryAfterMs !== undefined) queue.addAfter(key, outcome.retryAfterMs)
  }
  const fail = (key: string, error: unknown) => {
    const action = failureAction(error)
    if (action.kind === 'drop') {
      log.warn({ key, reason: explainError(error) }, 'reconcile failed; waiting for a change')
      queue.forget(key)
      soon.delete(key)
      return
    }
    const quick = soon.get(key) ?? 0
    if (error instanceof AppError && error.policy.retry === 'soon' && quick < soonRetries) {
      soon.set(key, quick + 1)
      queue.addAfter(key, Math.max(action.atLeastMs, soonMs * 2 ** quick * (0.5 + Math.random())))
      return
    }
    const retryInMs = Math.round(queue.retry(key, action.atLeastMs))
    if (error instanceof AppError) log.warn({ key, code: error.code, reason: explainError(error), retryInMs }, 'reconcile failed')
    else log.error({ key, err: error, retryInMs }, 'reconcile failed unexpectedly')
  }

  const work = (key: string): Promise<void> => {
    // Of no caller: the key before may be what made room for this one.
    const span = tracing?.begin(`reconcile ${name}`, { caller: {}, attributes: { 'berth.key': key } })
    return span ? span.within(() => workWithin(key, span)) : workWithin(key)
  }

  const workWithin = async (key: string, span?: Span): Promise<void> => {
    const began = performance.now()
    const deadline = new AbortController()
    const onStop = () => deadline.abort(stopping.signal.reason)
    stopping.signal.addEventListener('abort', onStop, { once: true })
    const tooLong = new AppError('DEADLINE_EXCEEDED', `the reconcile of ${key} took over ${reconcileDeadlineMs} ms`, { key })
    const timer = setTimeout(() => deadline.abort(tooLong), reconcileDeadlineMs)
    let result: Outcome['kind'] | 'error' = 'error'
    let failure: unknown
    try {
      const outcome = await reconcile(key, deadline.signal)
      result = outcome.kind
      if (outcome.kind === 'wait') span?.set({ 'berth.reason': outcome.reason })
      settle(key, outcome)
    } catch (error) {
      failure = error
      if (!stopping.signal.aborted) fail(key, error)
    } finally {
      clearTimeout(timer)
      stopping.signal.removeEventListener('abort', onStop)
      span?.set({ 'berth.result': result })
      span?.end(failure)
      metrics?.reconciled({ controller: name, result, seconds: (performance.now() - began) / 1000 })
      queue.done(key)
      if (queue.inWork === 0) drained?.()
      pump()
    }
  }
  const pump = () => {
    while (started && !drained && queue.inWork < concurrency) {
      const key = queue.take()
      if (key === undefined) break
      void work(key)
    }
    metrics?.queued({ controller: name, due: queue.size, inWork: queue.inWork })
  }

  return {
    enqueue: (key) => queue.add(key),
    enqueueAfter: (key, ms) => queue.addAfter(key, ms),
    start: async () => {
      for (const source of sources) source.start()
      await Promise.all(sources.map((source) => source.whenSynced({ deadlineMs: syncDeadlineMs, signal: stopping.signal })))
      if (stopping.signal.aborted) return
      started = true
      log.info({ queued: queue.size }, 'controller started')
      pump()
    },
    stop: async ({ graceMs = 10_000 } = {}) => {
      const allDone = new Promise<void>((resolve) => {
        drained = resolve
      })
      if (queue.inWork === 0) drained?.()
      queue.close()
      const sourcesStopped = Promise.all(sources.map((source) => source.stop()))
      const grace = setTimeout(() => stopping.abort(new Error('the process is stopping')), graceMs)
      await allDone
      clearTimeout(grace)
      stopping.abort(new Error('the process is stopping'))
      await sourcesStopped
    },
    get queued() {
      return queue.size
    },
    get inWork() {
      return queue.inWork
    },
    get idle() {
      return queue.size === 0 && queue.inWork === 0 && queue.later === 0
    },
  }
}
