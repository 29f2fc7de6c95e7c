import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type ApiProcess, type ApiWorld, recordsOf, startApiWorld, tenantsOf } from '../testing/api-world.ts'
import { eventually } from '../testing/eventually.ts'
import { ApiError, type BerthClient, createClient, eachItem, type TenantEvent } from './index.ts'

let world: ApiWorld
let api: ApiProcess
let url: string
let berth: BerthClient
let org: string
let count = 0
const stops: (() => void)[] = []

const urlOf = ({ app }: ApiProcess): string => `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`

beforeAll(async () => {
  world = await startApiWorld()
  api = await world.start()
  await api.app.listen({ port: 0, host: '127.0.0.1' })
  url = urlOf(api)
  berth = createClient({ url, key: world.platformKey })
}, 300_000)
afterAll(() => world?.stop())
beforeEach(async () => {
  count += 1
  org = `org-${count}`
  await berth.createOrganization({ body: { name: org } })
})
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

/** A way to the API that can be cut: what an answer says goes lost as often as asked. */
const wayWithLosses = async (losses: number) => {
  let left = losses
  const sockets = new Set<Socket>()
  const server: Server = createServer((near) => {
    const far = connect(Number(new URL(url).port), '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far)
    far.on('data', (data) => {
      if (left === 0) near.write(data)
      else {
        // It was done by now, and nobody hears of it.
        left -= 1
        near.destroy()
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = (): void => sockets.forEach((socket) => void socket.destroy())
  stops.push(() => {
    cut()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, cut }
}

const ready = { type: 'Ready', status: 'True', reason: 'Test', message: '', lastTransitionTime: '2026-11-22T12:00:00Z' }
const failure = async (work: Promise<unknown>): Promise<ApiError> => {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof ApiError) return error
  throw error ?? new Error('it did not fail')
}

describe('a tenant', () => {
  test('is made, waited for, changed as it was read, and deleted', async () => {
    const { body: begun, location } = await berth.createTenant({ org, body: { name: 'shop', spec: { size: 'medium' } } })
    expect(begun).toMatchObject({ kind: 'create', tenant: 'shop', state: 'Running' })
    expect(location).toBe(`/v1/organizations/${org}/operations/${begun.id}`)
    const told: string[] = []
    const waiting = berth.waitForOperation(begun, { everyMs: 20, onProgress: ({ state }) => void told.push(state) })
    await world.setStatus(org, 'shop', { conditions: [ready], timings: { Ready: 9 } })
    expect(await waiting).toMatchObject({ id: begun.id, state: 'Succeeded' })
    expect(told.at(-1)).toBe('Succeeded')

    const { body: tenant, etag } = await berth.getTenant({ org, tenant: 'shop' })
    expect(tenant).toMatchObject({ name: 'shop', phase: 'Ready', spec: { size: 'medium' } })
    await berth.updateTenant({ org, tenant: 'shop', ifMatch: etag, body: { labels: { team: 'a' } } })
    const late = await failure(berth.updateTenant({ org, tenant: 'shop', ifMatch: etag, body: { labels: { team: 'b' } } }))
    expect(late).toMatchObject({ code: 'PRECONDITION_FAILED', status: 412, requestId: expect.stringMatching(/./) })

    const { body: going } = await berth.deleteTenant({ org, tenant: 'shop' })
    expect(await berth.waitForOperation(going)).toMatchObject({ kind: 'delete', state: 'Succeeded' })
  })

  test('that is wrong is told field by field', async () => {
    const wrong = { name: 'Shop', labels: { 'berth.dev/x': 'y' } }
    const error = await failure(berth.createTenant({ org, body: wrong }))
    expect(error).toMatchObject({ code: 'REQUEST_INVALID', status: 400 })
    expect(error.errors.map(({ pointer }) => pointer).toSorted()).toEqual(['/labels/berth.dev~1x', '/name'])
  })

  test('is made once, though its answers go lost', async () => {
    const way = await wayWithLosses(2)
    const retries: number[] = []
    const lossy = createClient({ url: way.url, key: world.platformKey, onRetry: ({ tries }) => void retries.push(tries) })
    const { body, isReplayed } = await lossy.createTenant({ org, body: { name: 'shop' } })
    expect(retries).toEqual([1, 2])
    expect(isReplayed).toBe(true)
    expect(body).toMatchObject({ kind: 'create', tenant: 'shop' })
    expect(await tenantsOf(world.kube, org)).toHaveLength(1)
    const { body: operations } = await berth.listOperations({ org })
    expect(operations.items).toHaveLength(1)
  })

  test('whose operation ends otherwise, or late, is an error with what was seen last', async () => {
    const { body: begun } = await berth.createTenant({ org, body: { name: 'shop' } })
    const late = berth.waitForOperation(begun, { timeoutMs: 50, everyMs: 20 })
    await expect(late).rejects.toMatchObject({ name: 'OperationError', isLate: true, operation: { state: 'Running' } })
    await berth.cancelOperation({ org, operation: begun.id })
    await expect(berth.waitForOperation(begun)).rejects.toMatchObject({ isLate: false, operation: { state: 'Cancelled' } })
    const stop = AbortSignal.abort(new Error('enough'))
    await expect(berth.waitForOperation(begun, { signal: stop })).rejects.toThrow('enough')
  })
})

test('lists are walked page by page', async () => {
  const names = ['a', 'b', 'c', 'd', 'e']
  for (const name of names) await berth.createTenant({ org, body: { name } })
  await eventually(() => api.caches.tenants(org).length === names.length)
  const seen: string[] = []
  for await (const { name } of eachItem(berth.listTenants, { org, limit: 2 })) seen.push(name)
  expect(seen).toEqual(names)
})

describe('an API key', () => {
  test('is told once: asked again with its Idempotency-Key, the answer says which it is and no more', async () => {
    const body = { name: 'ci', organization: org, scopes: ['tenants:read'] } as const
    const { body: made } = await berth.createApiKey({ body }, { idempotencyKey: `ci-${org}` })
    const secret = made.key.slice(-43)
    const again = await failure(berth.createApiKey({ body }, { idempotencyKey: `ci-${org}` }))
    expect(again).toMatchObject({ code: 'API_KEY_TOLD', status: 409, message: expect.stringContaining(made.id) })
    expect(again.message).not.toContain(secret)
    const other = await failure(berth.createApiKey({ body: { ...body, name: 'x' } }, { idempotencyKey: `ci-${org}` }))
    expect(other).toMatchObject({ code: 'IDEMPOTENCY_MISMATCH', status: 422 })
    await eventually(() => api.caches.keys().some(({ id }) => id === made.id))
    const { body: keys } = await berth.listApiKeys({ limit: 1000 })
    expect(keys.items.filter(({ organization }) => organization === org)).toHaveLength(1)
    // No record of it has the secret.
    const records = JSON.stringify(await recordsOf(world.kube, 'berth-system'))
    expect(records).toContain(made.id)
    expect(records).not.toContain(secret)
    await createClient({ url, key: made.key }).listTenants({ org })
  })

  test('whose answer goes lost is said to be made, and can be revoked', async () => {
    const way = await wayWithLosses(1)
    const lossy = createClient({ url: way.url, key: world.platformKey })
    const error = await failure(lossy.createApiKey({ body: { name: 'lost', organization: org, scopes: ['tenants:read'] } }))
    const [, id = ''] = /API key (\w{16})/.exec(error.message) ?? []
    expect(error.code).toBe('API_KEY_TOLD')
    await berth.deleteApiKey({ key: id })
    expect(await failure(berth.getApiKey({ key: id }))).toMatchObject({ code: 'API_KEY_NOT_FOUND' })
  })
})

describe('events', () => {
  /** Reads into a list until the test is over. */
  const listen = (client: BerthClient, input: { readonly lastEventId?: string } = {}) => {
    const seen: TenantEvent[] = []
    const stop = new AbortController()
    stops.push(() => stop.abort())
    let ended: unknown
    const reading = (async () => {
      for await (const event of client.events({ org, ...input }, { signal: stop.signal })) seen.push(event)
    })().then(
      () => (ended = 'end'),
      (error: unknown) => (ended = error),
    )
    const words = () => seen.map((event) => ('tenant' in event ? `${event.kind} ${event.tenant.name}` : event.kind))
    return { seen, words, stop, reading, ended: () => ended }
  }

  test('are told as they come, and end with their signal', async () => {
    const { words, stop, reading, ended } = listen(berth)
    await eventually(() => words().length === 1)
    await berth.createTenant({ org, body: { name: 'shop' } })
    await world.setStatus(org, 'shop', { conditions: [ready] })
    await eventually(() => words().length === 3)
    expect(words()).toEqual(['start', 'tenant.changed shop', 'tenant.ready shop'])
    stop.abort()
    await reading
    expect(ended()).toBe('end')
  })

  test('go on over a cut connection, none missed and none twice', async () => {
    const way = await wayWithLosses(0)
    const { words, seen } = listen(createClient({ url: way.url, key: world.platformKey }))
    await eventually(() => words().length === 1)
    await berth.createTenant({ org, body: { name: 'a' } })
    await eventually(() => words().length === 2)
    way.cut()
    await berth.createTenant({ org, body: { name: 'b' } })
    await eventually(() => words().includes('tenant.changed b'), { describe: 'the event after the cut' })
    expect(words()).toEqual(['start', 'tenant.changed a', 'start', 'tenant.changed b'])
    expect(new Set(seen.map(({ id }) => id)).size).toBeGreaterThan(1)
  })

  test('say what is not known any more, and an end that will not pass', async () => {
    const late = listen(berth, { lastEventId: '1' })
    await eventually(() => late.words().length === 1)
    expect(late.words()).toEqual(['reset'])
    const refused = listen(createClient({ url, key: `berth_${'0'.repeat(16)}_${'0'.repeat(43)}` }))
    await refused.reading
    expect(refused.ended()).toMatchObject({ code: 'UNAUTHENTICATED' })
  })
})
