import { describe, expect, test } from 'vitest'
import { selectorHolds } from '../../tenancy/label-selector.ts'
import { namespaceLabelKey, superNamespace } from '../../tenancy/names.ts'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import { superAffinity, superNamespaceSelector, superSpread } from './affinity.ts'
import type { V1LabelSelector, V1TopologySpreadConstraint } from './json-types.ts'
import type { Pod } from './pod.ts'

const ctx = aSyncContext()
const affinityOf = (affinity: unknown, spec: Record<string, unknown> = {}, wanted = {}) => {
  const pod = aTenantPod({ ...(affinity !== undefined && { affinity }), ...spec }, wanted) as Pod
  return superAffinity(pod, { nodeAffinity: pod.spec.affinity?.nodeAffinity }, ctx)
}
const term = (fields: Record<string, unknown>) => ({
  topologyKey: 'kubernetes.io/hostname',
  labelSelector: { matchLabels: { app: 'web' } },
  ...fields,
})
const termOf = (fields: Record<string, unknown>) =>
  affinityOf(
    { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(fields)] } },
    {},
    { metadata: { labels: { hash: 'h1' } } },
  )?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.[0]

describe('namespace selectors', () => {
  const nameKey = namespaceLabelKey('kubernetes.io/metadata.name')
  const own = (labels: Record<string, string>) => ({
    'berth.dev/tenant': ctx.tenant.uid,
    [nameKey]: 'shop',
    ...Object.fromEntries(Object.entries(labels).map(([key, value]) => [namespaceLabelKey(key), value])),
  })
  const foreign = { 'berth.dev/tenant': 'other', [nameKey]: 'shop', [namespaceLabelKey('team')]: 'a', team: 'a' }
  const controlPlane = { 'berth.dev/tenant': ctx.tenant.uid, team: 'a' }

  test.for<[name: string, selector: V1LabelSelector, labels: Record<string, string>, taken: boolean]>([
    ['an empty selector takes all of the tenant', {}, {}, true],
    ['matchLabels', { matchLabels: { team: 'a' } }, { team: 'a' }, true],
    ['matchLabels, other value', { matchLabels: { team: 'a' } }, { team: 'b' }, false],
    ['In', { matchExpressions: [{ key: 'team', operator: 'In', values: ['a'] }] }, { team: 'a' }, true],
    ['NotIn', { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['a'] }] }, { team: 'b' }, true],
    ['NotIn, without the label', { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['a'] }] }, {}, true],
    ['Exists', { matchExpressions: [{ key: 'team', operator: 'Exists' }] }, {}, false],
    ['DoesNotExist', { matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }] }, {}, true],
    ["a key of Berth's own", { matchLabels: { 'berth.dev/tenant': 'other' } }, {}, false],
  ])('%s', ([, selector, labels, taken]) => {
    const inSuper = superNamespaceSelector(selector, ctx)
    expect(selectorHolds(inSuper, own(labels))).toBe(taken)
    expect(selectorHolds(inSuper, foreign)).toBe(false)
    expect(selectorHolds(inSuper, controlPlane)).toBe(false)
    expect(selectorHolds(inSuper, {})).toBe(false)
  })
})

describe('pod affinity', () => {
  test('a term without namespaces stays with its own', () => {
    expect(termOf({})).toEqual(term({}))
  })

  test("namespaces go by super's names", () => {
    expect(termOf({ namespaces: ['shop', 'other'] })?.namespaces).toEqual([
      superNamespace(ctx.tenant, 'shop'),
      superNamespace(ctx.tenant, 'other'),
    ])
  })

  test("matchLabelKeys are merged once, as the tenant's API server has done, and go", () => {
    const merged = { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'hash', operator: 'In', values: ['h1'] }] }
    expect(termOf({ matchLabelKeys: ['hash', 'absent'] })).toEqual(term({ labelSelector: merged }))
    expect(termOf({ matchLabelKeys: ['hash'], labelSelector: merged })).toEqual(term({ labelSelector: merged }))
    expect(termOf({ mismatchLabelKeys: ['hash'] })?.labelSelector?.matchExpressions).toEqual([
      { key: 'hash', operator: 'NotIn', values: ['h1'] },
    ])
  })

  test('preferred terms are translated too, weights stay', () => {
    const preferred = [{ weight: 7, podAffinityTerm: term({ namespaces: ['x'], namespaceSelector: {} }) }]
    const [first] =
      affinityOf({ podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } })?.podAffinity
        ?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    expect(first?.weight).toBe(7)
    expect(first?.podAffinityTerm.namespaces).toEqual([superNamespace(ctx.tenant, 'x')])
    expect(first?.podAffinityTerm.namespaceSelector).toEqual(superNamespaceSelector({}, ctx))
  })
})

describe('a node that the user chose', () => {
  const onNode = { key: 'metadata.name', operator: 'In', values: ['node-1'] }
  const zone = { key: 'zone', operator: 'In', values: ['a'] }
  const required = (nodeSelectorTerms: unknown[]) => ({
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
  })

  test('becomes a requirement', () => {
    expect(affinityOf(undefined, { nodeName: 'node-1' })).toEqual(required([{ matchFields: [onNode] }]))
  })

  test('is required in each term, beside what is there', () => {
    const terms = [{ matchExpressions: [zone] }, { matchFields: [onNode] }]
    expect(affinityOf(required(terms), { nodeName: 'node-1' })).toEqual(
      required([{ matchExpressions: [zone], matchFields: [onNode] }, { matchFields: [onNode, onNode] }]),
    )
  })

  test('is none once the pod was bound through super', () => {
    const status = { conditions: [{ type: 'PodScheduled', status: 'True' }] }
    expect(affinityOf(undefined, { nodeName: 'node-1' }, { status })).toBeUndefined()
  })
})

test('spread constraints keep all but matchLabelKeys', () => {
  const constraint = {
    maxSkew: 1,
    topologyKey: 'zone',
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { app: 'web' } },
  }
  const pod = aTenantPod({}, { metadata: { labels: { hash: 'h1' } } }) as Pod
  const wanted = { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'hash', operator: 'In', values: ['h1'] }] }
  expect(superSpread([{ ...constraint, matchLabelKeys: ['hash'] } as V1TopologySpreadConstraint], pod)).toEqual([
    { ...constraint, labelSelector: wanted },
  ])
})
