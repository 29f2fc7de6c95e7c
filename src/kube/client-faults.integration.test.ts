import { afterAll, beforeAll, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import { startApiServer, type TestApiServer } from '../testing/api-server.ts'
import { aConfigMap } from '../testing/builders.ts'
import type { KubeClient, KubeConnection } from './client.ts'
import { createKubeClient, type KubeClientOptions } from './undici-client.ts'

const { configMaps, namespaces, pods } = resourceTypes
let server: TestApiServer
let client: KubeClient
const clients: KubeClient[] = []
const connect = (connection: KubeConnection, options: Partial<KubeClientOptions> = {}) => {
  const made = createKubeClient(connection, { userAgent: 'berth-test', ...options })
  clients.push(made)
  return made
}
const aMap = (namespace: string, name: string) => aConfigMap({ metadata: { namespace, name } })

beforeAll(async () => {
  server = await startApiServer()
  client = server.client
})
afterAll(async () => {
  await Promise.all(clients.map((each) => each.close()))
  await server?.stop()
})

test('nobody there: KUBE_UNREACHABLE, quickly', async () => {
  const own = connect({ ...server.connection, server: 'https://127.0.0.1:1' })
  await expect(own.list(pods)).rejects.toMatchObject({ code: 'KUBE_UNREACHABLE', cause: { code: 'ECONNREFUSED' } })
})

test("a frozen server: each call ends at its deadline, the caller's own signal ends it sooner, and all is well after", async () => {
  const own = connect(server.connection, { timeoutMs: 400, watchIdleMs: 600 })
  await own.list(namespaces)
  const { metadata } = await own.list(configMaps)
  const watching = (async () => {
    for await (const _ of own.watch(configMaps, {
      resourceVersion: metadata.resourceVersion ?? '',
      signal: new AbortController().signal,
    }));
  })()
  const watched = expect(watching).rejects.toMatchObject({ code: 'KUBE_TIMEOUT', details: { watchIdleMs: 600 } })
  await new Promise((resolve) => setTimeout(resolve, 200))
  server.freeze()
  try {
    const began = performance.now()
    await expect(own.list(pods)).rejects.toMatchObject({ code: 'KUBE_TIMEOUT' })
    await expect(own.create(configMaps, aMap('nowhere', 'late'), { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'KUBE_TIMEOUT',
    })
    await expect(own.list(pods, { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({ code: 'KUBE_TIMEOUT' })
    expect(performance.now() - began).toBeLessThan(3000)
    const stop = new AbortController()
    const reason = new Error('stop')
    const call = own.list(pods, { signal: stop.signal })
    stop.abort(reason)
    await expect(call).rejects.toBe(reason)
    await watched
    const retry = own.watch(configMaps, { resourceVersion: '0', signal: new AbortController().signal })[Symbol.asyncIterator]()
    await expect(retry.next()).rejects.toMatchObject({ code: 'KUBE_TIMEOUT' })
  } finally {
    server.thaw()
  }
  expect((await own.list(namespaces, { timeoutMs: 10_000 })).items.length).toBeGreaterThan(0)
  const again = own.watch(namespaces, { resourceVersion: '0', signal: new AbortController().signal })[Symbol.asyncIterator]()
  expect((await again.next()).value).toMatchObject({ type: 'ADDED' })
  await again.return?.()
})

test('200 writes at once all arrive, once', async () => {
  const namespace = 'default'
  await Promise.all(Array.from({ length: 200 }, (_, index) => client.create(configMaps, aMap(namespace, `m${index}`))))
  expect((await client.list(configMaps, { namespace })).items).toHaveLength(200)
})

test('a server that was killed and came back is read again over connections that had died meanwhile', async () => {
  await Promise.all(Array.from({ length: 20 }, () => client.list(namespaces)))
  await server.kill()
  await expect(client.list(namespaces)).rejects.toMatchObject({ code: 'KUBE_UNREACHABLE' })
  await server.restart()
  await Promise.all(Array.from({ length: 20 }, () => client.list(namespaces)))
})
