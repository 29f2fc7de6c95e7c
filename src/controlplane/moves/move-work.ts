import { randomUUID } from 'node:crypto'
import type { DataStoreRecord, StoreMove } from '../../apis/store-move.ts'
import { AppError, hasCode } from '../../lib/errors.ts'
import type { CopyClient, StoreLook } from '../data-stores/copy-client.ts'
import { etcdPorts } from '../data-stores/etcd-config.ts'
import { prefixIn, specOfRecord, storeText } from '../data-stores/in-force.ts'
import { readRemoteStore } from '../data-stores/store-access.ts'
import { type StoreClient, type StoreConnection, withStore } from '../data-stores/store-client.ts'
import { rangeOfPrefix } from '../data-stores/store-range.ts'
import type { Deps } from '../deps.ts'
import { storeEndpoint } from '../endpoints.ts'
import { storeUser } from '../names.ts'
import { issueLeaf } from '../pki/issue.ts'
import type { Round } from '../steps.ts'
import { compareRanges, sealTarget } from './compare-ranges.ts'
import { copyRange, raiseRevision } from './copy-range.ts'
import { fenceKey } from './entries.ts'
import { checkMove } from './move-checks.ts'
import type { MoveFinding } from './move-plan.ts'
import type { MoveWork } from './move-tasks.ts'

/** One side of a move, and how the manager comes there. */
interface End {
  readonly store: DataStoreRecord
  readonly prefix: string
  readonly connection: StoreConnection
}

const hour = 3_600_000
const pageKeys = 1000

/** As a client of the tenant's own etcd, which believes its own authority. */
const ownConnection = async ({ plane, roots, now }: Round): Promise<StoreConnection> => {
  const leaf = await issueLeaf(roots.authorities.etcd, {
    subject: { commonName: 'berth-move' },
    usages: ['client'],
    notBefore: new Date(now.getTime() - hour),
    notAfter: new Date(now.getTime() + 24 * hour),
  })
  const endpoints = [storeEndpoint(plane, etcdPorts.client)]
  return { endpoints, ca: roots.trust.authorities.etcd, ...leaf }
}

/** Throws DATA_STORE_REFUSED for one that is not as it has to be, and what to do. */
const endOf = async (store: DataStoreRecord, round: Round, deps: Deps): Promise<End> => {
  const { tenant, ref } = round
  const prefix = prefixIn(store, ref.uid)
  if (store.kind === 'dedicated') return { store, prefix, connection: await ownConnection(round) }
  const { status: _, ...rest } = tenant
  const spec = { ...tenant.spec, dataStore: specOfRecord(store, tenant.spec.dataStore) }
  const remote = await readRemoteStore({ ...rest, spec }, deps)
  if (!remote?.access || remote.problem)
    throw new AppError('DATA_STORE_REFUSED', remote?.problem?.message ?? `${storeText(store)} was not looked at yet`, {})
  return { store, prefix, connection: remote.access.connection }
}

/** Removes all keys of a range that is the tenant's alone, and who may use it. What a manager writes that was thought dead is refused from then on. */
const removeRange = async (
  { store, prefix, connection }: End,
  uid: string,
  deps: Pick<Deps, 'connectStore' | 'connectCopy'>,
  signal: AbortSignal,
): Promise<void> => {
  await withCopy(connection, deps, (client) => client.breakFence({ key: fenceKey(prefix) }))
  await withStore(connection, deps, async (client: StoreClient) => {
    while ((await client.removePage(rangeOfPrefix(prefix), pageKeys)) > 0) signal.throwIfAborted()
    if (store.kind === 'shared') await client.disallow(storeUser(uid))
  })
}

const withCopy = async <T>(
  connection: StoreConnection,
  { connectCopy }: Pick<Deps, 'connectCopy'>,
  ask: (client: CopyClient) => Promise<T>,
): Promise<T> => {
  const client = connectCopy(connection)
  try {
    return await ask(client)
  } finally {
    client.close()
  }
}

const lookAt = ({ connection, prefix }: End, deps: Pick<Deps, 'connectCopy'>): Promise<StoreLook> =>
  withCopy(connection, deps, (client) => client.look(rangeOfPrefix(prefix)))

/** An external one may not let the tenant's user ask. */
const alarmsOf = (end: End, deps: Pick<Deps, 'connectStore'>) =>
  withStore(end.connection, deps, (client) => client.alarms()).catch((error: unknown) => {
    if (end.store.kind === 'external' && hasCode(error, 'DATA_STORE_REFUSED')) return []
    throw error
  })

/** Looks whether the move can be. */
export const checkWork = async (
  { from, to }: StoreMove,
  hindrance: string | undefined,
  round: Round,
  deps: Deps,
): Promise<MoveWork> => {
  const source = await endOf(from, round, deps)
  const target = to.kind === 'dedicated' ? undefined : await endOf(to, round, deps)
  const { uid } = round.ref
  return async () => {
    const [there, here] = await Promise.all([target && lookAt(target, deps), lookAt(source, deps)])
    const bytes = target
      ? 0
      : await withStore(source.connection, deps, async (client) => {
          const measured = await deps.storeMeter.measured(uid, rangeOfPrefix(source.prefix), client, deps.now())
          return measured.bytes
        })
    return checkMove({
      uid,
      from,
      to,
      source: { ...here, bytes },
      target: target && there && { ...there, alarms: await alarmsOf(target, deps) },
      hindrance,
    })
  }
}

/** Makes the target ready to be written to, while the tenant goes on. */
export const prepareWork = async ({ from, to }: StoreMove, round: Round, deps: Deps): Promise<MoveWork> => {
  const [source, target] = await Promise.all([endOf(from, round, deps), endOf(to, round, deps)])
  const { uid } = round.ref
  return async (tell, signal) => {
    if (to.kind === 'shared') {
      // What is left there of a former stay: nobody but the tenant has keys there.
      await removeRange(target, uid, deps, signal)
      await withStore(target.connection, deps, (client) => client.allow(storeUser(uid), rangeOfPrefix(target.prefix)))
    }
    const { revision } = await lookAt(source, deps)
    const fence = { key: fenceKey(target.prefix), token: randomUUID() }
    await withCopy(target.connection, deps, async (client) => {
      await client.takeFence(fence)
      await raiseRevision({ client, prefix: target.prefix }, { least: revision, fence, tell, signal })
    })
    return { kind: 'done' }
  }
}

const withBoth = <T>(
  { source, target }: { source: End; target: End },
  deps: Pick<Deps, 'connectCopy'>,
  work: (ends: { source: { client: CopyClient; prefix: string }; target: { client: CopyClient; prefix: string } }) => Promise<T>,
): Promise<T> =>
  withCopy(source.connection, deps, (one) =>
    withCopy(target.connection, deps, (other) =>
      work({ source: { client: one, prefix: source.prefix }, target: { client: other, prefix: target.prefix } }),
    ),
  )

/** Copies everything. No API server of the tenant runs. */
export const copyWork = async ({ from, to }: StoreMove, round: Round, deps: Deps): Promise<MoveWork> => {
  const [source, target] = await Promise.all([endOf(from, round, deps), endOf(to, round, deps)])
  const { uid } = round.ref
  return async (tell, signal) => {
    // One that runs on a node that is lost may be back at any moment. It is let in again if the move comes to nothing.
    if (from.kind === 'shared') await withStore(source.connection, deps, (client) => client.disallow(storeUser(uid)))
    await withBoth({ source, target }, deps, (ends) => copyRange({ ...ends, token: randomUUID(), tell, signal }))
    return { kind: 'done' }
  }
}

/** Compares everything. */
export const verifyWork = async ({ from, to }: StoreMove, round: Round, deps: Deps): Promise<MoveWork> => {
  const [source, target] = await Promise.all([endOf(from, round, deps), endOf(to, round, deps)])
  return (tell, signal) =>
    withBoth({ source, target }, deps, async (ends): Promise<MoveFinding> => {
      const token = randomUUID()
      await ends.target.client.takeFence({ key: fenceKey(target.prefix), token })
      const found = await compareRanges({ ...ends, tell, signal })
      if (found.kind === 'differs')
        return { kind: 'refused', message: `the copy is not the same: ${JSON.stringify(found.name).slice(0, 300)}: ${found.why}` }
      await sealTarget(ends.target, token)
      return { kind: 'equal', keys: found.keys, sha256: found.sha256 }
    })
}

/** Removes what a store holds that is given up. What the tenant has in its own namespace goes by itself, and what is external is whoever's who runs it. */
export const removalWork = async (move: StoreMove, round: Round, deps: Deps): Promise<MoveWork> => {
  const isUndone = move.phase === 'Undoing'
  const store = isUndone ? move.to : move.from
  const isLeft = store.kind === 'dedicated' || move.keepsSource === true || (store.kind === 'external' && !isUndone)
  if (isLeft) return async () => ({ kind: 'done' })
  const end = await endOf(store, round, deps)
  return async (_, signal) => {
    await removeRange(end, round.ref.uid, deps, signal)
    return { kind: 'done' }
  }
}
