import { expect, test } from 'vitest'
import { bothInTurn } from './controllers.ts'

test('a schedule of snapshots that fails does not keep drills from being asked for, and is told', async () => {
  const seen: string[] = []
  const fails = async (): Promise<never> => {
    seen.push('first')
    throw new Error('no room for snapshots')
  }
  const works = async () => {
    seen.push('second')
    return { kind: 'wait', reason: 'Scheduled', retryAfterMs: 5 } as const
  }
  await expect(bothInTurn(fails, works)).rejects.toThrow('no room for snapshots')
  await expect(bothInTurn(works, fails)).rejects.toThrow('no room for snapshots')
  expect(seen).toEqual(['first', 'second', 'second', 'first'])
})

test('of two times to look again the sooner one counts', async () => {
  const inMs = (retryAfterMs: number) => async () => ({ kind: 'wait', reason: 'Scheduled', retryAfterMs }) as const
  expect(await bothInTurn(inMs(9), inMs(5))).toMatchObject({ retryAfterMs: 5 })
  expect(await bothInTurn(inMs(5), async () => ({ kind: 'done' }))).toMatchObject({ retryAfterMs: 5 })
})
