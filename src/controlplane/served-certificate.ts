import { connect } from 'node:tls'
import type { KeyPair } from './pki/issue.ts'

/** The certificate, PEM-less DER, that a server at an address shows; undefined when it shows none in time. Never rejects. */
export type AskCertificate = (
  address: { readonly host: string; readonly port: number },
  client: KeyPair,
  signal: AbortSignal,
) => Promise<Buffer | undefined>

const deadlineMs = 3_000

/** Shakes hands and hangs up. Whether the certificate is a good one is for the caller to say: nothing is sent. */
export const askCertificate: AskCertificate = ({ host, port }, { cert, key }, signal) =>
  new Promise((resolve) => {
    const socket = connect({ host, port, cert, key, rejectUnauthorized: false, timeout: deadlineMs })
    const end = (shown?: Buffer): void => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(shown)
    }
    const onAbort = (): void => end()
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('secureConnect', () => end(socket.getPeerX509Certificate()?.raw))
    socket.once('timeout', () => end())
    socket.once('error', () => end())
  })
