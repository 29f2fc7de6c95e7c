import { constants } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { answerRequest, answerUpgrade, plain } from './answers.ts'
import type { AgentCertificates } from './certificates.ts'
import type { NodeReads } from './node-reads.ts'
import { relayLog } from './relay-log.ts'
import { relayUpgrade } from './relay-upgrade.ts'
import { type AdmittedRead, admit, type SessionDeps, serveSession } from './serve-session.ts'
import type { TokenAccess } from './token-access.ts'

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

/** How long a client may take for what is no stream. Streams and logs have no limit. */
export interface RequestLimits {
  /** From the connection, or the last answer, to the end of a head. */
  readonly headMs: number
  /** Until the whole request is read. */
  readonly requestMs: number
  readonly keepAliveMs: number
  /** How often the first two are looked at. */
  readonly checkMs: number
}

const defaultLimits: RequestLimits = { headMs: 10_000, requestMs: 30_000, keepAliveMs: 60_000, checkMs: 5_000 }

export interface AgentServerDeps extends SessionDeps {
  readonly limits?: RequestLimits
  readonly tokens: TokenAccess
  readonly reads: NodeReads
}

/** TLS by which a client is let in: a certificate of the agent's own client authority. Without any, there is only what a token may read. */
const tlsOptions = ({ cert, key, ca }: AgentCertificates) => ({
  cert,
  key,
  ca,
  minVersion: 'TLSv1.2' as const,
  // A resumed session would come in on a certificate that was checked against an authority of yesterday.
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
})

/** The kubelet's door for tenants' API servers: mutual TLS in, super's API out. Reads nothing but what its arguments hold. */
export const createAgentServer = (certificates: AgentCertificates, deps: AgentServerDeps): AgentServer => {
  let { ca } = certificates
  const limits = deps.limits ?? defaultLimits
  const server = createServer({
    ...tlsOptions(certificates),
    requestCert: true,
    // A metrics server has a token and no certificate. Whoever shows a certificate that does not hold is out at once, see below.
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: 10_000,
    headersTimeout: limits.headMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: limits.checkMs,
    maxHeaderSize: 64 * 1024,
    noDelay: true,
    shouldUpgradeCallback: (request: IncomingMessage): boolean => {
      const admission = admit(request)
      return admission.kind === 'session' && admission.route.kind !== 'logs'
    },
  })

  const onRead = async ({ read, by }: AdmittedRead, reply: ServerResponse): Promise<void> => {
    const answer = answerRequest(reply)
    if (by.kind === 'tenant') return answer(await deps.reads.answer(by.tenant, read))
    const decision = await deps.tokens.decide(by.token, by.subresources)
    if (decision.kind === 'refused') {
      reply.setHeader('connection', 'close')
      return answer(plain(decision.status, decision.message))
    }
    answer(await deps.reads.answer(decision.tenant, read))
  }
  const onRequest = async (request: IncomingMessage, reply: ServerResponse): Promise<void> => {
    const answer = answerRequest(reply)
    request.resume()
    reply.on('error', () => request.socket.destroy())
    const admission = admit(request)
    if (admission.kind === 'refused') {
      // Whoever may do nothing keeps no connection.
      if (admission.status === 401 || admission.status === 403) reply.setHeader('connection', 'close')
      return answer(plain(admission.status, admission.message))
    }
    if (admission.kind === 'read') return onRead(admission, reply)
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
    if (admission.kind === 'read') return answer(plain(400, 'no upgrade here'))
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
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    if (!socket.authorized && socket.getPeerX509Certificate()) {
      deps.log.debug({ err: socket.authorizationError, from: socket.remoteAddress }, 'client refused')
      socket.destroy()
    }
  })
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
