import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { AppError } from '../lib/errors.ts'
import { eventually } from '../testing/eventually.ts'
import {
  aKind,
  type JobWorld,
  jobWorlds,
  type OpenOptions,
  openAt,
  type QueueAddress,
  startWorkerProcess,
} from '../testing/job-worlds.ts'
import { handle, type JobContext, type JobKind } from './job-kind.ts'
import type { JobQueue } from './job-queue.ts'

type TestKind = ReturnType<typeof aKind>
interface Run {
  readonly value: string
  readonly context: JobContext
  readonly began: number
  ended: number | undefined
}

describe.each(jobWorlds)('a queue: %s', (_name, startWorld) => {
  let world: JobWorld
  const ends: (() => Promise<void>)[] = []
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.stop())
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end()
  })

  const open = async (address: QueueAddress, options: OpenOptions): Promise<JobQueue> => {
    const { queue, close } = await openAt(address, options)
    ends.push(async () => {
      await queue.stop({ deadlineMs: 2000 })
      await close()
    })
    await queue.start()
    return queue
  }

  /** A queue that runs jobs of one kind and remembers how. */
  const aWorker = async (
    { kind = aKind(), address, runs = [] }: { kind?: TestKind; address?: QueueAddress; runs?: Run[] } = {},
    work: (value: string, context: JobContext) => Promise<void> = async () => {},
  ) => {
    const at = address ?? (await world.newAddress())
    const handler = handle(kind, async ({ value }, context) => {
      const run: Run = { value, context, began: performance.now(), ended: undefined }
      runs.push(run)
      try {
        await work(value, context)
      } finally {
        run.ended = performance.now()
      }
    })
    const queue = await open(at, { kinds: [kind], handlers: [handler] })
    const add = (value: string, options = {}) => queue.add(kind, { value }, options)
    return { queue, runs, add, address: at, kind }
  }
  /** A queue that only adds. */
  const anAdder = async (kind: TestKind = aKind(), given?: QueueAddress) => {
    const address = given ?? (await world.newAddress())
    return { queue: await open(address, { kinds: [kind], handlers: [] }), address, kind }
  }
  const isEmpty = async (queue: JobQueue): Promise<boolean> => (await queue.list()).length === 0
  const ended = (runs: readonly Run[]) => runs.filter((run) => run.ended !== undefined)
  /** Pairs of runs of one job that overlap. */
  const overlaps = (runs: readonly Run[]) =>
    runs.filter((a) =>
      runs.some((b) => a !== b && a.context.id === b.context.id && a.began <= b.began && (a.ended ?? Infinity) > b.began),
    )

  test('runs a job once, with what it was given, and forgets it', async () => {
    const { queue, runs, add } = await aWorker()
    const { id, isNew } = await add('a', { group: 'g' })
    await eventually(() => isEmpty(queue))
    expect(isNew).toBe(true)
    expect(runs).toHaveLength(1)
    expect(runs[0]).toMatchObject({ value: 'a', context: { id, group: 'g', attempt: 1 } })
  })

  test('remembers under one name, for all processes', async () => {
    const { queue, address } = await anAdder()
    const { queue: other } = await anAdder(aKind(), address)
    const epoch = await queue.epoch()
    expect(epoch).not.toBe('')
    expect([await queue.epoch(), await other.epoch()]).toEqual([epoch, epoch])
  })

  test('lists the jobs of one group', async () => {
    const { queue, kind } = await anAdder()
    for (const group of ['a', 'b', 'a']) await queue.add(kind, { value: group }, { group, delayMs: 60_000 })
    expect((await queue.list({ group: 'a' })).map(({ group }) => group)).toEqual(['a', 'a'])
    expect(await queue.list({ group: 'a', limit: 1 })).toHaveLength(1)
    expect(await queue.list({ group: 'nobody' })).toEqual([])
  })

  test('refuses a payload that does not fit, and one that is too large', async () => {
    const { queue, kind } = await anAdder()
    const untyped: JobKind<unknown> = kind
    await expect(queue.add(untyped, { value: 7 })).rejects.toMatchObject({ code: 'SPEC_INVALID', message: /value/ })
    await expect(queue.add(kind, { value: 'x'.repeat(20_000) })).rejects.toMatchObject({ code: 'SPEC_INVALID', message: /bytes/ })
    expect(await queue.list()).toEqual([])
  })

  test('makes a dead letter of a stored payload that no longer fits', async () => {
    const { queue: adder, address, kind } = await anAdder()
    // As an older version would have added it.
    const older: JobKind<unknown> = { ...kind, payload: z.unknown() }
    const { id } = await adder.add(older, { value: 7 })
    const { queue, runs } = await aWorker({ address })
    const dead = await eventually(async () => (await queue.list({ states: ['dead'] }))[0])
    expect(dead).toMatchObject({ id, state: 'dead', reason: expect.stringContaining('does not fit') })
    expect(runs).toEqual([])
  })

  test('adds one job for one deduplication id while it waits or runs, and another after', async () => {
    const gate = Promise.withResolvers<void>()
    const { queue, runs, add } = await aWorker({}, () => gate.promise)
    const first = await add('a', { deduplicationId: 'x' })
    await eventually(() => runs.length === 1)
    expect(await add('b', { deduplicationId: 'x' })).toEqual({ id: first.id, isNew: false })
    gate.resolve()
    await eventually(() => isEmpty(queue))
    expect(await add('c', { deduplicationId: 'x' })).toMatchObject({ isNew: true })
    await eventually(() => isEmpty(queue))
    expect(runs.map(({ value }) => value)).toEqual(['a', 'c'])
  })

  test('adds one job when many ask at once', async () => {
    const { queue, kind } = await anAdder()
    const added = await Promise.all(
      Array.from({ length: 10 }, () => queue.add(kind, { value: 'a' }, { deduplicationId: 'x', delayMs: 60_000 })),
    )
    expect(new Set(added.map(({ id }) => id)).size).toBe(1)
    expect(added.filter(({ isNew }) => isNew)).toHaveLength(1)
    expect(await queue.list()).toHaveLength(1)
  })

  test('waits until a delayed job is due', async () => {
    const { queue, runs, add } = await aWorker()
    const asked = performance.now()
    await add('a', { delayMs: 700 })
    expect(await queue.list()).toMatchObject([{ state: 'delayed' }])
    await eventually(() => isEmpty(queue))
    expect((runs[0]?.began ?? 0) - asked).toBeGreaterThan(650)
  })

  test('tries again with growing pauses, then makes a dead letter with the reason', async () => {
    const kind = aKind({ backoff: { firstMs: 200, capMs: 10_000 } })
    const { queue, runs, add } = await aWorker({ kind }, () => Promise.reject(new Error('it is broken')))
    const { id } = await add('a', { group: 'g', deduplicationId: 'x' })
    await eventually(async () => (await queue.list({ states: ['dead'] })).length === 1)
    expect(await queue.list()).toMatchObject([{ id, group: 'g', state: 'dead', failures: 3, reason: 'it is broken' }])
    expect(runs.map(({ context }) => context.attempt)).toEqual([1, 2, 3])
    const fences = runs.map(({ context }) => context.fence)
    expect(fences).toEqual(fences.toSorted((a, b) => a - b))
    expect(new Set(fences).size).toBe(3)
    const [first = 0, second = 0, third = 0] = runs.map(({ began }) => began)
    expect(second - first).toBeGreaterThan(95)
    expect(third - second).toBeGreaterThan(195)
    // A dead letter keeps nobody from adding again.
    expect(await add('b', { deduplicationId: 'x' })).toMatchObject({ isNew: true })
  })

  test('gives up at once what is not worth a retry, and waits as it is asked to', async () => {
    const { queue, runs, add } = await aWorker({}, async (value) => {
      if (value === 'never') throw new AppError('SPEC_INVALID', 'never')
      if (runs.filter((run) => run.value === value).length === 1)
        throw new AppError('WEBHOOK_FAILED', 'wait', { retryAfterMs: 900 })
    })
    await add('never')
    await add('patient')
    await eventually(async () => (await queue.list()).every(({ state }) => state === 'dead'))
    expect(await queue.list()).toMatchObject([{ state: 'dead', failures: 1, payload: { value: 'never' } }])
    const [first, second] = runs.filter(({ value }) => value === 'patient')
    expect((second?.began ?? 0) - (first?.began ?? 0)).toBeGreaterThan(850)
  })

  test('replays a dead letter with all its attempts, and discards another', async () => {
    let broken = true
    const { queue, runs, add } = await aWorker({ kind: aKind({ attempts: 2 }) }, async () => {
      if (broken) throw new Error('no')
    })
    const [first, second] = [await add('a'), await add('b')]
    await eventually(async () => (await queue.list({ states: ['dead'] })).length === 2)
    broken = false
    await queue.retry(first.id)
    await eventually(async () => (await queue.list()).length === 1)
    await queue.discard(second.id)
    expect(await queue.list()).toEqual([])
    expect(runs.filter(({ value }) => value === 'a').map(({ context }) => context.attempt)).toEqual([1, 2, 1])
    expect(new Set(runs.filter(({ value }) => value === 'a').map(({ context }) => context.fence)).size).toBe(3)
    await expect(queue.retry(first.id)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' })
    await expect(queue.discard('nobody')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' })
  })

  test('replays no job that is alive and discards none that runs', async () => {
    const gate = Promise.withResolvers<void>()
    const { queue, runs, add } = await aWorker({}, () => gate.promise)
    const { id } = await add('a')
    await eventually(() => runs.length === 1)
    await expect(queue.retry(id)).rejects.toMatchObject({ code: 'JOB_CONFLICT' })
    await expect(queue.discard(id)).rejects.toMatchObject({ code: 'JOB_CONFLICT' })
    gate.resolve()
  })

  test('ends a run whose time is over, and tries again', async () => {
    const kind = aKind({ timeLimitMs: 300, attempts: 2 })
    const { queue, runs, add } = await aWorker(
      { kind },
      (_value, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    )
    await add('a')
    await eventually(async () => (await queue.list({ states: ['dead'] })).length === 1)
    expect(runs).toHaveLength(2)
    expect(await queue.list()).toMatchObject([{ reason: 'the run took longer than 300 ms' }])
  })

  test('gives a group no more than its places, and others theirs meanwhile', async () => {
    const gate = Promise.withResolvers<void>()
    const kind = aKind({ concurrency: 5, perGroup: 2 })
    const { queue, runs, add } = await aWorker({ kind }, (value) =>
      value.startsWith('noisy') ? gate.promise : Promise.resolve(),
    )
    for (let index = 0; index < 12; index += 1) await add(`noisy-${index}`, { group: 'noisy' })
    for (const group of ['b', 'c', 'd']) await add(`quiet-${group}`, { group })
    await eventually(() => ended(runs).length === 3)
    const running = runs.filter((run) => run.ended === undefined)
    expect(running).toHaveLength(2)
    // Those that have ended are soon counted no more.
    await eventually(async () => (await queue.counts())[0]?.counts.running === 2)
    gate.resolve()
    await eventually(() => isEmpty(queue))
    expect(runs).toHaveLength(15)
  })

  test('shares jobs between two workers, each run once', async () => {
    const address = await world.newAddress()
    const [runs, all]: [Run[][], number] = [[[], []], 40]
    const work = async () => new Promise<void>((resolve) => setTimeout(resolve, 30))
    const first = await aWorker({ address, runs: runs[0] ?? [], kind: aKind({ concurrency: 3 }) }, work)
    await aWorker({ address, runs: runs[1] ?? [], kind: aKind({ concurrency: 3 }) }, work)
    await Promise.all(Array.from({ length: all }, (_, index) => first.add(`${index}`)))
    await eventually(() => isEmpty(first.queue), { deadlineMs: 30_000 })
    const values = runs.flat().map(({ value }) => value)
    expect(values).toHaveLength(all)
    expect(new Set(values).size).toBe(all)
    expect(runs.map((each) => each.length > 0)).toEqual([true, true])
  })

  test('runs again a job whose process was killed, with a larger fence', { timeout: 120_000 }, async () => {
    const { queue: adder, address, kind } = await anAdder()
    const victim = await startWorkerProcess(address)
    ends.push(() => victim.stop())
    const { id } = await adder.add(kind, { value: 'a' }, { group: 'g' })
    await eventually(async () => (await victim.begun()).includes(id), { deadlineMs: 60_000, describe: 'the worker to begin' })
    const { queue, runs } = await aWorker({ address })
    expect(await queue.list()).toMatchObject([{ id, state: 'running' }])
    await victim.child.end('SIGKILL')
    await eventually(() => isEmpty(queue), { deadlineMs: 20_000 })
    expect(runs).toHaveLength(1)
    expect(runs[0]?.context).toMatchObject({ id })
    expect(runs[0]?.context.fence).toBeGreaterThan(1)
  })

  test('leaves a job alone while its process is alive, however long it takes', async () => {
    const address = await world.newAddress()
    const gate = Promise.withResolvers<void>()
    const runs: Run[] = []
    const first = await aWorker({ address, runs }, (value) => (value === 'a' ? gate.promise : Promise.resolve()))
    await first.add('a')
    await eventually(() => runs.length === 1)
    const second = await aWorker({ address, runs })
    // Jobs that come and go later show that the second one would have had its chances.
    const until = performance.now() + 3 * 2000
    while (performance.now() < until) {
      await second.add('b', { delayMs: 500 })
      await eventually(async () => (await second.queue.list()).length === 1)
    }
    expect(runs.filter(({ value }) => value === 'a')).toHaveLength(1)
    gate.resolve()
    await eventually(() => isEmpty(first.queue))
    expect(runs.filter(({ value }) => value === 'a')).toHaveLength(1)
  })

  test('tells runs to end when it stops, and leaves them to the next without counting a failure', async () => {
    const address = await world.newAddress()
    const first = await openAt(address, {
      kinds: [aKind({ attempts: 1 })],
      handlers: [
        handle(
          aKind({ attempts: 1 }),
          (_payload, { signal }) =>
            new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
        ),
      ],
    })
    await first.queue.start()
    const { id } = await first.queue.add(aKind({ attempts: 1 }), { value: 'a' })
    await eventually(async () => (await first.queue.list())[0]?.state === 'running')
    await first.queue.stop({ deadlineMs: 5000 })
    await first.close()
    const { queue, runs } = await aWorker({ address, kind: aKind({ attempts: 1 }) })
    await eventually(() => isEmpty(queue))
    expect(runs).toMatchObject([{ context: { id, attempt: 1 } }])
  })

  test('waits for a run that comes to its end', async () => {
    const address = await world.newAddress()
    let hasBegun = false
    let isDone = false
    const kind = aKind()
    const first = await openAt(address, {
      kinds: [kind],
      handlers: [
        handle(kind, async () => {
          hasBegun = true
          await new Promise((resolve) => setTimeout(resolve, 400))
          isDone = true
        }),
      ],
    })
    await first.queue.start()
    await first.queue.add(kind, { value: 'a' })
    // A job that is claimed and has not begun is left to the next: its state alone does not say that it runs.
    await eventually(() => hasBegun)
    await first.queue.stop({ deadlineMs: 5000 })
    await first.close()
    expect(isDone).toBe(true)
    const { queue } = await anAdder(kind, address)
    expect(await queue.list()).toEqual([])
  })

  test('keeps a schedule by its name', async () => {
    const { queue, kind } = await anAdder()
    const schedule = { name: 'nightly', kind, payload: { value: 'a' }, cron: '0 3 * * *', timeZone: 'Europe/Berlin' }
    await queue.schedule(schedule)
    const [before] = await queue.schedules()
    await queue.schedule(schedule)
    expect(await queue.schedules()).toEqual([before])
    expect(before).toMatchObject({ name: 'nightly', kind: 'test', cron: '0 3 * * *', timeZone: 'Europe/Berlin' })
    expect(before?.next?.getTime()).toBeGreaterThan(Date.now())
    await queue.schedule({ ...schedule, cron: '0 4 * * *' })
    expect(await queue.schedules()).toMatchObject([{ name: 'nightly', cron: '0 4 * * *' }])
    expect(await queue.unschedule('nightly')).toBe(true)
    expect(await queue.unschedule('nightly')).toBe(false)
    expect(await queue.schedules()).toEqual([])
  })

  test.for<[name: string, wrong: object]>([
    ['a cron that is none', { cron: 'every day' }],
    ['six fields', { cron: '* * * * * *' }],
    ['a time zone that is none', { timeZone: 'Europe/Atlantis' }],
    ['a date that never comes', { cron: '0 0 31 2 *' }],
    ['a name that cannot be stored', { name: 'A schedule' }],
  ])('refuses a schedule with %s', async ([, wrong]) => {
    const { queue, kind } = await anAdder()
    const schedule = { name: 'nightly', kind, payload: { value: 'a' }, cron: '0 3 * * *' }
    await expect(queue.schedule({ ...schedule, ...wrong })).rejects.toMatchObject({ code: 'SPEC_INVALID' })
    expect(await queue.schedules()).toEqual([])
  })

  test('adds one job at a time of a schedule, whoever watches', { timeout: 90_000 }, async () => {
    const address = await world.newAddress()
    const runs: Run[] = []
    const first = await aWorker({ address, runs })
    await aWorker({ address, runs })
    await first.queue.schedule({ name: 'often', kind: first.kind, payload: { value: 'a' }, cron: '* * * * *', group: 'g' })
    const [schedule] = await first.queue.schedules()
    await eventually(() => ended(runs).length > 0, { deadlineMs: 70_000 })
    expect(Date.now()).toBeGreaterThanOrEqual(schedule?.next?.getTime() ?? 0)
    await eventually(async () => ((await first.queue.schedules())[0]?.next?.getTime() ?? 0) > (schedule?.next?.getTime() ?? 0))
    expect(runs).toHaveLength(1)
    expect(runs[0]).toMatchObject({ value: 'a', context: { group: 'g' } })
  })

  test('loses nothing when its store is gone for a while, and runs no job twice at once', { timeout: 120_000 }, async () => {
    const work = async () => new Promise<void>((resolve) => setTimeout(resolve, 400))
    const { queue, runs, add } = await aWorker({ kind: aKind({ concurrency: 4, attempts: 10 }) }, work)
    const added = await Promise.all(Array.from({ length: 12 }, (_, index) => add(`${index}`, { group: 'g' })))
    await eventually(() => ended(runs).length >= 2)
    await world.kill()
    await expect(add('lost')).rejects.toMatchObject({ code: expect.toSatisfy((code: string) => world.goneCodes.includes(code)) })
    // Longer than claims last: what ran is no longer this worker's for sure.
    await eventually(() => runs.every((run) => run.ended !== undefined && performance.now() - run.ended > 3000), {
      deadlineMs: 20_000,
    })
    await world.restart()
    await eventually(() => isEmpty(queue), { deadlineMs: 60_000 })
    expect(new Set(ended(runs).map(({ context }) => context.id))).toEqual(new Set(added.map(({ id }) => id)))
    expect(overlaps(runs)).toEqual([])
    expect(await add('after')).toMatchObject({ isNew: true })
    await eventually(() => isEmpty(queue))
  })
})
