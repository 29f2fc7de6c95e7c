import { type BackoffOptions, backoffMs } from '../kube/backoff.ts'

export interface WorkQueueOptions {
  /** Called, not more than once per turn of the event loop, when a key can be taken. */
  readonly onReady: () => void
  /** Pause before the retry of a failing key. Default 500 ms to 5 min. */
  readonly backoff?: BackoffOptions
}

/** Keys to work on: a key once, a key at a time, now or later. Whoever takes a key says when it is done with it. */
export interface WorkQueue {
  /** As soon as possible; takes the place of a pending later time. A key in work comes again after it. */
  add(key: string): void
  /** After `ms`, unless it is due sooner already. */
  addAfter(key: string, ms: number): void
  /** After a pause that doubles with each retry since `forget`. Gives the pause. */
  retry(key: string, atLeastMs?: number): number
  /** The key did well: its next retry starts with the shortest pause. */
  forget(key: string): void
  /** The key that waited longest, now in work; undefined when none is due. */
  take(): string | undefined
  done(key: string): void
  /** Keys that are due, not those in work or later. */
  readonly size: number
  readonly inWork: number
  /** Keys with a time to come. */
  readonly later: number
  /** Takes nothing more in and forgets all that waits. */
  close(): void
}

const longestTimerMs = 2 ** 31 - 1

export const createWorkQueue = ({ onReady, backoff = { firstMs: 500, capMs: 300_000 } }: WorkQueueOptions): WorkQueue => {
  const due = new Set<string>() // insertion order is the order of taking
  const working = new Set<string>()
  const again = new Set<string>()
  const timers = new Map<string, { timer: NodeJS.Timeout; at: number }>()
  const failures = new Map<string, number>()
  let closed = false
  let waking = false

  const wake = () => {
    if (waking) return
    waking = true
    setImmediate(() => {
      waking = false
      if (!closed && due.size > 0) onReady()
    })
  }
  const cancelTimer = (key: string) => {
    clearTimeout(timers.get(key)?.timer)
    timers.delete(key)
  }
  const add = (key: string) => {
    if (closed) return
    cancelTimer(key)
    if (working.has(key)) again.add(key)
    else due.add(key)
    wake()
  }
  const addAfter = (key: string, ms: number) => {
    if (ms <= 0) return add(key)
    if (closed || due.has(key) || again.has(key)) return
    const at = performance.now() + Math.min(ms, longestTimerMs)
    const pending = timers.get(key)
    if (pending && pending.at <= at) return
    cancelTimer(key)
    timers.set(key, { at, timer: setTimeout(() => add(key), Math.min(ms, longestTimerMs)) })
  }

  return {
    add,
    addAfter,
    retry: (key, atLeastMs = 0) => {
      const count = (failures.get(key) ?? 0) + 1
      failures.set(key, count)
      const pause = Math.max(atLeastMs, backoffMs(count, backoff))
      addAfter(key, pause)
      return pause
    },
    forget: (key) => void failures.delete(key),
    take: () => {
      const [key] = due
      if (key === undefined) return undefined
      due.delete(key)
      working.add(key)
      return key
    },
    done: (key) => {
      if (!working.delete(key)) return
      if (!again.delete(key) || closed) return
      cancelTimer(key)
      due.add(key)
      wake()
    },
    get size() {
      return due.size
    },
    get inWork() {
      return working.size
    },
    get later() {
      return timers.size
    },
    close: () => {
      closed = true
      for (const key of timers.keys()) cancelTimer(key)
      due.clear()
      again.clear()
      failures.clear()
    },
  }
}
