import { hasCode } from '../../lib/errors.ts'
import { hashOf } from '../apply.ts'
import type { ConnectStore, StoreClient } from './store-client.ts'

/** Connections that outlive a round. Opened for each one, every look at a tenant would ask the cluster's DNS, which now and then takes five seconds. */
export interface StorePool {
  /** `close` of what it gives only gives it back. */
  readonly connect: ConnectStore
  close(): void
}

interface Entry {
  readonly client: StoreClient
  users: number
  /** Nobody gets it any more: it is closed with its last user. */
  isRetired: boolean
  idle?: NodeJS.Timeout
}

/** Tenants are looked at more often than this. */
const defaultIdleMs = 90_000

export const createStorePool = (connect: ConnectStore, idleMs = defaultIdleMs): StorePool => {
  const entries = new Map<string, Entry>()

  const retire = (key: string, entry: Entry): void => {
    entry.isRetired = true
    clearTimeout(entry.idle)
    if (entries.get(key) === entry) entries.delete(key)
    if (entry.users === 0) entry.client.close()
  }

  const leased = (key: string, entry: Entry): StoreClient => {
    const { client } = entry
    // A channel that has lost its peer waits longer and longer before it tries again: a new one tries at once.
    const watched = async <T>(answer: Promise<T>): Promise<T> => {
      try {
        return await answer
      } catch (error) {
        if (hasCode(error, 'DATA_STORE_UNREACHABLE') && !entry.isRetired) retire(key, entry)
        throw error
      }
    }
    let isOpen = true
    return {
      status: () => watched(client.status()),
      alarms: () => watched(client.alarms()),
      count: (range) => watched(client.count(range)),
      page: (range, limit) => watched(client.page(range, limit)),
      removePage: (range, limit) => watched(client.removePage(range, limit)),
      allow: (user, range) => watched(client.allow(user, range)),
      disallow: (user) => watched(client.disallow(user)),
      canRead: (name) => watched(client.canRead(name)),
      close: () => {
        if (!isOpen) return
        isOpen = false
        entry.users -= 1
        if (entry.users > 0) return
        if (entry.isRetired) client.close()
        else entry.idle = setTimeout(() => retire(key, entry), idleMs).unref()
      },
    }
  }

  return {
    connect: ({ endpoints, ca, cert, key: privateKey }) => {
      const connection = { endpoints, ca, cert, key: privateKey }
      const key = hashOf(connection)
      const entry = entries.get(key) ?? { client: connect(connection), users: 0, isRetired: false }
      clearTimeout(entry.idle)
      entry.users += 1
      entries.set(key, entry)
      return leased(key, entry)
    },
    close: () => {
      for (const [key, entry] of entries) retire(key, entry)
    },
  }
}
