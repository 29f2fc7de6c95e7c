import { describe, expect, test } from 'vitest'
import { createPace } from './pace.ts'

const megabyte = 1e6

/** 100 ms at once, then a tenth, by a clock that only the work and the test move. */
const paced = () => {
  const clock = { ms: 1_000 }
  const pace = createPace({ now: () => clock.ms, burstMs: 100, share: 0.1 })
  /** Reading that takes so long, of a text for which that is neither little nor much. */
  const taking = (ms: number) => pace.read(ms * 50_000, () => (clock.ms += ms))
  return { pace, clock, taking }
}
const isAtOnce = (turn: Promise<void>): Promise<boolean> =>
  Promise.race([turn.then(() => true), new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))])
const isFree = async ({ pace }: Pick<ReturnType<typeof paced>, 'pace'>): Promise<boolean> => {
  const stop = new AbortController()
  const free = await isAtOnce(pace.turn(stop.signal)).finally(() => stop.abort())
  expect(pace.isSpent()).toBe(!free)
  return free
}
/** How long who asks now has to rest, to the millisecond. */
const restOf = async (world: ReturnType<typeof paced>): Promise<number> => {
  const began = world.clock.ms
  while (world.pace.isSpent()) world.clock.ms += 1
  expect(await isFree(world)).toBe(true)
  const rest = world.clock.ms - began
  world.clock.ms = began
  return rest
}

test('what is spent at once needs no rest, up to a point', async () => {
  const world = paced()
  for (let each = 0; each < 100; each += 1) world.taking(1)
  expect(await isFree(world)).toBe(true)
  world.taking(12)
  expect(await isFree(world)).toBe(false)
})

test('what is more is rested for ten times over, also when the work throws', async () => {
  const world = paced()
  world.taking(100)
  expect(() =>
    world.pace.read(megabyte, () => {
      world.clock.ms += 20
      throw new Error('no JSON')
    }),
  ).toThrow('no JSON')
  // 120 ms at ten times over are 1,200, of which 1,000 are free and 20 went by.
  expect(await restOf(world)).toBe(180)
})

test('a rest fills it up, and no further', async () => {
  const world = paced()
  world.taking(50)
  world.clock.ms += 3_600_000
  world.taking(101)
  expect(await restOf(world)).toBe(10)
})

test('no rest is longer than ten seconds', async () => {
  const world = paced()
  for (let each = 0; each < 1_000; each += 1) world.pace.wasted()
  expect(await restOf(world)).toBe(10_000)
})

describe('costs', () => {
  test.for<[name: string, spend: (world: ReturnType<typeof paced>) => void, ms: number]>([
    ['reading, by the clock', ({ taking }) => taking(30), 300],
    ['reading that takes no time, as common objects do', ({ pace }) => pace.read(4 * megabyte, () => {}), 200],
    [
      'reading while the machine is busy, no more than the densest text does',
      ({ pace, clock }) => pace.read(megabyte / 10, () => (clock.ms += 500)),
      100,
    ],
    ['what was done since a mark', ({ pace }) => pace.spent(pace.mark(), 2 * megabyte), 100],
    ['bytes, before they are looked at', ({ pace }) => pace.received(4 * megabyte), 200],
    [
      'calls',
      ({ pace }) => {
        for (let each = 0; each < 100; each += 1) pace.called()
      },
      200,
    ],
    ['objects that are told on', ({ pace }) => pace.told(5_000), 200],
    ['an answer that is none', ({ pace }) => pace.wasted(), 1_000],
  ])('%s', async ([, spend, ms]) => {
    const world = paced()
    world.pace.received(20 * megabyte)
    const began = world.clock.ms
    expect(await restOf(world)).toBe(0)
    spend(world)
    world.clock.ms = began
    expect(await restOf(world)).toBe(ms)
  })
})

test('who waits goes on by itself', async () => {
  const pace = createPace({ burstMs: 0, share: 0.1 })
  const began = performance.now()
  pace.received(megabyte)
  await pace.turn()
  expect(performance.now() - began).toBeGreaterThan(50 - 2)
})

test('a signal ends the rest', async () => {
  const world = paced()
  const stop = new AbortController()
  world.pace.received(1e12)
  const turn = world.pace.turn(stop.signal)
  expect(await isAtOnce(turn)).toBe(false)
  stop.abort()
  await turn
})
