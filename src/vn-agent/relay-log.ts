import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { SpliceEnd } from './splice.ts'

/** Passes a log on as it comes: headers at once, nothing buffered or compressed, no time limit. Never rejects. */
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
    if (!reply.writableFinished) lost('tenant-lost')()
  })
  response.on('data', (chunk: Buffer) => {
    bytesDown += chunk.length
  })
  reply.writeHead(response.statusCode ?? 502, { 'content-type': response.headers['content-type'] ?? 'text/plain' })
  reply.flushHeaders()
  await pipeline(response, reply, { signal }).catch(lost('super-lost'))
  return { bytesUp: 0, bytesDown, result }
}
