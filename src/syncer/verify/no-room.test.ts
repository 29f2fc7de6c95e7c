import { expect, test } from 'vitest'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { aWorld, worldTime } from '../../testing/sync-world.ts'
import { compareSides } from './compare.ts'

const compare = (hard: Record<string, string>) => {
  const { tenant, superSide } = aWorld()
  // A second pod, which is not in super.
  tenant['pods']?.push({
    ...structuredClone(tenant['pods'][0]),
    metadata: { name: 'web-1', namespace: 'shop', uid: 'pod-2' },
    spec: { containers: [{ name: 'main', image: 'web' }] },
    status: { phase: 'Pending' },
  })
  const snapshot = { tenant: new Map(Object.entries(tenant)), superSide: new Map(Object.entries(superSide)), takenAt: worldTime }
  const ctx = aSyncContext({ isolation: { quota: { hard } } })
  const { differences, refused } = compareSides(snapshot, { ctx, nodeSelector: undefined })
  return { differences: differences.map(({ kind, name }) => `${kind} ${name}`), refused: refused.map(({ detail }) => detail) }
}

test('a pod for which there is no room is refused, not missing', () => {
  expect(compare({ pods: '1' })).toEqual({
    differences: [],
    refused: ['QuotaExceeded: pods: 1 asked for, 1 of 1 used by all namespaces together; it goes on when there is room'],
  })
})

test('one for which there is room is missing', () => {
  expect(compare({ pods: '2' })).toEqual({ differences: ['missing-in-super web-1'], refused: [] })
  expect(compare({})).toEqual({ differences: ['missing-in-super web-1'], refused: [] })
})
