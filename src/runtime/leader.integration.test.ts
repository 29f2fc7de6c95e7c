import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import { startApiServer, type TestApiServer } from '../testing/api-server.ts'
import { eventually } from '../testing/eventually.ts'
import { createLeaderElection, type LeaderElection } from './leader.ts'
import type { Lease } from './lease.ts'
import { rendezvousOwner } from './rendezvous.ts'
import { createShard, type Shard } from './shard.ts'

const log = pino({ level: 'silent' })
const namespace = 'default'
let server: TestApiServer
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(() => server?.stop())

const lease = async (name: string) => server.client.get<Lease>(resourceTypes.leases, { namespace, name })
let count = 0
const aName = () => `lease-${(count += 1)}`

describe('leader election', () => {
  const elections: LeaderElection[] = []
  afterEach(async () => {
    server.thaw()
    await Promise.all(elections.splice(0).map((election) => election.stop()))
  })
  const times = { leaseMs: 4000, renewDeadlineMs: 2500, retryMs: 200 }
  const stand = (name: string, identity: string, client = server.client) => {
    const told: string[] = []
    const election = createLeaderElection({
      client,
      lease: { namespace, name },
      identity,
      log,
      times,
      onElected: () => void told.push('elected'),
      onLost: () => void told.push('lost'),
    })
    elections.push(election)
    election.start()
    return { election, told }
  }

  test('one of many leads, and the next one at once when it stops', async () => {
    const name = aName()
    const all = ['a', 'b', 'c'].map((identity) => stand(name, identity))
    const leaders = () => all.filter(({ election }) => election.isLeader)
    await eventually(() => leaders().length === 1)
    const [first] = leaders()
    const began = performance.now()
    await first?.election.stop()
    await eventually(() => leaders().length === 1)
    expect(performance.now() - began).toBeLessThan(times.leaseMs)
    expect(first?.told).toEqual(['elected'])
    expect((await lease(name))?.spec).toMatchObject({ leaseTransitions: 1, leaseDurationSeconds: 4 })
  })

  test('one that vanished is replaced when its lease is over, not before', async () => {
    const name = aName()
    const spec = { holderIdentity: 'vanished', leaseDurationSeconds: 1, renewTime: '2020-01-01T00:00:00.000000Z' }
    await server.client.create<Lease>(resourceTypes.leases, { metadata: { namespace, name }, spec })
    const began = performance.now()
    const { election } = stand(name, 'next')
    await eventually(() => election.isLeader)
    expect(performance.now() - began).toBeGreaterThan(1000)
  })

  test('a restarted process of the same name goes on at once', async () => {
    const name = aName()
    const spec = { holderIdentity: 'pod-1', leaseDurationSeconds: 3600, renewTime: '2020-01-01T00:00:00.000000Z' }
    await server.client.create<Lease>(resourceTypes.leases, { metadata: { namespace, name }, spec })
    const { election } = stand(name, 'pod-1')
    await eventually(() => election.isLeader, { deadlineMs: 20_000 })
  })

  test('a short silence of the API server changes nothing', async () => {
    const { election, told } = stand(aName(), 'a')
    await eventually(() => election.isLeader)
    server.freeze()
    await new Promise((resolve) => setTimeout(resolve, 1000))
    server.thaw()
    await new Promise((resolve) => setTimeout(resolve, 2000))
    expect([election.isLeader, told]).toEqual([true, ['elected']])
  })

  test('a long one costs the leadership before anyone else can have it', async () => {
    const { election, told } = stand(aName(), 'a')
    await eventually(() => election.isLeader)
    server.freeze()
    const began = performance.now()
    await eventually(() => told.includes('lost'), { deadlineMs: 10_000 })
    expect(performance.now() - began).toBeLessThan(times.leaseMs)
    expect(election.isLeader).toBe(false)
  })

  test('one that waits says so when the API server does not answer, and when it does again', async () => {
    const name = aName()
    await server.client.create<Lease>(resourceTypes.leases, {
      metadata: { namespace, name },
      spec: { holderIdentity: 'other', leaseDurationSeconds: 3600, renewTime: '2099-01-01T00:00:00.000000Z' },
    })
    const { election } = stand(name, 'a')
    await eventually(() => election.complaint() === undefined)
    expect(election.isLeader).toBe(false)
    server.freeze()
    await eventually(() => election.complaint()?.startsWith('the lease cannot be asked for: ') === true, { deadlineMs: 30_000 })
    server.thaw()
    await eventually(() => election.complaint() === undefined, { deadlineMs: 30_000 })
  })

  test('a lease that another one took is lost', async () => {
    const name = aName()
    const { election, told } = stand(name, 'a')
    await eventually(() => election.isLeader)
    await server.client.patch(resourceTypes.leases, { namespace, name }, { spec: { holderIdentity: 'thief' } })
    await eventually(() => told.includes('lost'))
  })
})

describe('shard', () => {
  const shards: Shard[] = []
  afterEach(async () => {
    await Promise.all(shards.splice(0).map((shard) => shard.stop()))
  })
  const keys = Array.from({ length: 60 }, (_, index) => `tenant-${index}`)
  const join = async (group: string, identity: string) => {
    const shard = createShard({ client: server.client, log, namespace, group, identity, times: { leaseMs: 2000, renewMs: 300 } })
    shards.push(shard)
    await shard.start({ deadlineMs: 20_000 })
    return shard
  }

  test('members share the keys, each key has one owner, and one that leaves gives its own to the others', async () => {
    const group = aName()
    const [a, b, c] = [await join(group, 'a'), await join(group, 'b'), await join(group, 'c')]
    const agree = (members: string[], of: Shard[]) =>
      eventually(() => of.every((shard) => shard.members().join() === members.join()))
    await agree(['a', 'b', 'c'], [a, b, c])
    for (const key of keys) expect([a, b, c].filter((shard) => shard.owns(key))).toHaveLength(1)
    await b.stop()
    await agree(['a', 'c'], [a, c])
    for (const key of keys) {
      expect([a, c].filter((shard) => shard.owns(key))).toHaveLength(1)
      const before = rendezvousOwner(key, ['a', 'b', 'c'])
      if (before !== 'b') expect(rendezvousOwner(key, ['a', 'c'])).toBe(before)
    }
    expect(b.members()).toEqual([])
  })

  test('one that vanished is left out when its lease is over', async () => {
    const group = aName()
    const spec = { holderIdentity: 'ghost', leaseDurationSeconds: 1, renewTime: '2020-01-01T00:00:00.000000Z' }
    await server.client.create<Lease>(resourceTypes.leases, {
      metadata: { namespace, name: `${group}-ghost`, labels: { 'berth.dev/shard-group': group } },
      spec,
    })
    const a = await join(group, 'a')
    expect(a.members()).toEqual(['a', 'ghost'])
    await eventually(() => a.members().join() === 'a')
  })

  test('one that is cut off owns nothing while others may own it, but goes on when it was alone', async () => {
    const group = aName()
    const alone = await join(aName(), 'alone')
    const [a, b] = [await join(group, 'a'), await join(group, 'b')]
    await eventually(() => a.members().length === 2 && b.members().length === 2)
    server.freeze()
    try {
      await eventually(() => a.members().length === 0 && b.members().length === 0, { deadlineMs: 8000 })
      expect(alone.members()).toEqual(['alone'])
      await eventually(() => [a, b, alone].every((shard) => shard.complaint()?.startsWith('the membership cannot be renewed: ')))
    } finally {
      server.thaw()
    }
    await eventually(() => a.members().length === 2 && b.members().length === 2, { deadlineMs: 20_000 })
    await eventually(() => [a, b, alone].every((shard) => shard.complaint() === undefined), { deadlineMs: 20_000 })
  })
})
