import type { CopyClient, Entry } from '../data-stores/copy-client.ts'
import { type KeyRange, rangeOfPrefix } from '../data-stores/store-range.ts'

/** One end of a copy: what is below a prefix, which ends with a slash. */
export interface CopyEnd {
  readonly client: CopyClient
  readonly prefix: string
}

/** An entry without the prefix of its key. */
export interface NamedEntry {
  readonly name: Buffer
  readonly value: Buffer
  /** ID; '0' without one. */
  readonly lease: string
}

/** No resource of Kubernetes has it: theirs have more parts than one. */
const fenceName = Buffer.from('berth-move')
const pageKeys = 500

/** The key that says who may write below a prefix while it is copied to. */
export const fenceKey = (prefix: string): Buffer => Buffer.concat([Buffer.from(prefix), fenceName])

/** All entries below a prefix in pages, in the order of their keys; a page at a time is in memory. */
export const pagesOf = async function* ({ client, prefix }: CopyEnd, signal: AbortSignal): AsyncGenerator<readonly NamedEntry[]> {
  const { length } = Buffer.from(prefix)
  for (let left: KeyRange | undefined = rangeOfPrefix(prefix); left; ) {
    signal.throwIfAborted()
    const page = await client.page(left, pageKeys)
    left = page.rest
    const named = page.entries.map(({ key, value, lease }) => ({ name: key.subarray(length), value, lease }))
    yield named.filter(({ name }) => !name.equals(fenceName))
  }
}

/** The same, one at a time. */
export const entriesOf = async function* (end: CopyEnd, signal: AbortSignal): AsyncGenerator<NamedEntry> {
  for await (const page of pagesOf(end, signal)) yield* page
}

/** What one request may hold: etcd takes 128 operations and 1.5 MiB, if nobody has said otherwise (--max-txn-ops, --max-request-bytes). */
const batchLimits = { entries: 100, bytes: 512 * 1024 }

/** Cuts entries into requests. One that is larger than the limit goes alone. */
export const batchesOf = (entries: readonly Entry[], limits = batchLimits): readonly (readonly Entry[])[] => {
  const batches: Entry[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const entry of entries) {
    const size = entry.key.length + entry.value.length
    const last = batches.at(-1)
    if (!last || last.length >= limits.entries || bytes + size > limits.bytes) {
      batches.push([entry])
      bytes = size
    } else {
      last.push(entry)
      bytes += size
    }
  }
  return batches
}
