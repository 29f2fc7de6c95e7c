import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { startApiServer, type TestApiServer } from '../testing/api-server.ts'
import { eventually } from '../testing/eventually.ts'
import type { KubeClient } from './client.ts'
import { createInformer, type Informer, type InformerOptions } from './informer.ts'
import { createKubeClient } from './undici-client.ts'

const { configMaps, namespaces } = resourceTypes
const log = pino({ level: 'silent' })
let server: TestApiServer
/** What informers use: impatient, so that a frozen server is noticed soon. */
let watcher: KubeClient
let namespace = ''
let count = 0
const running: Informer<KubeObject>[] = []

beforeAll(async () => {
  server = await startApiServer()
  watcher = createKubeClient(server.connection, { userAgent: 'berth-test', timeoutMs: 2000, watchIdleMs: 1500 })
})
beforeEach(async () => {
  await Promise.all(running.splice(0).map((informer) => informer.stop()))
  count += 1
  namespace = `informer-${count}`
  await server.client.create(namespaces, { metadata: { name: namespace } })
})
afterAll(async () => {
  await Promise.all(running.map((informer) => informer.stop()))
  await watcher?.close()
  await server?.stop()
})

const follow = async (options: Partial<InformerOptions<KubeObject>> = {}) => {
  const informer = createInformer({
    client: server.client,
    type: configMaps,
    log,
    namespace,
    backoff: { firstMs: 20, capMs: 200 },
    ...options,
  })
  running.push(informer)
  informer.start()
  await informer.whenSynced({ deadlineMs: 20_000 })
  return informer
}
const write = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}) =>
  server.client.apply(
    configMaps,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name, labels }, data },
    { fieldManager: 'test', force: true },
  )
const remove = (name: string) => server.client.delete(configMaps, { namespace, name })
const equalsServer = async (informer: Informer<KubeObject>) => {
  const { items } = await server.client.list(configMaps, { namespace })
  const state = (objects: readonly KubeObject[]) =>
    objects.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`).sort()
  await eventually(
    () => {
      expect(state(informer.list())).toEqual(state(items))
      return true
    },
    { deadlineMs: 20_000, describe: 'the copy to equal the server' },
  )
}

test('lists in pages and follows changes', async () => {
  for (let each = 0; each < 7; each += 1) await write(`m${each}`)
  const informer = await follow({ pageSize: 2 })
  expect(informer.size).toBe(7)
  await Promise.all([write('m0', { a: '1' }), write('new'), remove('m1')])
  await equalsServer(informer)
  expect(informer.stats).toMatchObject({ lists: 1, watches: 1, failures: 0 })
})

test('an own write is there at once, is confirmed once, and a deletion after it wins', async () => {
  const told: string[] = []
  const informer = await follow({
    onEvent: (kind, { metadata }, _old, own) => void told.push(`${kind} ${metadata.name}${own ? ' own' : ''}`),
  })
  const written = await write('x')
  informer.observe(written)
  expect(informer.get(`${namespace}/x`)).toEqual(written)
  await remove('x')
  await eventually(() => !informer.get(`${namespace}/x`))
  informer.observe(written)
  expect(informer.get(`${namespace}/x`)).toBeUndefined()
  // The watch may be quicker than the answer; then it is not called own.
  expect(told.filter((line) => line.includes(' x')).map((line) => line.replace(' own', ''))).toEqual(['added x', 'deleted x'])
})

test('an object that loses its label is gone for who watches by label', async () => {
  const informer = await follow({ labelSelector: 'app=one' })
  await write('x', {}, { app: 'one' })
  await eventually(() => informer.size === 1)
  await server.client.patch(configMaps, { namespace, name: 'x' }, { metadata: { labels: { app: 'two' } } })
  await eventually(() => informer.size === 0)
})

test('metadata alone can be followed', async () => {
  await write('x', { secret: 'y' })
  const informer = await follow({ metadataOnly: true })
  await write('z', { secret: 'y' })
  await eventually(() => informer.size === 2)
  expect(informer.list().map((object) => object['data'])).toEqual([undefined, undefined])
})

test('resumes after the server ended the watch, without a list', async () => {
  const client = {
    ...server.client,
    watch: ((type, options) => server.client.watch(type, { ...options, timeoutSeconds: 1 })) as KubeClient['watch'],
  }
  const informer = await follow({ client })
  await eventually(() => informer.stats.watches >= 3)
  await write('x')
  await equalsServer(informer)
  expect(informer.stats).toMatchObject({ lists: 1, failures: 0 })
})

test('notices a frozen server by its silence, and catches up after', async () => {
  const informer = await follow({ client: watcher })
  await write('before')
  await eventually(() => informer.size === 2 || informer.get(`${namespace}/before`))
  server.freeze()
  try {
    await eventually(() => informer.stats.failures > 0, { deadlineMs: 10_000 })
  } finally {
    server.thaw()
  }
  await write('after')
  await equalsServer(informer)
})

test('goes on after the server was killed, and lists anew when its version is too old', async () => {
  let open: (() => void) | undefined
  let gate: Promise<void> | undefined
  async function* gated(...args: Parameters<KubeClient['watch']>) {
    await gate
    yield* server.client.watch(...args)
  }
  const informer = await follow({ client: { ...server.client, watch: gated as KubeClient['watch'] } })
  await Promise.all([write('kept'), write('gone')])
  await equalsServer(informer)
  gate = new Promise((resolve) => (open = resolve))
  await server.restart()
  await eventually(() => informer.stats.failures > 0)
  await Promise.all([remove('gone'), write('kept', { a: '2' }), write('new')])
  await server.compact()
  await server.restart() // its watch cache begins here, after what the informer knows
  open?.()
  await equalsServer(informer)
  expect(informer.stats.lists).toBe(2)
})

test('an expired page begins the list anew', async () => {
  for (let each = 0; each < 3; each += 1) await write(`m${each}`)
  let pages = 0
  const list: KubeClient['list'] = async (type, options) => {
    pages += 1
    // A token of a version long compacted, as a very slow list would hold.
    const expired = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: 1, start: `${namespace}/m0\0` })).toString('base64url')
    return server.client.list(type, pages === 2 ? { ...options, continueToken: expired } : options)
  }
  await server.compact()
  const informer = await follow({ client: { ...server.client, list }, pageSize: 1 })
  await equalsServer(informer)
  expect(informer.stats).toMatchObject({ lists: 1, failures: 1 })
})

test('a forbidden collection is asked for again until it is allowed', async () => {
  const { roles, roleBindings } = resourceTypes
  const informer = createInformer({
    client: server.client.as('jane'),
    type: configMaps,
    log,
    namespace,
    backoff: { firstMs: 20, capMs: 100 },
  })
  running.push(informer)
  informer.start()
  await eventually(() => informer.stats.failures > 0)
  await expect(informer.whenSynced({ deadlineMs: 1 })).rejects.toThrow(/User "jane" cannot list resource "configmaps"/)
  const metadata = { namespace, name: 'read' }
  await server.client.create(roles, {
    metadata,
    rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'watch'] }],
  })
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'read' }
  await server.client.create(roleBindings, {
    metadata,
    roleRef,
    subjects: [{ kind: 'User', apiGroup: roleRef.apiGroup, name: 'jane' }],
  })
  await informer.whenSynced({ deadlineMs: 20_000 })
})
