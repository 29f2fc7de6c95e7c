import type { Readable } from 'node:stream'

/** Where snapshots lie, whatever keeps them. Everything throws SNAPSHOT_STORE_UNREACHABLE or SNAPSHOT_STORE_REFUSED. */
export interface ObjectStore {
  /** Stores all of a stream under a key, or nothing. What was there by this key is replaced. */
  put(key: string, data: AsyncIterable<Buffer>): Promise<void>
  /** Throws SNAPSHOT_NOT_FOUND. */
  get(key: string): Promise<Readable>
  /** What is not there is gone. */
  remove(key: string): Promise<void>
  close(): void
}
