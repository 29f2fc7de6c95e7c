import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import type { KubeConnection } from '../kube/client.ts'
import { AppError } from '../lib/errors.ts'

/** What super answered: a raw stream after 101, or an ordinary answer with a body. */
export type SuperStream =
  | { readonly kind: 'upgraded'; readonly response: IncomingMessage; readonly socket: Socket; readonly head: Buffer }
  | { readonly kind: 'answered'; readonly response: IncomingMessage }

export interface SuperRequest {
  readonly method: string
  readonly path: string
  /** Names and values in turn, as `IncomingMessage.rawHeaders` has them, without Host, Authorization and identity. */
  readonly headers: readonly string[]
  /** User name of the tenant in super; undefined where a request is the agent's own. */
  readonly identity?: string
  readonly signal: AbortSignal
  /** Deadline of the answer's first line; undefined for a log that may stay silent. */
  readonly answerMs?: number
}

/** An API server of super, or a kubelet. */
export type StreamConnection = KubeConnection & {
  /** True: whatever certificate the other side shows is taken. For kubelets that sign their own. */
  readonly insecure?: boolean
}

const connectMs = 10_000

/** Opens one connection to super for one stream. HTTP/1.1 only: there is no upgrade in HTTP/2. Throws KUBE_UNREACHABLE or KUBE_TIMEOUT. */
export const openSuperStream = async (wanted: SuperRequest, connection: StreamConnection): Promise<SuperStream> => {
  const { method, path, headers, identity, signal, answerMs } = wanted
  const url = new URL(connection.server)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const servername = connection.tlsServerName ?? (isIP(host) === 0 ? host : undefined)
  const tlsOptions: ConnectionOptions & { allowHalfOpen: boolean } = {
    host,
    port: Number(url.port || 443),
    // The far side may end its direction first and still read, as `kubectl exec -i` does at the end of its input.
    allowHalfOpen: true,
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
    ...(connection.ca !== undefined && { ca: connection.ca }),
    ...(connection.clientCert !== undefined && { cert: connection.clientCert }),
    ...(connection.clientKey !== undefined && { key: connection.clientKey }),
    ...(servername !== undefined && { servername }),
    ...(connection.insecure && { rejectUnauthorized: false }),
  }
  const token = await connection.token?.()
  const authorization = token === undefined ? [] : ['Authorization', `Bearer ${token}`]
  signal.throwIfAborted()

  return new Promise((resolve, reject) => {
    const socket = connect(tlsOptions)
    socket.setNoDelay(true)
    const outgoing = request({
      method,
      path: `${url.pathname.replace(/\/$/, '')}${path}`,
      headers: [
        'Host',
        url.host,
        ...authorization,
        ...(identity === undefined ? [] : ['Impersonate-User', identity]),
        ...headers,
      ],
      createConnection: () => socket,
    })

    let timer = setTimeout(() => fail(timedOut('the connection')), connectMs)
    const timedOut = (what: string): AppError =>
      new AppError('KUBE_TIMEOUT', `${what} to ${url.host} did not come in time`, { server: url.host })
    const settle = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
    const fail = (cause: unknown): void => {
      settle()
      outgoing.destroy()
      socket.destroy()
      const error = new AppError('KUBE_UNREACHABLE', `cannot reach ${url.host}`, { cause, server: url.host })
      reject(cause instanceof AppError ? cause : error)
    }
    const onAbort = (): void => fail(signal.reason)

    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('secureConnect', () => {
      clearTimeout(timer)
      if (answerMs !== undefined) timer = setTimeout(() => fail(timedOut('the answer')), answerMs)
    })
    // Stays for good: a socket that breaks after the hand-over must not end the process.
    socket.on('error', fail)
    outgoing.on('error', fail)
    outgoing.once('upgrade', (response, upgraded, head) => {
      settle()
      resolve({ kind: 'upgraded', response, socket: upgraded as Socket, head })
    })
    outgoing.once('response', (response) => {
      settle()
      resolve({ kind: 'answered', response })
    })
    outgoing.end()
  })
}
