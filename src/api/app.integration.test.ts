import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import { type ApiProcess, type ApiWorld, startApiWorld, tenantsOf } from '../testing/api-world.ts'
import { eventually } from '../testing/eventually.ts'

let world: ApiWorld
let api: ApiProcess
let acmeKey: string

beforeAll(async () => {
  world = await startApiWorld()
  api = await world.start()
  for (const name of ['acme', 'umbrella']) {
    expect(await api.ask('POST', '/v1/organizations', { body: { name } })).toMatchObject({ status: 201 })
  }
  acmeKey = await world.makeKey({ organization: 'acme', scopes: ['tenants:write', 'organizations:read', 'keys:write'] })
  expect(await api.ask('POST', '/v1/organizations/umbrella/tenants', { body: { name: 'hive' } })).toMatchObject({ status: 202 })
}, 300_000)
afterAll(() => world?.stop())

describe('who may', () => {
  test.for<[name: string, key: string]>([
    ['no key', ''],
    ['no such key', 'berth_aaaaaaaaaaaaaaaa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
    ['something else', 'secret'],
  ])('%s: 401', async ([, key]) => {
    const answer = await api.ask('GET', '/v1/organizations', { key })
    expect(answer).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' }, headers: { 'www-authenticate': 'Bearer' } })
    expect(answer.headers['content-type']).toContain('application/problem+json')
  })

  test('the secret of another key under a known id: 401', async () => {
    const [one, other] = [world.platformKey, await world.makeKey({})]
    const mixed = [...one.split('_').slice(0, 2), other.split('_').slice(2).join('_')].join('_')
    expect(await api.ask('GET', '/v1/organizations', { key: mixed })).toMatchObject({ status: 401 })
  })

  test('a key that is over: 401', async () => {
    const key = await world.makeKey({ expiresAt: '2020-01-01T00:00:00Z' })
    expect(await api.ask('GET', '/v1/organizations', { key })).toMatchObject({ status: 401 })
  })

  test.for<[method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string]>([
    ['GET', '/v1/organizations/umbrella'],
    ['GET', '/v1/organizations/umbrella/tenants'],
    ['GET', '/v1/organizations/umbrella/tenants/hive'],
    ['POST', '/v1/organizations/umbrella/tenants'],
    ['DELETE', '/v1/organizations/umbrella/tenants/hive'],
    ['DELETE', '/v1/organizations/umbrella'],
    ['GET', '/v1/organizations/umbrella/operations'],
    ['GET', '/v1/organizations/umbrella/snapshots'],
    ['GET', '/v1/organizations/umbrella/events'],
    ['GET', '/v1/organizations/umbrella/tenants/hive/kubeconfigs'],
  ])('another organisation is not there: %s %s', async ([method, path]) => {
    const there = await api.ask(method, path, { key: acmeKey })
    const nowhere = await api.ask(method, path.replaceAll('umbrella', 'nobody'), { key: acmeKey })
    expect(there).toMatchObject({ status: 404, body: { code: 'ORGANIZATION_NOT_FOUND' } })
    // Word for word the same as of one that does not exist.
    expect(there.body.detail.replaceAll('umbrella', 'nobody')).toBe(nowhere.body.detail)
  })

  test.for<[path: string]>([
    ['/v1/organizations/kube-system'],
    ['/v1/organizations/berth-system/tenants'],
    ['/v1/organizations/..%2Facme/tenants'],
    ['/v1/organizations/Acme'],
  ])('a namespace without the label is not there: %s', async ([path]) => {
    expect(await api.ask('GET', path)).toMatchObject({ status: 404, body: { code: 'ORGANIZATION_NOT_FOUND' } })
  })

  test('a label with the name of another namespace makes no organisation', async () => {
    await world.kube.create(resourceTypes.namespaces, {
      metadata: { name: 'mimic', labels: { 'berth.dev/organization': 'acme' } },
    })
    await eventually(
      async () =>
        (await world.kube.list(resourceTypes.namespaces, { labelSelector: 'berth.dev/organization' })).items.length >= 3,
    )
    expect(await api.ask('GET', '/v1/organizations/mimic')).toMatchObject({ status: 404 })
  })

  test('a scope that is missing is named', async () => {
    const key = await world.makeKey({ organization: 'acme', scopes: ['tenants:read'] })
    expect(await api.ask('DELETE', '/v1/organizations/acme/tenants/any', { key })).toMatchObject({
      status: 403,
      body: { code: 'SCOPE_MISSING', detail: expect.stringContaining('tenants:write') },
    })
  })

  test('an organisation sees itself only, and makes none', async () => {
    const { body } = await api.ask('GET', '/v1/organizations', { key: acmeKey })
    expect(body.items.map(({ name }: { name: string }) => name)).toEqual(['acme'])
    const everything = await world.makeKey({ organization: 'acme' })
    expect(await api.ask('POST', '/v1/organizations', { key: everything, body: { name: 'mine' } })).toMatchObject({ status: 403 })
    expect(await api.ask('PATCH', '/v1/organizations/acme', { key: everything, body: { quota: null } })).toMatchObject({
      status: 403,
    })
  })
})

describe('API keys', () => {
  test('see no later organisation of the same name', async () => {
    await api.ask('POST', '/v1/organizations', { body: { name: 'phoenix' } })
    const key = await world.makeKey({ organization: 'phoenix' })
    expect(await api.ask('GET', '/v1/organizations/phoenix', { key })).toMatchObject({ status: 200 })
    const {
      uid: _,
      resourceVersion: _version,
      ...metadata
    } = (await world.kube.get(resourceTypes.namespaces, { name: 'phoenix' }))?.metadata ?? {}
    // As if it had been deleted and made again: nobody here ends namespaces.
    const other = await world.start()
    other.caches.observe.organization({ metadata: { ...metadata, uid: 'another', resourceVersion: '99999999' } })
    expect(await other.ask('GET', '/v1/organizations/phoenix', { key })).toMatchObject({ status: 404 })
    expect((await other.ask('GET', '/v1/organizations', { key })).body.items).toEqual([])
  })

  test('a key is told once, works, and does not after it was revoked', async () => {
    const made = await api.ask('POST', '/v1/api-keys', { body: { name: 'ci', organization: 'acme', scopes: ['tenants:read'] } })
    expect(made).toMatchObject({ status: 201, body: { organization: 'acme', scopes: ['tenants:read'] } })
    const { id, key } = made.body
    expect(await api.ask('GET', '/v1/organizations/acme/tenants', { key })).toMatchObject({ status: 200 })
    const shown = await api.ask('GET', `/v1/api-keys/${id}`)
    expect(JSON.stringify(shown.body)).not.toContain(key.split('_')[2])
    expect(shown.body.digest).toBeUndefined()
    await eventually(async () => (await api.ask('GET', `/v1/api-keys/${id}`)).body.lastUsedAt, { describe: 'the last use' })
    expect(await api.ask('DELETE', `/v1/api-keys/${id}`)).toMatchObject({ status: 204 })
    await eventually(async () => (await api.ask('GET', '/v1/organizations/acme/tenants', { key })).status === 401)
  })

  test('another process takes a key that was made a moment ago', async () => {
    const other = await world.start()
    const key = await world.makeKey({})
    expect(await other.ask('GET', '/v1/organizations', { key })).toMatchObject({ status: 200 })
  })

  test('nobody gives away more than they have', async () => {
    expect(
      await api.ask('POST', '/v1/api-keys', { key: acmeKey, body: { name: 'x', scopes: ['kubeconfigs:write'] } }),
    ).toMatchObject({
      status: 403,
      body: { code: 'SCOPE_MISSING' },
    })
    const body = { name: 'x', organization: 'umbrella', scopes: ['tenants:read'] }
    expect(await api.ask('POST', '/v1/api-keys', { key: acmeKey, body })).toMatchObject({ status: 404 })
    const own = await api.ask('POST', '/v1/api-keys', { key: acmeKey, body: { name: 'x', scopes: ['tenants:read'] } })
    expect(own.body.organization).toBe('acme')
  })

  test('keys of others are not there', async () => {
    const [id] = world.platformKey.split('_').slice(1)
    expect(await api.ask('GET', `/v1/api-keys/${id}`, { key: acmeKey })).toMatchObject({ status: 404 })
    expect(await api.ask('DELETE', `/v1/api-keys/${id}`, { key: acmeKey })).toMatchObject({ status: 404 })
    const { body } = await api.ask('GET', '/v1/api-keys', { key: acmeKey })
    expect(body.items.every(({ organization }: { organization?: string }) => organization === 'acme')).toBe(true)
  })
})

describe('what cannot be', () => {
  test('every wrong field is told at once', async () => {
    const body = {
      name: 'A!',
      extra: 1,
      spec: { size: 'huge', apiServer: { replica: 2, replicas: 99 } },
      labels: { 'berth.dev/x': '1' },
    }
    const answer = await api.ask('POST', '/v1/organizations/acme/tenants', { body })
    expect(answer).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } })
    const pointers = answer.body.errors.map(({ pointer }: { pointer: string }) => pointer)
    expect(pointers.toSorted()).toEqual(
      ['/apiServer/replica', '/apiServer/replicas', '/size']
        .map((each) => `/spec${each}`)
        .concat(['/extra', '/labels/berth.dev~1x', '/name'])
        .toSorted(),
    )
  })

  test.for<[name: string, ask: { body?: unknown; headers?: Record<string, string> }, status: number, code: string]>([
    ['no JSON', { body: '{', headers: {} }, 400, 'REQUEST_INVALID'],
    ['nothing', { headers: { 'content-type': 'application/json' } }, 400, 'REQUEST_INVALID'],
    ['a list', { body: [] }, 400, 'REQUEST_INVALID'],
    ['null', { body: 'null' }, 400, 'REQUEST_INVALID'],
    ['a prototype', { body: '{"name":"a","__proto__":{"x":1}}' }, 400, 'REQUEST_INVALID'],
    ['XML', { body: '<a/>', headers: { 'content-type': 'application/xml' } }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ['too much', { body: JSON.stringify({ name: 'a'.repeat(300_000) }) }, 413, 'BODY_TOO_LARGE'],
    [
      'an Idempotency-Key with a line end',
      { body: { name: 'a' }, headers: { 'idempotency-key': 'a b' } },
      400,
      'REQUEST_INVALID',
    ],
  ])('a body that is %s', async ([, ask, status, code]) => {
    const answer = await api.ask('POST', '/v1/organizations/acme/tenants', ask)
    expect(answer).toMatchObject({ status, body: { status, code, requestId: answer.headers['x-request-id'] } })
    expect(await tenantsOf(world.kube, 'acme')).toEqual([])
  })

  test('rules of the CRD have the same shape', async () => {
    const body = { name: 'small', spec: { network: { serviceSlice: '10.96.4.0/29' } } }
    const answer = await api.ask('POST', '/v1/organizations/acme/tenants', { body })
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'SPEC_REFUSED', errors: [{ pointer: '/spec/network/serviceSlice' }] },
    })
    expect(JSON.stringify(answer.body)).not.toMatch(/127\.0\.0\.1|\/apis\//)
  })

  test.for<[path: string, status: number]>([
    ['/v1/organizations/acme/tenants?limit=0', 400],
    ['/v1/organizations/acme/tenants?limit=x', 400],
    ['/v1/organizations/acme/tenants?cursor=x', 400],
    ['/v1/organizations/acme/tenants?sort=name', 400],
    ['/v1/organizations/acme/tenants?label=nothing', 400],
    ['/v1/nothing', 404],
    ['/v1/organizations/acme/tenants/a/b/c', 404],
    ['/%', 400],
  ])('GET %s: %i', async ([path, status]) => {
    expect(await api.ask('GET', path)).toMatchObject({ status, body: { status } })
  })

  test('a method that a path does not have: 405, and which it has', async () => {
    expect(await api.ask('PUT', '/v1/organizations/acme', { body: {} })).toMatchObject({
      status: 405,
      body: { code: 'METHOD_NOT_ALLOWED' },
      headers: { allow: 'DELETE, GET, HEAD, PATCH' },
    })
  })

  test('too many requests: 429 and when to go on', async () => {
    const at = Date.now()
    const tight = await world.start({ limits: { perSecond: 1, burst: 3, streams: 1 }, now: () => at })
    const statuses: number[] = []
    for (let index = 0; index < 4; index += 1) statuses.push((await tight.ask('GET', '/v1/organizations')).status)
    expect(statuses).toEqual([200, 200, 200, 429])
    const last = await tight.ask('GET', '/v1/organizations')
    expect(last).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' }, headers: { 'retry-after': '1' } })
  })
})

describe('the process', () => {
  test('says that it is ready, and what it serves, to everybody', async () => {
    expect(await api.ask('GET', '/readyz', { key: '' })).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect(await api.ask('GET', '/healthz', { key: '' })).toMatchObject({ status: 200 })
    const { body } = await api.ask('GET', '/openapi.json', { key: '' })
    expect(body.openapi).toBe('3.1.0')
    expect(Object.keys(body.paths)).toContain('/v1/organizations/{org}/tenants/{tenant}')
  })

  test('keeps a request id that is sane, and makes one for what is not', async () => {
    expect((await api.ask('GET', '/healthz', { headers: { 'x-request-id': 'mine-1' } })).headers['x-request-id']).toBe('mine-1')
    expect((await api.ask('GET', '/healthz', { headers: { 'x-request-id': '"}' } })).headers['x-request-id']).toMatch(
      /^[0-9a-f-]{36}$/,
    )
  })
})
