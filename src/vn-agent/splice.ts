import type { Socket } from 'node:net'

/** How two spliced sockets came to their end. Bytes of the stream, without TLS. */
export interface SpliceEnd {
  /** From the tenant to super. */
  readonly bytesUp: number
  /** From super to the tenant. */
  readonly bytesDown: number
  readonly result: 'closed' | 'tenant-lost' | 'super-lost' | 'aborted'
}

// A peer that takes no more bytes may hold what is left for it this long after the other side has gone.
const lingerMs = 30_000

/** Lets a socket send what it still has, then ends it for good. */
export const finish = (socket: Socket): void => {
  if (socket.destroyed) return
  if (socket.writableFinished) {
    socket.destroy()
    return
  }
  const linger = setTimeout(() => socket.destroy(), lingerMs)
  linger.unref()
  socket.once('close', () => clearTimeout(linger))
  socket.once('finish', () => socket.destroy())
  if (!socket.writableEnded) socket.end()
}

/**
 * Joins two sockets byte for byte until both are closed. A half-close passes on and leaves the other direction open; a slow reader slows the
 * writer down; a broken or aborted side takes the other one with it. Never rejects.
 */
export const splice = (tenantSocket: Socket, superSocket: Socket, { signal }: { signal: AbortSignal }): Promise<SpliceEnd> =>
  new Promise((resolve) => {
    let bytesUp = 0
    let bytesDown = 0
    let open = 2
    let result: SpliceEnd['result'] = 'closed'

    const abort = (): void => {
      if (result === 'closed') result = 'aborted'
      tenantSocket.destroy()
      superSocket.destroy()
    }
    const follow = (socket: Socket, peer: Socket, lost: SpliceEnd['result']): void => {
      socket.setNoDelay(true)
      socket.setKeepAlive(true, 30_000)
      socket.setTimeout(0)
      socket.on('error', () => {
        if (result === 'closed') result = lost
        peer.destroy()
      })
      const onClose = (): void => {
        open -= 1
        finish(peer)
        if (open > 0) return
        signal.removeEventListener('abort', abort)
        resolve({ bytesUp, bytesDown, result })
      }
      // A socket that was destroyed before it came here emits no further 'close'.
      if (socket.closed) queueMicrotask(onClose)
      else socket.once('close', onClose)
    }

    follow(tenantSocket, superSocket, 'tenant-lost')
    follow(superSocket, tenantSocket, 'super-lost')
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    tenantSocket.on('data', (chunk: Buffer) => {
      bytesUp += chunk.length
    })
    superSocket.on('data', (chunk: Buffer) => {
      bytesDown += chunk.length
    })
    tenantSocket.pipe(superSocket)
    superSocket.pipe(tenantSocket)
  })
