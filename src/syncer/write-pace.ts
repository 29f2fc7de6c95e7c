/** Lets a tenant change so much in super in a second: API servers, scheduler and nodes there are everybody's. */
export interface WritePace {
  /**
   * Milliseconds until this write may be made; 0: now, and it counts. Who has to wait is given a turn, and keeps it: when it asks again under the same key,
   * it is let through once its time has come.
   */
  wait(key: string): number
}

export interface PaceOptions {
  /** In the long run. */
  readonly perSecond: number
  /** Milliseconds, monotonic. */
  readonly now?: () => number
}

/** So many seconds of writes may come at once after a time of rest: a Deployment's pods, a chart. */
const burstSeconds = 2
/** Turns are given out so far ahead. Who finds none left asks again then: what a tenant makes and deletes at once must not keep it waiting for hours. */
const aheadMs = 30_000
/** A turn that nobody came for is forgotten. */
const keptMs = 60_000

/** Every tenant has one of its own. A token bucket, kept as the time at which it would be full again (GCRA, ITU-T I.371). */
export const createWritePace = ({ perSecond, now = () => performance.now() }: PaceOptions): WritePace => {
  const everyMs = 1000 / perSecond
  const burstMs = burstSeconds * 1000
  let fullAt = 0
  const turns = new Map<string, number>()

  /** Turns are given in order: the oldest come first. */
  const forgetOld = (at: number): void => {
    for (const [key, turn] of turns) {
      if (turn + keptMs > at) return
      turns.delete(key)
    }
  }

  return {
    wait: (key) => {
      const at = now()
      forgetOld(at)
      const turn = turns.get(key)
      if (turn !== undefined) {
        if (at < turn) return turn - at
        turns.delete(key)
        return 0
      }
      const next = Math.max(fullAt, at) + everyMs
      const mine = next - burstMs
      if (mine > at + aheadMs) return aheadMs
      fullAt = next
      if (mine <= at) return 0
      turns.set(key, mine)
      return mine - at
    },
  }
}
