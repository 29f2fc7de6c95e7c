import type { Amounts } from './amounts.ts'

/** Why something does not fit: the first limit that it goes beyond. */
export interface Shortage {
  readonly name: string
  readonly hard: bigint
  /** By all else. */
  readonly used: bigint
  readonly asked: bigint
}

/** Something that has found no room. */
export interface Waiting {
  readonly asked: Amounts
  /** RFC 3339: who is older comes first. */
  readonly since: string
}

interface Entry {
  /** What it is known to have. */
  readonly held: Amounts
  /** What it may have grown to: a write is under way, or may have been carried out unheard. */
  readonly reserved: Amounts | undefined
  /** Milliseconds since the epoch until which the reservation stands though nobody works on it. */
  readonly until: number | undefined
}

/** Limits over many objects, exact under any number of writers that take before they write. Keys are objects. No I/O and no clock. */
export interface Ledger {
  /** Of everything, reservations included. */
  used(): Amounts
  /** What an object has now; undefined: it is gone. A reservation stands beside it. */
  put(key: string, held: Amounts | undefined): void
  /** Reserves what the object asks for, or says why not. What it has already it keeps, however small the limits are: only growth needs room. */
  take(key: string, asked: Amounts): Shortage | undefined
  /** Reserves it although there may be no room: it is there already. */
  takeAnyway(key: string, asked: Amounts): void
  /** Gives the reservation back. */
  release(key: string): void
  /** Nobody knows whether the write was carried out: the reservation stands until then, or until the next `take` or `release`. */
  holdUntil(key: string, until: number): void
  isHeld(key: string): boolean
  /** Takes note of who waits. */
  wait(key: string, waiting: Waiting): void
  stopWaiting(key: string): void
  isWaiting(key: string): boolean
  /** Gives up reservations whose time is over, and reserves for those that wait what there is room for, the oldest first. Returns who got it. */
  grant(now: number): readonly string[]
}

const nothing: Amounts = new Map()

export const createLedger = (hard: Amounts): Ledger => {
  const totals = new Map<string, bigint>([...hard.keys()].map((name) => [name, 0n]))
  const entries = new Map<string, Entry>()
  const waiting = new Map<string, Waiting>()

  /** What an entry counts for under one name. */
  const weight = (entry: Entry | undefined, name: string): bigint => {
    const held = entry?.held.get(name) ?? 0n
    const reserved = entry?.reserved?.get(name) ?? 0n
    return reserved > held ? reserved : held
  }
  const replace = (key: string, next: Entry | undefined): void => {
    const before = entries.get(key)
    for (const [name, total] of totals) {
      const change = weight(next, name) - weight(before, name)
      if (change !== 0n) totals.set(name, total + change)
    }
    if (next && (next.held.size > 0 || next.reserved)) entries.set(key, next)
    else entries.delete(key)
  }
  /** Names without a limit are not kept. */
  const limited = (amounts: Amounts): Amounts => new Map([...amounts].filter(([name]) => hard.has(name)))

  const shortage = (key: string, asked: Amounts): Shortage | undefined => {
    const entry = entries.get(key)
    for (const [name, limit] of hard) {
      const wanted = asked.get(name) ?? 0n
      if (wanted <= (entry?.held.get(name) ?? 0n)) continue
      const others = (totals.get(name) ?? 0n) - weight(entry, name)
      if (others + wanted > limit) return { name, hard: limit, used: others, asked: wanted }
    }
    return undefined
  }
  const reserve = (key: string, asked: Amounts): void =>
    replace(key, { held: entries.get(key)?.held ?? nothing, reserved: limited(asked), until: undefined })
  const release = (key: string): void => {
    const entry = entries.get(key)
    if (entry?.reserved) replace(key, { held: entry.held, reserved: undefined, until: undefined })
  }

  return {
    used: () => totals,
    put: (key, held) => {
      const entry = entries.get(key)
      replace(key, { held: held ? limited(held) : nothing, reserved: entry?.reserved, until: entry?.until })
    },
    take: (key, asked) => {
      const short = shortage(key, asked)
      if (!short) reserve(key, asked)
      return short
    },
    takeAnyway: reserve,
    release,
    holdUntil: (key, until) => {
      const entry = entries.get(key)
      if (entry?.reserved) replace(key, { ...entry, until })
    },
    isHeld: (key) => entries.get(key)?.until !== undefined,
    wait: (key, asks) => void waiting.set(key, { ...asks, asked: limited(asks.asked) }),
    stopWaiting: (key) => void waiting.delete(key),
    isWaiting: (key) => waiting.has(key),
    grant: (now) => {
      for (const [key, { until }] of entries) if (until !== undefined && now >= until) release(key)
      const granted: string[] = []
      // Times of creation are whole seconds: of one second, who asked first.
      const byAge = [...waiting].toSorted(([, { since: x }], [, { since: y }]) => (x === y ? 0 : x < y ? -1 : 1))
      for (const [key, { asked }] of byAge) {
        if (shortage(key, asked)) continue
        reserve(key, asked)
        waiting.delete(key)
        granted.push(key)
      }
      return granted
    },
  }
}
