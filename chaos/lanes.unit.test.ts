import { expect, test } from 'vitest'
import { eventually } from '../src/testing/eventually.ts'
import { type LanesInput, runLanes } from './lanes.ts'
import { type Fault, faultsOf, type LaneName, laneNames, partNames } from './plan.ts'

const tenants = ['one', 'two', 'three'].map((name) => ({ name, dataStore: 'dedicated' as const }))
const impatient = { most: 3, patienceMs: 0 }
/** The planned faults without the time they take, until `ended`. */
const input = (ended: AbortSignal): LanesInput => ({
  *faultsOf(lane) {
    for (const fault of faultsOf(lane, { seed: 3, tenants, parts: partNames })) yield { ...fault, forMs: 0, pauseMs: 1 }
  },
  forMs: 3_600_000,
  ended,
  progress: () => {},
  pace: { berth: impatient, planes: impatient, nodes: { most: 1, patienceMs: 0 } },
})
const done = { target: 'pod', recoveredMs: 1 }
const untilStop = (stop: AbortSignal): Promise<void> =>
  new Promise((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }))

test('goes on elsewhere while nothing is mended, but hits nothing twice and no second node; waits at the end for what is open', async () => {
  const ended = new AbortController()
  const open: Fault[] = []
  const records = runLanes(input(ended.signal), async (fault, stop) => {
    open.push(fault)
    await untilStop(stop)
    return done
  })
  const openIn = (lane: LaneName): Fault[] => open.filter((fault) => fault.lane === lane)
  await eventually(() => openIn('planes').length === 3 && openIn('berth').length === 3, {
    describe: 'three of each open',
    deadlineMs: 25_000,
  })
  ended.abort()
  expect((await records).length).toBe(7)
  expect(openIn('nodes').length).toBe(1)
  expect(new Set(openIn('planes').map(({ tenant, part }) => tenant ?? part)).size).toBe(3)
  expect(new Set(openIn('berth').map(({ part }) => part)).size).toBe(3)
})

test('records what is not mended and goes on', async () => {
  const ended = new AbortController()
  const past = new Set<LaneName>()
  const records = await runLanes(input(ended.signal), async ({ lane, number }) => {
    if (number > 2) past.add(lane)
    if (past.size === laneNames.length) ended.abort()
    if (number === 1) throw new Error('still down')
    return done
  })
  expect(records.filter(({ failure }) => failure === 'still down').length).toBe(laneNames.length)
  expect(records.some(({ number, failure }) => number > 2 && failure === undefined)).toBe(true)
})
