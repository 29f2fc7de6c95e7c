import { createHash } from 'node:crypto'
import type { CopyClient } from '../data-stores/copy-client.ts'
import { type Copying, leastLeaseSeconds } from './copy-range.ts'
import { type CopyEnd, entriesOf, fenceKey, type NamedEntry } from './entries.ts'

/** What comparing two ranges has found. */
export type Comparison =
  | { readonly kind: 'same'; readonly keys: number; readonly sha256: string }
  /** `name` is the key without its prefix. */
  | { readonly kind: 'differs'; readonly name: string; readonly why: string }

const lengthOf = (bytes: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return length
}

/** A lease with less than this may run out while it is looked at. */
const lastSeconds = { source: 2, target: leastLeaseSeconds + 5 }

/** True when it is no loss that a key is only on this side: the other one's had its time, or is about to have it. */
const isRunOut = async ({ name, lease }: NamedEntry, { client, prefix }: CopyEnd, last: number): Promise<boolean> => {
  if (lease === '0') return false
  const seconds = await client.leaseSeconds(lease)
  if (seconds === undefined || seconds <= last) return true
  // It was read a page ago.
  const key = Buffer.concat([Buffer.from(prefix), name])
  const { entries } = await client.page({ start: key, end: Buffer.concat([key, Buffer.of(0)]) }, 1)
  return entries.length === 0
}

const differenceOf = (source: NamedEntry, target: NamedEntry): string | undefined => {
  if (!source.value.equals(target.value)) return 'the values differ'
  if ((source.lease === '0') !== (target.lease === '0')) return 'only one of them has a lease'
  return undefined
}

/**
 * Compares all that is below two prefixes, key by key and value by value, without the prefixes. Nobody may write to either; keys whose lease runs out meanwhile
 * may be on one side only. Holds a page of each in memory.
 */
export const compareRanges = async ({ source, target, tell, signal }: Omit<Copying, 'token'>): Promise<Comparison> => {
  const hash = createHash('sha256')
  const sources = entriesOf(source, signal)
  const targets = entriesOf(target, signal)
  const next = async (entries: AsyncGenerator<NamedEntry>): Promise<NamedEntry | undefined> => {
    const { value, done } = await entries.next()
    return done ? undefined : value
  }
  let keys = 0
  let [one, other] = await Promise.all([next(sources), next(targets)])
  while (one || other) {
    const order = one && other ? Buffer.compare(one.name, other.name) : one ? -1 : 1
    if (order < 0 && one) {
      if (!(await isRunOut(one, source, lastSeconds.source)))
        return { kind: 'differs', name: one.name.toString(), why: 'it is missing in the target' }
      one = await next(sources)
    } else if (order > 0 && other) {
      if (!(await isRunOut(other, target, lastSeconds.target)))
        return { kind: 'differs', name: other.name.toString(), why: 'it is in the target alone' }
      other = await next(targets)
    } else if (one && other) {
      const why = differenceOf(one, other)
      if (why !== undefined) return { kind: 'differs', name: one.name.toString(), why }
      hash.update(lengthOf(other.name)).update(other.name).update(lengthOf(other.value)).update(other.value)
      keys += 1
      if (keys % 1000 === 0) tell(`${keys} keys are found equal`)
      ;[one, other] = await Promise.all([next(sources), next(targets)])
    }
  }
  return { kind: 'same', keys, sha256: hash.digest('hex') }
}

/** Lets nobody write any more who copied: to be called last, by the one that has compared. Whoever has taken over meanwhile has to compare again. */
export const sealTarget = ({ client, prefix }: { client: CopyClient; prefix: string }, token: string): Promise<void> =>
  client.liftFence({ key: fenceKey(prefix), token })
