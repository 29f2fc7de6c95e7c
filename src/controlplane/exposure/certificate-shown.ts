import { isIP } from 'node:net'
import { checkServerIdentity, connect } from 'node:tls'

/** One process that serves TLS. */
export interface TlsServer {
  readonly address: string
  readonly port: number
  /** PEM of the authority that signs for it. */
  readonly ca: string
}

/** Whether a server shows a certificate that is valid for a name, at the moment. */
export type ShowsName = (server: TlsServer, name: string, signal: AbortSignal) => Promise<boolean>

const deadlineMs = 3000

/**
 * By a handshake, in which the server is asked for that name. False for whatever comes in between: it is asked again. Says nothing about the name leading to
 * this server from elsewhere.
 */
export const showsName: ShowsName = ({ address, port, ca }, name, signal) =>
  new Promise((resolve) => {
    const socket = connect({
      host: address,
      port,
      ca,
      // An address is not sent along: servers are asked for names only (RFC 6066).
      ...(isIP(name) === 0 && { servername: name }),
      checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    })
    const over = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)])
    const end = (shown: boolean): void => {
      over.removeEventListener('abort', giveUp)
      resolve(shown)
      socket.destroy()
    }
    const giveUp = (): void => end(false)
    over.addEventListener('abort', giveUp, { once: true })
    socket.once('secureConnect', () => end(socket.authorized))
    socket.on('error', giveUp)
    socket.once('close', giveUp)
    if (over.aborted) giveUp()
  })
