import type { Socket } from 'node:net'
import type { Pace } from './pace.ts'

/** Follows what comes over the connections of one server beside answers: headers, hints, frames that carry nothing. */
export interface SocketGuard {
  watch(socket: Pick<Socket, 'bytesRead' | 'once' | 'destroy'>): void
  /** Looks now; else it looks five times a second, as long as there are connections. */
  look(): void
}

/** So much may have been read of connections and not be part of an answer that was handed on: what waits for its turn is held, 64 KiB and more for each stream. */
const mostUnseen = 8 * 1024 * 1024
/** Headers of an answer, and frames around its bytes. */
const perCall = 16 * 1024
const perByte = 1.25
/** So much of the rest is forgotten in each look: pings and settings of a connection that is up for days. */
const forgotten = 64 * 1024
const everyMs = 200

/**
 * Closes the connections of a server that sends what never becomes an answer. Reading that takes this thread's time as well, a multiple of that of answers for each
 * byte, and HTTP has many ways for it which no library has a limit for each of.
 */
export const createSocketGuard = (pace: Pick<Pace, 'seen' | 'wasted'>): SocketGuard => {
  const read = new Map<Parameters<SocketGuard['watch']>[0], number>()
  let unseen = 0
  let calls = 0
  let bytes = 0
  let timer: NodeJS.Timeout | undefined

  const look = () => {
    let came = 0
    const loud = [...read].flatMap(([socket, before]) => {
      read.set(socket, socket.bytesRead)
      came += socket.bytesRead - before
      return socket.bytesRead > before ? [socket] : []
    })
    const seen = pace.seen()
    unseen += came - (seen.calls - calls) * perCall - (seen.bytes - bytes) * perByte - forgotten
    unseen = Math.max(-mostUnseen, unseen)
    calls = seen.calls
    bytes = seen.bytes
    if (unseen <= mostUnseen) return
    unseen = 0
    for (let each = 0; each < 10; each += 1) pace.wasted()
    for (const socket of loud) socket.destroy(new Error('it sends what is no answer'))
  }
  return {
    look,
    watch: (socket) => {
      read.set(socket, socket.bytesRead)
      timer ??= setInterval(look, everyMs).unref()
      socket.once('close', () => {
        read.delete(socket)
        if (read.size > 0) return
        clearInterval(timer)
        timer = undefined
      })
    },
  }
}
