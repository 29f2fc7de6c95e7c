import { expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { frozen } from '../../testing/frozen.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { podDisruptionBudgets } from './pod-disruption-budgets.ts'

const ctx = aSyncContext()
const budget = (spec: Record<string, unknown>, status: Record<string, unknown> = {}): KubeObject =>
  frozen({
    metadata: { name: 'web', namespace: 'shop', uid: 'u', generation: 2, labels: { a: 'b' } },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
    status,
  })
const counted = { observedGeneration: 2, expectedPods: 5, desiredHealthy: 4 }

test.for<[name: string, spec: Record<string, unknown>, status: Record<string, unknown>, wanted: Record<string, unknown>]>([
  ['a number passes', { minAvailable: 2 }, {}, { minAvailable: 2 }],
  ['none passes', { minAvailable: 0 }, {}, { minAvailable: 0 }],
  ['maxUnavailable becomes the number that stays', { maxUnavailable: 1 }, counted, { minAvailable: 4 }],
  ['a percentage as well', { minAvailable: '80%' }, counted, { minAvailable: 4 }],
  ['not counted yet: none may go', { maxUnavailable: 1 }, {}, { maxUnavailable: 0 }],
  ['counted for the spec before', { maxUnavailable: 1 }, { ...counted, observedGeneration: 1 }, { maxUnavailable: 0 }],
  ['nothing to count from', { maxUnavailable: 1 }, { ...counted, expectedPods: 0, desiredHealthy: 0 }, { maxUnavailable: 0 }],
  [
    'which unhealthy pods may go',
    { minAvailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' },
    {},
    { minAvailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' },
  ],
  ['an empty selector is all pods of the namespace', { minAvailable: 1, selector: {} }, {}, { minAvailable: 1, selector: {} }],
])('%s', ([, spec, status, wanted]) => {
  expect(podDisruptionBudgets.toSuper(budget(spec, status), ctx)).toEqual({
    kind: 'object',
    body: { labels: {}, annotations: {}, fields: { spec: { selector: { matchLabels: { app: 'web' } }, ...wanted } } },
  })
})

test.for<[name: string, spec: Record<string, unknown>, reason: string]>([
  ['a label that does not go down', { selector: { matchLabels: { 'berth.dev/a': 'b' } } }, 'SelectorNotSupported'],
  ['an unknown field', { minAvailable: 1, forecast: 'rain' }, 'FieldNotSupported'],
])('refuses %s', ([, spec, reason]) => {
  expect(podDisruptionBudgets.toSuper(budget(spec), ctx)).toMatchObject({ kind: 'refused', reason })
})
