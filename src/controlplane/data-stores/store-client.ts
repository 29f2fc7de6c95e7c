import { noop } from 'cockatiel'
import {
  Etcd3,
  EtcdPermissionDeniedError,
  EtcdRoleExistsError,
  EtcdRoleNotFoundError,
  EtcdUserExistsError,
  EtcdUserNotFoundError,
  GRPCDeadlineExceededError,
  GRPCResourceExhastedError,
  GRPCUnavailableError,
} from 'etcd3'
import { AppError, explainError } from '../../lib/errors.ts'
import { isExactly, type KeyRange, type Permission } from './store-range.ts'
import type { AlarmKind } from './upkeep.ts'

/** Where an etcd is that is not a tenant's own, and with which keys it is asked. */
export interface StoreConnection {
  readonly endpoints: readonly string[]
  /** PEM. */
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Some of the keys of a range, without their values. */
export interface KeyPage {
  readonly keys: number
  /** Of keys and values. */
  readonly bytes: number
  /** What comes after them; undefined at the end. */
  readonly rest: KeyRange | undefined
}

/** An etcd that is not a tenant's own. Everything throws DATA_STORE_UNREACHABLE or DATA_STORE_REFUSED, within seconds. */
export interface StoreClient {
  status(): Promise<{ readonly clusterId: string; readonly sizeBytes: number }>
  alarms(): Promise<readonly AlarmKind[]>
  count(range: KeyRange): Promise<number>
  /** At most `limit` keys, and fewer when they are large. */
  page(range: KeyRange, limit: number): Promise<KeyPage>
  /** Removes at most `limit` keys and says how many. Throws DATA_STORE_REFUSED when they were written anew while it was at it. */
  removePage(range: KeyRange, limit: number): Promise<number>
  /** A user without a password, known by its certificate, that has this range and nothing else. Writes only what differs. */
  allow(user: string, range: KeyRange): Promise<void>
  /** Takes the user and its role away. */
  disallow(user: string): Promise<void>
  /** True when somebody with this connection may read the key: asked for those who should not. */
  canRead(key: string): Promise<boolean>
  close(): void
}

export type ConnectStore = (connection: StoreConnection) => StoreClient

/** Asks a store something, and gives the connection back whatever becomes of it. */
export const withStore = async <T>(
  connection: StoreConnection,
  { connectStore }: { readonly connectStore: ConnectStore },
  ask: (client: StoreClient) => Promise<T>,
): Promise<T> => {
  const client = connectStore(connection)
  try {
    return await ask(client)
  } finally {
    client.close()
  }
}

/** More than the five seconds after which a name is asked for once more. */
const callMs = 8_000

type ErrorClass = abstract new (...args: never[]) => Error

/** What is there already, or gone already, is as wanted. */
const unless = async (errors: readonly ErrorClass[], work: Promise<unknown>): Promise<void> => {
  try {
    await work
  } catch (error) {
    if (!errors.some((kind) => error instanceof kind)) throw error
  }
}

/** An etcd that is not a tenant's own, or of which more is asked than members tell. */
export interface OpenStore {
  readonly etcd: Etcd3
  /** Gives every failure a code of ours. `what` is what etcd would be refusing, in words. */
  readonly ask: <T>(what: string, work: () => Promise<T>) => Promise<T>
}

/** One connection; nothing is opened before the first call. No circuit breaker: one would refuse calls for seconds after a store is back. */
export const openStore = ({ endpoints, ca, cert, key }: StoreConnection): OpenStore => {
  const where = endpoints.map((endpoint) => new URL(endpoint).host).join(', ')
  const etcd = new Etcd3({
    hosts: [...endpoints],
    credentials: { rootCertificate: Buffer.from(ca), certChain: Buffer.from(cert), privateKey: Buffer.from(key) },
    faultHandling: { host: () => noop, global: noop },
    defaultCallOptions: () => ({ deadline: Date.now() + callMs }),
    dialTimeout: callMs,
  })
  const ask = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (cause) {
      if (cause instanceof GRPCUnavailableError || cause instanceof GRPCDeadlineExceededError)
        throw new AppError('DATA_STORE_UNREACHABLE', `etcd at ${where} does not answer: ${explainError(cause)}`, { cause })
      throw new AppError('DATA_STORE_REFUSED', `etcd at ${where} refuses ${what}: ${explainError(cause)}`, { cause })
    }
  }
  return { etcd, ask }
}

/** One connection. */
export const createStoreClient: ConnectStore = (connection) => {
  const { etcd, ask } = openStore(connection)
  const { auth, kv, maintenance } = etcd
  const rangeOf = ({ start, end }: KeyRange) => ({ key: start, range_end: end })

  const permissionsOf = async (role: string): Promise<readonly Permission[]> =>
    (await auth.roleGet({ role })).perm.map(({ permType, key: start, range_end: end }) => ({ type: permType, start, end }))

  const page = async (range: KeyRange, limit: number): Promise<KeyPage> => {
    try {
      // Not linearized: what is counted may be a moment old, and no majority is bothered for it.
      const { kvs, more } = await kv.range({ ...rangeOf(range), limit, serializable: true })
      const bytes = kvs.reduce((sum, each) => sum + each.key.length + each.value.length, 0)
      const last = kvs.at(-1)
      const rest = more && last ? { start: Buffer.concat([last.key, Buffer.of(0)]), end: range.end } : undefined
      return { keys: kvs.length, bytes, rest }
    } catch (error) {
      // Answers of more than 4 MiB are not taken; one object is always smaller.
      if (error instanceof GRPCResourceExhastedError && limit > 1) return page(range, Math.ceil(limit / 8))
      throw error
    }
  }

  return {
    status: () =>
      ask('to say how it is', async () => {
        const { header, dbSize } = await maintenance.status()
        return { clusterId: header.cluster_id, sizeBytes: Number(dbSize) }
      }),
    alarms: () =>
      ask('to tell its alarms', async () => {
        const { alarms } = await maintenance.alarm({ action: 'Get' })
        return alarms.map(({ alarm }) => String(alarm).toUpperCase()).filter((kind) => kind === 'NOSPACE' || kind === 'CORRUPT')
      }),
    count: (range) => ask('to count keys', async () => Number((await kv.range({ ...rangeOf(range), count_only: true })).count)),
    page: (range, limit) => ask('to read keys', () => page(range, limit)),
    removePage: (range, limit) =>
      ask('to remove keys', async () => {
        const { kvs, more } = await kv.range({ ...rangeOf(range), limit, keys_only: true })
        const [first, last] = [kvs.at(0), kvs.at(-1)]
        if (!first || !last) return 0
        const end = more ? Buffer.concat([last.key, Buffer.of(0)]) : range.end
        // Somebody may have taken over between the two calls, and written what is to stay.
        const compare = [first, last].map(
          ({ key, mod_revision }) => ({ result: 'Equal', target: 'Mod', key, mod_revision }) as const,
        )
        const success = [{ request_delete_range: { key: first.key, range_end: end } }]
        const { succeeded, responses } = await kv.txn({ compare: first === last ? compare.slice(1) : compare, success })
        if (!succeeded) throw new AppError('DATA_STORE_REFUSED', 'what was to be removed has changed meanwhile', {})
        return Number(responses[0]?.response_delete_range?.deleted ?? 0)
      }),
    allow: (user, range) =>
      ask(`user ${user}`, async () => {
        const granted = await permissionsOf(user).catch((error: unknown) => {
          if (error instanceof EtcdRoleNotFoundError) return undefined
          throw error
        })
        if (granted === undefined) await unless([EtcdRoleExistsError], auth.roleAdd({ name: user }))
        const wrong = (granted ?? []).filter((permission) => !isExactly(permission, range))
        for (const { start, end } of wrong) await auth.roleRevokePermission({ role: user, key: start, range_end: end })
        if (wrong.length === (granted ?? []).length)
          await auth.roleGrantPermission({ name: user, perm: { permType: 'Readwrite', key: range.start, range_end: range.end } })
        const roles = await auth.userGet({ name: user }).catch((error: unknown) => {
          if (error instanceof EtcdUserNotFoundError) return undefined
          throw error
        })
        if (!roles) await unless([EtcdUserExistsError], auth.userAdd({ name: user, options: { no_password: true } }))
        for (const role of roles?.roles ?? []) if (role !== user) await auth.userRevokeRole({ name: user, role })
        if (!roles?.roles.includes(user)) await auth.userGrantRole({ user, role: user })
      }),
    disallow: (user) =>
      ask(`to remove user ${user}`, async () => {
        await unless([EtcdUserNotFoundError], auth.userDelete({ name: user }))
        await unless([EtcdRoleNotFoundError], auth.roleDelete({ role: user }))
      }),
    canRead: (name) =>
      ask('to be asked by a stranger', async () => {
        try {
          await kv.range({ key: Buffer.from(name) })
          return true
        } catch (error) {
          if (error instanceof EtcdPermissionDeniedError || error instanceof EtcdUserNotFoundError) return false
          throw error
        }
      }),
    close: () => etcd.close(),
  }
}
