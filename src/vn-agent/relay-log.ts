import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { SpliceEnd } from './splice.ts'

/** Resolves when all that was written to a reply has left this process, or cannot any more. An empty write waits behind the others and is no chunk. */
const written = (reply: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    // A write to a connection that has just gone is forgotten without a word.
    reply.once('close', resolve)
    if (reply.destroyed || reply.socket?.destroyed !== false) return resolve()
    reply.write('', () => resolve())
  })

/**
 * Passes a log on as it comes: headers at once, nothing buffered or compressed, no time limit. Never rejects.
 *
 * The end of the log goes out alone, in a TLS record of its own, after the last line has left. kube-apiserver passes a log on to WebSocket clients with a
 * loop that drops what it reads together with the end (k8s.io/streaming, wsstream `messageCopy`), and Go reads them together when they come in one record.
 */
export const relayLog = async (
  response: IncomingMessage,
  reply: ServerResponse,
  { signal }: { signal: AbortSignal },
): Promise<SpliceEnd> => {
  let bytesDown = 0
  let result: SpliceEnd['result'] = 'closed'
  const lost = (which: SpliceEnd['result']) => (): void => {
    if (result === 'closed') result = signal.aborted ? 'aborted' : which
  }
  response.once('error', lost('super-lost'))
  reply.once('close', () => {
    if (reply.writableFinished) return
    lost('tenant-lost')()
    // The pipeline would learn of it with the next line only, and a log may say nothing for long.
    response.destroy()
  })
  const lines = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      bytesDown += chunk.length
      yield chunk
    }
    await written(reply)
  }
  reply.writeHead(response.statusCode ?? 502, { 'content-type': response.headers['content-type'] ?? 'text/plain' })
  reply.flushHeaders()
  await pipeline(response, lines, reply, { signal }).catch(lost('super-lost'))
  return { bytesUp: 0, bytesDown, result }
}
