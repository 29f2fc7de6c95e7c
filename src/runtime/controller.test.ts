import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { AppError } from '../lib/errors.ts'
import { eventually } from '../testing/eventually.ts'
import { type ControllerOptions, createController, failureAction, type Outcome } from './controller.ts'

const log = pino({ level: 'silent' })
const done: Outcome = { kind: 'done' }
const aController = (reconcile: ControllerOptions['reconcile'], more: Partial<ControllerOptions> = {}) =>
  createController({ name: 'test', log, reconcile, backoff: { firstMs: 10, capMs: 40 }, ...more })

test.for<[name: string, error: unknown, wanted: ReturnType<typeof failureAction>]>([
  ['a conflict is retried', new AppError('KUBE_CONFLICT', 'x', {}), { kind: 'retry', atLeastMs: 0 }],
  ['the server says when', new AppError('KUBE_TOO_MANY_REQUESTS', 'x', { retryAfterMs: 7 }), { kind: 'retry', atLeastMs: 7 }],
  ['what only a change can mend is not', new AppError('SPEC_INVALID', 'x', {}), { kind: 'drop' }],
  ['a bug is', new TypeError('x'), { kind: 'retry', atLeastMs: 0 }],
])('failureAction: %s', ([, error, wanted]) => expect(failureAction(error)).toEqual(wanted))

describe('controller', () => {
  test('reconciles what was enqueued before its start, but not before its sources are in step', async () => {
    const seen: string[] = []
    let inStep = () => {}
    const controller = aController(async (key) => (seen.push(key), done), {
      sources: [{ start: () => {}, stop: async () => {}, whenSynced: () => new Promise((resolve) => (inStep = resolve)) }],
    })
    controller.enqueue('a')
    const started = controller.start()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(seen).toEqual([])
    inStep()
    await started
    await eventually(() => seen.length === 1)
    await controller.stop()
  })

  test('works on as many keys at once as it may, and on one key never twice', async () => {
    let now = 0
    let most = 0
    const busy = new Set<string>()
    let count = 0
    const controller = aController(
      async (key) => {
        expect(busy.has(key)).toBe(false)
        busy.add(key)
        now += 1
        most = Math.max(most, now)
        await new Promise((resolve) => setTimeout(resolve, 2))
        now -= 1
        busy.delete(key)
        count += 1
        return done
      },
      { concurrency: 3 },
    )
    await controller.start()
    for (let each = 0; each < 30; each += 1) controller.enqueue(`k${each % 7}`)
    await eventually(() => controller.idle && count >= 7)
    expect(most).toBe(3)
    await controller.stop()
  })

  test('comes back when it was told to wait', async () => {
    const times: number[] = []
    const controller = aController(async () => {
      times.push(performance.now())
      return times.length < 2 ? { kind: 'wait', retryAfterMs: 30 } : done
    })
    await controller.start()
    controller.enqueue('a')
    await eventually(() => times.length === 2)
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(28)
    await eventually(() => controller.idle)
    await controller.stop()
  })

  test.for<[name: string, error: () => Error, tries: number]>([
    ['retries a failure', () => new AppError('KUBE_SERVER_ERROR', 'x', {}), 3],
    ['retries a conflict', () => new AppError('KUBE_CONFLICT', 'x', {}), 3],
    ['retries a bug', () => new TypeError('x'), 3],
    ['leaves alone what only a change can mend', () => new AppError('SPEC_INVALID', 'x', {}), 1],
  ])('%s', async ([, error, tries]) => {
    let count = 0
    const controller = aController(async () => {
      count += 1
      if (count < 3) throw error()
      return done
    })
    await controller.start()
    controller.enqueue('a')
    await eventually(() => count === tries && controller.idle)
    await controller.stop()
  })

  test('ends a reconcile that takes too long, and tries again', async () => {
    const reasons: string[] = []
    const controller = aController(
      (_key, signal) =>
        reasons.length > 0
          ? Promise.resolve(done)
          : new Promise((_resolve, reject) => {
              signal.addEventListener('abort', () => {
                reasons.push(String(signal.reason))
                reject(signal.reason as Error)
              })
            }),
      { reconcileDeadlineMs: 20 },
    )
    await controller.start()
    controller.enqueue('a')
    await eventually(() => reasons.length === 1 && controller.idle)
    expect(reasons[0]).toContain('took over 20 ms')
    await controller.stop()
  })

  test('lets work in progress end before it stops, and takes nothing new', async () => {
    const seen: string[] = []
    let release = () => {}
    const controller = aController(
      async (key) => {
        await new Promise<void>((resolve) => (release = resolve))
        seen.push(key)
        return done
      },
      { concurrency: 1 },
    )
    await controller.start()
    controller.enqueue('a')
    controller.enqueue('b')
    await eventually(() => controller.inWork === 1)
    const stopped = controller.stop()
    release()
    await stopped
    expect(seen).toEqual(['a'])
  })

  test('aborts what does not end in its grace time', async () => {
    let aborted = false
    const controller = aController(
      (_key, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => ((aborted = true), reject(new Error('aborted')))),
        ),
    )
    await controller.start()
    controller.enqueue('a')
    await eventually(() => controller.inWork === 1)
    await controller.stop({ graceMs: 10 })
    expect(aborted).toBe(true)
  })
})
