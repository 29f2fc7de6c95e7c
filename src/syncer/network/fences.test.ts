import { describe, expect, test } from 'vitest'
import { superNamespace } from '../../tenancy/names.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { fencesOf, isFence, networksOfFences } from './fences.ts'

const ctx = aSyncContext()

describe('fencesOf', () => {
  test('closes all pods both ways, and opens those alone that are marked', () => {
    const fences = fencesOf(ctx, 'ns')
    expect(fences.map(({ metadata, spec }) => [metadata.name, metadata.namespace, spec.podSelector, spec.policyTypes])).toEqual([
      ['berth-closed', 'ns', {}, ['Ingress', 'Egress']],
      ['berth-ingress', 'ns', { matchLabels: { 'berth.dev/open-ingress': 'true' } }, ['Ingress']],
      ['berth-egress', 'ns', { matchLabels: { 'berth.dev/open-egress': 'true' } }, ['Egress']],
    ])
    expect(Object.keys(fences[0]?.spec)).toEqual(['podSelector', 'policyTypes'])
    expect(fences.every(isFence)).toBe(true)
  })

  test('a rule is never without peers: that would be everybody', () => {
    const none = aSyncContext({ isolation: { network: { egress: 'None', ingress: 'None' } } })
    for (const { spec } of fencesOf(none, 'ns').slice(1))
      for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])])
        expect((rule.from ?? rule.to).length).toBeGreaterThan(0)
  })

  test('none for a tenant that is not kept apart', () => {
    expect(fencesOf(aSyncContext({ isolation: { profile: 'privileged' } }), 'ns')).toEqual([])
  })

  test.for<[namespace: string, agentFrom: string[] | undefined, reach: boolean]>([
    ['kube-system', undefined, true],
    ['shop', undefined, false],
    ['monitoring', ['monitoring'], true],
    ['kube-system', [], false],
  ])('pods of %s with agentFrom %j reach vn-agent: %s', ([namespace, agentFrom, reach]) => {
    const withSettings = aSyncContext({ isolation: { network: { agentFrom } } })
    const fences = fencesOf(withSettings, superNamespace(withSettings.tenant, namespace))
    expect(fences.slice(3).map(({ metadata, spec }) => [metadata.name, spec.egress])).toEqual(
      reach
        ? [['berth-agents', [{ to: [{ ipBlock: { cidr: '192.0.2.1/32' } }], ports: [{ protocol: 'TCP', port: 10_550 }] }]]]
        : [],
    )
  })

  test('without nodes nobody reaches vn-agent: no peers would be everybody', () => {
    const none = aSyncContext({ superNodeRanges: [] })
    expect(fencesOf(none, superNamespace(none.tenant, 'kube-system'))).toHaveLength(3)
  })

  test('they say what was known of super', () => {
    const { superRanges, superPodRanges, superNodeRanges } = ctx
    const known = { superRanges, superPodRanges, superNodeRanges, apiServerDoor: undefined }
    expect(networksOfFences([...fencesOf(ctx, 'ns'), ...fencesOf(ctx, superNamespace(ctx.tenant, 'kube-system'))])).toEqual(known)
    expect(networksOfFences(fencesOf(ctx, 'ns'))).toEqual({ ...known, superNodeRanges: [] })
    expect(networksOfFences([])).toEqual({ superRanges: [], superPodRanges: [], superNodeRanges: [], apiServerDoor: undefined })
  })
})
