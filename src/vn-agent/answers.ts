import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { finish } from './splice.ts'
import type { TenantAnswer } from './super-answer.ts'

/** Sends one whole answer and no more, on an ordinary request or on a socket that asked for an upgrade. */
export type Answer = (answer: TenantAnswer) => void

/** A refusal as a kubelet would put it: a line of plain text. */
export const plain = (status: number, message: string): TenantAnswer => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body: `${message}\n`,
})

export const answerRequest =
  (reply: ServerResponse): Answer =>
  ({ status, contentType, body }) => {
    if (reply.headersSent || reply.destroyed) return
    reply.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }).end(body)
  }

export const answerUpgrade =
  (socket: Socket): Answer =>
  ({ status, contentType, body }) => {
    if (socket.destroyed) return
    const lines = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`,
      `Content-Type: ${contentType}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
    ]
    // Unread bytes at the end would turn the close into a reset, which can overtake the answer.
    socket.resume()
    socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
    finish(socket)
  }

const maxBodyBytes = 64 * 1024

/** The text of an answer that is no stream; what goes beyond 64 KiB is cut. Rejects when the connection breaks or `signal` aborts. */
export const readBody = async (response: IncomingMessage, signal: AbortSignal): Promise<string> => {
  const chunks: Buffer[] = []
  let bytes = 0
  const onAbort = (): void => void response.destroy(new Error('the answer of super did not come to its end in time'))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= maxBodyBytes) break
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
  return Buffer.concat(chunks).subarray(0, maxBodyBytes).toString('utf8')
}
