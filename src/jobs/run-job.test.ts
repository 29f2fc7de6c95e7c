import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { AppError } from '../lib/errors.ts'
import { handle, type JobContext, type JobKind } from './job-kind.ts'
import { graceMs, type HeldJob, runJob } from './run-job.ts'

const log = pino({ level: 'silent' })
const kind: JobKind<{ readonly name: string }> = {
  name: 'test',
  payload: z.strictObject({ name: z.string() }),
  attempts: 2,
  backoff: { firstMs: 100, capMs: 100 },
  timeLimitMs: 1000,
  concurrency: 1,
  perGroup: 1,
}
const aJob = (wanted: Partial<HeldJob> = {}): HeldJob => ({
  id: 'a',
  group: 'g',
  payload: { name: 'x' },
  attempt: 1,
  fence: 1,
  ...wanted,
})
const start = (run: (context: JobContext) => Promise<void>, job: Partial<HeldJob> = {}) => {
  const [stopping, lost] = [new AbortController(), new AbortController()]
  const handler = handle(kind, (_payload, context) => run(context))
  const outcome = runJob(handler, aJob(job), { stopping: stopping.signal, lost: lost.signal, log })
  return { outcome, stopping, lost }
}
/** Ends when it is told to, as it should. */
const obedient = ({ signal }: JobContext) =>
  new Promise<void>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('runJob', () => {
  test('is done when the run is', async () => {
    expect(await start(async () => {}).outcome).toEqual({ kind: 'done' })
  })

  test('tries again what failed, and gives up after the last attempt', async () => {
    const fail = () => Promise.reject(new AppError('WEBHOOK_FAILED', 'no'))
    expect(await start(fail).outcome).toMatchObject({ kind: 'retry', reason: 'no', code: 'WEBHOOK_FAILED' })
    expect(await start(fail, { attempt: 2 }).outcome).toMatchObject({ kind: 'dead', reason: 'no' })
  })

  test('gives up at once a payload that does not fit, and shows none of its values', async () => {
    const outcome = await start(async () => {}, { payload: { name: 7, secret: 'hidden' } }).outcome
    expect(outcome).toMatchObject({ kind: 'dead', code: 'SPEC_INVALID', reason: expect.stringContaining('name') })
    expect(JSON.stringify(outcome)).not.toContain('hidden')
  })

  test('tells a run to end when its time is over', async () => {
    const { outcome } = start(obedient)
    await vi.advanceTimersByTimeAsync(1000)
    expect(await outcome).toMatchObject({ kind: 'retry', code: 'DEADLINE_EXCEEDED', reason: 'the run took longer than 1000 ms' })
  })

  test('waits no longer than the grace for a run that does not listen', async () => {
    const { outcome } = start(() => new Promise(() => {}))
    let ended = false
    void outcome.then(() => {
      ended = true
    })
    await vi.advanceTimersByTimeAsync(1000 + graceMs - 1)
    expect(ended).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await outcome).toMatchObject({ kind: 'retry', code: 'DEADLINE_EXCEEDED' })
  })

  test('counts no failure when the process stops', async () => {
    const { outcome, stopping } = start(obedient, { attempt: 2 })
    stopping.abort()
    expect(await outcome).toEqual({ kind: 'stopped' })
  })

  test('begins nothing in a process that stops', async () => {
    let begun = 0
    const run = async () => void (begun += 1)
    const handler = handle(kind, run)
    const [off, on] = [AbortSignal.abort(), new AbortController().signal]
    expect(await runJob(handler, aJob(), { stopping: off, lost: on, log })).toEqual({ kind: 'stopped' })
    expect(await runJob(handler, aJob(), { stopping: on, lost: off, log })).toEqual({ kind: 'lost' })
    expect(begun).toBe(0)
  })

  test('is done all the same when a run ends well while the process stops', async () => {
    const { outcome, stopping } = start(
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    )
    stopping.abort()
    expect(await outcome).toEqual({ kind: 'done' })
  })

  test.for<[name: string, run: (context: JobContext) => Promise<void>]>([
    ['failed', obedient],
    ['ended well', ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve()))],
  ])('says nothing of a run that was lost, also when it %s', async ([, run]) => {
    const { outcome, lost } = start(run)
    lost.abort()
    expect(await outcome).toEqual({ kind: 'lost' })
  })
})
