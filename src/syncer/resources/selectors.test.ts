import { expect, test } from 'vitest'
import { selectorRefusal } from './selectors.ts'

test.for<[name: string, selector: Parameters<typeof selectorRefusal>[1], refused: boolean]>([
  ['no selector', undefined, false],
  ['one that selects all', {}, false],
  [
    'keys of others',
    { matchLabels: { 'berth.dev.example/a': 'x' }, matchExpressions: [{ key: 'tier', operator: 'Exists' }] },
    false,
  ],
  ['a label of ours', { matchLabels: { app: 'web', 'berth.dev/tenant': 'x' } }, true],
  ['a label that super would act upon', { matchLabels: { 'sidecar.istio.io/inject': 'false' } }, true],
  ['a label that super sets itself', { matchLabels: { 'topology.kubernetes.io/zone': 'a' } }, false],
  ['an expression of ours', { matchExpressions: [{ key: 'ns.berth.dev/x', operator: 'DoesNotExist' }] }, true],
])('%s', ([, selector, refused]) => {
  expect(selectorRefusal('spec.selector', selector)?.kind).toBe(refused ? 'refused' : undefined)
})
