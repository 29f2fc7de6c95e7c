import type { StoreClient } from './store-client.ts'
import type { KeyRange } from './store-range.ts'

/** How much one tenant has in an etcd. */
export interface Measure {
  readonly keys: number
  /** Of keys and values, without history. */
  readonly bytes: number
  readonly at: Date
}

/** Reading everything more often costs the others. */
const everyMs = 10 * 60_000
/** Whoever makes keys come and go all the time has them read no more often than this. */
const leastMs = 60_000
const pageKeys = 256
/** Beyond, the rest is taken to be like what was read: a measure must not keep an etcd busy. */
const mostBytes = 64 * 2 ** 20

/** True when a measure is to be made (again): after ten minutes, or when a fifth of the keys came or went. */
export const isOutdated = (last: Measure | undefined, keys: number, now: Date): boolean => {
  if (last === undefined) return true
  const age = now.getTime() - last.at.getTime()
  return age >= everyMs || (age >= leastMs && Math.abs(keys - last.keys) > Math.max(100, last.keys / 5))
}

/** Reads a range a page at a time, one after the other. */
export const measure = async (client: Pick<StoreClient, 'page'>, range: KeyRange, keys: number, now: Date): Promise<Measure> => {
  let left: KeyRange | undefined = range
  let [seen, bytes] = [0, 0]
  while (left && bytes < mostBytes) {
    const page = await client.page(left, pageKeys)
    seen += page.keys
    bytes += page.bytes
    left = page.rest
  }
  return left && seen > 0
    ? { keys, bytes: Math.round((bytes / seen) * Math.max(keys, seen)), at: now }
    : { keys: seen, bytes, at: now }
}

/** Measures by tenant, kept in memory. */
export interface StoreMeter {
  /** Takes what was known before, of a process that is no more. */
  recall(uid: string, last: Measure): void
  /** Counts, and measures when the last measure is outdated. */
  measured(uid: string, range: KeyRange, client: Pick<StoreClient, 'count' | 'page'>, now: Date): Promise<Measure>
  forget(uid: string): void
}

export const createStoreMeter = (): StoreMeter => {
  const measures = new Map<string, Measure>()
  return {
    recall: (uid, last) => {
      if (!measures.has(uid)) measures.set(uid, last)
    },
    measured: async (uid, range, client, now) => {
      const keys = await client.count(range)
      const last = measures.get(uid)
      if (last && !isOutdated(last, keys, now)) return last
      const made = await measure(client, range, keys, now)
      measures.set(uid, made)
      return made
    },
    forget: (uid) => void measures.delete(uid),
  }
}

/** In MiB with one digit; below that, in KiB. */
export const sizeText = (bytes: number): string =>
  bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`
