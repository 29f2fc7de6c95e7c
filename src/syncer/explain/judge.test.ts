import { expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { frozen } from '../../testing/frozen.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { down } from '../../testing/sync-world.ts'
import { resourcesOf } from '../resources/index.ts'
import { type Judgement, judgePair, type PairFacts } from './judge.ts'

const ctx = aSyncContext()
const now = Date.parse('2026-11-21T08:00:00Z')
const inShop = (name: string) => ({ name, uid: `uid-${name}`, resourceVersion: '1', namespace: 'shop' })

const settings: KubeObject = { metadata: inShop('settings'), data: { a: '1' } }
const policy: KubeObject = { metadata: inShop('deny'), spec: { podSelector: {}, policyTypes: ['Ingress'] } }
const below = (plural: string, object: KubeObject, over: Partial<KubeObject> = {}): KubeObject => down(plural, object, over)

const judge = (plural: string, facts: Partial<PairFacts>): Judgement => {
  const resource = resourcesOf(ctx).find(({ type }) => type.plural === plural)
  if (!resource) throw new Error(`no kind ${plural}`)
  const given = { tenantObject: undefined, superObject: undefined, isWanted: true, takenAt: now, ...facts }
  return judgePair(resource, frozen(given), ctx)
}
const leaving = (object: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, deletionTimestamp: '2026-11-21T08:00:00Z' },
})

test('an object that is as wanted', () => {
  expect(judge('configmaps', { tenantObject: settings, superObject: below('configmaps', settings) })).toEqual({
    verdict: 'both sides agree',
    pending: [],
    refusal: undefined,
  })
})

test('one that is not made yet', () => {
  const { verdict, pending } = judge('networkpolicies', { tenantObject: policy })
  expect(verdict).toBe('it is not in super yet')
  expect(pending).toMatchObject([{ direction: 'down', kind: 'missing-in-super' }])
})

test('one that was changed in super: the field, and that the syncer writes to super', () => {
  const superObject = below('networkpolicies', policy, {
    spec: { podSelector: { matchLabels: { a: 'b' } }, policyTypes: ['Ingress'] },
  })
  const { verdict, pending } = judge('networkpolicies', { tenantObject: policy, superObject })
  expect(verdict).toBe('super and tenant differ: the syncer has to write to super')
  expect(pending.every(({ direction }) => direction === 'down')).toBe(true)
  expect(pending.length).toBeGreaterThan(0)
})

test('what goes down by reference and nothing refers to', () => {
  expect(judge('configmaps', { tenantObject: settings, isWanted: false }).verdict).toMatch(/nothing that goes down refers to it/)
  const left = judge('configmaps', { tenantObject: settings, isWanted: false, superObject: below('configmaps', settings) })
  expect(left.pending).toMatchObject([{ kind: 'extra-in-super' }])
})

test('the content of a Secret is told to nobody', () => {
  const secret: KubeObject = { metadata: inShop('password'), type: 'Opaque', data: { a: 'c2VjcmV0' } }
  const superObject = below('secrets', secret, { data: { a: 'b3RoZXI=' } })
  const { pending } = judge('secrets', { tenantObject: secret, superObject })
  expect(pending).toMatchObject([{ detail: 'data.a is not as wanted' }])
  expect(JSON.stringify(pending)).not.toMatch(/c2VjcmV0|b3RoZXI=/)
})

test('one that policy keeps out: what its user was told', () => {
  const spec = { hostNetwork: true, containers: [{ name: 'a', image: 'b' }] }
  const { verdict, refusal, pending } = judge('pods', { tenantObject: { metadata: inShop('web'), spec } })
  expect(verdict).toBe('it may not go down')
  expect(refusal).toMatch(/^PodSecurityViolation: /)
  expect(pending).toEqual([])
})

test('one whose place is taken', () => {
  const superObject: KubeObject = { metadata: { name: 'deny', namespace: 'x', uid: 'foreign' } }
  expect(judge('networkpolicies', { tenantObject: policy, superObject }).verdict).toMatch(/its place in super is taken/)
})

test('one that has gone from the tenant', () => {
  const superObject = below('networkpolicies', policy)
  expect(judge('networkpolicies', { superObject }).pending).toMatchObject([{ kind: 'extra-in-super' }])
  expect(judge('networkpolicies', { superObject: leaving(superObject) }).pending).toEqual([])
})

test('one that is being deleted in super, and one that is nowhere', () => {
  const superObject = leaving(below('networkpolicies', policy))
  expect(judge('networkpolicies', { tenantObject: policy, superObject }).verdict).toBe('it is being deleted in super')
  expect(judge('networkpolicies', {}).verdict).toBe('it is on neither side')
})
