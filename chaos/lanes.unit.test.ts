import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type CarryOut, type LanesInput, runLanes } from './lanes.ts'
import { type Fault, faultsOf, laneNames, partNames } from './plan.ts'

const tenants = ['one', 'two', 'three'].map((name) => ({ name, dataStore: 'dedicated' as const }))
const impatient = { most: 3, patienceMs: 0 }
const input = (given: Partial<LanesInput> = {}): LanesInput => ({
  // The same faults without the time they take.
  *faultsOf(lane) {
    for (const fault of faultsOf(lane, { seed: 3, tenants, parts: partNames })) yield { ...fault, forMs: 0, pauseMs: 1 }
  },
  forMs: 300,
  ended: new AbortController().signal,
  progress: () => {},
  pace: { berth: impatient, planes: impatient, nodes: { most: 1, patienceMs: 0 } },
  ...given,
})
const done = { target: 'pod', recoveredMs: 1 }

/** Carries out nothing, for some milliseconds each, and notes which faults were open at the same time. */
const watched = (takesMs: number): { carryOut: CarryOut; together: readonly Fault[][] } => {
  const open = new Set<Fault>()
  const together: Fault[][] = []
  return {
    together,
    carryOut: async (fault) => {
      open.add(fault)
      together.push([...open])
      await sleep(takesMs)
      open.delete(fault)
      return done
    },
  }
}

test('hits nothing twice that is not mended, nor two nodes at once, also when it goes on elsewhere', async () => {
  const { carryOut, together } = watched(40)
  await runLanes(input(), carryOut)
  expect(Math.max(...together.map((faults) => faults.filter(({ lane }) => lane === 'planes').length))).toBe(3)
  for (const faults of together) {
    expect(faults.filter(({ lane }) => lane === 'nodes').length).toBeLessThanOrEqual(1)
    for (const lane of laneNames) {
      const owners = faults.filter((fault) => fault.lane === lane).map(({ tenant, part }) => tenant ?? part)
      expect(new Set(owners).size).toBe(owners.length)
    }
  }
})

test('records what is not mended and goes on', async () => {
  const records = await runLanes(input(), async ({ number }) => {
    if (number === 2) throw new Error('still down')
    return done
  })
  expect(records.filter(({ failure }) => failure === 'still down').length).toBe(3)
  expect(records.some(({ number, failure }) => number > 2 && failure === undefined)).toBe(true)
})

test('waits at the end for what is open, and ends at once when told to', async () => {
  const ended = new AbortController()
  let stopped = 0
  const records = runLanes(input({ forMs: 3_600_000, ended: ended.signal }), async (_fault, stop) => {
    await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }))
    stopped += 1
    return done
  })
  ended.abort()
  expect((await records).length).toBe(laneNames.length)
  expect(stopped).toBe(laneNames.length)
})
