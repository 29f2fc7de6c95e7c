import { describe, expect, test } from 'vitest'
import { firstAnswer } from './first-answer.ts'

/** Answers in turn, the last one for ever; 0 stands for a connection that is refused. */
const server = (...statuses: readonly number[]) => {
  const asked = { times: 0 }
  const ask = async (): Promise<{ status: number }> => {
    const status = statuses[Math.min(asked.times, statuses.length - 1)] ?? 0
    asked.times += 1
    if (status === 0) throw new Error('refused')
    return { status }
  }
  return { ask, asked }
}
const times = { forMs: 200, everyMs: 5, signal: new AbortController().signal }

describe('firstAnswer', () => {
  test.for<[name: string, statuses: readonly number[], isAwaited: boolean, asked: number, status: number]>([
    ['it serves', [200], false, 1, 200],
    ['it begins to serve', [0, 0, 500, 500, 200], false, 5, 200],
    ['it begins to answer, and somebody waits for that', [0, 0, 500, 200], true, 3, 500],
  ])('%s', async ([, statuses, isAwaited, times_, status]) => {
    const { ask, asked } = server(...statuses)
    expect(await firstAnswer(ask, { ...times, isAwaited })).toEqual({ kind: 'answer', status })
    expect(asked.times).toBe(times_)
  })

  test('says what it heard last when the time is over', async () => {
    expect(await firstAnswer(server(0, 500).ask, { ...times, isAwaited: false })).toEqual({ kind: 'answer', status: 500 })
    expect(await firstAnswer(server(0).ask, { ...times, isAwaited: true })).toMatchObject({ kind: 'silence' })
  })

  test('is over at once when the process ends', async () => {
    const { ask, asked } = server(0)
    const stop = new AbortController()
    const said = firstAnswer(ask, { isAwaited: true, forMs: 60_000, everyMs: 30_000, signal: stop.signal })
    await Promise.resolve()
    stop.abort()
    expect(await said).toMatchObject({ kind: 'silence' })
    expect(asked.times).toBeLessThanOrEqual(2)
  })
})
