import { expect, test } from 'vitest'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import type { Pod } from './pod.ts'
import { priorityNotes } from './priority.ts'
import { superSpec } from './super-spec.ts'

const ctx = aSyncContext({ classes: { allows: (kind, name) => kind === 'PriorityClass' && name === 'batch' } })
const pod = (spec: Record<string, unknown>): Pod => aTenantPod(spec) as Pod

test("a class of super's that the tenant may use goes down, its number is super's to say", () => {
  const asking = pod({ priorityClassName: 'batch', priority: 1000, preemptionPolicy: 'Never' })
  const spec = superSpec(asking, ctx)
  expect([spec['priorityClassName'], spec['priority'], spec['preemptionPolicy']]).toEqual(['batch', undefined, undefined])
  expect(priorityNotes(asking, ctx)).toEqual([])
})

test('any other is left out, and told', () => {
  const asking = pod({ priorityClassName: 'mine', priority: 2_000_000 })
  expect(superSpec(asking, ctx)['priorityClassName']).toBeUndefined()
  expect(priorityNotes(asking, ctx)).toEqual([{ reason: 'PriorityNotInSuper', message: expect.stringContaining('mine') }])
})

test('a pod without one is nothing to speak of', () => {
  expect(priorityNotes(pod({}), ctx)).toEqual([])
})

test('a system class is no class for tenants, whatever the operator lists', () => {
  for (const priorityClassName of ['system-node-critical', 'system-cluster-critical']) {
    const every = aSyncContext({ classes: { allows: () => true } })
    expect(superSpec(pod({ priorityClassName }), every)['priorityClassName']).toBeUndefined()
    expect(priorityNotes(pod({ priorityClassName }), every)).toMatchObject([{ reason: 'PriorityNotInSuper' }])
  }
})
