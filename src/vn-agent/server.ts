import { constants } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { answerRequest, answerUpgrade, plain } from './answers.ts'
import type { AgentCertificates } from './certificates.ts'
import { relayLog } from './relay-log.ts'
import { relayUpgrade } from './relay-upgrade.ts'
import { admit, type SessionDeps, serveSession } from './serve-session.ts'

export interface AgentServer {
  /**
   * Resolves with the port once it listens. On Linux the port is shared (SO_REUSEPORT) among processes of the same user, so that in an update the next
   * agent of a node takes new sessions while this one still ends its own.
   */
  readonly listen: (port: number, host?: string) => Promise<number>
  /** New connections use these; what runs goes on with the old ones. */
  readonly setCertificates: (certificates: AgentCertificates) => void
  /** Accepts nothing new, gives running sessions their time, then ends them. */
  readonly stop: (deadlineMs: number) => Promise<void>
}

/** TLS by which a client is let in: a certificate of the agent's own client authority, or no connection at all. */
const tlsOptions = ({ cert, key, ca }: AgentCertificates) => ({
  cert,
  key,
  ca,
  minVersion: 'TLSv1.2' as const,
  // A resumed session would come in on a certificate that was checked against an authority of yesterday.
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
})

/** The kubelet's door for tenants' API servers: mutual TLS in, super's API out. Reads nothing but what its arguments hold. */
export const createAgentServer = (certificates: AgentCertificates, deps: SessionDeps): AgentServer => {
  let { ca } = certificates
  const server = createServer({
    ...tlsOptions(certificates),
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: 10_000,
    headersTimeout: 10_000,
    requestTimeout: 30_000, // until the whole request is read; streams are answers and have no limit
    keepAliveTimeout: 60_000,
    maxHeaderSize: 64 * 1024,
    noDelay: true,
    shouldUpgradeCallback: (request: IncomingMessage): boolean => {
      const admission = admit(request)
      return admission.kind === 'admitted' && admission.route.kind !== 'logs'
    },
  })

  const onRequest = async (request: IncomingMessage, reply: ServerResponse): Promise<void> => {
    const answer = answerRequest(reply)
    request.resume()
    reply.on('error', () => request.socket.destroy())
    const admission = admit(request)
    if (admission.kind === 'refused') return answer(plain(admission.status, admission.message))
    if (admission.route.kind !== 'logs') return answer(plain(400, 'upgrade required'))
    await serveSession(
      admission,
      {
        socket: request.socket as TLSSocket,
        answer,
        relay: ({ response }, signal) => relayLog(response, reply, { signal }),
      },
      deps,
    )
  }
  const onUpgrade = async (request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> => {
    socket.on('error', () => socket.destroy())
    // For streams only: a server whose every connection may be half open keeps those for ever that end before their first request.
    socket.allowHalfOpen = true
    const answer = answerUpgrade(socket)
    const admission = admit(request)
    if (admission.kind === 'refused') return answer(plain(admission.status, admission.message))
    await serveSession(
      admission,
      {
        socket: socket as TLSSocket,
        answer,
        relay: (stream, signal) => {
          if (stream.kind !== 'upgraded') throw new TypeError('a stream without an upgrade came to its relay')
          return relayUpgrade(stream, socket, head, { signal })
        },
      },
      deps,
    )
  }
  server.on('request', (request, reply) => void onRequest(request, reply))
  server.on('upgrade', (request, socket, head) => void onUpgrade(request, socket as Socket, head))
  server.on('tlsClientError', (error, socket) => {
    deps.log.debug({ err: error, from: socket.remoteAddress }, 'client refused')
  })

  return {
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen({ port, reusePort: process.platform === 'linux', ...(host !== undefined && { host }) }, () => {
          server.off('error', reject)
          const address = server.address()
          resolve(typeof address === 'object' && address ? address.port : port)
        })
      }),
    setCertificates: (next) => {
      server.setSecureContext(tlsOptions(next))
      if (next.ca !== ca) server.closeIdleConnections()
      ca = next.ca
    },
    stop: async (deadlineMs) => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      server.closeIdleConnections()
      await deps.sessions.drain(deadlineMs)
      server.closeAllConnections()
      await closed
    },
  }
}
