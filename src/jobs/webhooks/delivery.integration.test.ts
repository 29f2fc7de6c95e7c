import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError } from '../../lib/errors.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import { eventually } from '../../testing/eventually.ts'
import { type Answer, type Receiver, startReceiver } from '../../testing/webhook-receiver.ts'
import { createInProcessQueue } from '../in-process/queue.ts'
import type { JobQueue } from '../job-queue.ts'
import { addDelivery, deliveryHandler } from './delivery.ts'
import { webhookDelivery } from './delivery-kind.ts'
import { type Endpoint, endpointObject, readEndpoint } from './endpoint.ts'
import { createEndpointReader } from './endpoint-reader.ts'
import { createPoster } from './post.ts'
import { createDnsResolve } from './resolve.ts'
import { verifySignature } from './signature.ts'

// Deliveries as they are made: endpoints in a real API server, jobs in it too, real receivers.
const log = pino({ level: 'silent' })
const { secrets, namespaces } = resourceTypes
const secret = { value: 'a-secret-of-the-receiver', from: '2026-01-01T00:00:00Z' }
const body = JSON.stringify({ id: 'evt-1', type: 'tenant.ready', tenant: 'acme' })

let server: TestApiServer
const ends: (() => Promise<void> | void)[] = []
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(() => server?.stop())
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

/** A queue that delivers, with quick retries. */
const aQueue = async ({
  allowed = ['127.0.0.0/8'],
  reads = server.client,
}: {
  allowed?: readonly string[]
  reads?: Pick<KubeClient, 'get'>
} = {}) => {
  const namespace = `org-${randomUUID().slice(0, 8)}`
  await server.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  const poster = createPoster({ timeoutMs: 10_000 })
  const handler = deliveryHandler({
    client: server.client,
    endpoints: createEndpointReader({ client: reads, keepMs: 200 }),
    poster,
    resolve: createDnsResolve(),
    rules: { allowed, refused: [], allowHttp: true },
    now: () => new Date(),
  })
  const quick = { ...webhookDelivery, attempts: 4, backoff: { firstMs: 50, capMs: 200 } }
  const handlers = [{ ...handler, kind: quick }]
  const queue = createInProcessQueue({ client: server.client, kinds: [quick], handlers, namespace, log })
  await queue.start()
  ends.push(async () => {
    await queue.stop({ deadlineMs: 2000 })
    poster.close()
  })
  const endpoint = async (wanted: Partial<Endpoint>): Promise<KubeObject> =>
    server.client.create(
      secrets,
      endpointObject(
        { namespace, name: `hook-${randomUUID().slice(0, 8)}` },
        { url: '', events: ['*'], secrets: [secret], state: 'enabled', ...wanted },
      ),
    )
  const send = ({ metadata }: KubeObject, eventId = 'evt-1') =>
    addDelivery({ namespace, name: metadata.name ?? '', uid: metadata.uid ?? '', eventId, body }, queue)
  return { queue, namespace, endpoint, send }
}
const aReceiver = async (answer: Answer): Promise<Receiver & { readonly url: string }> => {
  const receiver = await startReceiver(answer)
  ends.push(() => receiver.stop())
  return { ...receiver, url: `http://127.0.0.1:${receiver.port}/hook` }
}
const isEmpty = async (queue: JobQueue) => (await queue.list()).length === 0
const deadLetter = (queue: JobQueue) => eventually(async () => (await queue.list({ states: ['dead'] }))[0])

describe('a delivery', () => {
  test('arrives signed, with the id of its event', async () => {
    const { queue, endpoint, send } = await aQueue()
    const { received, url } = await aReceiver((response) => response.writeHead(200).end())
    await send(await endpoint({ url }))
    await eventually(() => isEmpty(queue))
    const [one] = received
    expect(one).toMatchObject({
      method: 'POST',
      path: '/hook',
      body,
      headers: { 'berth-event-id': 'evt-1', 'content-type': 'application/json' },
    })
    const input = { header: String(one?.headers['berth-signature']), body: one?.body ?? '', nowSeconds: Date.now() / 1000 }
    expect(verifySignature({ ...input, secrets: [secret.value] })).toMatchObject({ kind: 'valid' })
    expect(verifySignature({ ...input, secrets: ['another'] })).toMatchObject({ kind: 'invalid' })
  })

  test('is signed with both secrets while they are changed', async () => {
    const { queue, endpoint, send } = await aQueue()
    const { received, url } = await aReceiver((response) => response.end())
    const next = { value: 'the-next-secret-of-it', from: '2026-02-01T00:00:00Z' }
    await send(await endpoint({ url, secrets: [secret, next] }))
    await eventually(() => isEmpty(queue))
    const header = String(received[0]?.headers['berth-signature'])
    expect(header).toMatch(/^t=\d+,v1=[0-9a-f]{64},v1=[0-9a-f]{64}$/)
    for (const { value } of [secret, next])
      expect(verifySignature({ header, body, secrets: [value], nowSeconds: Date.now() / 1000 })).toMatchObject({ kind: 'valid' })
  })

  test('is tried again until it is taken, with the same id and body', async () => {
    const { queue, endpoint, send } = await aQueue()
    const { received, url } = await aReceiver((response, _received, before) => response.writeHead(before < 2 ? 500 : 200).end())
    await send(await endpoint({ url }))
    await eventually(() => isEmpty(queue))
    expect(received).toHaveLength(3)
    expect(new Set(received.map(({ headers }) => headers['berth-event-id']))).toEqual(new Set(['evt-1']))
    expect(new Set(received.map((one) => one.body))).toEqual(new Set([body]))
  })

  test('waits as the receiver asks it to', async () => {
    const { queue, endpoint, send } = await aQueue()
    const at: number[] = []
    const { url } = await aReceiver((response, _received, before) => {
      at.push(performance.now())
      if (before === 0) response.writeHead(429, { 'retry-after': '1' }).end()
      else response.end()
    })
    await send(await endpoint({ url }))
    await eventually(() => isEmpty(queue))
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(950)
  })

  test('becomes a dead letter, and is replayed', async () => {
    const { queue, endpoint, send } = await aQueue()
    let isBroken = true
    const { received, url } = await aReceiver((response) => (isBroken ? response.socket?.destroy() : response.end()))
    await send(await endpoint({ url }))
    const { id, reason } = await deadLetter(queue)
    expect(reason).toMatch(/127\.0\.0\.1: /)
    expect(received).toHaveLength(4)
    isBroken = false
    await queue.retry(id)
    await eventually(() => isEmpty(queue))
    expect(received).toHaveLength(5)
  })

  test('disables an endpoint that is gone (410), which gets nothing more until it is enabled', async () => {
    const { queue, endpoint, send } = await aQueue()
    const { received, url } = await aReceiver((response) => response.writeHead(410).end())
    const made = await endpoint({ url })
    await send(made)
    expect(await deadLetter(queue)).toMatchObject({ failures: 1, reason: expect.stringContaining('disabled now') })
    const stored = await server.client.get(secrets, { name: made.metadata.name ?? '', namespace: made.metadata.namespace ?? '' })
    expect(stored && readEndpoint(stored)).toMatchObject({ state: 'disabled', reason: expect.stringContaining('410') })
    await send(made, 'evt-2')
    await eventually(async () => (await queue.list({ states: ['dead'] })).length === 2)
    expect(received).toHaveLength(1)
  })

  test('goes nowhere when its endpoint is gone, or another one has its name', async () => {
    const { queue, endpoint, send } = await aQueue()
    const { received, url } = await aReceiver((response) => response.end())
    const made = await endpoint({ url })
    await send({ ...made, metadata: { ...made.metadata, uid: randomUUID() } })
    await send({ ...made, metadata: { ...made.metadata, name: 'nobody' } })
    await eventually(() => isEmpty(queue))
    expect(received).toEqual([])
  })

  test('goes to no address that is not allowed, and says why', async () => {
    const { queue, endpoint, send } = await aQueue({ allowed: [] })
    const { connections, url } = await aReceiver((response) => response.end())
    await send(await endpoint({ url }))
    expect(await deadLetter(queue)).toMatchObject({ failures: 1, reason: expect.stringContaining('its address is loopback') })
    expect(connections()).toBe(0)
  })

  test('that cannot read its endpoint says so without the words of the API server', async () => {
    const denied = { get: () => Promise.reject(new AppError('KUBE_FORBIDDEN', 'GET https://10.0.0.1:6443/secrets: no')) }
    const { queue, endpoint, send } = await aQueue({ reads: denied })
    await send(await endpoint({ url: 'http://127.0.0.1:1/' }))
    expect(await deadLetter(queue)).toMatchObject({ failures: 4, reason: 'the management cluster does not answer as it should' })
  })

  test('is added once for one event and endpoint', async () => {
    const { queue, endpoint, send } = await aQueue()
    const { received, url } = await aReceiver((response) => setTimeout(() => response.end(), 300))
    const made = await endpoint({ url })
    await Promise.all([send(made), send(made), send(made)])
    await eventually(() => isEmpty(queue))
    expect(received).toHaveLength(1)
  })

  test('keeps no secret in the job', async () => {
    const { queue, endpoint, send } = await aQueue()
    const { url } = await aReceiver((response) => response.writeHead(500).end())
    await send(await endpoint({ url: `${url}?token=of-the-url` }))
    const letter = await deadLetter(queue)
    expect(JSON.stringify(letter)).not.toMatch(/of-the-url|a-secret-of/)
  })
})
