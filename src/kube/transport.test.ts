import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import { eventually } from '../testing/eventually.ts'
import { createTestPki } from '../testing/test-pki.ts'
import type { KubeClient } from './client.ts'
import { createKubeClient, type KubeClientOptions } from './undici-client.ts'

const { pods } = resourceTypes
let folder = ''
let ca = ''
let tls: { cert: string; key: string }
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-transport-'))
  ca = (await createTestPki(folder)).ca
  const [cert, key] = await Promise.all(['server.crt', 'server.key'].map((name) => readFile(join(folder, name), 'utf8')))
  tls = { cert: cert ?? '', key: key ?? '' }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A server that fails in ways a real API server cannot be made to, and a client of it. */
const serve = async (protocol: 'h1' | 'h2', handler: RequestListener, options: Partial<KubeClientOptions> = {}) => {
  const connections = new Set<Socket>()
  const onRequest = (request: unknown, response: unknown) =>
    handler(request as IncomingMessage, response as ServerResponse & { req: IncomingMessage })
  const server = protocol === 'h1' ? createServer(tls, onRequest) : createSecureServer({ ...tls, allowHTTP1: true }, onRequest)
  server.on('secureConnection', (socket: Socket) => {
    connections.add(socket)
    socket.on('error', () => {}).on('close', () => connections.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const client = createKubeClient({ server: `https://127.0.0.1:${port}/base/`, ca }, { userAgent: 'berth-test', ...options })
  cleanups.push(() => {
    for (const socket of connections) socket.destroy()
    server.close()
  })
  cleanups.push(() => client.close())
  return { client, connections }
}
const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
const bookmark = '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"5"}}}\n'
const firstEvent = async (client: KubeClient, signal = new AbortController().signal) => {
  const events = client.watch(pods, { resourceVersion: '1', signal })[Symbol.asyncIterator]()
  const { value } = await events.next()
  return { events, type: value?.type }
}

describe('calls', () => {
  test("go below the path of the server's URL", async () => {
    const { client } = await serve('h1', (request, response) =>
      json(response, 200, { metadata: {}, items: [{ metadata: { name: request.url } }] }),
    )
    expect((await client.list(pods)).items[0]?.metadata.name).toBe('/base/api/v1/pods')
  })

  test('that read are tried once more on a connection that was closed under them; those that write are not', async () => {
    const seen: string[] = []
    const { client } = await serve('h1', (request, response) => {
      seen.push(request.method ?? '')
      if (seen.length === 1 || request.method === 'POST') request.socket.destroy()
      else json(response, 200, { metadata: {}, items: [] })
    })
    await client.list(pods)
    expect(seen).toEqual(['GET', 'GET'])
    await expect(client.create(pods, { metadata: { namespace: 'n', name: 'p' } })).rejects.toMatchObject({
      code: 'KUBE_UNREACHABLE',
    })
    expect(seen).toEqual(['GET', 'GET', 'POST'])
  })

  test('say how long a throttling server wants them to wait', async () => {
    const { client } = await serve('h1', (_request, response) =>
      json(response, 429, { kind: 'Status', message: 'slow down' }, { 'retry-after': '3' }),
    )
    await expect(client.list(pods)).rejects.toMatchObject({ code: 'KUBE_TOO_MANY_REQUESTS', details: { retryAfterMs: 3000 } })
  })

  test('have a deadline for all of an answer, however slowly it drips', async () => {
    const { client } = await serve(
      'h1',
      (_request, response) => {
        response.writeHead(200)
        const timer = setInterval(() => response.write(' '), 20)
        response.on('close', () => clearInterval(timer))
      },
      { timeoutMs: 300 },
    )
    await expect(client.list(pods)).rejects.toMatchObject({ code: 'KUBE_TIMEOUT' })
  })

  test('waiting for a free connection have a deadline, too', async () => {
    const { client } = await serve('h1', () => {}, { connections: 1, timeoutMs: 200 })
    const began = performance.now()
    const results = await Promise.allSettled([client.list(pods), client.list(pods), client.list(pods)])
    expect(results.map((result) => result.status === 'rejected' && (result.reason as { code: string }).code)).toEqual(
      Array(3).fill('KUBE_TIMEOUT'),
    )
    expect(performance.now() - began).toBeLessThan(2000)
  })

  test('end when an answer is no JSON', async () => {
    const { client } = await serve('h1', (_request, response) => response.writeHead(200).end('<html>'))
    await expect(client.list(pods)).rejects.toMatchObject({
      code: 'KUBE_SERVER_ERROR',
      message: expect.stringContaining('not JSON'),
    })
  })
})

describe('watches', () => {
  test('work over a server that speaks HTTP/1.1 only, on a connection each', async () => {
    const { client, connections } = await serve('h1', (_request, response) => void response.writeHead(200).write(bookmark))
    const watches = [await firstEvent(client), await firstEvent(client), await firstEvent(client)]
    expect(watches.map(({ type }) => type)).toEqual(['BOOKMARK', 'BOOKMARK', 'BOOKMARK'])
    expect(connections.size).toBe(3)
    for (const { events } of watches) await events.return?.()
    await eventually(() => connections.size === 0)
  })

  test('are silent for good when their connection no longer answers; new ones take another', async () => {
    let hang = false
    const { client, connections } = await serve(
      'h2',
      (_request, response) => {
        if (!hang) response.writeHead(200).write(bookmark)
      },
      { watchIdleMs: 150 },
    )
    const { events } = await firstEvent(client)
    hang = true
    await expect(events.next()).rejects.toMatchObject({ code: 'KUBE_TIMEOUT', details: { watchIdleMs: 150 } })
    hang = false
    const next = await firstEvent(client)
    expect(next.type).toBe('BOOKMARK')
    await next.events.return?.()
    expect(connections.size).toBeLessThanOrEqual(2)
  })

  test('that no answer comes to end at the deadline', async () => {
    const { client } = await serve('h2', () => {}, { timeoutMs: 200 })
    await expect(firstEvent(client)).rejects.toMatchObject({ code: 'KUBE_TIMEOUT' })
  })

  test('end when they are to, though the server gives none a turn', async () => {
    const server = createSecureServer({ ...tls, settings: { maxConcurrentStreams: 0 } })
    const sessions = new Set<{ destroy: () => void }>()
    server.on('session', (session) => sessions.add(session))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const client = createKubeClient({ server: `https://127.0.0.1:${port}`, ca }, { userAgent: 'berth-test', timeoutMs: 60_000 })
    cleanups.push(() => {
      for (const session of sessions) session.destroy()
      server.close()
    })
    cleanups.push(() => client.close())
    const stop = new AbortController()
    const watches = [1, 2].map(() => firstEvent(client, stop.signal))
    await eventually(() => sessions.size === 1)
    stop.abort(new Error('it is over'))
    expect(await Promise.all(watches)).toMatchObject([{ type: undefined }, { type: undefined }])
  })

  test('end with a line that is too long, and with one that is no JSON', async () => {
    const lines = ['x'.repeat(5000), 'not json\n']
    const { client } = await serve('h2', (_request, response) => void response.writeHead(200).write(lines.shift()), {
      maxWatchLineBytes: 1000,
    })
    await expect(firstEvent(client)).rejects.toMatchObject({ code: 'KUBE_TOO_LARGE' })
    await expect(firstEvent(client)).rejects.toMatchObject({ code: 'KUBE_SERVER_ERROR' })
  })

  test('a connection that breaks is told', async () => {
    const { client, connections } = await serve('h2', (_request, response) => void response.writeHead(200).write(bookmark))
    const { events } = await firstEvent(client)
    for (const socket of connections) socket.destroy()
    await expect(events.next()).rejects.toMatchObject({ code: 'KUBE_UNREACHABLE' })
  })
})
