import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { type ApiProcess, type ApiWorld, recordsOf, startApiWorld, tenantsOf } from '../testing/api-world.ts'
import { failingClient } from '../testing/failing-client.ts'

let world: ApiWorld
let api: ApiProcess
let org: string
let count = 0

beforeAll(async () => {
  world = await startApiWorld()
  api = await world.start()
}, 300_000)
afterAll(() => world?.stop())
beforeEach(async () => {
  count += 1
  org = `org-${count}`
  expect(await api.ask('POST', '/v1/organizations', { body: { name: org } })).toMatchObject({ status: 201 })
})

const tenants = () => `/v1/organizations/${org}/tenants`
const create = (name: string, more: object = {}, headers: Record<string, string> = {}) =>
  api.ask('POST', tenants(), { body: { name, ...more }, headers })
const plane = (name: string) => world.kube.get<TenantControlPlane>(resourceTypes.tenantControlPlanes, { name, namespace: org })
const condition = (type: string, status: string, reason = 'Test', message = 'as the test says') => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-11-22T12:00:00Z',
})

describe('a tenant', () => {
  test('is made as it was asked for, and its operation says how far it is', async () => {
    const answer = await create('shop', { labels: { plan: 'gold' }, spec: { size: 'medium' } })
    expect(answer).toMatchObject({ status: 202, body: { kind: 'create', tenant: 'shop', state: 'Running' } })
    const made = await plane('shop')
    // Nothing but what was asked for: the rest is for its class to say.
    expect(made?.spec).not.toHaveProperty('version')
    expect(made).toMatchObject({ spec: { size: 'medium' }, metadata: { labels: { plan: 'gold' } } })

    const { location = '' } = answer.headers
    await world.setStatus(org, 'shop', {
      observedGeneration: 1,
      conditions: [condition('CertificatesReady', 'True'), condition('DataStoreReady', 'False', 'Starting', '0 of 1 members')],
      timings: { CertificatesReady: 1.5 },
    })
    const half = await api.ask('GET', location)
    expect(half.body).toMatchObject({ state: 'Running', message: '0 of 1 members' })
    expect(half.body.steps.slice(0, 3)).toMatchObject([
      { name: 'CertificatesReady', state: 'Done', seconds: 1.5 },
      { name: 'DataStoreReady', state: 'Running' },
      { name: 'APIServerReady', state: 'Waiting' },
    ])
    await world.setStatus(org, 'shop', {
      conditions: [condition('Ready', 'True')],
      timings: { Ready: 9 },
      endpoint: 'https://a:6443',
    })
    expect((await api.ask('GET', location)).body).toMatchObject({ state: 'Succeeded' })
    expect((await api.ask('GET', `${tenants()}/shop`)).body).toMatchObject({
      name: 'shop',
      organization: org,
      phase: 'Ready',
      ready: true,
      labels: { plan: 'gold' },
      status: { endpoint: 'https://a:6443' },
    })
  })

  test('of a name that is taken is refused, and leaves no operation', async () => {
    await create('shop')
    const before = await recordsOf(world.kube, org)
    expect(await create('shop')).toMatchObject({ status: 409, body: { code: 'ALREADY_EXISTS' } })
    expect(await recordsOf(world.kube, org)).toHaveLength(before.length)
  })

  test('is changed by a merge patch, only as it was read if asked so', async () => {
    await create('shop', { labels: { plan: 'gold', team: 'a' }, spec: { size: 'medium' } })
    const { headers } = await api.ask('GET', `${tenants()}/shop`)
    const etag = headers['etag'] ?? ''
    const body = { labels: { plan: null, tier: '1' }, spec: { size: null, apiServer: { replicas: 2 } } }
    const answer = await api.ask('PATCH', `${tenants()}/shop`, { body, headers: { 'if-match': etag } })
    expect(answer).toMatchObject({ status: 202, body: { kind: 'update' } })
    const after = await plane('shop')
    expect(after?.metadata.labels).toEqual({ team: 'a', tier: '1' })
    expect(after?.spec).toMatchObject({ apiServer: { replicas: 2 } })
    expect(after?.spec).not.toHaveProperty('size')

    const again = await api.ask('PATCH', `${tenants()}/shop`, { body, headers: { 'if-match': etag } })
    expect(again).toMatchObject({ status: 412, body: { code: 'PRECONDITION_FAILED' } })
    const gone = await api.ask('DELETE', `${tenants()}/shop`, { headers: { 'if-match': etag } })
    expect(gone).toMatchObject({ status: 412 })
    expect(await plane('shop')).toBeDefined()
  })

  test.for<[name: string, body: object, pointers: readonly string[]]>([
    ['unknown fields', { spec: { sise: 'small', apiServer: { replica: 1 } } }, ['/spec/apiServer/replica', '/spec/sise']],
    ['wrong values', { spec: { size: 'huge', state: 'Off' } }, ['/spec/size', '/spec/state']],
    ['status', { status: {} }, ['/status']],
    ["Berth's labels", { labels: { 'berth.dev/tenant': 'x' } }, ['/labels/berth.dev~1tenant']],
  ])('is not changed by a patch with %s', async ([, body, pointers]) => {
    await create('shop')
    const before = await plane('shop')
    const answer = await api.ask('PATCH', `${tenants()}/shop`, { body })
    expect(answer.status).toBe(400)
    expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer).toSorted()).toEqual(pointers)
    expect((await plane('shop'))?.metadata.resourceVersion).toBe(before?.metadata.resourceVersion)
  })

  test('is paused, resumed and upgraded, and each operation follows its own end', async () => {
    await create('shop', { spec: { version: 'v1.36.3' } })
    const paused = await api.ask('POST', `${tenants()}/shop/pause`, { body: { hibernate: true } })
    expect(paused).toMatchObject({ status: 202, body: { kind: 'pause', state: 'Running' } })
    expect((await plane('shop'))?.spec.state).toBe('Hibernated')
    await world.setStatus(org, 'shop', { observedGeneration: 2, conditions: [condition('Paused', 'True', 'Hibernated')] })
    expect((await api.ask('GET', paused.headers['location'] ?? '')).body.state).toBe('Succeeded')

    const resumed = await api.ask('POST', `${tenants()}/shop/resume`)
    expect(resumed).toMatchObject({ status: 202, body: { kind: 'resume', state: 'Running' } })
    expect((await api.ask('GET', paused.headers['location'] ?? '')).body.state).not.toBe('Running')

    const upgraded = await api.ask('POST', `${tenants()}/shop/upgrade`, { body: { version: 'v1.37.1' } })
    expect(upgraded).toMatchObject({ status: 202, body: { kind: 'upgrade' } })
    const upgrade = {
      from: 'v1.36.3',
      to: 'v1.37.1',
      request: 'x',
      phase: 'Waiting',
      message: 'for the window',
      startedAt: '2026-11-22T12:00:00Z',
    }
    await world.setStatus(org, 'shop', { observedGeneration: 4, version: 'v1.36.3', upgrade })
    const path = upgraded.headers['location'] ?? ''
    expect((await api.ask('GET', path)).body).toMatchObject({ state: 'Running', message: 'for the window' })
    // Nothing is rolled out yet: it can be taken back.
    expect(await api.ask('POST', `${path}/cancel`)).toMatchObject({ status: 200, body: { state: 'Cancelled' } })
    expect((await plane('shop'))?.spec.version).toBe('v1.36.3')
  })

  test('whose creation is cancelled goes; one that is done cannot be', async () => {
    const { headers } = await create('shop')
    const path = headers['location'] ?? ''
    expect(await api.ask('POST', `${path}/cancel`)).toMatchObject({ status: 200, body: { state: 'Cancelled' } })
    expect(await plane('shop')).toBeUndefined()
    expect(await api.ask('POST', `${path}/cancel`)).toMatchObject({ status: 200, body: { state: 'Cancelled' } })

    const other = await create('done')
    await world.setStatus(org, 'done', { conditions: [condition('Ready', 'True')], timings: { Ready: 9 } })
    const refused = await api.ask('POST', `${other.headers['location']}/cancel`)
    expect(refused).toMatchObject({ status: 409, body: { code: 'OPERATION_NOT_CANCELLABLE' } })
    expect(await plane('done')).toBeDefined()
  })

  test('is deleted, and so is its organisation only after it', async () => {
    await create('shop')
    const used = await api.ask('DELETE', `/v1/organizations/${org}`)
    expect(used).toMatchObject({ status: 409, body: { code: 'ORGANIZATION_IN_USE' } })
    const gone = await api.ask('DELETE', `${tenants()}/shop`)
    expect(gone).toMatchObject({ status: 202, body: { kind: 'delete', state: 'Succeeded' } })
    expect(await api.ask('DELETE', `${tenants()}/shop`)).toMatchObject({ status: 404, body: { code: 'TENANT_NOT_FOUND' } })
    expect(await api.ask('DELETE', `/v1/organizations/${org}`)).toMatchObject({ status: 204 })
  })
})

describe('a list', () => {
  test('has what all filters let through, page by page', async () => {
    for (const name of ['c', 'a', 'b'])
      await create(name, { labels: { plan: name === 'b' ? 'free' : 'gold' }, spec: { size: 'small' } })
    await create('d', { spec: { state: 'Paused' } })
    await world.setStatus(org, 'a', { conditions: [condition('Ready', 'True')], version: 'v1.36.3' })
    const names = async (query: string): Promise<string[]> =>
      (await api.ask('GET', `${tenants()}${query}`)).body.items.map(({ name }: { name: string }) => name)
    expect(await names('')).toEqual(['a', 'b', 'c', 'd'])
    expect(await names('?label=plan%3Dgold')).toEqual(['a', 'c'])
    expect(await names('?label=plan%3Dgold&label=team%3Dx')).toEqual([])
    expect(await names('?state=Paused')).toEqual(['d'])
    expect(await names('?class=any')).toEqual([])
    await expect.poll(() => names('?ready=true&version=v1.36.3'), { timeout: 5000 }).toEqual(['a'])
    const first = (await api.ask('GET', `${tenants()}?limit=3`)).body
    expect(await names(`?limit=3&cursor=${first.nextCursor}`)).toEqual(['d'])
  })

  test('of operations has the newest first', async () => {
    await create('a')
    await api.ask('POST', `${tenants()}/a/pause`, { body: {} })
    await create('b')
    const { body } = await api.ask('GET', `/v1/organizations/${org}/operations?tenant=a`)
    expect(body.items.map(({ kind }: { kind: string }) => kind).toSorted()).toEqual(['create', 'pause'])
    const all = (await api.ask('GET', `/v1/organizations/${org}/operations?limit=2`)).body
    expect(all.items).toHaveLength(2)
    expect(all.nextCursor).toBeDefined()
  })
})

describe('an Idempotency-Key', () => {
  test('gives the same answer to the same request, and makes one tenant', async () => {
    const ask = () => create('shop', {}, { 'idempotency-key': 'k1' })
    const first = await ask()
    const second = await ask()
    expect(second.headers['idempotent-replayed']).toBe('true')
    expect(first.headers['idempotent-replayed']).toBeUndefined()
    expect([second.status, second.body, second.headers['location']]).toEqual([
      first.status,
      first.body,
      first.headers['location'],
    ])
    expect(await recordsOf(world.kube, org)).toHaveLength(1)
  })

  test('is not good for another request', async () => {
    await create('shop', {}, { 'idempotency-key': 'k1' })
    const other = await create('other', {}, { 'idempotency-key': 'k1' })
    expect(other).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_MISMATCH' } })
    expect(await plane('other')).toBeUndefined()
  })

  test('of another organisation is another one', async () => {
    const key = await world.makeKey({ organization: org })
    await create('shop', {}, { 'idempotency-key': 'k1' })
    const answer = await api.ask('POST', tenants(), { key, body: { name: 'shop' }, headers: { 'idempotency-key': 'k1' } })
    expect(answer).toMatchObject({ status: 409, body: { code: 'ALREADY_EXISTS' } })
  })

  test('keeps a refusal, and of a deletion what was meant', async () => {
    await create('shop')
    const refused = await create('shop', {}, { 'idempotency-key': 'k1' })
    await api.ask('DELETE', `${tenants()}/shop`, { headers: { 'idempotency-key': 'k2' } })
    await create('shop')
    expect((await create('shop', {}, { 'idempotency-key': 'k1' })).body).toEqual(refused.body)
    expect(await api.ask('DELETE', `${tenants()}/shop`, { headers: { 'idempotency-key': 'k2' } })).toMatchObject({ status: 202 })
    // The one of the same name that was made since is another tenant.
    expect((await plane('shop'))?.metadata.deletionTimestamp).toBeUndefined()
  })

  test('sent ten times at once makes one tenant and one operation', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => create('shop', {}, { 'idempotency-key': 'k1' })))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    expect(new Set(answers.map(({ headers }) => headers['location'])).size).toBe(1)
    expect(await tenantsOf(world.kube, org)).toHaveLength(1)
    expect(await recordsOf(world.kube, org)).toHaveLength(1)
  })
})

/** Asks a process that is killed at each call in turn, then a healthy one with the same key; `check` looks at what is there after each. */
const killedAnywhere = async (
  ask: (process: ApiProcess, round: string) => Promise<{ status: number }>,
  check: (round: string) => Promise<void>,
) => {
  let survived = false
  for (let call = 1; !survived; call += 1) {
    for (const carriedOut of [false, true]) {
      const round = `r${count}-${call}-${carriedOut ? 'late' : 'early'}`
      const failing = failingClient(world.kube, { call, carriedOut })
      const dying = await world.start({ kube: failing.client })
      const first = await ask(dying, round)
      await dying.stop()
      survived = failing.calls < call
      if (!survived) expect(first.status).toBeGreaterThanOrEqual(500)
      expect((await ask(api, round)).status).toBe(202)
      await check(round)
    }
    if (call > 30) throw new Error('it never ends')
  }
}

describe('a process that is killed', () => {
  test('between any two calls of a creation leaves one operation and one tenant', async () => {
    const names: string[] = []
    await killedAnywhere(
      (process, name) => process.ask('POST', tenants(), { body: { name }, headers: { 'idempotency-key': name } }),
      async (name) => {
        names.push(name)
        const all = await tenantsOf(world.kube, org)
        expect(all.map(({ metadata }) => metadata.name ?? '').toSorted()).toEqual(names.toSorted())
        expect(await recordsOf(world.kube, org)).toHaveLength(names.length)
      },
    )
    expect(names.length).toBeGreaterThan(8)
  })

  test('between any two calls of a patch, also one with If-Match, changes it once', async () => {
    const etags = new Map<string, string>()
    await create('shop')
    await killedAnywhere(
      async (process, round) => {
        if (!etags.has(round)) etags.set(round, (await api.ask('GET', `${tenants()}/shop`)).headers['etag'] ?? '')
        const headers = { 'idempotency-key': round, 'if-match': etags.get(round) ?? '' }
        return process.ask('PATCH', `${tenants()}/shop`, { body: { labels: { round } }, headers })
      },
      async (round) => expect((await plane('shop'))?.metadata.labels?.['round']).toBe(round),
    )
  })

  test('between any two calls of a deletion deletes that tenant', async () => {
    const made = new Set<string>()
    await killedAnywhere(
      async (process, name) => {
        if (!made.has(name)) await create(name)
        made.add(name)
        return process.ask('DELETE', `${tenants()}/${name}`, { headers: { 'idempotency-key': name } })
      },
      async (name) => expect(await plane(name)).toBeUndefined(),
    )
  })
})
