import { expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import { OwnPolicies, openMarks } from './openness.ts'

const policy = (spec: Record<string, unknown>, namespace = 'shop'): KubeObject => ({ metadata: { name: 'p', namespace }, spec })
const marks = (ingress: boolean, egress: boolean) => ({
  'berth.dev/open-ingress': String(ingress),
  'berth.dev/open-egress': String(egress),
})
const web = aTenantPod({}, { metadata: { labels: { app: 'web', tier: 'front' } } })

test.for<[name: string, policies: readonly KubeObject[], wanted: object]>([
  ['no policy: open', [], marks(true, true)],
  ['one of another namespace', [policy({ podSelector: {} }, 'other')], marks(true, true)],
  ['all pods, ingress by default', [policy({ podSelector: {} })], marks(false, true)],
  ['egress rules make it of egress too', [policy({ podSelector: {}, egress: [] })], marks(false, false)],
  ['egress alone', [policy({ podSelector: {}, policyTypes: ['Egress'] })], marks(true, false)],
  ['by label', [policy({ podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Ingress'] })], marks(false, true)],
  ['another label', [policy({ podSelector: { matchLabels: { app: 'db' } } })], marks(true, true)],
  ['In', [policy({ podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] } })], marks(false, true)],
  [
    'NotIn',
    [policy({ podSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] } })],
    marks(true, true),
  ],
  [
    'NotIn of a label it has not',
    [policy({ podSelector: { matchExpressions: [{ key: 'x', operator: 'NotIn', values: ['y'] }] } })],
    marks(false, true),
  ],
  ['Exists', [policy({ podSelector: { matchExpressions: [{ key: 'tier', operator: 'Exists' }] } })], marks(false, true)],
  [
    'DoesNotExist',
    [policy({ podSelector: { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] } })],
    marks(true, true),
  ],
  [
    'a word that nobody knows closes',
    [policy({ podSelector: { matchExpressions: [{ key: 'tier', operator: 'Gt', values: ['1'] }] } })],
    marks(false, true),
  ],
])('%s', ([, policies, wanted]) => {
  expect(openMarks(web, aSyncContext({ policies }))).toEqual(wanted)
})

test('a tenant that is not kept apart has no such labels', () => {
  expect(openMarks(web, aSyncContext({ isolation: { profile: 'privileged' } }))).toEqual({})
})

test('what a policy lets in is no news to the pods, what it selects is', () => {
  const view = new OwnPolicies()
  expect(view.set('shop', 'p', policy({ podSelector: {}, ingress: [] }))).toBe(true)
  expect(view.set('shop', 'p', policy({ podSelector: {}, ingress: [{}] }))).toBe(false)
  expect(view.set('shop', 'p', policy({ podSelector: {}, policyTypes: ['Egress'] }))).toBe(true)
  expect(view.set('shop', 'p', undefined)).toBe(true)
  expect(view.set('shop', 'p', undefined)).toBe(false)
  expect(view.closed('shop', {}).size).toBe(0)
})
