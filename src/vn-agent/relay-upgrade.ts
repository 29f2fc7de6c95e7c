import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { type SpliceEnd, splice } from './splice.ts'

/** The bytes that tell a tenant's API server that the protocol is switched: super's own header, name by name. */
export const switchingHead = (rawHeaders: readonly string[]): Buffer => {
  const lines = ['HTTP/1.1 101 Switching Protocols']
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`)
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

interface Upgraded {
  readonly response: IncomingMessage
  readonly socket: Socket
  /** What super has sent after its header already. */
  readonly head: Buffer
}

/** Joins the two sides of an upgraded connection. `tenantHead` is what the tenant's side has sent after its header already. Never rejects. */
export const relayUpgrade = async (
  upgraded: Upgraded,
  tenantSocket: Socket,
  tenantHead: Buffer,
  { signal }: { signal: AbortSignal },
): Promise<SpliceEnd> => {
  tenantSocket.write(switchingHead(upgraded.response.rawHeaders))
  if (upgraded.head.length > 0) tenantSocket.write(upgraded.head)
  if (tenantHead.length > 0) upgraded.socket.write(tenantHead)
  const end = await splice(tenantSocket, upgraded.socket, { signal })
  return { ...end, bytesUp: end.bytesUp + tenantHead.length, bytesDown: end.bytesDown + upgraded.head.length }
}
