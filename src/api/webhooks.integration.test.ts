import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import { type ApiProcess, type ApiWorld, startApiWorld } from '../testing/api-world.ts'

let world: ApiWorld
let api: ApiProcess
let strict: ApiProcess
const at = '/v1/organizations/acme/webhooks'
const good = { url: 'https://example.com/hook' }

beforeAll(async () => {
  world = await startApiWorld()
  api = await world.start()
  const rules = { allowed: [], refused: ['203.0.113.0/24'], allowHttp: false }
  strict = await world.start({ webhooks: { queue: api.queue, rules } })
  for (const name of ['acme', 'other', 'full']) await api.ask('POST', '/v1/organizations', { body: { name } })
}, 300_000)
afterAll(() => world?.stop())

const make = async (body: object = good, headers: Record<string, string> = {}) => api.ask('POST', at, { body, headers })

test.for<[name: string, url: string]>([
  ['no URL', 'example.com'],
  ['plain http', 'http://example.com/hook'],
  ['another protocol', 'file:///etc/passwd'],
  ['loopback', 'https://127.0.0.1/hook'],
  ['loopback as a number', 'https://2130706433/hook'],
  ['loopback in IPv6', 'https://[::1]/hook'],
  ['IPv4 in IPv6', 'https://[::ffff:10.0.0.1]/hook'],
  ['a private address', 'https://10.1.2.3/hook'],
  ['the metadata service', 'https://169.254.169.254/latest'],
  ["an address of the cluster's", 'https://203.0.113.7/hook'],
  ['a user and a password', 'https://me:secret@example.com/hook'],
  ['port 0', 'https://example.com:0/hook'],
  ['3000 characters', `https://example.com/${'a'.repeat(3000)}`],
])('a URL that nothing is sent to is refused when it is given: %s', async ([, url]) => {
  const answer = await strict.ask('POST', at, { body: { url } })
  expect(answer).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID', errors: [{ pointer: '/url' }] } })
  expect(JSON.stringify(answer.body)).not.toContain('secret')
})

test.for<[name: string, body: object, pointer: string]>([
  ['an event that there is not', { ...good, events: ['tenant.exploded'] }, '/events/0'],
  ['no events', { ...good, events: [] }, '/events'],
  ['a short secret', { ...good, secret: 'short' }, '/secret'],
  ['a field that nobody knows', { ...good, urls: [] }, '/urls'],
])('what is wrong is named: %s', async ([, body, pointer]) => {
  expect(await make(body)).toMatchObject({ status: 400, body: { errors: [{ pointer }] } })
})

describe('a webhook', () => {
  test('is made, shown without its secret, changed and deleted', async () => {
    const made = await make({ ...good, events: ['tenant.ready'], description: 'billing' })
    expect(made).toMatchObject({ status: 201, body: { ...good, enabled: true, description: 'billing' } })
    const { secret, id, ...shown } = made.body
    const path = `${at}/${id}`
    expect(made.headers['location']).toBe(path)
    const read = await api.ask('GET', path)
    expect(read).toMatchObject({ status: 200, body: { id, ...shown } })
    expect(read.body.secret).toBeUndefined()
    const listed = await api.ask('GET', at)
    expect(listed.body.items).toContainEqual(read.body)
    expect(JSON.stringify([read.body, listed.body])).not.toContain(secret)

    const ifMatch = { 'if-match': String(made.headers['etag']) }
    const body = { enabled: false, events: ['tenant.*'], description: null }
    const changed = await api.ask('PATCH', path, { body, headers: ifMatch })
    expect(changed).toMatchObject({ status: 200, body: { id, url: good.url, enabled: false, events: ['tenant.*'] } })
    expect(changed.body.description).toBeUndefined()
    expect(await api.ask('PATCH', path, { body: { enabled: true }, headers: ifMatch })).toMatchObject({ status: 412 })
    expect(await api.ask('POST', `${path}/test`)).toMatchObject({ status: 409, body: { code: 'STATE_CONFLICT' } })
    expect(await strict.ask('PATCH', path, { body: { url: 'https://10.0.0.1/' } })).toMatchObject({ status: 400 })
    expect(await api.ask('DELETE', path, { headers: ifMatch })).toMatchObject({ status: 412 })
    expect(await api.ask('DELETE', path)).toMatchObject({ status: 204 })
    expect(await api.ask('GET', path)).toMatchObject({ status: 404, body: { code: 'WEBHOOK_NOT_FOUND' } })
    expect(await api.ask('DELETE', path)).toMatchObject({ status: 404 })
  })

  test('is made once for an Idempotency-Key, and its secret told again', async () => {
    const headers = { 'idempotency-key': 'hook-1' }
    const [first, again] = [await make(good, headers), await make(good, headers)]
    expect(again).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' }, body: first.body })
    const records = await world.kube.list(resourceTypes.configMaps, { namespace: 'acme' })
    expect(JSON.stringify(records.items)).not.toContain(first.body.secret)
    await api.ask('DELETE', `${at}/${first.body.id}`)
    expect(await make(good, headers)).toMatchObject({ status: 404 })
  })

  test('is rotated once for an Idempotency-Key', async () => {
    const { body } = await make()
    const headers = { 'idempotency-key': 'rotate-1' }
    const rotate = () => api.ask('POST', `${at}/${body.id}/rotate-secret`, { body: {}, headers })
    const [first, again] = [await rotate(), await rotate()]
    expect(first.body.secret).not.toBe(body.secret)
    expect(again.body).toEqual(first.body)
    expect(first.body.secrets).toHaveLength(2)
  })

  test('is not there for another organisation, nor is any other Secret', async () => {
    const { body } = await make()
    expect(await api.ask('GET', `/v1/organizations/other/webhooks/${body.id}`)).toMatchObject({ status: 404 })
    const key = await world.makeKey({ organization: 'other' })
    for (const method of ['GET', 'DELETE'] as const)
      expect(await api.ask(method, `${at}/${body.id}`, { key })).toMatchObject({
        status: 404,
        body: { code: 'ORGANIZATION_NOT_FOUND' },
      })
    const kubeconfig = { metadata: { name: 'shop-kubeconfig', namespace: 'acme' }, data: {} }
    await world.kube.create(resourceTypes.secrets, kubeconfig)
    for (const method of ['GET', 'DELETE'] as const)
      expect(await api.ask(method, `${at}/shop-kubeconfig`)).toMatchObject({ status: 404, body: { code: 'WEBHOOK_NOT_FOUND' } })
    expect(await world.kube.get(resourceTypes.secrets, { name: 'shop-kubeconfig', namespace: 'acme' })).toBeDefined()
  })

  test('needs its scopes', async () => {
    const reader = await world.makeKey({ organization: 'acme', scopes: ['webhooks:read'] })
    const nobody = await world.makeKey({ organization: 'acme', scopes: ['tenants:write'] })
    expect(await api.ask('GET', at, { key: reader })).toMatchObject({ status: 200 })
    expect(await api.ask('POST', at, { key: reader, body: good })).toMatchObject({ status: 403 })
    expect(await api.ask('GET', at, { key: nobody })).toMatchObject({ status: 403 })
  })
})

test('an organisation has twenty at most, also when they are made at once', async () => {
  const path = '/v1/organizations/full/webhooks'
  const made = await Promise.all(Array.from({ length: 24 }, () => api.ask('POST', path, { body: good })))
  const refused = made.filter(({ status }) => status !== 201)
  expect(refused.every(({ body }) => body.code === 'QUOTA_EXCEEDED')).toBe(true)
  const { items } = (await api.ask('GET', path)).body
  expect(items.length).toBeLessThanOrEqual(20)
  expect(items).toHaveLength(24 - refused.length)
})
