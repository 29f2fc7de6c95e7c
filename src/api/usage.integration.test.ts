import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import { type ApiProcess, type ApiWorld, startApiWorld } from '../testing/api-world.ts'
import { eventually } from '../testing/eventually.ts'
import { type Amounts, noAmounts } from '../usage/amounts.ts'
import { hourMs } from '../usage/hours.ts'
import { emptyLedger, folded, ledgerObject, withHours } from '../usage/ledger.ts'

const now = Date.parse('2026-11-22T10:30:00Z')
const goneUid = '00000000-0000-4000-8000-000000000001'
let world: ApiWorld
let api: ApiProcess
let shopUid = ''
let key = ''

/** One core, for the whole of each hour, and so many requests in it. */
const busy = (requests: number): Amounts => ({
  ...noAmounts,
  existedMs: BigInt(hourMs),
  ranMs: BigInt(hourMs),
  cpu: 1000n * BigInt(hourMs),
  requests: BigInt(requests),
})
const store = async (tenant: { uid: string; name: string }, month: string, { from, hours }: { from: string; hours: number }) => {
  const start = Date.parse(from)
  const all = Array.from({ length: hours }, (_, hour) => [start + hour * hourMs, busy(hour)] as const)
  const ledger = withHours(emptyLedger({ ...tenant, namespace: 'acme' }, month), new Map(all))
  await world.kube.create(resourceTypes.configMaps, ledgerObject(folded(ledger, Date.parse('2026-11-15T00:00:00Z')), undefined))
}

beforeAll(async () => {
  world = await startApiWorld()
  api = await world.start({ now: () => now })
  for (const name of ['acme', 'other']) await api.ask('POST', '/v1/organizations', { body: { name } })
  await api.ask('POST', '/v1/organizations/acme/tenants', { body: { name: 'shop' } })
  const shop = await eventually(async () => (await api.ask('GET', '/v1/organizations/acme/tenants/shop')).body.uid as string)
  shopUid = shop
  key = await world.makeKey({ organization: 'acme', scopes: ['usage:read'] })
  await store({ uid: shopUid, name: 'shop' }, '2026-10', { from: '2026-10-31T00:00:00Z', hours: 24 })
  await store({ uid: shopUid, name: 'shop' }, '2026-11', { from: '2026-11-22T00:00:00Z', hours: 10 })
  await store({ uid: goneUid, name: 'shop' }, '2026-11', { from: '2026-11-01T00:00:00Z', hours: 2 })
  await world.kube.create(resourceTypes.configMaps, {
    metadata: {
      name: 'forged',
      namespace: 'acme',
      labels: { 'berth.dev/usage': shopUid, 'berth.dev/usage-month': '2026-11' },
    },
    data: { usage: '{"hours":{"01T00":"999999999"},"days":{}}' },
  })
}, 300_000)
afterAll(async () => {
  await world?.stop()
})

const usage = (query = '', more: Parameters<ApiProcess['ask']>[2] = {}) =>
  api.ask('GET', `/v1/organizations/acme/usage${query}`, { key, ...more })

describe('usage', () => {
  test('of this month, by days, of all tenants that were there', async () => {
    const { status, body } = await usage()
    expect(status).toBe(200)
    expect(body.items).toHaveLength(2)
    expect(body.items).toEqual(
      expect.arrayContaining([
        {
          organization: 'acme',
          tenant: 'shop',
          uid: shopUid,
          deleted: false,
          from: '2026-11-22T00:00:00Z',
          to: '2026-11-23T00:00:00Z',
          existedHours: '10.000000',
          runningHours: '10.000000',
          cpuCoreHours: '10.000000',
          memoryGiBHours: '0.000000',
          storageGiBHours: '0.000000',
          objectHours: '0.000000',
          requests: 45,
          unmeasuredWorkloadSeconds: '0.000',
          unmeasuredApiSeconds: '0.000',
        },
        expect.objectContaining({ uid: goneUid, deleted: true, requests: 1, from: '2026-11-01T00:00:00Z' }),
      ]),
    )
  })
  test('by months and as a whole: the sums are the same', async () => {
    const months = await usage('?from=2026-10-01&to=2026-12-01&step=month')
    const total = await usage('?from=2026-10-01&to=2026-12-01&step=total')
    const sum = (items: readonly { requests: number }[]) => items.reduce((all, { requests }) => all + requests, 0)
    expect(months.body.items).toHaveLength(3)
    expect(total.body.items).toHaveLength(2)
    expect([sum(months.body.items), sum(total.body.items)]).toEqual([276 + 45 + 1, 276 + 45 + 1])
  })
  test('of one tenant by its UID, of its name with those before it', async () => {
    const path = (tenant: string) => `/v1/organizations/acme/tenants/${tenant}/usage?step=total`
    const byName = await api.ask('GET', path('shop'), { key })
    const byUid = await api.ask('GET', path(goneUid), { key })
    expect([byName.body.items.length, byUid.body.items.length]).toEqual([2, 1])
    expect(await api.ask('GET', path('nobody'), { key })).toMatchObject({ status: 404, body: { code: 'TENANT_NOT_FOUND' } })
  })
  test('in pages: all of it, each row once, and the next one by its link', async () => {
    const whole = await usage('?from=2026-10-01&step=hour')
    const seen: unknown[] = []
    let next: string | undefined = '/v1/organizations/acme/usage?from=2026-10-01&step=hour&limit=3'
    while (next !== undefined) {
      const { headers, body } = await api.ask('GET', next, { key })
      expect(body.items.length).toBeLessThanOrEqual(3)
      seen.push(...body.items)
      next = /^<(.*)>; rel="next"$/.exec(headers['link'] ?? '')?.[1]
      expect(next === undefined).toBe(body.nextCursor === undefined)
    }
    expect(whole.body.items.length).toBeGreaterThan(10)
    expect(seen).toEqual(whole.body.items)
  })
  test.for<[how: string, query: string, headers: Record<string, string>, csv: boolean]>([
    ['by the header', '', { accept: 'text/csv' }, true],
    ['by the query', '?format=csv', {}, true],
    ['by the query before the header', '?format=json', { accept: 'text/csv' }, false],
  ])('as CSV %s', async ([, query, headers, csv]) => {
    const { status, body, headers: got } = await usage(query, { headers })
    expect([status, got['content-type']?.startsWith('text/csv') ?? false]).toEqual([200, csv])
    if (!csv) return
    const lines = String(body).split('\r\n')
    expect(lines[0]).toMatch(/^organization,tenant,uid,deleted,from,to,existedHours,.*,unmeasuredApiSeconds$/)
    expect(lines).toHaveLength(4)
    expect(lines).toContainEqual(expect.stringContaining(`acme,shop,${shopUid},false,2026-11-22T00:00:00Z,`))
  })
  test.for<[query: string, pointers: string]>([
    ['?from=yesterday&to=2026-13-01&step=week&format=xml&limit=0&of=me', '?format ?from ?limit ?of ?step ?to'],
    ['?from=2026-02-30', '?from'],
    ['?from=2026-11-01T10:00:00Z', '?from'],
    ['?from=2026-11-01T10:30:00Z&to=2026-11-01T10:40:00Z&step=hour', '?from ?to'],
    ['?from=2026-11-02&to=2026-11-01', '?to'],
    ['?cursor=nonsense', '?cursor'],
  ])('%s is refused with every wrong field', async ([query, pointers]) => {
    const { status, body } = await usage(query)
    const got = (body.errors ?? []).map(({ pointer }: { pointer: string }) => pointer)
    expect([status, [...new Set<string>(got)].toSorted().join(' ')]).toEqual([400, pointers])
  })
  test('is for who has the scope, in their own organisation', async () => {
    const other = await world.makeKey({ organization: 'other', scopes: ['usage:read'] })
    const without = await world.makeKey({ organization: 'acme', scopes: ['tenants:write'] })
    expect(await usage('', { key: other })).toMatchObject({ status: 404, body: { code: 'ORGANIZATION_NOT_FOUND' } })
    expect(await usage('', { key: without })).toMatchObject({ status: 403, body: { code: 'SCOPE_MISSING' } })
    expect(await usage('', { key: '' })).toMatchObject({ status: 401 })
    const path = `/v1/organizations/other/tenants/${shopUid}/usage`
    expect(await api.ask('GET', path, { key: other })).toMatchObject({ status: 404, body: { code: 'TENANT_NOT_FOUND' } })
  })
})
