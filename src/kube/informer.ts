import { setTimeout as sleep } from 'node:timers/promises'
import { type KubeList, type KubeObject, objectKey } from '../apis/kube-object.ts'
import { apiVersionOf, type ResourceType } from '../apis/resource-types.ts'
import { AppError, explainError, hasCode } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { errorOfWatchEvent } from './answers.ts'
import { askedPatienceMs, type BackoffOptions, backoffMs } from './backoff.ts'
import type { KubeClient } from './client.ts'
import type { InformerStats } from './informer-stats.ts'
import { type Change, type ChangeKind, createInformerStore } from './informer-store.ts'
import { createWeights, hasRoom, type Spend } from './informer-weights.ts'
import { isVersion, listPages } from './list-pages.ts'

export type { InformerStats } from './informer-stats.ts'
export type { ChangeKind } from './informer-store.ts'

export interface InformerOptions<T extends KubeObject> {
  readonly client: Pick<KubeClient, 'server' | 'list' | 'watch'>
  readonly type: ResourceType
  readonly log: Log
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly metadataOnly?: boolean
  /** Cuts an object to what is worth its memory, before it is stored and told. */
  readonly keep?: (object: T) => T
  /**
   * Told of each change, in order; must not wait. `old` is what was told last. `own`: a write of this process, already brought in by `observe`.
   * What it throws is logged and changes nothing.
   */
  readonly onEvent?: (kind: ChangeKind, object: T, old: T | undefined, own: boolean) => void
  /** Told after each whole list, before `onEvent` hears of what vanished: `gone` of the `before` objects known are not in the list. */
  readonly onRelist?: (relist: { readonly before: number; readonly gone: number }) => void
  /** Keeps an index for `byNamespace`. */
  readonly indexNamespaces?: boolean
  /** Objects on a page of a list. Default 500: about 11 ms of parsing for pods. */
  readonly pageSize?: number
  /** The server may not serve this kind: it then counts as listed and empty, and is asked again after half a minute. */
  readonly optional?: boolean
  /** Default 250 ms to 30 s. */
  readonly backoff?: BackoffOptions
  readonly spend?: Spend
}

/** A copy of a collection that follows the server through errors, restarts and expired versions until it is stopped. */
export interface Informer<T extends KubeObject> {
  start(): void
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>
  /** True after the first whole list. */
  readonly hasSynced: boolean
  /** False for an optional kind that the server did not know when it was asked last. */
  readonly isServed: boolean
  /** For an optional kind that was not served: asks again now, as somebody knows that it is. */
  askAgain(): void
  /** Waits for the first whole list. Throws DEADLINE_EXCEEDED with what failed last, or the signal's reason. */
  whenSynced(options: { deadlineMs: number; signal?: AbortSignal }): Promise<void>
  /** By `namespace/name`, or `name` for cluster-scoped ones. */
  get(key: string): T | undefined
  list(): T[]
  /** Needs `indexNamespaces`. */
  byNamespace(namespace: string): T[]
  readonly size: number
  /** The resourceVersion up to which the server has told everything; undefined before the first list. */
  readonly position: string | undefined
  /** Brings the answer to an own write in at once, so that the next read is not stale. Ignored when the copy is newer. */
  observe(object: T): void
  readonly stats: InformerStats
}

const defaultBackoff: BackoffOptions = { firstMs: 250, capMs: 30_000 }
/** After so many answered failures in a row a resume is given up for a new list, whatever the server said. */
const failuresBeforeList = 5
/** A watch that ends sooner, without an event, counts as a failure: else a server that closes at once would be asked in a tight loop. */
const shortestWatchMs = 1000
/** When an optional kind that is not served is asked for again. */
const unservedAgainMs = 30_000
/** Listed objects that are taken in at once. */
const sliceSize = 100

export const createInformer = <T extends KubeObject>(options: InformerOptions<T>): Informer<T> => {
  const { client, type, onEvent, pageSize = 500, backoff = defaultBackoff } = options
  const { namespace, labelSelector, fieldSelector, metadataOnly } = options
  const log = options.log.child({ informer: `${apiVersionOf(type)}/${type.plural}`, server: client.server })
  const selection = {
    ...(namespace !== undefined && { namespace }),
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
    ...(metadataOnly !== undefined && { metadataOnly }),
  }
  const stopping = new AbortController()
  const stats = { lists: 0, watches: 0, failures: 0, events: 0, lastError: undefined as unknown }
  const namespaces = new Map<string, Set<string>>()
  let running: Promise<void> | undefined
  let synced = false
  let served = true
  let syncedWaiters: (() => void)[] = []
  let limit = pageSize

  const store = createInformerStore<T>((object) => {
    try {
      return options.keep ? options.keep(object) : object
    } catch (error) {
      log.error({ err: error, name: object.metadata.name, namespace: object.metadata.namespace }, 'projection failed')
      return object
    }
  })

  const index = (key: string, there: boolean) => {
    if (!options.indexNamespaces) return
    const of = key.slice(0, Math.max(0, key.indexOf('/')))
    const keys = namespaces.get(of)
    if (there && keys) keys.add(key)
    else if (there) namespaces.set(of, new Set([key]))
    else if (keys?.delete(key) && keys.size === 0) namespaces.delete(of)
  }
  const weigh = createWeights(options.spend, `${type.plural} of ${client.server}`)

  const tell = (change: Change<T> | undefined) => {
    if (!change) return
    if (change.kind !== 'updated') index(change.key, change.kind === 'added')
    try {
      onEvent?.(change.kind, change.object, change.old, change.own)
    } catch (error) {
      log.error({ err: error, key: change.key, change: change.kind }, 'event handler failed')
    }
  }

  const forget = (gone: readonly Change<T>[]) => {
    for (const change of gone) {
      weigh(change.key, 0)
      tell(change)
    }
  }

  const takeListed = (object: T, bytes: number) => {
    if (!object.metadata.name) return
    weigh(objectKey(object), bytes)
    tell(store.listed(object))
  }
  const takePage = async ({ metadata, items, bytes = 0, unread }: KubeList<T>, isFirst: boolean) => {
    if (isFirst && store.beginList(metadata.resourceVersion))
      log.warn('the server went back in time; its list is taken as the truth')
    if (unread) log.warn({ objects: unread }, 'objects that hold too much are not read, and count as not there')
    const bytesEach = Math.ceil(bytes / Math.max(1, items.length))
    // A page may hold more than was asked for.
    for (let at = 0; at < items.length; at += sliceSize) {
      if (at > 0) await new Promise(setImmediate)
      for (const object of items.slice(at, at + sliceSize)) takeListed(object, bytesEach)
    }
  }
  const relist = async () => {
    let isFirst = true
    store.prepareList()
    try {
      for await (const page of listPages<T>(client, type, { ...selection, limit, signal: stopping.signal })) {
        await takePage(page, isFirst)
        isFirst = false
      }
    } catch (error) {
      if (hasCode(error, 'KUBE_TOO_LARGE') && limit > 1) limit = Math.max(1, Math.floor(limit / 8))
      throw error
    }
    if (stopping.signal.aborted) return
    const before = store.objects.size
    const gone = store.endList()
    options.onRelist?.({ before, gone: gone.length })
    forget(gone)
    stats.lists += 1
    served = true
    limit = Math.min(pageSize, limit * 2)
    becomeSynced()
  }

  const becomeSynced = () => {
    synced = true
    for (const wake of syncedWaiters) wake()
    syncedWaiters = []
  }

  /**
   * A server whose data was restored from a backup says nothing to who watches from its future, and later skips what it has by then. The smallest
   * list tells: a restore breaks all watches, so it is enough to ask before a watch is resumed. A server that has passed our version again by
   * then is not found out: who must know compares the data store's identity.
   */
  const throwIfRewound = async () => {
    store.prepareList()
    const call = { metadataOnly: true, limit: 1, signal: stopping.signal, ...(namespace !== undefined && { namespace }) }
    const { metadata } = await client.list(type, call)
    if (store.isRewound(metadata.resourceVersion)) throw wentBack()
  }
  const wentBack = () =>
    new AppError('KUBE_GONE', `${type.plural}: ${client.server} went back in time`, { server: client.server })

  /** Follows events until the server ends the stream. True when it was of use. */
  const follow = async (resourceVersion: string): Promise<boolean> => {
    const began = performance.now()
    let useful = false
    stats.watches += 1
    for await (const event of client.watch<T>(type, { ...selection, resourceVersion, signal: stopping.signal })) {
      if (event.type === 'ERROR') throw errorOfWatchEvent(client.server, type.plural, event.object)
      stats.events += 1
      const { resourceVersion: version } = event.object?.metadata ?? {}
      if (version !== undefined && !isVersion(version))
        throw new AppError('KUBE_SERVER_ERROR', `watch ${type.plural}: ${client.server} tells an event of no version`, {})
      if (!event.object?.metadata || (event.type !== 'BOOKMARK' && !event.object.metadata.name)) continue
      if (event.type !== 'BOOKMARK') weigh(objectKey(event.object), event.type === 'DELETED' ? 0 : (event.bytes ?? 0))
      const change = store.watched(event.type, event.object)
      if (change === 'rewound') throw wentBack()
      tell(change)
      if (!useful) followed()
      useful = true
    }
    return useful || performance.now() - began >= shortestWatchMs
  }

  let failuresInARow = 0
  const succeeded = () => {
    failuresInARow = 0
    stats.lastError = undefined
  }
  /** Lists since a watch was of use: a server may take each list and refuse to be watched from it. */
  let listsInARow = 0
  const followed = () => {
    listsInARow = 0
    succeeded()
  }

  /** The kind is not served (any more): nothing of it is there. */
  const forgetAll = () => {
    store.prepareList()
    store.beginList(undefined)
    const before = store.objects.size
    const gone = store.endList()
    options.onRelist?.({ before, gone: gone.length })
    forget(gone)
    served = false
    succeeded()
    becomeSynced()
  }

  let asked = new AbortController()
  const run = async () => {
    let mustList = true
    while (!stopping.signal.aborted) {
      try {
        const position = store.position()
        if (mustList || position === undefined) {
          await relist()
          mustList = false
          listsInARow += 1
          succeeded()
          continue
        }
        if (failuresInARow > 0) await throwIfRewound()
        if (await follow(position)) followed()
        else
          throw new AppError('KUBE_SERVER_ERROR', `${type.plural}: ${client.server} ended a watch at once`, {
            server: client.server,
          })
      } catch (error) {
        if (stopping.signal.aborted) break
        if (options.optional && hasCode(error, 'KUBE_NOT_FOUND')) {
          forgetAll()
          mustList = true
          asked = new AbortController()
          await sleep(unservedAgainMs, undefined, { signal: AbortSignal.any([stopping.signal, asked.signal]) }).catch(() => {})
          continue
        }
        failuresInARow += 1
        stats.failures += 1
        stats.lastError = error
        const answered = !hasCode(error, 'KUBE_UNREACHABLE', 'KUBE_TIMEOUT')
        // What is too large for a watch would come again; a list leaves it out.
        mustList ||= hasCode(error, 'KUBE_GONE', 'KUBE_TOO_LARGE') || (answered && failuresInARow >= failuresBeforeList)
        // An expired version is no fault of the server: list at once, unless that goes on.
        const inARow = Math.max(failuresInARow, listsInARow)
        const pause = hasCode(error, 'KUBE_GONE') && inARow <= 1 ? 0 : backoffMs(inARow, backoff)
        const wait = Math.max(pause, askedPatienceMs(error))
        log[failuresInARow > 1 ? 'warn' : 'debug'](
          { reason: explainError(error), failures: failuresInARow, retryInMs: Math.round(wait) },
          'list or watch failed',
        )
        await sleep(wait, undefined, { signal: stopping.signal }).catch(() => {})
      }
    }
  }

  return {
    start: () => {
      if (!stopping.signal.aborted) running ??= run()
    },
    stop: async () => {
      stopping.abort(new Error('the informer was stopped'))
      await running
    },
    get hasSynced() {
      return synced
    },
    get isServed() {
      return served
    },
    askAgain: () => asked.abort(),
    whenSynced: ({ deadlineMs, signal }) =>
      new Promise((resolve, reject) => {
        if (synced) return resolve()
        const end = (settle: () => void) => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', onAbort)
          syncedWaiters = syncedWaiters.filter((waiter) => waiter !== wake)
          settle()
        }
        const wake = () => end(resolve)
        const onAbort = () => end(() => reject(signal?.reason))
        const timer = setTimeout(() => {
          const seen = stats.lastError === undefined ? 'the list is not complete' : explainError(stats.lastError)
          const message = `${type.plural} of ${client.server} not listed within ${deadlineMs} ms: ${seen}`
          end(() => reject(new AppError('DEADLINE_EXCEEDED', message, { deadlineMs, cause: stats.lastError })))
        }, deadlineMs)
        if (signal?.aborted) return onAbort()
        signal?.addEventListener('abort', onAbort, { once: true })
        syncedWaiters.push(wake)
      }),
    get: (key) => store.objects.get(key)?.object,
    list: () => Array.from(store.objects.values(), ({ object }) => object),
    byNamespace: (of) => [...(namespaces.get(of) ?? [])].flatMap((key) => store.objects.get(key)?.object ?? []),
    get size() {
      return store.objects.size
    },
    get position() {
      return store.position()
    },
    observe: (object) => {
      const key = objectKey(object)
      // Whoever answers a write says what the object is and how large.
      if (options.spend && !hasRoom(() => weigh(key, JSON.stringify(object).length))) return
      store.observe(object)
      if (store.objects.has(key)) index(key, true)
      else weigh(key, 0)
    },
    stats,
  }
}
