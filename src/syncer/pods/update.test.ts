import { describe, expect, test } from 'vitest'
import { aTenantPod } from '../../testing/sync-builders.ts'
import type { Pod } from './pod.ts'
import { updatePod } from './update.ts'

const updated = (live: Record<string, unknown>, wanted: Record<string, unknown>) => {
  const update = updatePod(aTenantPod(live) as Pod, aTenantPod(wanted) as Pod)
  if (update.kind === 'recreate') throw new Error('made anew')
  return update.object.spec
}
const notReady = { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }
const spot = { key: 'spot', operator: 'Exists' }

describe('updatePod', () => {
  test('changes images by name and leaves injected containers alone', () => {
    const live = {
      containers: [
        { name: 'main', image: 'a:1', env: [] },
        { name: 'mesh', image: 'mesh:9' },
      ],
      initContainers: [{ name: 'init', image: 'i:1' }],
    }
    const wanted = { containers: [{ name: 'main', image: 'a:2' }], initContainers: [{ name: 'init', image: 'i:2' }] }
    expect(updated(live, wanted)).toEqual({
      containers: [
        { name: 'main', image: 'a:2', env: [] },
        { name: 'mesh', image: 'mesh:9' },
      ],
      initContainers: [{ name: 'init', image: 'i:2' }],
    })
  })

  test.for<[name: string, live: Record<string, unknown>, wanted: Record<string, unknown>, result: Record<string, unknown>]>([
    ['sets a deadline', {}, { activeDeadlineSeconds: 60 }, { activeDeadlineSeconds: 60 }],
    ['brings a deadline forward', { activeDeadlineSeconds: 60 }, { activeDeadlineSeconds: 30 }, { activeDeadlineSeconds: 30 }],
    ['never puts one off', { activeDeadlineSeconds: 30 }, { activeDeadlineSeconds: 60 }, { activeDeadlineSeconds: 30 }],
    ['never lifts one', { activeDeadlineSeconds: 30 }, {}, { activeDeadlineSeconds: 30 }],
    ['adds tolerations', { tolerations: [notReady] }, { tolerations: [spot, notReady] }, { tolerations: [notReady, spot] }],
    ['keeps those that super added', { tolerations: [notReady] }, {}, { tolerations: [notReady] }],
    [
      'changes the seconds of one',
      { tolerations: [notReady] },
      { tolerations: [{ ...notReady, tolerationSeconds: 5 }] },
      { tolerations: [{ ...notReady, tolerationSeconds: 5 }] },
    ],
    [
      'mends a negative grace period',
      { terminationGracePeriodSeconds: -1 },
      { terminationGracePeriodSeconds: 1 },
      { terminationGracePeriodSeconds: 1 },
    ],
    [
      'keeps any other grace period',
      { terminationGracePeriodSeconds: 30 },
      { terminationGracePeriodSeconds: 5 },
      { terminationGracePeriodSeconds: 30 },
    ],
    [
      'takes gates away',
      { schedulingGates: [{ name: 'a' }, { name: 'b' }] },
      { schedulingGates: [{ name: 'b' }] },
      { schedulingGates: [{ name: 'b' }] },
    ],
    [
      'adds no gate',
      { schedulingGates: [{ name: 'a' }] },
      { schedulingGates: [{ name: 'a' }, { name: 'c' }] },
      { schedulingGates: [{ name: 'a' }] },
    ],
    [
      'leaves the choice of a pod that has its node',
      { nodeName: 'n1', nodeSelector: { os: 'linux' } },
      { nodeSelector: { zone: 'a' } },
      { nodeName: 'n1', nodeSelector: { os: 'linux' } },
    ],
    [
      'leaves what cannot change',
      { restartPolicy: 'Always', nodeName: 'n1' },
      { restartPolicy: 'Never' },
      { restartPolicy: 'Always', nodeName: 'n1' },
    ],
  ])('%s', ([, live, wanted, result]) => {
    const { containers: _containers, ...spec } = updated(live, wanted)
    expect(spec).toEqual(result)
  })

  test.for<[name: string, live: Record<string, unknown>, wanted: Record<string, unknown>, kind: string]>([
    ['another node selector', { nodeSelector: { os: 'linux' } }, { nodeSelector: { zone: 'a' } }, 'recreate'],
    ['none any more', { nodeSelector: { os: 'linux' } }, {}, 'recreate'],
    ['the same', { nodeSelector: { os: 'linux' } }, { nodeSelector: { os: 'linux' } }, 'replace'],
    ['another node affinity, gated', { schedulingGates: [{ name: 'a' }] }, { affinity: { nodeAffinity: {} } }, 'recreate'],
    ['another pod affinity', { affinity: { podAffinity: {} } }, { affinity: {} }, 'replace'],
    ['tolerates what it may not', { tolerations: [spot] }, {}, 'recreate'],
    ["tolerates how a node fares, as super's admission says", { tolerations: [notReady] }, {}, 'replace'],
    ['has another runtime class to run in', {}, { runtimeClassName: 'gvisor' }, 'recreate'],
    ['the same runtime class', { runtimeClassName: 'gvisor' }, { runtimeClassName: 'gvisor' }, 'replace'],
  ])('a pod without a node: %s', ([, live, wanted, kind]) => {
    expect(updatePod(aTenantPod(live) as Pod, aTenantPod(wanted) as Pod).kind).toBe(kind)
  })
})
