/** A job that was fetched and waits here for a place of its group. */
export interface Seat {
  /** True when a place was handed to it; false when `forMs` is over, or the signal ended. */
  handed(forMs: number, signal: AbortSignal): Promise<boolean>
  /** It waits no longer. */
  leave(): void
}

/** Jobs of one process that were fetched before their group has a place for them: one that ends hands its place on, and nothing has to be fetched for it first. */
export interface WaitingRoom {
  /** Undefined when the room, or the group's part of it, is full. */
  enter(group: string, jobId: string): Seat | undefined
  /** Takes out the one that has waited longest: whoever calls hands it a place, by `give`. */
  next(group: string): { readonly jobId: string; readonly give: () => void } | undefined
}

interface Waiting {
  readonly jobId: string
  readonly give: () => void
}

export interface WaitingRoomOptions {
  readonly seats: number
  readonly perGroup: number
}

export const createWaitingRoom = ({ seats, perGroup }: WaitingRoomOptions): WaitingRoom => {
  const groups = new Map<string, Waiting[]>()
  let taken = 0
  const remove = (group: string, waiting: Waiting): void => {
    const queue = groups.get(group)
    const index = queue?.indexOf(waiting) ?? -1
    if (!queue || index < 0) return
    queue.splice(index, 1)
    taken -= 1
    if (queue.length === 0) groups.delete(group)
  }
  return {
    enter: (group, jobId) => {
      const queue = groups.get(group) ?? []
      if (taken >= seats || queue.length >= perGroup) return undefined
      const { promise, resolve } = Promise.withResolvers<true>()
      const waiting: Waiting = { jobId, give: () => resolve(true) }
      groups.set(group, queue)
      queue.push(waiting)
      taken += 1
      return {
        handed: async (forMs, signal) => {
          if (signal.aborted) return false
          const over = Promise.withResolvers<false>()
          const end = () => over.resolve(false)
          const timer = setTimeout(end, forMs)
          signal.addEventListener('abort', end, { once: true })
          try {
            return await Promise.race([promise, over.promise])
          } finally {
            clearTimeout(timer)
            signal.removeEventListener('abort', end)
          }
        },
        leave: () => remove(group, waiting),
      }
    },
    next: (group) => {
      const waiting = groups.get(group)?.[0]
      if (waiting) remove(group, waiting)
      return waiting
    },
  }
}
