import { setTimeout as sleep } from 'node:timers/promises'

/** Keeps what one server sends from taking more than a share of this thread's time. */
export interface Pace {
  /** Resolves when the server's answers have cost no more than they may by now, or when the signal ends. */
  turn(signal?: AbortSignal): Promise<void>
  /** The server's answers have cost more than they may by now: `turn` would wait. */
  isSpent(): boolean
  /** Notes a call, beside what its answer costs. */
  called(): void
  /** Notes bytes that came in, beside what their reading costs. */
  received(bytes: number): void
  /** Reads so many bytes at once, and notes what it costs. */
  read<T>(bytes: number, work: () => T): T
  /** Notes what has been spent since the mark on so many bytes. */
  spent(since: number, bytes: number): void
  /** Notes objects that were told on. */
  told(objects: number): void
  /** Notes an answer such as no API server gives: whoever gives one is asked ever so often, and each answer cost more than could be measured. */
  wasted(): void
  /** The mark of this moment. */
  mark(): number
  /** All calls and all bytes received until now. */
  seen(): { readonly calls: number; readonly bytes: number }
}

export interface PaceOptions {
  /** Milliseconds, monotonic. */
  readonly now?: () => number
  /** So much may be spent at once after a time of rest, in milliseconds. Default 500: fifty megabytes of lists, as at a start. */
  readonly burstMs?: number
  /** Share of the thread's time in the long run. Default a tenth. */
  readonly share?: number
}

/** Decryption, frames and a look at the parts, in milliseconds. */
const received = 5e-6
/**
 * Parsing takes what it takes by the clock, within bounds of milliseconds a byte. The lower is that of common objects. The upper is that of the densest text: on
 * a busy machine the thread stands still now and then, which is not the server's fault. The CPU time of a thread would say it better, but Linux tells that of a running
 * thread no more often than its ticks: what is done between two sleeps counts as nothing.
 */
const reading = { least: 5e-6, most: 100e-6 }
/** A request and its small answer. */
const call = 0.2
/** One object in a copy, and who was told of it. */
const object = 0.004
/** An answer that is none counts for so much. */
const waste = 100
/** Nobody rests longer, whatever was spent: who asks may hold a place that others want. Less than that is spent by all that can be under way at once. */
const longestRest = 10_000

/** A bucket of time, kept as the moment at which it is full again. */
export const createPace = ({ now = () => performance.now(), burstMs = 500, share = 0.1 }: PaceOptions = {}): Pace => {
  let fullAt = 0
  let calls = 0
  let allBytes = 0
  const rest = (): number => fullAt - burstMs / share - now()
  const charge = (ms: number): void => {
    const at = now()
    fullAt = Math.min(Math.max(fullAt, at) + ms / share, at + burstMs / share + longestRest)
  }
  const spent: Pace['spent'] = (since, bytes) => {
    charge(Math.min(Math.max(now() - since, bytes * reading.least), bytes * reading.most))
  }
  return {
    turn: async (signal) => {
      // Whoever waited as well may have used the turn.
      for (let left = rest(); left > 0 && !signal?.aborted; left = rest())
        await sleep(Math.ceil(left), undefined, signal && { signal }).catch(() => {})
    },
    isSpent: () => rest() > 0,
    called: () => {
      calls += 1
      charge(call)
    },
    received: (bytes) => {
      allBytes += bytes
      charge(bytes * received)
    },
    read: (bytes, work) => {
      const began = now()
      try {
        return work()
      } finally {
        spent(began, bytes)
      }
    },
    spent,
    told: (objects) => charge(objects * object),
    wasted: () => charge(waste),
    mark: now,
    seen: () => ({ calls, bytes: allBytes }),
  }
}
