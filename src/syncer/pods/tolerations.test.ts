import { describe, expect, test } from 'vitest'
import type { NodePool } from '../../apis/isolation.ts'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import type { Pod } from './pod.ts'
import { superTolerations, tolerationNotes } from './tolerations.ts'

const controlPlane = 'node-role.kubernetes.io/control-plane'
const foreign: NodePool = { nodeSelector: { pool: 'b' }, taints: [{ key: 'pool', value: 'b', effect: 'NoSchedule' }] }
const own: NodePool = {
  nodeSelector: { pool: 'a' },
  taints: [{ key: 'pool', value: 'a', effect: 'NoSchedule' }, { key: 'reserved' }],
}
const superNodes = {
  foreignPools: [foreign],
  taintKeys: ['gpu', controlPlane, 'node.kubernetes.io/not-ready', 'pool'].toSorted(),
}
const open = aSyncContext({ superNodes })
const closed = aSyncContext({ superNodes, isolation: { profile: 'restricted' } })
const some = aSyncContext({ superNodes, isolation: { pods: { tolerations: ['spot', 'pool', controlPlane] } } })
const owner = aSyncContext({ superNodes, isolation: { profile: 'dedicated', nodePool: own } })
const podWith = (...tolerations: object[]) => aTenantPod({ tolerations }) as Pod
const exists = (key: string, more = {}) => ({ key, operator: 'Exists', ...more })
const lifecycle = [
  'disk-pressure',
  'memory-pressure',
  'network-unavailable',
  'not-ready',
  'pid-pressure',
  'unreachable',
  'unschedulable',
].map((name) => `node.kubernetes.io/${name}`)

describe('superTolerations', () => {
  test('says nothing for a pod that says nothing', () => {
    expect(superTolerations(aTenantPod() as Pod, open)).toBeUndefined()
    expect(superTolerations(podWith(), open)).toEqual([])
  })

  test.for<[name: string, ctx: typeof open, asked: object, is: boolean]>([
    ['a free key', open, { key: 'gpu', operator: 'Equal', value: 'big', effect: 'NoSchedule' }, true],
    ['a free key, by number', open, { key: 'cost', operator: 'Lt', value: '5' }, true],
    ["a control plane's", open, exists(controlPlane), false],
    ["a control plane's, though the operator names it", some, exists(controlPlane), false],
    ["another pool's", open, exists('pool'), false],
    ["another pool's by value", open, { key: 'pool', value: 'b', effect: 'NoSchedule' }, false],
    ["another pool's, though the operator names its key", some, exists('pool'), false],
    ['how a node fares', closed, exists(lifecycle[3] ?? '', { effect: 'NoExecute', tolerationSeconds: 30 }), true],
    ['a free key that is not allowed', closed, exists('gpu'), false],
    ['an allowed key', some, exists('spot'), true],
    ['a key that is not among the allowed', some, exists('gpu'), false],
    ['what only begins like it', closed, exists('node.kubernetes.io/not-ready.example'), false],
  ])('%s', ([, ctx, asked, is]) => {
    expect(superTolerations(podWith(asked), ctx)).toEqual(is ? [asked] : [])
  })

  test.for<[name: string, ctx: typeof open, keys: string[]]>([
    ['all that there is and may be', open, [...lifecycle, 'gpu']],
    ['how nodes fare, where nothing else may be', closed, lifecycle],
    ['what is allowed, whether it is there or not', some, [...lifecycle, 'spot']],
  ])('all taints: %s', ([, ctx, keys]) => {
    expect(superTolerations(podWith({ operator: 'Exists' }), ctx)).toEqual(keys.map((key) => exists(key)))
    const evicted = { effect: 'NoExecute', tolerationSeconds: 60 }
    expect(superTolerations(podWith({ operator: 'Exists', ...evicted }), ctx)).toEqual(keys.map((key) => exists(key, evicted)))
  })

  test("the pool's own taints, as they are said, and no more of their keys", () => {
    const ofPool = [{ key: 'pool', operator: 'Equal', value: 'a', effect: 'NoSchedule' }, exists('reserved')]
    expect(superTolerations(aTenantPod() as Pod, owner)).toEqual(ofPool)
    expect(superTolerations(podWith(exists('pool'), exists('gpu')), owner)).toEqual([exists('gpu'), ...ofPool])
  })
})

describe('what the tenant is told', () => {
  test.for<[name: string, ctx: typeof open, asked: object, told: boolean]>([
    ['of a taint that nodes have', closed, exists('gpu'), true],
    ["of control planes'", open, exists(controlPlane), true],
    ['nothing of a taint that no node has', closed, exists('spot'), false],
    ["nothing of others' pools", open, exists('pool'), false],
    ['nothing of all taints', closed, { operator: 'Exists' }, false],
  ])('%s', ([, ctx, asked, told]) => {
    expect(tolerationNotes(podWith(asked), ctx).map(({ reason }) => reason)).toEqual(told ? ['TolerationNotAllowed'] : [])
  })
})
