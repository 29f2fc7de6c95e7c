import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import type { ResourceType } from '../apis/resource-types.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { startApiServer, type TestApiServer } from '../testing/api-server.ts'
import { aServiceAccount } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import type { KubeClient, KubeConnection, WatchEvent } from './client.ts'
import { loadKubeconfig } from './kubeconfig.ts'
import { createKubeClient } from './undici-client.ts'

const { configMaps, namespaces, pods, secrets, serviceAccounts, roles, roleBindings } = resourceTypes
const unknown: ResourceType = { group: 'nobody.example', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true }
const reviews: ResourceType = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'selfsubjectreviews',
  kind: 'SelfSubjectReview',
  namespaced: false,
}

let server: TestApiServer
let client: KubeClient
const clients: KubeClient[] = []
const connect = (connection: KubeConnection, options: Partial<Parameters<typeof createKubeClient>[1]> = {}) => {
  const made = createKubeClient(connection, { userAgent: 'berth-test', ...options })
  clients.push(made)
  return made
}

beforeAll(async () => {
  server = await startApiServer()
  client = server.client
})
afterAll(async () => {
  await Promise.all(clients.map((each) => each.close()))
  await server?.stop()
})

let count = 0
/** A namespace for one test. */
const aPlace = async (): Promise<string> => {
  count += 1
  const name = `client-${count}`
  await client.create(namespaces, { metadata: { name } })
  return name
}
const aMap = (namespace: string, name: string, data: Record<string, string> = { a: '1' }): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name },
  data,
})
const aPod = (namespace: string, name: string): KubeObject => ({
  metadata: { namespace, name },
  spec: { containers: [{ name: 'main', image: 'registry.k8s.io/pause:3.10' }] },
})

describe('objects', () => {
  test('are created, read, replaced, patched and deleted as plain JSON, without managedFields', async () => {
    const namespace = await aPlace()
    const ref = { namespace, name: 'x' }
    const created = await client.create(configMaps, aMap(namespace, 'x'))
    expect(created.metadata.managedFields).toBeUndefined()
    expect(await client.get(configMaps, ref)).toEqual(created)
    const replaced = await client.replace(configMaps, { ...created, data: { a: '2' } })
    expect(replaced['data']).toEqual({ a: '2' })
    await expect(client.replace(configMaps, { ...created, data: { a: '3' } })).rejects.toMatchObject({ code: 'KUBE_CONFLICT' })
    expect((await client.patch(configMaps, ref, { data: { b: '1' } }))['data']).toEqual({ a: '2', b: '1' })
    const json = [{ op: 'remove', path: '/data/b' }]
    expect((await client.patch(configMaps, ref, json, { type: 'json' }))['data']).toEqual({ a: '2' })
    await expect(client.create(configMaps, aMap(namespace, 'x'))).rejects.toMatchObject({ code: 'KUBE_ALREADY_EXISTS' })
    expect([
      await client.delete(configMaps, ref),
      await client.delete(configMaps, ref),
      await client.get(configMaps, ref),
    ]).toEqual([true, false, undefined])
  })

  test('keep fields that no generated model knows, and strategic patches merge lists', async () => {
    const namespace = await aPlace()
    await client.create(pods, aPod(namespace, 'p'))
    const spec = { containers: [{ name: 'main', image: 'registry.k8s.io/pause:3.11' }] }
    const patched = await client.patch(pods, { namespace, name: 'p' }, { spec }, { type: 'strategic' })
    expect(patched['spec'].containers[0]).toMatchObject({
      image: 'registry.k8s.io/pause:3.11',
      terminationMessagePath: '/dev/termination-log',
    })
  })

  test('server-side apply creates, finds conflicts of owners, and wins by force', async () => {
    const namespace = await aPlace()
    await client.apply(configMaps, aMap(namespace, 'x', { a: 'one' }), { fieldManager: 'one' })
    const second = aMap(namespace, 'x', { a: 'two' })
    await expect(client.apply(configMaps, second, { fieldManager: 'two' })).rejects.toMatchObject({ code: 'KUBE_CONFLICT' })
    const applied = await client.apply(configMaps, second, { fieldManager: 'two', force: true })
    expect(applied['data']).toEqual({ a: 'two' })
    const again = await client.apply(configMaps, second, { fieldManager: 'two', force: true })
    expect(again.metadata.resourceVersion).toBe(applied.metadata.resourceVersion)
  })

  test('are deleted only when UID and version are the expected ones', async () => {
    const namespace = await aPlace()
    const ref = { namespace, name: 'x' }
    const { uid, resourceVersion } = (await client.create(configMaps, aMap(namespace, 'x'))).metadata
    await expect(client.delete(configMaps, ref, { uid: 'other' })).rejects.toMatchObject({ code: 'KUBE_CONFLICT' })
    await expect(client.delete(configMaps, ref, { resourceVersion: '1' })).rejects.toMatchObject({ code: 'KUBE_CONFLICT' })
    expect(await client.delete(configMaps, ref, { uid: uid ?? '', resourceVersion: resourceVersion ?? '' })).toBe(true)
  })

  test('grace periods are passed on', async () => {
    const namespace = await aPlace()
    await client.create(pods, { ...aPod(namespace, 'p'), metadata: { namespace, name: 'p', finalizers: ['berth.dev/test'] } })
    await client.delete(pods, { namespace, name: 'p' }, { gracePeriodSeconds: 7 })
    const dying = await client.get(pods, { namespace, name: 'p' })
    expect(dying?.metadata.deletionTimestamp).toBeDefined()
  })

  test('subresources: status, binding, token', async () => {
    const namespace = await aPlace()
    await client.create(pods, aPod(namespace, 'p'))
    await client.create(
      pods,
      { apiVersion: 'v1', kind: 'Binding', metadata: { namespace, name: 'p' }, target: { kind: 'Node', name: 'n1' } },
      { subresource: 'binding' },
    )
    const bound = await client.patch(pods, { namespace, name: 'p' }, { status: { phase: 'Running' } }, { subresource: 'status' })
    expect([bound['spec'].nodeName, bound['status'].phase]).toEqual(['n1', 'Running'])
    await client.create(serviceAccounts, aServiceAccount({ metadata: { namespace, name: 'sa' } }))
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: { namespace, name: 'sa' },
      spec: { audiences: ['x'] },
    }
    const granted = await client.create<KubeObject>(serviceAccounts, request, { subresource: 'token' })
    expect(granted['status'].token.split('.')).toHaveLength(3)
  })

  test('a resource that the server does not know is an error, not a missing object', async () => {
    await expect(client.get(unknown, { namespace: 'default', name: 'x' })).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' })
    await expect(client.delete(unknown, { namespace: 'default', name: 'x' })).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' })
  })

  test('a refusal says what the server said', async () => {
    const bad = { ...aPod('default', 'Not_A_Name') }
    await expect(client.create(pods, bad)).rejects.toThrow(
      /^POST \/api\/v1\/namespaces\/default\/pods: Pod "Not_A_Name" is invalid: metadata.name/,
    )
    await expect(client.create(pods, bad)).rejects.toMatchObject({ code: 'KUBE_INVALID', details: { reason: 'Invalid' } })
  })
})

describe('lists', () => {
  test('come in pages of one snapshot, with kind and version on each item', async () => {
    const namespace = await aPlace()
    for (const name of ['a', 'b', 'c']) await client.create(configMaps, aMap(namespace, name))
    const first = await client.list(configMaps, { namespace, limit: 2 })
    await client.create(configMaps, aMap(namespace, 'd'))
    const second = await client.list(configMaps, { namespace, limit: 2, continueToken: first.metadata.continue ?? '' })
    expect([...first.items, ...second.items].map(({ kind, apiVersion, metadata }) => [apiVersion, kind, metadata.name])).toEqual(
      ['a', 'b', 'c'].map((name) => ['v1', 'ConfigMap', name]),
    )
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
  })

  test('can be cut by label, by field and to metadata', async () => {
    const namespace = await aPlace()
    await client.create(secrets, { metadata: { namespace, name: 'one', labels: { app: 'x' } }, data: { key: 'c2VjcmV0' } })
    await client.create(secrets, { metadata: { namespace, name: 'two' }, data: { key: 'c2VjcmV0' } })
    const names = async (options: object) =>
      (await client.list(secrets, { namespace, ...options })).items.map(({ metadata }) => metadata.name)
    expect(await names({ labelSelector: 'app=x' })).toEqual(['one'])
    expect(await names({ fieldSelector: 'metadata.name=two' })).toEqual(['two'])
    const { items } = await client.list(secrets, { namespace, metadataOnly: true })
    expect(items.map((item) => [item.metadata.name, item['data']])).toEqual([
      ['one', undefined],
      ['two', undefined],
    ])
  })

  test('larger than allowed are refused, not read', async () => {
    const namespace = await aPlace()
    await client.create(configMaps, aMap(namespace, 'big', { a: 'x'.repeat(100_000) }))
    await expect(client.list(configMaps, { namespace, maxAnswerBytes: 50_000 })).rejects.toMatchObject({ code: 'KUBE_TOO_LARGE' })
    expect((await client.list(configMaps, { namespace })).items).toHaveLength(1)
  })
})

describe('watches', () => {
  /** Events until `signal` ends, into the array. */
  const collect = async (from: KubeClient, options: Parameters<KubeClient['watch']>[1], into: WatchEvent[]) => {
    for await (const event of from.watch(configMaps, options)) into.push(event)
  }

  test('tell what happens after a version, also with text that other line readers split', async () => {
    const namespace = await aPlace()
    const { metadata } = await client.list(configMaps, { namespace })
    const stop = new AbortController()
    const events: WatchEvent[] = []
    const ended = collect(client, { namespace, resourceVersion: metadata.resourceVersion ?? '', signal: stop.signal }, events)
    await client.create(configMaps, aMap(namespace, 'x', { text: 'a\u2028b\u2029c\u0085d' }))
    await client.patch(configMaps, { namespace, name: 'x' }, { data: { text: 'two' } })
    await client.delete(configMaps, { namespace, name: 'x' })
    await eventually(() => events.length === 3)
    stop.abort()
    await ended
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED'])
    expect(events[0]?.object).toMatchObject({ metadata: { name: 'x' }, data: { text: 'a\u2028b\u2029c\u0085d' } })
    expect(events[0]?.object).not.toHaveProperty('metadata.managedFields')
  })

  test('share connections', async () => {
    const own = connect(server.connection)
    const stop = new AbortController()
    const before = openSockets(server.connection.server)
    const lists = Array.from({ length: 120 }, () => [] as WatchEvent[])
    const { metadata } = await own.list(namespaces)
    const ended = lists.map((events) =>
      collect(own, { resourceVersion: metadata.resourceVersion ?? '', signal: stop.signal }, events),
    )
    const namespace = await aPlace()
    await client.create(configMaps, aMap(namespace, 'x'))
    await eventually(() => lists.every((events) => events.length > 0))
    expect(openSockets(server.connection.server) - before).toBeLessThanOrEqual(5)
    stop.abort()
    await Promise.all(ended)
  })

  test('end in good order when the server ends them', async () => {
    const events: WatchEvent[] = []
    const { metadata } = await client.list(configMaps, { namespace: 'default' })
    const began = performance.now()
    const options = {
      namespace: 'default',
      resourceVersion: metadata.resourceVersion ?? '',
      timeoutSeconds: 1,
      signal: new AbortController().signal,
    }
    await collect(client, options, events)
    expect(performance.now() - began).toBeGreaterThan(900)
  })

  test('that are refused throw what the server said', async () => {
    const options = { resourceVersion: '0', signal: new AbortController().signal }
    await expect(collect(client.as('nobody'), options, [])).rejects.toThrow(/configmaps is forbidden: User "nobody" cannot watch/)
    await expect(collect(client, { ...options, labelSelector: '!!!' }, [])).rejects.toMatchObject({ code: 'KUBE_BAD_REQUEST' })
  })

  test('of what nobody touches stay open as long as their connection answers', async () => {
    const own = connect(server.connection, { watchIdleMs: 100 })
    const place = await aPlace()
    const { metadata } = await own.list(configMaps, { namespace: place })
    const stop = new AbortController()
    const events: WatchEvent[] = []
    const ended = collect(own, { namespace: place, resourceVersion: metadata.resourceVersion ?? '', signal: stop.signal }, events)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await client.create(configMaps, aMap(place, 'x'))
    await eventually(() => events.length === 1)
    stop.abort()
    await ended
  })

  test('that were stopped before they began give nothing', async () => {
    const events: WatchEvent[] = []
    await collect(client, { resourceVersion: '0', signal: AbortSignal.abort() }, events)
    expect(events).toEqual([])
  })
})

/** Connections of this machine to the server's port, from /proc/net/tcp (state 01: established). */
const openSockets = (url: string): number => {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0')
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .filter((line) => {
      const [, , remote, state] = line.trim().split(/\s+/)
      return remote?.endsWith(`:${port}`) && state === '01'
    }).length
}

describe('identities', () => {
  test("a client can speak as a tenant, on the same connections, with that one's rights only", async () => {
    const mine = await aPlace()
    const other = await aPlace()
    const user = 'system:serviceaccount:berth-tenants:tenant-1'
    await client.create(roles, {
      metadata: { namespace: mine, name: 'r' },
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['create', 'get'] }],
    })
    await client.create(roleBindings, {
      metadata: { namespace: mine, name: 'r' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
      subjects: [{ kind: 'ServiceAccount', namespace: 'berth-tenants', name: 'tenant-1' }],
    })
    const tenant = client.as(user)
    await eventually(() => tenant.create(configMaps, aMap(mine, 'x')))
    await expect(tenant.create(configMaps, aMap(other, 'x'))).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' })
    await expect(tenant.get(configMaps, { namespace: other, name: 'x' })).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' })
    const { status } = await tenant.create<KubeObject>(reviews, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'SelfSubjectReview',
      metadata: {},
    })
    expect(status.userInfo).toMatchObject({
      username: user,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:berth-tenants', 'system:authenticated'],
    })
    expect((await client.list(configMaps, { namespace: other })).items).toEqual([])
  })

  test('a user name cannot smuggle a header', async () => {
    await expect(client.as('x\r\nImpersonate-Group: system:masters').list(pods)).rejects.toThrow()
  })

  test('a certificate of another authority is nobody', async () => {
    const other = await server.connectionAs('jane', ['readers'])
    await expect(connect(other).list(pods)).rejects.toThrow(/User "jane" cannot list/)
    const { clientCert: _, clientKey: __, ...anonymous } = server.connection
    await expect(connect(anonymous).list(pods)).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' })
    await expect(connect({ ...anonymous, token: () => 'wrong' }).list(pods)).rejects.toMatchObject({ code: 'KUBE_UNAUTHORIZED' })
  })

  test('a token is asked for each request', async () => {
    const namespace = await aPlace()
    await client.create(serviceAccounts, aServiceAccount({ metadata: { namespace, name: 'sa' } }))
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: { namespace, name: 'sa' },
      spec: {},
    }
    const granted = await client.create<KubeObject>(serviceAccounts, request, { subresource: 'token' })
    const { clientCert: _, clientKey: __, ...anonymous } = server.connection
    let token = 'not yet'
    const own = connect({ ...anonymous, token: async () => token })
    await expect(own.list(pods)).rejects.toMatchObject({ code: 'KUBE_UNAUTHORIZED' })
    token = granted['status'].token
    await expect(own.list(pods)).rejects.toThrow(new RegExp(`User "system:serviceaccount:${namespace}:sa" cannot list`))
  })

  test('a server that another authority signed is not spoken to', async () => {
    const { ca: _, ...rest } = server.connection
    await expect(connect(rest).raw('/readyz')).rejects.toMatchObject({
      code: 'KUBE_UNREACHABLE',
      message: expect.stringMatching(/certificate/),
    })
    await expect(connect({ ...server.connection, tlsServerName: 'elsewhere' }).raw('/readyz')).rejects.toThrow(/altnames/)
    expect((await connect({ ...server.connection, tlsServerName: 'kubernetes.default.svc' }).raw('/readyz')).status).toBe(200)
  })

  test('a kubeconfig file leads to the same place', async () => {
    const own = connect(await loadKubeconfig(server.kubeconfigPath))
    expect(await own.raw('/readyz')).toEqual({ status: 200, body: 'ok' })
  })
})
