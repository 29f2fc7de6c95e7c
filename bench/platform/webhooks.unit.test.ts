import { expect, test } from 'vitest'
import { figuresOf, type Seen } from './webhooks.ts'

/** Events at so many ms after the beginning. */
const at = (times: Readonly<Record<string, number>>): Map<string, number> =>
  new Map(Object.entries(times).map(([id, ms]) => [id, 1000 + ms]))

const aRun = (parts: Partial<Seen>): Seen => ({
  began: 1000,
  seconds: 10,
  asked: 4,
  heldBack: 0,
  addedMs: new Map(),
  answeredMs: new Map(),
  refused: new Set(),
  twice: 0,
  cores: 0.5,
  residentMiB: 100,
  ...parts,
})

test('the rate is that of the second half, and what comes later does not count', () => {
  const answeredMs = at({ a: 4999, b: 5000, c: 9999, d: 10_000 })
  expect(figuresOf(aRun({ addedMs: answeredMs, answeredMs })).deliveredPerSecond).toBe(2 / 5)
})

test('deliveries at a later try are told apart from those at the first', () => {
  const addedMs = at({ a: 0, b: 10, c: 20, d: 30 })
  const answeredMs = at({ a: 5, b: 5010, c: 40 })
  const figures = figuresOf(aRun({ addedMs, answeredMs, refused: new Set(['b', 'd']) }))
  expect(figures).toMatchObject({
    missing: 1,
    refused: 2,
    retried: { count: 1, p50: 5000 },
    firstTry: { count: 2, p50: 5, p99: 20 },
  })
})
