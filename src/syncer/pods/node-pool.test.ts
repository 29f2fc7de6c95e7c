import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { NodePool } from '../../apis/isolation.ts'
import { isOpen, selects } from '../../tenancy/node-pools.ts'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import type { V1NodeSelectorRequirement } from './json-types.ts'
import { outside, poolRefusal } from './node-pool.ts'
import type { Pod } from './pod.ts'
import { superSpec } from './super-spec.ts'

const pool = (nodeSelector: Record<string, string>): NodePool => ({ nodeSelector, taints: [] })
const hostile = (...foreignPools: NodePool[]) => aSyncContext({ superNodes: { foreignPools } })
const owner = aSyncContext({ isolation: { nodePool: { nodeSelector: { pool: 'a' } } } })
const notIn = (key: string, ...values: string[]) => ({ key, operator: 'NotIn', values })
const required = (...nodeSelectorTerms: object[]) => ({ requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } })
const choiceOf = (spec: Record<string, unknown>, ctx: typeof owner, wanted = {}) => {
  const { nodeSelector, affinity } = superSpec(aTenantPod(spec, wanted) as Pod, ctx) as unknown as Pod['spec']
  return { nodeSelector, terms: affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms }
}
const onB = { key: 'metadata.name', operator: 'In', values: ['node-b'] }

describe('outside', () => {
  const fulfils = (labels: Record<string, string>, { key, operator, values = [] }: V1NodeSelectorRequirement): boolean =>
    operator === 'NotIn' ? !values.includes(labels[key] ?? '') : labels[key] === undefined
  const admits = (pools: readonly NodePool[], most: number, labels: Record<string, string>): boolean => {
    const ways = outside(pools, most)
    return ways.length === 0 || ways.some((way) => way.every((requirement) => fulfils(labels, requirement)))
  }
  const labels = fc.dictionary(fc.constantFrom('pool', 'tier', 'zone'), fc.constantFrom('a', 'b', 'c'), { minKeys: 1 })
  const pools = fc.array(labels.map(pool), { maxLength: 8 })

  test('says of labels what the pools are, in as few alternatives as it takes', () => {
    expect(outside([], 8)).toEqual([])
    expect(outside([pool({ pool: 'a' }), pool({ pool: 'b' })], 8)).toEqual([[notIn('pool', 'a', 'b')]])
    const owned = ['x', 'y', 'z'].map((name) => pool({ dedicated: 'yes', owner: name }))
    expect(outside(owned, 8)).toEqual([[notIn('owner', 'x', 'y', 'z')], [notIn('dedicated', 'yes')]])
    expect(outside(owned, 1)).toEqual([[notIn('owner', 'x', 'y', 'z')]])
    const many = Array.from({ length: 300 }, (_, index) => pool({ pool: `p${index}` }))
    expect(outside(many, 8)).toEqual([[{ key: 'pool', operator: 'DoesNotExist' }]])
  })

  test('admits exactly the nodes that are in none of the pools, and with too few alternatives no others', () => {
    fc.assert(
      fc.property(pools, fc.dictionary(fc.constantFrom('pool', 'tier', 'zone'), fc.constantFrom('a', 'b', 'c')), (all, node) => {
        const open = isOpen({ pool: undefined, onlyPool: false, foreignPools: all }, node)
        expect(admits(all, Number.POSITIVE_INFINITY, node)).toBe(open)
        expect(outside(all, 4).length).toBeLessThanOrEqual(4)
        if (admits(all, 4, node)) expect(all.some(({ nodeSelector }) => selects(nodeSelector, node))).toBe(false)
      }),
      { numRuns: 500 },
    )
  })
})

describe("a pod of a tenant without a pool stays out of others', whatever it asks for", () => {
  const ctx = hostile(pool({ pool: 'b' }))
  const out = notIn('pool', 'b')
  test.for<[name: string, spec: Record<string, unknown>, terms: object[]]>([
    ['nothing', {}, [{ matchExpressions: [out] }]],
    ['by label', { nodeSelector: { pool: 'b' } }, [{ matchExpressions: [out] }]],
    ['by name', { nodeName: 'node-b' }, [{ matchExpressions: [out], matchFields: [onB] }]],
    [
      'by affinity, with a term that says nothing',
      {
        affinity: {
          nodeAffinity: required({ matchFields: [onB] }, {}, { matchExpressions: [{ key: 'pool', operator: 'Exists' }] }),
        },
      },
      [{ matchExpressions: [out], matchFields: [onB] }, {}, { matchExpressions: [{ key: 'pool', operator: 'Exists' }, out] }],
    ],
    [
      'by preference',
      { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } } },
      [{ matchExpressions: [out] }],
    ],
  ])('%s', ([, spec, terms]) => {
    expect(choiceOf(spec, ctx).terms).toEqual(terms)
  })

  test('stays what it is over the binding', () => {
    const status = { conditions: [{ type: 'PodScheduled', status: 'True' }] }
    expect(choiceOf({ nodeName: 'node-1' }, ctx, { status })).toEqual(choiceOf({}, ctx))
  })

  test('and is small, however many terms it has and pools there are', () => {
    const terms = Array.from({ length: 40 }, (_, index) => ({ matchExpressions: [notIn('x', String(index))] }))
    const pools = Array.from({ length: 200 }, (_, index) => pool({ [`a${index}`]: 'x', [`b${index}`]: 'y' }))
    expect(choiceOf({ affinity: { nodeAffinity: required(...terms) } }, hostile(...pools)).terms).toHaveLength(40)
  })
})

describe('a pod of a tenant with a pool stays in it', () => {
  test.for<[name: string, spec: Record<string, unknown>, nodeSelector: object]>([
    ['nothing', {}, { pool: 'a' }],
    ['another label', { nodeSelector: { disk: 'ssd' } }, { disk: 'ssd', pool: 'a' }],
    ['the same label', { nodeSelector: { pool: 'a' } }, { pool: 'a' }],
    ['by name', { nodeName: 'node-b' }, { pool: 'a' }],
  ])('%s', ([, spec, nodeSelector]) => {
    expect(choiceOf(spec, owner).nodeSelector).toEqual(nodeSelector)
    expect(poolRefusal(aTenantPod(spec) as Pod, owner)).toBeUndefined()
  })

  test('and is told when it wants another', () => {
    expect(poolRefusal(aTenantPod({ nodeSelector: { pool: 'b' } }) as Pod, owner)).toMatchObject({
      reason: 'OutsideNodePool',
      message: expect.stringContaining('pool=b'),
    })
  })

  test('of a tenant that is to have one and has none, none run', () => {
    expect(poolRefusal(aTenantPod() as Pod, aSyncContext({ isolation: { profile: 'dedicated' } }))?.reason).toBe('NodePoolNeeded')
  })
})
