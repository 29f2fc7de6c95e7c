import { describe, expect, test } from 'vitest'
import { type Fault, faultsOf, type LaneName, laneNames, type PlanInput, partNames, pickOf } from './plan.ts'

const input: PlanInput = {
  seed: 7,
  tenants: [
    { name: 'wide', dataStore: 'dedicated' },
    { name: 'plain', dataStore: 'dedicated' },
    { name: 'pooled', dataStore: 'shared' },
  ],
  parts: partNames,
}

const first = (count: number, lane: LaneName, given: Partial<PlanInput> = {}): Fault[] => {
  const faults: Fault[] = []
  for (const fault of faultsOf(lane, { ...input, ...given })) {
    faults.push(fault)
    if (faults.length === count) break
  }
  return faults
}

describe('the plan of faults', () => {
  test('is the same for one seed, and another for another', () => {
    for (const lane of laneNames) {
      expect(first(50, lane)).toEqual(first(50, lane))
      expect(first(50, lane)).not.toEqual(first(50, lane, { seed: 8 }))
    }
  })

  test('hits every part within its first faults', () => {
    const hit = new Set(laneNames.flatMap((lane) => first(20, lane).map(({ part }) => part)))
    expect([...hit].sort()).toEqual([...partNames].sort())
  })

  test('hits the own etcd of tenants that have one, and names no tenant for what all share', () => {
    const faults = first(200, 'planes')
    expect(new Set(faults.filter(({ part }) => part === 'etcd').map(({ tenant }) => tenant))).toEqual(new Set(['wide', 'plain']))
    expect(new Set(faults.filter(({ part }) => part === 'kube-apiserver').map(({ tenant }) => tenant)).size).toBe(3)
    expect(faults.filter(({ part }) => part === 'shared-etcd').every(({ tenant }) => tenant === undefined)).toBe(true)
  })

  test('leaves out what may not be hit, and what is not there', () => {
    expect(new Set(first(50, 'planes', { parts: ['etcd'] }).map(({ part }) => part))).toEqual(new Set(['etcd']))
    expect(first(50, 'nodes', { parts: ['etcd'] })).toEqual([])
    const tenants = [{ name: 'plain', dataStore: 'dedicated' as const }]
    expect(first(100, 'planes', { tenants }).some(({ part }) => part === 'shared-etcd')).toBe(false)
  })

  test('says how long things stay frozen or away, and kills and deletes pods without that', () => {
    for (const { lane, action, forMs } of laneNames.flatMap((lane) => first(100, lane))) {
      if (action === 'freeze') expect(forMs).toBeGreaterThanOrEqual(2_000)
      else if (lane !== 'nodes') expect(forMs).toBe(0)
      expect(forMs).toBeLessThanOrEqual(65_000)
    }
  })
})

test.for<[pick: number, count: number, wanted: number]>([
  [0, 3, 0],
  [0.5, 3, 1],
  [0.999, 3, 2],
  [0.999, 1, 0],
])('the share %d of %d is number %d', ([pick, count, wanted]) => expect(pickOf(pick, count)).toBe(wanted))
