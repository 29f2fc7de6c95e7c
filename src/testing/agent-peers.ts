import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'

export type SeenRequest = Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>

const seen = ({ method, url, rawHeaders }: IncomingMessage): SeenRequest => ({ method, url, rawHeaders })

/** A TLS server that stands where a kubelet or super's API stands: what it answers is up to the test. */
export interface StreamServer {
  readonly port: number
  /** Every request's first line and headers, as they came. */
  readonly requests: SeenRequest[]
  /** Breaks every connection, as a machine that goes away does. */
  reset(): void
  stop(): Promise<void>
}

export interface StreamServerOptions {
  readonly cert: string
  readonly key: string
  readonly onUpgrade?: (socket: Socket, request: IncomingMessage, head: Buffer) => void
  readonly onRequest?: (request: IncomingMessage, reply: ServerResponse) => void
}

/** Answers 101 and gives back every byte until the other side ends its direction. */
export const echoUpgrade = (socket: Socket, request: IncomingMessage, head: Buffer): void => {
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\nX-Odd-Case: Kept\r\n\r\n`,
  )
  if (head.length > 0) socket.write(head)
  socket.pipe(socket)
}

export const startStreamServer = async (options: StreamServerOptions): Promise<StreamServer> => {
  const { cert, key, onUpgrade = echoUpgrade, onRequest } = options
  const requests: SeenRequest[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ cert, key, allowHalfOpen: true, ALPNProtocols: ['http/1.1'] })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('secureConnection', (socket) => {
    socket.on('error', () => socket.destroy())
  })
  server.on('upgrade', (request, socket, head) => {
    requests.push(seen(request))
    onUpgrade(socket as Socket, request, head)
  })
  server.on('request', (request, reply) => {
    requests.push(seen(request))
    if (onRequest) onRequest(request, reply)
    else reply.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    reset: () => {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** Client side of TLS with the half-close left to the caller. Rejects when the server does not let the client in. */
export const openTls = (options: ConnectionOptions): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const wanted: ConnectionOptions & { allowHalfOpen: boolean } = { host: '127.0.0.1', allowHalfOpen: true, ...options }
    const socket = connect(wanted)
    socket.once('error', reject)
    socket.once('secureConnect', () => resolve(socket))
  })

export interface RawAnswer {
  readonly status: number
  /** Header lines as they came. */
  readonly head: string
  /** What followed the head in the same read. */
  readonly rest: Buffer
}

/** Reads until the empty line that ends a head. Rejects when the connection ends before, as it does for a client that TLS 1.3 refuses. */
export const readHead = (socket: Socket, deadlineMs = 10_000): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    let read = Buffer.alloc(0)
    const timer = setTimeout(
      () => settle(new Error(`no head within ${deadlineMs} ms; seen ${JSON.stringify(read.toString())}`)),
      deadlineMs,
    )
    const settle = (answer: RawAnswer | Error): void => {
      clearTimeout(timer)
      socket.off('data', onData)
      socket.off('end', onEnd)
      socket.off('error', onError)
      socket.pause()
      if (answer instanceof Error) reject(answer)
      else resolve(answer)
    }
    const onError = (error: Error): void => settle(error)
    const onEnd = (): void => settle(new Error(`the connection ended before a head; seen ${JSON.stringify(read.toString())}`))
    const onData = (chunk: Buffer): void => {
      read = Buffer.concat([read, chunk])
      const at = read.indexOf('\r\n\r\n')
      if (at < 0) return
      const head = read.subarray(0, at).toString('latin1')
      settle({ status: Number(head.split(' ')[1]), head, rest: read.subarray(at + 4) })
    }
    socket.on('data', onData)
    socket.once('end', onEnd)
    socket.once('error', onError)
  })

/** Everything up to the end of the stream, with its SHA-256. */
export const readAll = (
  socket: Socket,
  first: Buffer = Buffer.alloc(0),
  deadlineMs = 60_000,
): Promise<{ bytes: number; sha256: string; text: string }> =>
  new Promise((resolve, reject) => {
    const hash = createHash('sha256').update(first)
    let bytes = first.length
    let text = first.toString('latin1')
    const timer = setTimeout(() => reject(new Error(`no end within ${deadlineMs} ms after ${bytes} bytes`)), deadlineMs)
    socket.on('data', (chunk: Buffer) => {
      hash.update(chunk)
      bytes += chunk.length
      if (text.length < 4096) text += chunk.toString('latin1')
    })
    socket.once('end', () => {
      clearTimeout(timer)
      resolve({ bytes, sha256: hash.digest('hex'), text })
    })
    socket.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    socket.resume()
  })
