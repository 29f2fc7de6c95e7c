import type { DataStoreRecord } from '../../apis/store-move.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { explainError } from '../../lib/errors.ts'
import { allOf } from '../apply.ts'
import { prefixIn, specOfRecord, storesOf } from '../data-stores/in-force.ts'
import { type RemoteStore, readRemoteStore } from '../data-stores/store-access.ts'
import { type StoreClient, withStore } from '../data-stores/store-client.ts'
import { rangeOfPrefix } from '../data-stores/store-range.ts'
import type { Deps } from '../deps.ts'
import { storeUser } from '../names.ts'
import { isOfStore } from './answering-store.ts'

/** How long after its deletion was asked for a tenant waits for a store that does not answer. */
const deadlineMs = 120_000
const pageKeys = 1000
/** One round goes on with what it removes for so long. */
const roundMs = 20_000

/** True when nothing is left. Who may write is taken away after the range, and then it is looked once more: an API server on a lost node may have gone on. */
const removeAll = async (client: StoreClient, prefix: string, user: string | undefined): Promise<boolean> => {
  const range = rangeOfPrefix(prefix)
  for (const end = performance.now() + roundMs; (await client.removePage(range, pageKeys)) > 0; ) {
    if (performance.now() > end) return false
  }
  if (user === undefined) return true
  await client.disallow(user)
  return (await client.count(range)) === 0
}

type Waiting = { readonly reason: string; readonly message: string }

const wasUsed = ({ status }: TenantControlPlane): boolean => status?.timings?.['DataStoreReady'] !== undefined

const leftOf = (uid: string, record: DataStoreRecord, { access, name }: RemoteStore): string => {
  const prefix = access?.prefix ?? prefixIn(record, uid)
  const user = record.kind === 'shared' ? ` and user and role ${storeUser(uid)}` : ''
  return `keys below ${prefix}${user} in ${name}`
}

/** Removes what a tenant has in one data store. Gives what is waited for. */
const removeFrom = async (record: DataStoreRecord, tenant: TenantControlPlane, deps: Deps): Promise<Waiting | undefined> => {
  const spec = { ...tenant.spec, dataStore: specOfRecord(record, tenant.spec.dataStore) }
  const store = await readRemoteStore({ ...tenant, spec }, deps)
  const uid = tenant.metadata.uid ?? ''
  if (!store || (!store.access && !wasUsed(tenant))) return undefined
  const left = leftOf(uid, record, store)
  let problem: string
  try {
    const { access } = store
    if (access) {
      const user = access.kind === 'shared' ? storeUser(uid) : undefined
      const isGone = await withStore(access.connection, deps, (client) => removeAll(client, access.prefix, user))
      return isGone ? undefined : { reason: 'RemovingData', message: `removes ${left}` }
    }
    problem = store.problem?.message ?? `${store.name} was not looked at yet`
  } catch (error) {
    if (!isOfStore(error)) throw error
    problem = explainError(error)
  }
  const isLate = deps.now().getTime() > Date.parse(tenant.metadata.deletionTimestamp ?? '') + deadlineMs
  if (!isLate) return { reason: 'RemovingData', message: `waits to remove ${left}: ${problem}` }
  const message = `the deletion goes on without its data store. Left there: ${left}. Remove them by hand: ${problem}`
  deps.tell(tenant, { type: 'Warning', reason: 'DataLeft', message })
  return undefined
}

/**
 * Removes what a tenant has in data stores that are not its own (two of them in the middle of a move): exactly its keys, then its user and role. Gives what is
 * waited for; undefined when nothing is left, or when the store had its time. What is left then is told, as nobody else knows of it.
 */
export const removeStoreData = async (tenant: TenantControlPlane, deps: Deps): Promise<Waiting | undefined> => {
  const remote = storesOf(tenant).filter(({ kind }) => kind !== 'dedicated')
  if (remote.length > 0) deps.storeMeter.forget(tenant.metadata.uid ?? '')
  if (tenant.status?.move) deps.moveTasks.forget(tenant.status.move.id)
  const waiting = await allOf(remote.map((record) => removeFrom(record, tenant, deps)))
  return waiting.find((each) => each !== undefined)
}
