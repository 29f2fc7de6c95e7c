import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createWorkQueue } from './work-queue.ts'

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'] }))
afterEach(() => vi.useRealTimers())

const backoff = { firstMs: 100, capMs: 1000 }
const aQueue = () => createWorkQueue({ onReady: () => {}, backoff })

describe('work queue', () => {
  test('gives keys in the order of their coming, each once', () => {
    const queue = aQueue()
    for (const key of ['a', 'b', 'a', 'c']) queue.add(key)
    expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual(['a', 'b', 'c', undefined])
  })

  test('gives a key that came while in work again, after it', () => {
    const queue = aQueue()
    queue.add('a')
    queue.take()
    queue.add('a')
    expect(queue.take()).toBeUndefined()
    queue.done('a')
    expect(queue.take()).toBe('a')
    queue.done('a')
    expect(queue.take()).toBeUndefined()
  })

  test('wakes once for many keys', async () => {
    const onReady = vi.fn<() => void>()
    const queue = createWorkQueue({ onReady, backoff })
    for (const key of ['a', 'b', 'c']) queue.add(key)
    await vi.runAllTimersAsync()
    expect(onReady).toHaveBeenCalledTimes(1)
  })

  test.for<[name: string, act: (queue: ReturnType<typeof aQueue>) => void, dueAtMs: number]>([
    ['later', (queue) => queue.addAfter('a', 500), 500],
    ['the sooner of two times', (queue) => [500, 200, 900].forEach((ms) => queue.addAfter('a', ms)), 200],
    ['now beats later', (queue) => (queue.addAfter('a', 500), queue.add('a')), 0],
    ['later does not delay now', (queue) => (queue.add('a'), queue.addAfter('a', 500)), 0],
    ['no time is now', (queue) => queue.addAfter('a', 0), 0],
    ['a retry waits at least as long as it was told', (queue) => queue.retry('a', 3000), 3000],
  ])('%s', ([, act, dueAtMs]) => {
    const queue = aQueue()
    act(queue)
    if (dueAtMs > 0) {
      vi.advanceTimersByTime(dueAtMs - 1)
      expect(queue.size).toBe(0)
      vi.advanceTimersByTime(1)
    }
    expect([queue.take(), queue.later]).toEqual(['a', 0])
  })

  test('retries with doubling pauses up to the cap, until the key did well', () => {
    const queue = aQueue()
    const pauses = Array.from({ length: 6 }, () => queue.retry('a'))
    for (const [index, pause] of pauses.entries()) {
      const full = Math.min(1000, 100 * 2 ** index)
      expect(pause).toBeGreaterThanOrEqual(full / 2)
      expect(pause).toBeLessThanOrEqual(full)
    }
    queue.forget('a')
    expect(queue.retry('a')).toBeLessThanOrEqual(100)
  })

  test('forgets all when closed', async () => {
    const onReady = vi.fn<() => void>()
    const queue = createWorkQueue({ onReady, backoff })
    queue.add('a')
    queue.take()
    queue.add('a')
    queue.add('b')
    queue.addAfter('c', 10)
    queue.close()
    queue.done('a')
    queue.add('d')
    await vi.runAllTimersAsync()
    expect([queue.take(), queue.size, queue.later, onReady.mock.calls.length]).toEqual([undefined, 0, 0, 0])
  })

  test('loses nothing, and never gives a key that is in work', async () => {
    const keys = fc.constantFrom('a', 'b', 'c', 'd')
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), key: keys }),
      fc.record({ kind: fc.constant('later' as const), key: keys, ms: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ kind: fc.constant('retry' as const), key: keys }),
      fc.record({ kind: fc.constantFrom('take', 'done' as const) }),
      fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 40 }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        let woken = 0
        const queue = createWorkQueue({
          backoff,
          onReady: () => {
            woken += 1
          },
        })
        const inWork: string[] = []
        /** Keys added since they were taken last: each must be taken again. */
        const owed = new Set<string>()
        const take = () => {
          const key = queue.take()
          if (key === undefined) return false
          expect(inWork).not.toContain(key)
          inWork.push(key)
          owed.delete(key)
          return true
        }
        for (const each of steps) {
          if (each.kind === 'add') queue.add(each.key)
          if (each.kind === 'later') queue.addAfter(each.key, each.ms)
          if (each.kind === 'retry') queue.retry(each.key)
          if (each.kind === 'add' || each.kind === 'later' || each.kind === 'retry') owed.add(each.key)
          if (each.kind === 'take') take()
          if (each.kind === 'done') queue.done(inWork.shift() ?? 'none')
          if (each.kind === 'time') await vi.advanceTimersByTimeAsync(each.ms)
        }
        while (queue.size > 0 || queue.later > 0 || inWork.length > 0) {
          woken = 0
          while (take());
          for (let key = inWork.shift(); key !== undefined; key = inWork.shift()) queue.done(key)
          await vi.advanceTimersByTimeAsync(2000)
          if (queue.size > 0) expect(woken).toBeGreaterThan(0)
        }
        expect([...owed]).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
