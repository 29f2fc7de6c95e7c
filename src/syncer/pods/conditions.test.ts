import { expect, test } from 'vitest'
import { wantedConditions } from './conditions.ts'

const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-06-01T00:00:00Z' }
const waits = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'Insufficient cpu' }
const own = { type: 'example.com/attached', status: 'True' }
const ready = { type: 'Ready', status: 'False' }

test.for<[name: string, inSuper: object[], inTenant: object[], staysScheduled: boolean, wanted: object[]]>([
  ["super's, and the tenant's own beside them", [waits, ready], [own, scheduled], false, [waits, ready, own]],
  ['a pod made anew keeps the node it has', [waits, ready], [scheduled, own], true, [scheduled, ready, own]],
  ['also while super has said nothing yet', [], [scheduled], true, [scheduled]],
  ['one that never was scheduled', [waits], [ready], true, [waits]],
])('%s', ([, inSuper, inTenant, staysScheduled, wanted]) => {
  const gates = new Set(['example.com/attached'])
  const list = (conditions: object[]) => conditions as Parameters<typeof wantedConditions>[0]
  expect(wantedConditions(list(inSuper), list(inTenant), { gates, staysScheduled })).toEqual(wanted)
})
