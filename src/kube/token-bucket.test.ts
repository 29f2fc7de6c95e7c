import { expect, test } from 'vitest'
import { createTokenBuckets } from './token-bucket.ts'

test('gives a burst, then one token per refill time, for each key', () => {
  const buckets = createTokenBuckets({ burst: 2, refillMs: 100, keys: 10 })
  const take = (now: number, key = 'a') => buckets.take(key, now)
  expect([take(0), take(0), take(0), take(0, 'b')]).toEqual([true, true, false, true])
  expect([take(99), take(100), take(150), take(200)]).toEqual([false, true, false, true])
  expect([take(10_000), take(10_000), take(10_000)]).toEqual([true, true, false])
})

test('forgets the key that was not used for longest', () => {
  const buckets = createTokenBuckets({ burst: 1, refillMs: 1e9, keys: 2 })
  buckets.take('a', 0)
  buckets.take('b', 0)
  buckets.take('a', 0)
  buckets.take('c', 0)
  expect([buckets.take('a', 0), buckets.take('b', 0)]).toEqual([false, true])
})
