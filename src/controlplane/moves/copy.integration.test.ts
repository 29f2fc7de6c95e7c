import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../lib/errors.ts'
import { eventually } from '../../testing/eventually.ts'
import { type StoreEtcd, startStoreEtcd } from '../../testing/store-etcd.ts'
import { type CopyClient, createCopyClient } from '../data-stores/copy-client.ts'
import { openStore } from '../data-stores/store-client.ts'
import { rangeOfPrefix } from '../data-stores/store-range.ts'
import { compareRanges, sealTarget } from './compare-ranges.ts'
import { copyRange, raiseRevision } from './copy-range.ts'
import { type CopyEnd, entriesOf, fenceKey } from './entries.ts'

let here: StoreEtcd
let there: StoreEtcd
let source: CopyEnd
let target: CopyEnd
let kv: ReturnType<typeof openStore>['etcd']
let targetKv: ReturnType<typeof openStore>['etcd']
const opened: { close(): void }[] = []
const signal = new AbortController().signal
const told: string[] = []
const tell = (message: string): void => void told.push(message)

const connectionOf = async (etcd: StoreEtcd) => {
  const { cert, key } = await etcd.client('root')
  return { endpoints: [etcd.endpoint], ca: etcd.authority.cert, cert, key }
}
beforeAll(async () => {
  ;[here, there] = await Promise.all([startStoreEtcd(), startStoreEtcd()])
  const [from, to] = await Promise.all([connectionOf(here), connectionOf(there)])
  const clients: CopyClient[] = [createCopyClient(from), createCopyClient(to)]
  const stores = [openStore(from).etcd, openStore(to).etcd]
  opened.push(...clients, ...stores)
  ;[kv, targetKv] = stores as [typeof kv, typeof kv]
  source = { client: clients[0] as CopyClient, prefix: '/registry/' }
  target = { client: clients[1] as CopyClient, prefix: '/0a-1b/' }
})
afterAll(async () => {
  for (const each of opened) each.close()
  await Promise.all([here?.stop(), there?.stop()])
})
beforeEach(async () => {
  for (const etcd of [kv, targetKv]) await etcd.delete().all()
  // Neighbours on both sides of the ranges.
  for (const key of ['/registry', '/registr', '/registry0', '/0a-1b', '/0a-1b0', '/0a-1bc/x']) {
    await kv.put(key).value('neighbour')
    await targetKv.put(key).value('neighbour')
  }
})

const put = (name: string | Buffer, value: string | Buffer, lease = '0') =>
  kv.kv.put({ key: Buffer.concat([Buffer.from('/registry/'), Buffer.from(name)]), value: Buffer.from(value), lease })
const copy = (token = 'me') => copyRange({ source, target, token, tell, signal })
const compare = () => compareRanges({ source, target, tell, signal })
const all = async (end: CopyEnd) => {
  const found: [string, string, boolean][] = []
  for await (const { name, value, lease } of entriesOf(end, signal))
    found.push([name.toString('hex'), value.toString('hex'), lease !== '0'])
  return found
}

describe('a copy of a range', () => {
  test('has all keys and values, binary ones as well, and nothing of its neighbours', async () => {
    await put('a', 'one')
    await put(Buffer.of(0, 255, 10, 47), randomBytes(300))
    await put('empty', '')
    await put('large', randomBytes(1_400_000))
    expect(await copy()).toBe(4)
    expect(await all(target)).toEqual(await all(source))
    expect(await compare()).toMatchObject({ kind: 'same', keys: 4, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown })
    expect(await targetKv.get('/0a-1b').string()).toBe('neighbour')
    expect(await kv.get('/registry').string()).toBe('neighbour')
  })

  test('of ten thousand keys goes page by page, and done again gives the same', { timeout: 60_000 }, async () => {
    const names = Array.from({ length: 10_000 }, (_, at) => `pods/ns-${at % 40}/pod-${at}`)
    for (let at = 0; at < names.length; at += 100)
      await kv.kv.txn({
        success: names
          .slice(at, at + 100)
          .map((name) => ({ request_put: { key: Buffer.from(`/registry/${name}`), value: randomBytes(400) } })),
      })
    expect(await copy()).toBe(10_000)
    const first = await compare()
    expect(first).toMatchObject({ kind: 'same', keys: 10_000 })
    expect(told).toContain('10000 of 10000 keys are copied')
    expect(await copy('another')).toBe(10_000)
    expect(await compare()).toEqual(first)
  })

  test('keeps leases, with the time that they have left, and what they have in common', async () => {
    const lease = await kv.leaseClient.leaseGrant({ TTL: 1000 })
    await put('events/a', '1', lease.ID)
    await put('events/b', '2', lease.ID)
    await put('pods/c', '3')
    await copy()
    const { kvs } = await targetKv.kv.range({ key: Buffer.from('/0a-1b/'), range_end: Buffer.from('/0a-1b0') })
    const leases = new Map(kvs.map((each) => [each.key.toString(), each.lease]))
    const copied = leases.get('/0a-1b/events/a') ?? ''
    expect(leases.get('/0a-1b/events/b')).toBe(copied)
    expect(leases.get('/0a-1b/pods/c')).toBe('0')
    const { TTL } = await targetKv.leaseClient.leaseTimeToLive({ ID: copied })
    expect(Number(TTL)).toBeGreaterThan(900)
    expect(Number(TTL)).toBeLessThanOrEqual(1000)
    expect(await compare()).toMatchObject({ kind: 'same', keys: 3 })
  })

  test('is the same when a lease runs out meanwhile', { timeout: 30_000 }, async () => {
    const lease = await kv.leaseClient.leaseGrant({ TTL: 1 })
    await put('masterleases/10.0.0.1', 'x', lease.ID)
    await put('pods/c', '3')
    await copy()
    const gone = async () => (await all(source)).length === 1
    await eventually(gone, { describe: 'the lease of the source to run out', deadlineMs: 15_000 })
    expect(await compare()).toMatchObject({ kind: 'same' })
  })

  test.for<[name: string, harm: () => Promise<unknown>, wanted: object]>([
    ['lacks a key', async () => targetKv.delete().key('/0a-1b/b'), { name: 'b', why: 'it is missing in the target' }],
    ['has another value', async () => targetKv.put('/0a-1b/b').value('2!'), { name: 'b', why: 'the values differ' }],
    ['has a key too many', async () => targetKv.put('/0a-1b/bb').value('x'), { name: 'bb', why: 'it is in the target alone' }],
    ['lacks the last key', async () => targetKv.delete().key('/0a-1b/c'), { name: 'c' }],
    [
      'would forget a key',
      async () => {
        const { ID } = await targetKv.leaseClient.leaseGrant({ TTL: 1000 })
        await targetKv.kv.put({ key: Buffer.from('/0a-1b/b'), value: Buffer.from('2'), lease: ID })
      },
      { name: 'b', why: 'only one of them has a lease' },
    ],
  ])('that %s is found', async ([, harm, wanted]) => {
    for (const [name, value] of [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ] as const)
      await put(name, value)
    await copy()
    await harm()
    expect(await compare()).toMatchObject({ kind: 'differs', ...wanted })
  })

  test('has a revision that is higher than any that a client of the source has seen', async () => {
    for (let at = 0; at < 3000; at += 100) await Promise.all(Array.from({ length: 100 }, () => put('a', 'x')))
    const { revision } = await source.client.look(rangeOfPrefix('/registry/'))
    await copy()
    const { kvs } = await targetKv.kv.range({ key: Buffer.from('/0a-1b/a') })
    expect(Number(kvs[0]?.mod_revision)).toBeGreaterThan(revision)
  })
})

describe('a manager that was thought dead', () => {
  test('writes nothing once another one has taken over, nor once the copy is sealed', async () => {
    await put('a', '1')
    const mine = { key: fenceKey(target.prefix), token: 'mine' }
    await target.client.takeFence(mine)
    await copy('theirs')
    const late = { key: Buffer.from('/0a-1b/a'), value: Buffer.from('late'), lease: '0' }
    const refused = { code: 'DATA_STORE_REFUSED', message: expect.stringContaining('another manager') as unknown }
    await expect(target.client.write([late], mine)).rejects.toMatchObject(refused)
    await expect(raiseRevision(target, { least: 1e9, fence: mine, tell, signal })).rejects.toMatchObject(refused)
    await expect(sealTarget(target, 'mine')).rejects.toBeInstanceOf(AppError)
    await sealTarget(target, 'theirs')
    await expect(target.client.write([late], { ...mine, token: 'theirs' })).rejects.toMatchObject(refused)
    expect(await targetKv.get('/0a-1b/a').string()).toBe('1')
    // Nothing of the fence is left for the tenant.
    expect(await targetKv.get(mine.key).exists()).toBe(false)
  })
})
