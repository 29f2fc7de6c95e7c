import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

/** One delivery as a receiver got it. */
export interface Received {
  readonly path: string
  readonly method: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Receiver {
  readonly port: number
  readonly received: readonly Received[]
  /** Connections taken so far. */
  readonly connections: () => number
  stop(): Promise<void>
}

/** What a receiver does with a delivery, given how many it had before on any path. */
export type Answer = (response: ServerResponse, received: Received, before: number) => void

/** A real HTTP server on loopback; with `tls`, HTTPS. */
export const startReceiver = async (answer: Answer, tls?: { readonly cert: string; readonly key: string }): Promise<Receiver> => {
  const received: Received[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { url: path = '', method = '', headers } = request
      const one = { path, method, headers, body: Buffer.concat(chunks).toString() }
      received.push(one)
      answer(response, one, received.length - 1)
    })
  }
  const server = tls ? createTlsServer(tls, onRequest) : createServer(onRequest)
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    received,
    connections: () => connections,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** Writes until nobody listens. */
export const endless = (response: ServerResponse, status: number): void => {
  response.on('error', () => {})
  response.writeHead(status)
  const more = () => {
    while (!response.destroyed && response.write('x'.repeat(16_384)));
    if (!response.destroyed) response.once('drain', more)
  }
  more()
}
