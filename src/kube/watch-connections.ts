import type { ConnectionOptions } from 'node:tls'
import { buildConnector, Client } from 'undici'

/** One HTTP/2 connection and the watches on it. */
export interface WatchConnection {
  readonly client: Client
  /** The watch on it is over. */
  readonly release: () => void
  /** It is dead or hangs: nothing new goes over it. */
  readonly retire: () => void
  /** True when the server still answers over this very connection. Shared by all watches that ask at the same time. */
  readonly isAlive: () => Promise<boolean>
}

export interface WatchConnectionOptions {
  /** Origin of the server. */
  readonly server: string
  readonly tls: ConnectionOptions
  readonly timeoutMs: number
  /** The connector that is used instead of a plain one. */
  readonly guarded: (connect: buildConnector.connector) => buildConnector.connector
  /** Asks for something small over a connection; any answer is a sign of life. */
  readonly ping: (client: Client, signal: AbortSignal) => Promise<void>
}

/** API servers allow 100 or more streams on a connection; the rest is room for pings. */
const watchesEach = 90

interface Slot {
  readonly client: Client
  open: number
  retired: boolean
  pinging: Promise<boolean> | undefined
}

/**
 * Connections for watches. They are handed out one by one, as a pool does not say on which connection a stream is: a silent watch is judged by a ping on
 * its own connection. A server that speaks only HTTP/1.1 gets a connection for each watch.
 */
export const createWatchConnections = ({ server, tls, timeoutMs, guarded, ping }: WatchConnectionOptions) => {
  const slots = new Set<Slot>()
  let multiplexed = true
  const connectTls = guarded(buildConnector({ ...tls, allowH2: true, preferH2: true, timeout: timeoutMs }))
  const connect: buildConnector.connector = (options, callback) =>
    connectTls(options, (...result) => {
      const [, socket] = result
      if (socket) multiplexed = 'alpnProtocol' in socket && socket.alpnProtocol === 'h2'
      callback(...result)
    })

  const destroy = (slot: Slot) => {
    slots.delete(slot)
    slot.client.destroy().catch(() => {})
  }
  const create = (): Slot => {
    const client = new Client(server, {
      connect,
      allowH2: true,
      h2Options: { maxConcurrentStreams: 100, pingInterval: 30_000 },
      headersTimeout: 0, // who asks has a deadline of its own
      bodyTimeout: 0,
    })
    const slot: Slot = { client, open: 0, retired: false, pinging: undefined }
    slots.add(slot)
    return slot
  }
  const runPing = async (client: Client): Promise<boolean> => {
    try {
      await ping(client, AbortSignal.timeout(timeoutMs))
      return true
    } catch {
      return false
    }
  }

  return {
    acquire: (): WatchConnection => {
      const capacity = multiplexed ? watchesEach : 1
      const slot = [...slots].find(({ open, retired }) => !retired && open < capacity) ?? create()
      slot.open += 1
      let held = true
      return {
        client: slot.client,
        release: () => {
          if (!held) return
          held = false
          slot.open -= 1
          if (slot.open === 0 && (slot.retired || !multiplexed)) destroy(slot)
        },
        retire: () => {
          slot.retired = true
          if (slot.open === 0) destroy(slot)
        },
        isAlive: async () => {
          if (!multiplexed) return false
          slot.pinging ??= runPing(slot.client).finally(() => {
            slot.pinging = undefined
          })
          return slot.pinging
        },
      }
    },
    close: async (): Promise<void> => {
      await Promise.all([...slots].map(({ client }) => client.destroy().catch(() => {})))
      slots.clear()
    },
  }
}
