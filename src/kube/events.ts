import { hash } from 'node:crypto'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { timestamp } from '../apis/timestamp.ts'
import { explainError, hasCode } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { KubeClient } from './client.ts'
import { createTokenBuckets } from './token-bucket.ts'

export interface EventNote {
  readonly type: 'Normal' | 'Warning'
  /** CamelCase, for machines. */
  readonly reason: string
  /** A sentence for people; cut to 1,024 characters, as the API allows no more. */
  readonly message: string
}

export interface EventRecorderOptions {
  readonly client: KubeClient
  /** For example `berth-syncer`. */
  readonly component: string
  readonly log: Log
  /** Different events that wait to be written; more are dropped. Default 1,000. */
  readonly maxPending?: number
}

/** Tells what happened to an object as Kubernetes Events: never waited for, never an error for the caller. */
export interface EventRecorder {
  record(object: KubeObject, note: EventNote): void
  /** Waits for what is pending, at most `deadlineMs`. */
  flush(options: { deadlineMs: number }): Promise<void>
  readonly stats: {
    readonly written: number
    /** Held back because the object had too many. */
    readonly limited: number
    /** Lost: too many pending, or the API server did not take them. */
    readonly dropped: number
  }
}

interface Pending {
  readonly key: string
  readonly object: EventObject
  readonly note: EventNote
  count: number
  first: Date
  last: Date
  tries: number
}

interface EventObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
}

const maxMessage = 1024
const maxTries = 3
const writesAtOnce = 2
const writeDeadlineMs = 5000
const retryMs = 2000
const remembered = 4096

const cut = (text: string): string => (text.length > maxMessage ? `${text.slice(0, maxMessage - 1)}…` : text)
/** RFC 3339 to the second, as core/v1 times are. */
/** Name of the Event for one thing said of one object: the same after a restart, so that its count goes on. */
export const eventName = (object: EventObject, note: EventNote, component: string): string => {
  const readable = object.name
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-')
    .replace(/\.\.+/g, '.')
    .slice(0, 200)
    .replace(/^[-.]+|[-.]+$/g, '')
  const said = [component, object.kind, object.namespace, object.name, object.uid, note.type, note.reason, note.message]
  return `${readable || 'x'}.${hash('sha256', said.join('\0'), 'hex').slice(0, 16)}`
}

export const createEventRecorder = ({ client, component, log, maxPending = 1000 }: EventRecorderOptions): EventRecorder => {
  const pending = new Map<string, Pending>()
  const counts = new Map<string, number>() // of written Events, oldest first
  const buckets = createTokenBuckets({ burst: 25, refillMs: 300_000, keys: remembered }) // as client-go's spam filter
  const stats = { written: 0, limited: 0, dropped: 0 }
  const timers = new Set<NodeJS.Timeout>()
  /** Keys of Events being written: two writes of one at a time would lose a count. */
  const busy = new Set<string>()
  let writing = 0
  let idle: (() => void)[] = []

  const remember = (key: string, count: number) => {
    counts.delete(key)
    counts.set(key, count)
    const [oldest] = counts.keys()
    if (counts.size > remembered && oldest !== undefined) counts.delete(oldest)
  }

  const write = async (item: Pending): Promise<void> => {
    const { object, note } = item
    const namespace = object.namespace ?? 'default'
    const ref = { namespace, name: eventName(object, note, component) }
    const call = { timeoutMs: writeDeadlineMs }
    const raise = async (from: number) => {
      const count = from + item.count
      await client.patch(resourceTypes.events, ref, { count, lastTimestamp: timestamp(item.last) }, call)
      remember(item.key, count)
    }
    const create = async () => {
      await client.create(
        resourceTypes.events,
        {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: ref,
          involvedObject: { ...object },
          type: note.type,
          reason: note.reason.slice(0, 128),
          message: note.message,
          source: { component },
          reportingComponent: component,
          reportingInstance: component,
          count: item.count,
          firstTimestamp: timestamp(item.first),
          lastTimestamp: timestamp(item.last),
        },
        call,
      )
      remember(item.key, item.count)
    }

    const known = counts.get(item.key)
    if (known !== undefined) {
      try {
        return await raise(known)
      } catch (error) {
        if (!hasCode(error, 'KUBE_NOT_FOUND')) throw error // Events end after an hour
        counts.delete(item.key)
      }
    }
    try {
      await create()
    } catch (error) {
      if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
      const written = await client.get(resourceTypes.events, ref, call)
      const before: unknown = written?.['count']
      await raise(typeof before === 'number' ? before : 0)
    }
  }

  const settle = (item: Pending, error: unknown) => {
    const passing = hasCode(
      error,
      'KUBE_UNREACHABLE',
      'KUBE_TIMEOUT',
      'KUBE_TOO_MANY_REQUESTS',
      'KUBE_SERVER_ERROR',
      'KUBE_CONFLICT',
    )
    if (passing && item.tries < maxTries && !pending.has(item.key)) {
      const timer = setTimeout(() => {
        timers.delete(timer)
        const newer = pending.get(item.key)
        if (newer) newer.count += item.count
        else pending.set(item.key, item)
        pump()
      }, retryMs * item.tries)
      timers.add(timer)
      return
    }
    stats.dropped += 1
    log.debug(
      { kind: item.object.kind, name: item.object.name, event: item.note.reason, reason: explainError(error) },
      'event not written',
    )
  }

  const run = async (item: Pending) => {
    item.tries += 1
    try {
      await write(item)
      stats.written += 1
    } catch (error) {
      settle(item, error)
    } finally {
      writing -= 1
      busy.delete(item.key)
      pump()
    }
  }

  const pump = () => {
    while (writing < writesAtOnce) {
      const item = [...pending.values()].find(({ key }) => !busy.has(key))
      if (!item) break
      pending.delete(item.key)
      busy.add(item.key)
      writing += 1
      void run(item)
    }
    if (writing > 0 || pending.size > 0 || timers.size > 0) return
    for (const wake of idle) wake()
    idle = []
  }

  return {
    record: ({ apiVersion, kind, metadata }, { type, reason, message }) => {
      const { name, namespace, uid, resourceVersion } = metadata
      if (!name) return
      const object: EventObject = {
        name,
        ...(apiVersion !== undefined && { apiVersion }),
        ...(kind !== undefined && { kind }),
        ...(namespace !== undefined && { namespace }),
        ...(uid !== undefined && { uid }),
        ...(resourceVersion !== undefined && { resourceVersion }),
      }
      const note = { type, reason, message: cut(message) }
      const now = new Date()
      if (!buckets.take(`${kind}/${namespace}/${name}/${uid}`, performance.now())) {
        stats.limited += 1
        return
      }
      const key = `${namespace}/${eventName(object, note, component)}`
      const waiting = pending.get(key)
      if (waiting) {
        waiting.count += 1
        waiting.last = now
      } else if (pending.size >= maxPending) stats.dropped += 1
      else pending.set(key, { key, object, note, count: 1, first: now, last: now, tries: 0 })
      pump()
    },
    flush: ({ deadlineMs }) =>
      new Promise((resolve) => {
        if (writing === 0 && pending.size === 0 && timers.size === 0) return resolve()
        const end = () => {
          clearTimeout(timer)
          idle = idle.filter((wake) => wake !== end)
          resolve()
        }
        const timer = setTimeout(() => {
          for (const waiting of timers) clearTimeout(waiting)
          timers.clear()
          pending.clear()
          end()
        }, deadlineMs)
        idle.push(end)
      }),
    stats,
  }
}
