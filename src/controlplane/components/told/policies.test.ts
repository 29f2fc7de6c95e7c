import { describe, expect, test } from 'vitest'
import { isolationProfiles } from '../../../apis/isolation.ts'
import type { KubeObject } from '../../../apis/kube-object.ts'
import { aPlane } from '../../../testing/plane-builders.ts'
import { toldPolicies } from './policies.ts'

const policiesFor = (spec: Record<string, unknown>): readonly KubeObject[] => toldPolicies(aPlane(spec).spec)
const named = (policies: readonly KubeObject[], kind: string): Map<string, KubeObject> =>
  new Map(policies.filter((object) => object.kind === kind).map((object) => [object.metadata.name ?? '', object]))
/** Names of the rules of one policy. */
const rulesOf = (spec: Record<string, unknown>, policy: string): string[] =>
  (named(policiesFor(spec), 'ValidatingAdmissionPolicy').get(`${policy}.static.k8s.io`)?.spec.validations ?? []).map(
    ({ message }: { message: string }) => message.replace(/^not allowed here \((.*)\)$/, '$1'),
  )
const profile = (name: string, more = {}) => ({ isolation: { profile: name, ...more } })

describe.for(isolationProfiles)('what is told at profile %s', (name) => {
  const policies = policiesFor(profile(name))
  const [rules, bindings] = [named(policies, 'ValidatingAdmissionPolicy'), named(policies, 'ValidatingAdmissionPolicyBinding')]

  test('is in policies that may be files: names of their own, no parameters, each with its binding', () => {
    expect(rules.size + bindings.size).toBe(policies.length)
    for (const [policy, { spec }] of rules) {
      expect(policy).toMatch(/^berth-[a-z-]+\.static\.k8s\.io$/)
      expect(spec.paramKind).toBeUndefined()
      expect([...bindings.values()].some((binding) => binding.spec.policyName === policy)).toBe(true)
    }
    for (const { spec, metadata } of bindings.values()) {
      expect(metadata.name).toMatch(/\.static\.k8s\.io$/)
      expect(rules.has(spec.policyName)).toBe(true)
    }
  })

  test('is never in the way of what it cannot answer, and never of what is there', () => {
    for (const { spec } of rules.values()) {
      expect(spec.failurePolicy).toBe('Ignore')
      for (const { operations, resources } of spec.matchConstraints.resourceRules as {
        operations: string[]
        resources: string[]
      }[]) {
        expect(operations).not.toContain('DELETE')
        if (resources.includes('pods')) expect(operations).toEqual(['CREATE'])
      }
    }
  })

  test('gives each rule a variable of its own, and a validation that names it', () => {
    for (const { spec } of rules.values()) {
      const names: string[] = spec.variables.map((variable: { name: string }) => variable.name)
      expect(new Set(names).size).toBe(names.length)
      for (const variable of names) expect(variable).toMatch(/^[a-zA-Z_]+$/)
      expect(spec.validations.map(({ expression }: { expression: string }) => expression)).toEqual(
        names.filter((variable) => variable.startsWith('not_')).map((variable) => `size(variables.${variable}) == 0`),
      )
    }
  })

  test('is always the same for the same spec', () => {
    expect(JSON.stringify(policiesFor(profile(name)))).toBe(JSON.stringify(policies))
  })
})

describe('a rule is there', () => {
  test.for<[rule: string, without: Record<string, unknown>, having: Record<string, unknown>]>([
    ['hostNetwork', profile('privileged'), profile('baseline')],
    ['hostPath', profile('baseline', { podSecurity: 'privileged' }), profile('privileged', { podSecurity: 'baseline' })],
    ['olderVolumes', profile('baseline'), profile('restricted')],
    [
      'capabilities',
      profile('baseline', { pods: { capabilities: ['*'] } }),
      profile('privileged', { pods: { capabilities: [] } }),
    ],
    ['root', profile('restricted', { pods: { runAsNonRoot: false } }), profile('restricted')],
    ['containerRoot', profile('baseline'), profile('baseline', { pods: { runAsNonRoot: true } })],
    ['escalation', profile('dedicated'), profile('sandboxed')],
    ['pullNever', profile('baseline'), profile('restricted')],
    ['hostUsers', profile('restricted'), profile('restricted', { pods: { userNamespaces: true } })],
    ['sysctls', profile('privileged'), profile('baseline')],
    ['runtimeClass', {}, { sync: { classes: { runtime: { allowed: [] } } } }],
    [
      'runtimeClass',
      { sync: { classes: { runtime: { allowed: ['a'], selector: {} } } } },
      { sync: { classes: { runtime: { allowed: ['a'] } } } },
    ],
    [
      'runtimeClass',
      { sync: { classes: { runtime: { allowed: ['a'], forced: 'b' } } } },
      { sync: { classes: { runtime: { allowed: ['a'], default: 'b' } } } },
    ],
  ])('%s: not for %j, and for %j', ([rule, without, having]) => {
    expect(rulesOf(without, 'berth-pods')).not.toContain(rule)
    expect(rulesOf(having, 'berth-pods')).toContain(rule)
  })

  test('for types of Services that are not offered', () => {
    expect(rulesOf(profile('baseline'), 'berth-services')).toEqual(['externalIPs', 'loadBalancerIP'])
    expect(rulesOf(profile('restricted'), 'berth-services')).toEqual(['externalIPs', 'loadBalancerIP', 'type'])
  })

  test('for debug containers where their level or settings have one', () => {
    expect(rulesOf(profile('privileged'), 'berth-debug-containers')).toEqual([])
    expect(rulesOf(profile('baseline'), 'berth-debug-containers')).toContain('privileged')
    expect(rulesOf(profile('baseline'), 'berth-debug-capabilities')).toEqual(['capabilities'])
  })
})
