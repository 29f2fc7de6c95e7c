import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { AppError, explainError } from '../../lib/errors.ts'
import { hostOf, type Target } from './target.ts'

export interface PostInput {
  readonly target: Target
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly signal: AbortSignal
}

/** What is taken of an answer: the rest says nothing to us. */
export interface PostAnswer {
  readonly status: number
  readonly retryAfter: string | undefined
}

/** Sends to one address. Throws WEBHOOK_FAILED; the signal's reason when that ended. */
export interface Poster {
  post(input: PostInput): Promise<PostAnswer>
  close(): void
}

export interface PosterOptions {
  /** For all of a delivery: connection, TLS, and the head of the answer. Default 10 s. */
  readonly timeoutMs?: number
  /** More bodies than this are cut off, bytes. Default 16 KiB. */
  readonly maxBodyBytes?: number
  /** Further authorities that receivers may have, as PEM. */
  readonly ca?: string
}

const maxHeaderBytes = 16 * 1024
/** A body that comes more slowly is not waited for: the head has said all. */
const bodyMs = 1000

/** Reads a little of a body, so that the connection can serve again, and drops a connection whose body is long or slow. */
const drain = (response: IncomingMessage, maxBodyBytes: number): void => {
  let bytes = 0
  const timer = setTimeout(() => response.destroy(), bodyMs)
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > maxBodyBytes) response.destroy()
  })
  response.on('error', () => {})
  response.on('close', () => clearTimeout(timer))
}

export const createPoster = ({ timeoutMs = 10_000, maxBodyBytes = 16 * 1024, ca }: PosterOptions = {}): Poster => {
  // Connections serve again only for the same address and name: both are part of what an agent tells them apart by.
  const common = { keepAlive: true, maxFreeSockets: 4, maxTotalSockets: 1000, timeout: timeoutMs, scheduling: 'lifo' } as const
  const agents = { http: new HttpAgent(common), https: new HttpsAgent({ ...common, ...(ca !== undefined && { ca }) }) }

  const post: Poster['post'] = ({ target, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const { url, address } = target
      const name = hostOf(url)
      const fail = (message: string) => reject(new AppError('WEBHOOK_FAILED', `${name}: ${message}`))
      const isTls = url.protocol === 'https:'
      const common = {
        method: 'POST',
        // The address that was chosen and checked: nothing is looked up again.
        host: address,
        ...(url.port !== '' && { port: url.port }),
        path: `${url.pathname}${url.search}`,
        headers: { ...headers, host: url.host, 'content-length': Buffer.byteLength(body) },
        maxHeaderSize: maxHeaderBytes,
      }
      // The certificate is checked against the name; an address as a name is sent to nobody.
      const request = isTls
        ? httpsRequest({ ...common, agent: agents.https, servername: isIP(name) ? '' : name })
        : httpRequest({ ...common, agent: agents.http })
      const timer = setTimeout(() => {
        fail(`no answer within ${timeoutMs} ms`)
        request.destroy()
      }, timeoutMs)
      const onAbort = () => {
        reject(signal.reason)
        request.destroy()
      }
      const end = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
      }
      if (signal.aborted) onAbort()
      else signal.addEventListener('abort', onAbort, { once: true })
      request.on('response', (response) => {
        end()
        drain(response, maxBodyBytes)
        resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] })
      })
      // A change of protocol is no answer.
      request.on('upgrade', (_response, socket) => {
        fail('answered with another protocol')
        socket.destroy()
      })
      request.on('error', (error) => fail(explainError(error).slice(0, 300)))
      request.on('close', end)
      request.end(body)
    })

  return {
    post,
    close: () => {
      agents.http.destroy()
      agents.https.destroy()
    },
  }
}
