import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FairQueue, type QueueItem } from './fair-queue.ts'

/** A queue under a clock that moves only when told, whose work ends when told. */
const aQueue = (options: Partial<ConstructorParameters<typeof FairQueue>[0]> = {}) => {
  let time = 0
  const queue = new FairQueue({ concurrency: 4, perTenant: 2, now: () => time, random: () => 0.5, ...options })
  const running: { item: QueueItem; end: () => void }[] = []
  const begun: QueueItem[] = []
  queue.start((item) => {
    begun.push(item)
    return new Promise((resolve) => {
      running.push({ item, end: resolve })
    })
  })
  const endOne = async (index = 0): Promise<void> => {
    running.splice(index, 1)[0]?.end()
    await new Promise(setImmediate)
  }
  return { queue, running, begun, endOne, pass: (ms: number) => void (time += ms) }
}

describe('FairQueue', () => {
  test('hands out a key once however often it was added', () => {
    const { queue, begun } = aQueue()
    for (let turn = 0; turn < 3; turn += 1) queue.add({ tenant: 'a', key: 'x' })
    expect(begun).toEqual([{ tenant: 'a', key: 'x' }])
  })

  test('hands a key out again when it was added while in work', async () => {
    const { queue, begun, endOne } = aQueue()
    queue.add({ tenant: 'a', key: 'x' })
    queue.add({ tenant: 'a', key: 'x' })
    expect(begun).toHaveLength(1)
    await endOne()
    expect(begun).toHaveLength(2)
  })

  test('gives one tenant no more places than its share', () => {
    const { queue, begun } = aQueue()
    for (const key of ['1', '2', '3']) queue.add({ tenant: 'a', key })
    queue.add({ tenant: 'b', key: '1' })
    expect(begun.map(({ tenant }) => tenant)).toEqual(['a', 'a', 'b'])
  })

  test('serves the tenant that has had the least time', async () => {
    const { queue, begun, endOne, pass } = aQueue({ concurrency: 1 })
    for (const key of ['1', '2', '3']) queue.add({ tenant: 'slow', key })
    for (const key of ['1', '2', '3']) queue.add({ tenant: 'quick', key })
    const costs: Record<string, number> = { slow: 100, quick: 10 }
    for (let turn = 0; turn < 6; turn += 1) {
      pass(costs[begun.at(-1)?.tenant ?? ''] ?? 0)
      await endOne()
    }
    expect(begun.map(({ tenant }) => tenant).slice(0, 4)).toEqual(['slow', 'quick', 'quick', 'quick'])
  })

  test('does not let a tenant save up time while idle', async () => {
    const { queue, begun, endOne, pass } = aQueue({ concurrency: 1 })
    queue.add({ tenant: 'idle', key: '0' })
    await endOne()
    for (let turn = 0; turn < 4; turn += 1) {
      queue.add({ tenant: 'busy', key: `${turn}` })
      pass(1000)
      await endOne()
    }
    queue.add({ tenant: 'busy', key: 'a' })
    queue.add({ tenant: 'busy', key: 'b' })
    for (const key of ['1', '2', '3', '4']) queue.add({ tenant: 'idle', key })
    for (let turn = 0; turn < 3; turn += 1) {
      pass(10)
      await endOne()
    }
    expect(begun.slice(-3).some(({ tenant }) => tenant === 'busy')).toBe(true)
  })

  test('keys of less haste give way, but for one in eight', async () => {
    const { queue, begun, endOne } = aQueue({ concurrency: 1 })
    for (const key of ['e1', 'e2', 'e3']) queue.addLater({ tenant: 'a', key })
    for (let key = 0; key < 20; key += 1) queue.add({ tenant: 'a', key: `${key}` })
    for (let turn = 0; turn < 23; turn += 1) await endOne()
    const order = begun.map(({ key }) => key)
    expect(order).toHaveLength(23)
    expect(order.indexOf('e2')).toBe(7)
    expect(order.indexOf('e3')).toBe(15)
  })

  test('a key of less haste that is asked for in haste comes at once, and once', async () => {
    const { queue, begun, endOne } = aQueue({ concurrency: 1 })
    queue.add({ tenant: 'a', key: 'first' })
    queue.addLater({ tenant: 'a', key: 'x' })
    queue.add({ tenant: 'a', key: 'y' })
    queue.add({ tenant: 'a', key: 'x' })
    for (let turn = 0; turn < 3; turn += 1) await endOne()
    expect(begun.map(({ key }) => key)).toEqual(['first', 'y', 'x'])
  })

  test('a paused tenant keeps its keys until it goes on', () => {
    const { queue, begun } = aQueue()
    queue.limit('a', 0)
    queue.add({ tenant: 'a', key: 'x' })
    expect(begun).toEqual([])
    expect(queue.depth('a').waiting).toBe(1)
    queue.limit('a', undefined)
    expect(begun).toEqual([{ tenant: 'a', key: 'x' }])
  })

  test('a paused tenant stays so when its work under way has ended', async () => {
    const { queue, begun, endOne } = aQueue()
    queue.add({ tenant: 'a', key: 'x' })
    queue.limit('a', 0)
    await endOne()
    queue.add({ tenant: 'a', key: 'y' })
    expect(begun).toHaveLength(1)
    expect(queue.depth('a').waiting).toBe(1)
  })

  test('tells how long a key was due, from when it was first asked for or from the end of its pause', async () => {
    let time = 0
    const queue = new FairQueue({ concurrency: 1, perTenant: 1, now: () => time, random: () => 0.5 })
    const waited: [key: string, ms: number][] = []
    let end = (): void => {}
    queue.start(({ key }, waitedMs) => {
      waited.push([key, waitedMs])
      return new Promise((resolve) => {
        end = resolve
      })
    })
    const endOne = async () => {
      end()
      await new Promise(setImmediate)
    }
    queue.add({ tenant: 'a', key: 'x' })
    time = 10
    queue.addLater({ tenant: 'a', key: 'y' })
    queue.add({ tenant: 'a', key: 'x' })
    time = 30
    // In haste now, and asked for since 10 all the same.
    queue.add({ tenant: 'a', key: 'y' })
    expect(queue.depth('a')).toEqual({ waiting: 2, delayed: 0, inWork: 1, oldestMs: 20 })
    time = 50
    await endOne()
    await endOne()
    await endOne()
    expect(waited).toEqual([
      ['x', 0],
      ['y', 40],
      ['x', 40],
    ])
    expect(queue.depth('a').oldestMs).toBe(0)
    await queue.stop()
  })

  test('a dropped tenant is forgotten, and begins anew when it comes back', async () => {
    const { queue, begun, endOne } = aQueue()
    queue.limit('a', 1)
    for (const key of ['1', '2']) queue.add({ tenant: 'a', key })
    queue.retry({ tenant: 'a', key: '3' })
    queue.drop('a')
    await endOne()
    expect(queue.depth('a')).toEqual({ waiting: 0, delayed: 0, inWork: 0, oldestMs: 0 })
    expect(queue.failures({ tenant: 'a', key: '3' })).toBe(0)
    for (const key of ['4', '5']) queue.add({ tenant: 'a', key })
    expect(begun.map(({ key }) => key)).toEqual(['1', '4', '5'])
  })

  test('doubles the pause of a failing key up to the longest, and starts anew after a success', () => {
    const { queue } = aQueue({ backoffMs: { first: 100, longest: 1_000 } })
    const item = { tenant: 'a', key: 'x' }
    expect([1, 2, 3, 4, 5, 6].map(() => queue.retry(item))).toEqual([100, 200, 400, 800, 1_000, 1_000])
    queue.forget(item)
    expect(queue.retry(item)).toBe(100)
  })

  test('a delayed key comes when it is due', async () => {
    const queue = new FairQueue({ concurrency: 1, perTenant: 1 })
    const { promise, resolve } = Promise.withResolvers<QueueItem>()
    queue.start(async (item) => resolve(item))
    queue.addAfter({ tenant: 'a', key: 'x' }, 5)
    expect(await promise).toEqual({ tenant: 'a', key: 'x' })
    await queue.stop()
  })

  test('stop waits for work under way and begins none', async () => {
    const { queue, begun, endOne } = aQueue({ concurrency: 1 })
    queue.add({ tenant: 'a', key: '1' })
    queue.add({ tenant: 'a', key: '2' })
    const stopped = queue.stop()
    await endOne()
    await stopped
    expect(begun).toHaveLength(1)
  })

  test('loses nothing, never works on a key twice at once, keeps to the limits, starves nobody', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant('add' as const),
          tenant: fc.constantFrom('a', 'b', 'c'),
          key: fc.nat(6).map(String),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('later' as const),
          tenant: fc.constantFrom('a', 'b', 'c'),
          key: fc.nat(6).map(String),
        }),
      },
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('end' as const), index: fc.nat(9), ms: fc.nat(500) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant('limit' as const),
          tenant: fc.constantFrom('a', 'b', 'c'),
          places: fc.constantFrom(0, 1, undefined),
        }),
      },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const { queue, running, begun, endOne, pass } = aQueue()
        const owed = new Map<string, number>()
        const id = ({ tenant, key }: QueueItem) => `${tenant}/${key}`
        const checkLimits = () => {
          expect(new Set(running.map(({ item }) => id(item))).size).toBe(running.length)
          expect(running.length).toBeLessThanOrEqual(4)
          for (const tenant of ['a', 'b', 'c'])
            expect(running.filter(({ item }) => item.tenant === tenant).length).toBeLessThanOrEqual(2)
        }
        for (const one of steps) {
          if (one.kind === 'later') {
            owed.set(id(one), begun.length)
            queue.addLater({ tenant: one.tenant, key: one.key })
          } else if (one.kind === 'add') {
            owed.set(id(one), begun.length)
            queue.add({ tenant: one.tenant, key: one.key })
          } else if (one.kind === 'end') {
            pass(one.ms)
            if (running.length > 0) await endOne(one.index % running.length)
          } else queue.limit(one.tenant, one.places)
          checkLimits()
        }
        for (const tenant of ['a', 'b', 'c']) queue.limit(tenant, undefined)
        while (running.length > 0) await endOne()
        // Each add was followed by a start of that key, at or after the add.
        for (const [key, since] of owed)
          expect(
            begun.slice(since).some((item) => id(item) === key),
            key,
          ).toBe(true)
        for (const tenant of ['a', 'b', 'c'])
          expect(queue.depth(tenant)).toEqual({ waiting: 0, delayed: 0, inWork: 0, oldestMs: 0 })
      }),
      { numRuns: 200 },
    )
  })

  test('a greedy tenant does not hold up a modest one', async () => {
    const { queue, running, begun, endOne, pass } = aQueue({ concurrency: 2, perTenant: 2 })
    for (let key = 0; key < 500; key += 1) queue.add({ tenant: 'greedy', key: `${key}` })
    for (let turn = 0; turn < 20; turn += 1) {
      const before = begun.length
      queue.add({ tenant: 'modest', key: `${turn}` })
      for (let ended = 0; ended < 2; ended += 1) {
        pass(10)
        await endOne()
      }
      expect(begun.slice(before).some(({ tenant }) => tenant === 'modest')).toBe(true)
      expect(running.length).toBe(2)
    }
  })
})
