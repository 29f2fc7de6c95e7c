/** One unit of work: a key of one tenant. */
export interface QueueItem {
  readonly tenant: string
  readonly key: string
}

export interface FairQueueOptions {
  /** Units in work at once, over all tenants. */
  readonly concurrency: number
  /** Units in work at once for one tenant, so that a hung tenant cannot take all places. */
  readonly perTenant: number
  /** Milliseconds, monotonic. */
  readonly now?: () => number
  /** First and longest pause of a failing key, in milliseconds. */
  readonly backoffMs?: { readonly first: number; readonly longest: number }
  readonly random?: () => number
}

interface TenantQueue {
  /** Waiting keys, oldest first, and since when they wait, in milliseconds. */
  readonly ready: Map<string, number>
  /** Waiting keys of less haste. */
  readonly later: Map<string, number>
  /** Keys taken: each eighth may be one of less haste though others wait. */
  taken: number
  readonly inWork: Map<string, number>
  /** In work and asked for again meanwhile, and when. */
  readonly again: Map<string, number>
  /** Due times of delayed keys, milliseconds. */
  readonly delayed: Map<string, number>
  readonly failures: Map<string, number>
  /** Time spent on this tenant, milliseconds: the one with the least is served next. */
  spentMs: number
  /** Places this tenant may have now; 0 is paused. */
  limit: number
  /** Forgotten once its work under way has ended, unless it is asked for again. */
  dropped: boolean
}

/** One key in so many may be of less haste while others wait. */
const laterShare = 8

/** How much there is to do for a tenant. */
export interface QueueDepth {
  /** Units that are due. */
  readonly waiting: number
  /** Units that come again after a pause. */
  readonly delayed: number
  readonly inWork: number
  /** How long the first of those that are due has waited, in milliseconds; 0 when none is. */
  readonly oldestMs: number
}

const isBusy = ({ ready, later, inWork }: TenantQueue): boolean => ready.size + later.size + inWork.size > 0

/**
 * A work queue that is fair between tenants by the time spent on them. A key is queued once, worked on once at a time, and never lost: asked for while in
 * work, it comes again. A tenant that was idle starts at the present minimum, so it can neither save up time nor be starved.
 */
export class FairQueue {
  readonly #tenants = new Map<string, TenantQueue>()
  readonly #options: Required<FairQueueOptions>
  #inWork = 0
  #work: ((item: QueueItem, waitedMs: number) => Promise<void>) | undefined
  #timer: NodeJS.Timeout | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #idle: (() => void)[] = []
  #stopped = false

  constructor(options: FairQueueOptions) {
    this.#options = {
      now: () => performance.now(),
      backoffMs: { first: 50, longest: 60_000 },
      random: Math.random,
      ...options,
    }
  }

  /** Starts to hand out items, with how long each was due. `work` must not throw: the caller decides on retries. */
  start(work: (item: QueueItem, waitedMs: number) => Promise<void>): void {
    this.#work = work
    this.#dispatch()
  }

  /** No new work; resolves when all work under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    if (this.#inWork > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  add({ tenant, key }: QueueItem): void {
    const queue = this.#queueOf(tenant)
    queue.delayed.delete(key)
    const since = queue.later.get(key)
    queue.later.delete(key)
    this.#queueUp(queue, key, queue.ready, since)
    this.#dispatch()
  }

  /** Adds a key of less haste: it gives way to the tenant's other keys, but for one in eight. */
  addLater({ tenant, key }: QueueItem): void {
    const queue = this.#queueOf(tenant)
    if (queue.ready.has(key) || queue.delayed.has(key)) return
    this.#queueUp(queue, key, queue.later)
    this.#dispatch()
  }

  /** Adds the key after a pause, unless it is already due sooner. */
  addAfter({ tenant, key }: QueueItem, delayMs: number): void {
    const queue = this.#queueOf(tenant)
    if (queue.ready.has(key) || queue.later.has(key) || queue.again.has(key)) return
    const due = this.#options.now() + delayMs
    if (due >= (queue.delayed.get(key) ?? Number.POSITIVE_INFINITY)) return
    queue.delayed.set(key, due)
    this.#arm(due)
  }

  /** Adds a failing key after a pause that doubles with each failure, with jitter. Returns the pause in milliseconds. */
  retry(item: QueueItem, atLeastMs = 0): number {
    const queue = this.#queueOf(item.tenant)
    const failures = (queue.failures.get(item.key) ?? 0) + 1
    queue.failures.set(item.key, failures)
    const { first, longest } = this.#options.backoffMs
    const pause = Math.max(
      atLeastMs,
      Math.min(longest, first * 2 ** Math.min(failures - 1, 20)) * (0.75 + this.#options.random() / 2),
    )
    this.addAfter(item, pause)
    return pause
  }

  /** The key succeeded: its next failure starts with the shortest pause. */
  forget({ tenant, key }: QueueItem): void {
    this.#tenants.get(tenant)?.failures.delete(key)
  }

  /** Failures in a row of a key. */
  failures({ tenant, key }: QueueItem): number {
    return this.#tenants.get(tenant)?.failures.get(key) ?? 0
  }

  /** Places a tenant may have: 0 pauses it, undefined gives back the default. */
  limit(tenant: string, places: number | undefined): void {
    this.#queueOf(tenant).limit = places ?? this.#options.perTenant
    this.#dispatch()
  }

  /** Forgets a tenant and all its waiting work; work under way ends by itself. */
  drop(tenant: string): void {
    const queue = this.#tenants.get(tenant)
    if (!queue) return
    for (const waiting of [queue.ready, queue.later, queue.again, queue.delayed, queue.failures]) waiting.clear()
    if (queue.inWork.size === 0) this.#tenants.delete(tenant)
    else {
      queue.dropped = true
      queue.limit = 0
    }
  }

  depth(tenant: string): QueueDepth {
    const queue = this.#tenants.get(tenant)
    const firsts = [queue?.ready, queue?.later, queue?.again].flatMap((waiting) => waiting?.values().next().value ?? [])
    return {
      waiting: (queue?.ready.size ?? 0) + (queue?.later.size ?? 0) + (queue?.again.size ?? 0),
      delayed: queue?.delayed.size ?? 0,
      inWork: queue?.inWork.size ?? 0,
      oldestMs: firsts.length === 0 ? 0 : this.#options.now() - Math.min(...firsts),
    }
  }

  /** Among the waiting ones, or for after the work that is under way on it. A key that waits already keeps its place. */
  #queueUp(queue: TenantQueue, key: string, waiting: Map<string, number>, since = this.#options.now()): void {
    const target = queue.inWork.has(key) ? queue.again : waiting
    if (target !== queue.again) this.#wake(queue)
    if (!target.has(key)) target.set(key, since)
  }

  #queueOf(tenant: string): TenantQueue {
    let queue = this.#tenants.get(tenant)
    if (!queue) {
      queue = {
        ready: new Map(),
        later: new Map(),
        taken: 0,
        inWork: new Map(),
        again: new Map(),
        delayed: new Map(),
        failures: new Map(),
        spentMs: this.#leastSpent(),
        limit: this.#options.perTenant,
        dropped: false,
      }
      this.#tenants.set(tenant, queue)
    }
    if (queue.dropped) {
      queue.dropped = false
      queue.limit = this.#options.perTenant
    }
    return queue
  }

  #leastSpent(): number {
    let least = Number.POSITIVE_INFINITY
    for (const queue of this.#tenants.values()) if (isBusy(queue)) least = Math.min(least, queue.spentMs)
    return least === Number.POSITIVE_INFINITY ? 0 : least
  }

  #wake(queue: TenantQueue): void {
    if (!isBusy(queue)) queue.spentMs = Math.max(queue.spentMs, this.#leastSpent())
  }

  #next(): [string, TenantQueue] | undefined {
    let best: [string, TenantQueue] | undefined
    for (const entry of this.#tenants) {
      const [, queue] = entry
      if (queue.ready.size + queue.later.size === 0 || queue.inWork.size >= queue.limit) continue
      if (!best || queue.spentMs < best[1].spentMs) best = entry
    }
    return best
  }

  #dispatch(): void {
    const work = this.#work
    if (!work || this.#stopped) return
    while (this.#inWork < this.#options.concurrency) {
      const next = this.#next()
      if (!next) return
      const [tenant, queue] = next
      queue.taken += 1
      const from = queue.ready.size === 0 || (queue.later.size > 0 && queue.taken % laterShare === 0) ? queue.later : queue.ready
      const [first] = from
      if (first === undefined) return
      const [key, since] = first
      const now = this.#options.now()
      from.delete(key)
      queue.inWork.set(key, now)
      // Charged in advance, so that one tenant does not get every free place before its first unit ends; corrected when the unit ends.
      queue.spentMs += 1
      this.#inWork += 1
      void work({ tenant, key }, now - since).finally(() => this.#done(tenant, queue, key))
    }
  }

  #done(tenant: string, queue: TenantQueue, key: string): void {
    const since = queue.inWork.get(key) ?? this.#options.now()
    queue.inWork.delete(key)
    queue.spentMs += Math.max(0, this.#options.now() - since - 1)
    this.#inWork -= 1
    const asked = queue.again.get(key)
    if (queue.again.delete(key) && asked !== undefined) queue.ready.set(key, asked)
    if (queue.dropped && queue.inWork.size === 0 && this.#tenants.get(tenant) === queue) this.#tenants.delete(tenant)
    if (this.#inWork === 0) for (const resolve of this.#idle.splice(0)) resolve()
    this.#dispatch()
  }

  #arm(due: number): void {
    if (due >= this.#timerAt || this.#stopped) return
    clearTimeout(this.#timer)
    this.#timerAt = due
    this.#timer = setTimeout(() => this.#release(), Math.max(0, Math.ceil(due - this.#options.now())))
    this.#timer.unref()
  }

  /** Moves all due keys to the waiting ones and sets the timer for the next. */
  #release(): void {
    this.#timerAt = Number.POSITIVE_INFINITY
    const now = this.#options.now()
    let next = Number.POSITIVE_INFINITY
    for (const queue of this.#tenants.values()) {
      for (const [key, due] of queue.delayed) {
        if (due > now) {
          next = Math.min(next, due)
          continue
        }
        queue.delayed.delete(key)
        this.#queueUp(queue, key, queue.ready, due)
      }
    }
    if (next < Number.POSITIVE_INFINITY) this.#arm(next)
    this.#dispatch()
  }
}
