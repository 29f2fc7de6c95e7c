import { describe, expect, test } from 'vitest'
import type { Difference } from './difference.ts'
import { settle } from './settle.ts'

const at = (name: string, detail = 'x'): Difference => ({
  kind: 'missing-in-super',
  resource: 'pods',
  namespace: 'shop',
  name,
  detail,
})

/** Runs over the differences of each round; the last round repeats. A round and a pause take no time but the pause's own. */
const run = (rounds: readonly (readonly Difference[])[], settleMs = 30_000) => {
  let time = 0
  let round = 0
  return settle(
    async () => {
      const differences = rounds[Math.min(round, rounds.length - 1)] ?? []
      round += 1
      return { differences, refused: [], compared: 7 }
    },
    {
      rounds: 3,
      everyMs: 1000,
      settleMs,
      now: () => time,
      pause: async (ms) => {
        time += ms
      },
    },
  )
}

describe('settle', () => {
  test('agreement ends it at once', async () => {
    expect(await run([[]])).toMatchObject({ differences: [], moving: [], roundsTaken: 1, compared: 7 })
  })
  test('what goes away by itself is no difference', async () => {
    expect(await run([[at('a')], [at('a')], []])).toMatchObject({ differences: [], moving: [], roundsTaken: 3 })
  })
  test('what stands for three rounds is one', async () => {
    expect(await run([[at('a')]])).toMatchObject({ differences: [at('a')], moving: [], roundsTaken: 3 })
  })
  test('rounds count in a row only', async () => {
    expect(await run([[at('a')], [at('a')], [at('b')], [at('a')], [at('a')], []])).toMatchObject({
      differences: [],
      roundsTaken: 6,
    })
  })
  test('a difference that changes is one in motion', async () => {
    expect(await run([[at('a', '1')], [at('a', '2')], [at('a', '3')], [at('a', '4')], []])).toMatchObject({
      differences: [],
      roundsTaken: 5,
    })
  })
  test('a standing one is kept while others still move', async () => {
    expect(await run([[at('a')], [at('a')], [at('a'), at('b')], [at('a')]])).toMatchObject({
      differences: [at('a')],
      roundsTaken: 4,
    })
  })
  test('sides that never come to rest end at the deadline, told as such', async () => {
    const restless = Array.from({ length: 100 }, (_, round) => [at('a', String(round)), at('b')])
    const report = await run(restless, 5000)
    expect(report).toMatchObject({ differences: [at('b')], moving: [at('a', '5')], roundsTaken: 6 })
  })
})
