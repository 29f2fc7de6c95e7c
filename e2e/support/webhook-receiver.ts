import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { verifySignature } from '../../src/jobs/webhooks/signature.ts'

/** A delivery as it came. */
export interface Delivery {
  readonly id: string
  readonly type: string
  readonly tenant: string | undefined
  /** What the signature says with the secret that the receiver knows. */
  readonly verdict: string
}

export interface WebhookReceiver {
  readonly url: string
  /** All that came, repeats too. */
  readonly deliveries: readonly Delivery[]
  /** What it knows its sender by. */
  trust(secret: string): void
  close(): Promise<void>
}

/** A customer's server: takes what it is sent, and remembers it. */
export const startWebhookReceiver = async (address: string): Promise<WebhookReceiver> => {
  const deliveries: Delivery[] = []
  const secrets: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const header = request.headers['berth-signature']
      const verdict = verifySignature({ header: String(header), body, secrets, nowSeconds: Date.now() / 1000 })
      const { type, tenant } = JSON.parse(body.toString()) as { type: string; tenant?: { name?: string } }
      const reason = verdict.kind === 'invalid' ? `: ${verdict.reason}` : ''
      deliveries.push({
        id: String(request.headers['berth-event-id']),
        type,
        tenant: tenant?.name,
        verdict: `${verdict.kind}${reason}`,
      })
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, address, resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${address}:${port}/hook`,
    deliveries,
    trust: (secret) => void secrets.push(secret),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
