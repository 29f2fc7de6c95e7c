import { describe, expect, test } from 'vitest'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import { poolMarks } from './node-pool.ts'
import { isPinned, pinned } from './pinned.ts'
import type { Pod } from './pod.ts'
import { updatePod } from './update.ts'

const ctx = aSyncContext()
const scheduled = { status: { conditions: [{ type: 'PodScheduled', status: 'True' }] } }
const choice = {
  nodeSelector: { disk: 'ssd' },
  affinity: {
    nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] },
    podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [] },
  },
}
const superPod = aTenantPod(choice) as Pod
const bound = { ...aTenantPod({ ...choice, nodeName: 'n1' }), ...scheduled } as Pod

describe('a pod that is made anew', () => {
  test('goes to its node and nowhere else, whatever else it once asked of nodes', () => {
    const { spec } = pinned(superPod, bound, ctx)
    expect(spec.nodeSelector).toBeUndefined()
    expect(spec.affinity).toEqual({
      podAntiAffinity: choice.affinity.podAntiAffinity,
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }],
        },
      },
    })
    expect(isPinned(spec, superPod.spec)).toBe(true)
  })

  test('stays what it is when the tenant changes something while it waits for room', () => {
    const live = pinned(superPod, bound, ctx)
    expect(updatePod(live, { ...superPod, spec: { ...superPod.spec, nodeSelector: { disk: 'hdd' } } }).kind).toBe('replace')
    expect(updatePod(superPod, { ...superPod, spec: { ...superPod.spec, nodeSelector: { disk: 'hdd' } } }).kind).toBe('recreate')
  })

  test('goes there only while the node is open to its tenant, and is made anew when that changes', () => {
    const pools = (...names: string[]) =>
      aSyncContext({
        superNodes: { foreignPools: names.map((pool) => ({ nodeSelector: { pool }, taints: [] })) },
      })
    const marked = (of: typeof ctx): Pod => ({ ...superPod, metadata: { ...superPod.metadata, annotations: poolMarks(of) } })
    const live = pinned(marked(pools('b')), bound, pools('b'))
    expect(live.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms).toEqual([
      {
        matchExpressions: [{ key: 'pool', operator: 'NotIn', values: ['b'] }],
        matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }],
      },
    ])
    expect(updatePod(live, marked(pools('b'))).kind).toBe('replace')
    expect(updatePod(live, marked(pools('b', 'c'))).kind).toBe('recreate')
    const own = aSyncContext({ isolation: { nodePool: { nodeSelector: { pool: 'a' } } } })
    expect(pinned(superPod, bound, own).spec.nodeSelector).toEqual({ pool: 'a' })
  })

  test.for<[name: string, pod: Pod]>([
    ['has no node', aTenantPod(choice) as Pod],
    ['was put on its node by its user', aTenantPod({ ...choice, nodeName: 'n1' }) as Pod],
  ])('is left alone when it %s', ([, pod]) => {
    expect(pinned(superPod, pod, ctx)).toBe(superPod)
  })
})
