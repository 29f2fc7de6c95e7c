import { GRPCResourceExhastedError, type IRequestOp } from 'etcd3'
import { AppError } from '../../lib/errors.ts'
import { openStore, type StoreConnection } from './store-client.ts'
import type { KeyRange } from './store-range.ts'

/** One key as etcd has it. */
export interface Entry {
  readonly key: Buffer
  readonly value: Buffer
  /** ID of its lease; '0' without one. */
  readonly lease: string
}

/** Some of the entries of a range, in the order of their keys. */
export interface EntryPage {
  readonly entries: readonly Entry[]
  /** What comes after them; undefined at the end. */
  readonly rest: KeyRange | undefined
}

/** What an etcd says of itself and of a range. */
export interface StoreLook {
  readonly clusterId: string
  /** Of the whole etcd, whoever writes there. */
  readonly revision: number
  readonly keys: number
}

/**
 * A key in the range of a copy that says who may write there. A manager that was thought dead and writes on finds another token in it, or none, and nothing
 * that it writes is taken.
 */
export interface Fence {
  readonly key: Buffer
  readonly token: string
}

/** One end of a copy. Everything throws DATA_STORE_UNREACHABLE or DATA_STORE_REFUSED, within seconds. */
export interface CopyClient {
  look(range: KeyRange): Promise<StoreLook>
  /** At most `limit` entries, and fewer when they are large. */
  page(range: KeyRange, limit: number): Promise<EntryPage>
  /** Seconds that a lease has left; undefined when it has run out. */
  leaseSeconds(lease: string): Promise<number | undefined>
  /** A new lease; gives its ID. */
  grantLease(seconds: number): Promise<string>
  /** Takes the right to write, from whoever has it. */
  takeFence(fence: Fence): Promise<void>
  /** Writes all of it or nothing. Throws DATA_STORE_REFUSED when somebody else has the fence. */
  write(entries: readonly Entry[], fence: Fence): Promise<void>
  /** One more revision, and which one it is. Throws like `write`. */
  touch(fence: Fence): Promise<number>
  /** Gives up the right to write. Throws like `write`. */
  liftFence(fence: Fence): Promise<void>
  /** Takes the fence away, whoever has it: nobody may write. */
  breakFence(fence: Pick<Fence, 'key'>): Promise<void>
  /** Forgets all history before the revision. For an etcd that nobody else uses. */
  compact(revision: number): Promise<void>
  close(): void
}

export type ConnectCopy = (connection: StoreConnection) => CopyClient

/** One connection; nothing is opened before the first call. */
export const createCopyClient: ConnectCopy = (connection) => {
  const { etcd, ask } = openStore(connection)
  const { kv, leaseClient } = etcd

  const page = async (range: KeyRange, limit: number): Promise<EntryPage> => {
    try {
      const { kvs, more } = await kv.range({ key: range.start, range_end: range.end, limit })
      const last = kvs.at(-1)
      const rest = more && last ? { start: Buffer.concat([last.key, Buffer.of(0)]), end: range.end } : undefined
      return { entries: kvs, rest }
    } catch (error) {
      // Answers of more than 4 MiB are not taken; one object is always smaller.
      if (error instanceof GRPCResourceExhastedError && limit > 1) return page(range, Math.ceil(limit / 8))
      throw error
    }
  }

  const fenced = async ({ key, token }: Fence, success: IRequestOp[]): Promise<number> => {
    const compare = [{ result: 'Equal', target: 'Value', key, value: Buffer.from(token) } as const]
    const { succeeded, header } = await kv.txn({ compare, success })
    if (!succeeded) throw new AppError('DATA_STORE_REFUSED', 'another manager has taken over what is copied here', {})
    return Number(header.revision)
  }
  const put = (key: Buffer, value: Buffer, id = '0'): IRequestOp => ({ request_put: { key, value, lease: id } })

  return {
    look: (range) =>
      ask('to say how it is', async () => {
        const { header, count } = await kv.range({ key: range.start, range_end: range.end, count_only: true })
        return { clusterId: header.cluster_id, revision: Number(header.revision), keys: Number(count) }
      }),
    page: (range, limit) => ask('to read keys', () => page(range, limit)),
    leaseSeconds: (id) =>
      ask('to tell of a lease', async () => {
        const { TTL } = await leaseClient.leaseTimeToLive({ ID: id })
        return Number(TTL) > 0 ? Number(TTL) : undefined
      }),
    grantLease: (seconds) => ask('a lease', async () => (await leaseClient.leaseGrant({ TTL: seconds })).ID),
    takeFence: ({ key, token }) =>
      ask('to write keys', async () => {
        await kv.put({ key, value: Buffer.from(token) })
      }),
    write: (entries, fence) =>
      ask('to write keys', async () => {
        await fenced(
          fence,
          entries.map(({ key, value, lease: id }) => put(key, value, id)),
        )
      }),
    touch: (fence) => ask('to write keys', () => fenced(fence, [put(fence.key, Buffer.from(fence.token))])),
    liftFence: (fence) =>
      ask('to write keys', async () => {
        await fenced(fence, [{ request_delete_range: { key: fence.key } }])
      }),
    breakFence: ({ key }) =>
      ask('to remove keys', async () => {
        await kv.deleteRange({ key })
      }),
    compact: (revision) =>
      ask('to compact', async () => {
        await kv.compact({ revision })
      }),
    close: () => etcd.close(),
  }
}
