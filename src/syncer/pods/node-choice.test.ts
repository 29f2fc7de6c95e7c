import { describe, expect, test } from 'vitest'
import { lastAppliedAnnotation, mirroredLabel } from '../../tenancy/marks.ts'
import { aNode } from '../../testing/builders.ts'
import { aTenantPod } from '../../testing/sync-builders.ts'
import { viewOf } from '../own-nodes.ts'
import { nodeChoice } from './node-choice.ts'
import type { Pod } from './pod.ts'

/** A tenant's Node with labels of its own beside super's hostname and `zone`. */
const node = (
  name: string,
  own: { labels?: Record<string, string>; taints?: readonly object[]; unschedulable?: boolean } = {},
  zone = 'a',
) =>
  aNode({
    metadata: {
      name,
      labels: { 'kubernetes.io/hostname': `${name}.example`, zone, [mirroredLabel]: 'true', ...own.labels },
      annotations: {
        [lastAppliedAnnotation]: JSON.stringify({ labels: ['kubernetes.io/hostname', 'zone'], taints: [], unschedulable: false }),
      },
    },
    spec: { ...(own.taints && { taints: own.taints }), ...(own.unschedulable && { unschedulable: true }) },
  })

const disks = viewOf([
  node('n1', { labels: { disk: 'ssd', size: '8' } }),
  node('n2', { labels: { disk: 'hdd', size: '20' } }),
  node('n3'),
])
const silent = viewOf([node('n1'), node('n2')])
const required = (...matchExpressions: object[]) => ({
  requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] },
})
const on = (...names: string[]) => ({
  key: 'kubernetes.io/hostname',
  operator: 'In',
  values: names.map((name) => `${name}.example`),
})
const off = (...names: string[]) => ({ ...on(...names), operator: 'NotIn' })
const nowhere = [
  { key: 'kubernetes.io/hostname', operator: 'Exists' },
  { key: 'kubernetes.io/hostname', operator: 'DoesNotExist' },
]
const choice = (spec: Record<string, unknown>, view = disks) => nodeChoice(aTenantPod(spec) as Pod, view)

describe('labels of the tenant', () => {
  test('nothing changes for a tenant that has said nothing', () => {
    const spec = {
      nodeSelector: { zone: 'a', disk: 'ssd' },
      affinity: { nodeAffinity: required({ key: 'disk', operator: 'Exists' }) },
    }
    expect(choice(spec, silent)).toEqual({ nodeSelector: spec.nodeSelector, nodeAffinity: spec.affinity.nodeAffinity })
    expect(choice({}, disks)).toEqual({ nodeSelector: undefined, nodeAffinity: undefined })
  })

  test('a node selector keeps the keys of super', () => {
    expect(choice({ nodeSelector: { zone: 'a', disk: 'ssd' } })).toEqual({
      nodeSelector: { zone: 'a' },
      nodeAffinity: required(on('n1')),
    })
    expect(choice({ nodeSelector: { disk: 'tape' } })).toEqual({ nodeSelector: undefined, nodeAffinity: required(...nowhere) })
    expect(choice({ nodeSelector: { unknown: 'x' } })).toEqual({ nodeSelector: { unknown: 'x' }, nodeAffinity: undefined })
  })

  test.for<[operator: string, values: string[] | undefined, key: string, wanted: object[]]>([
    ['In', ['ssd', 'hdd'], 'disk', [on('n1', 'n2')]],
    ['In', ['tape'], 'disk', nowhere],
    ['NotIn', ['ssd'], 'disk', [off('n1')]],
    ['NotIn', ['tape'], 'disk', [{ key: 'kubernetes.io/hostname', operator: 'Exists' }]],
    ['Exists', undefined, 'disk', [on('n1', 'n2')]],
    ['DoesNotExist', undefined, 'disk', [off('n1', 'n2')]],
    ['Gt', ['10'], 'size', [on('n2')]],
    ['Lt', ['10'], 'size', [on('n1')]],
    ['Gt', ['many'], 'size', nowhere],
    ['Gt', ['1'], 'disk', nowhere],
    ['In', ['a'], 'zone', [{ key: 'zone', operator: 'In', values: ['a'] }]],
  ])('%s %j of %s', ([operator, values, key, wanted]) => {
    expect(choice({ affinity: { nodeAffinity: required({ key, operator, ...(values && { values }) }) } }).nodeAffinity).toEqual(
      required(...wanted),
    )
  })

  test('alternatives stay alternatives, an empty one selects nothing still', () => {
    const { nodeAffinity } = choice({
      nodeSelector: { disk: 'hdd' },
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'disk', operator: 'Exists' }] },
              {},
              { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] },
            ],
          },
        },
      },
    })
    expect(nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms).toEqual([
      { matchExpressions: [on('n1', 'n2'), on('n2')] },
      {},
      { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }], matchExpressions: [on('n2')] },
    ])
  })

  test('preferences are told by name as well', () => {
    const preferred = (preference: object) => ({ preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 7, preference }] })
    const { nodeAffinity } = choice({
      affinity: { nodeAffinity: preferred({ matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] }) },
    })
    expect(nodeAffinity).toEqual(preferred({ matchExpressions: [on('n1')] }))
  })

  test('a pod that has its node, or whose user chose one, is left alone', () => {
    expect(choice({ nodeName: 'n2', nodeSelector: { disk: 'ssd' } })).toEqual({
      nodeSelector: { disk: 'ssd' },
      nodeAffinity: undefined,
    })
  })
})

describe('taints of the tenant', () => {
  const view = viewOf([
    node('n1', { taints: [{ key: 'team', value: 'db', effect: 'NoSchedule' }] }),
    node('n2', {
      taints: [
        { key: 'old', effect: 'NoExecute' },
        { key: 'slow', effect: 'PreferNoSchedule' },
      ],
    }),
    node('n3', { unschedulable: true }),
    node('n4', { taints: [{ key: 'cost', value: '7', effect: 'NoSchedule' }] }),
  ])
  const unwanted = (tolerations: readonly object[]) =>
    choice({ tolerations }, view).nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]
      ?.matchExpressions

  test('keep away who does not tolerate them', () => {
    expect(choice({}, view).nodeAffinity).toEqual({
      ...required(off('n1', 'n2', 'n3', 'n4')),
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: { matchExpressions: [off('n2')] } }],
    })
  })

  test.for<[name: string, toleration: object, wanted: readonly object[]]>([
    ['equal', { key: 'team', value: 'db' }, [off('n2', 'n3', 'n4')]],
    ['another value', { key: 'team', operator: 'Equal', value: 'web' }, [off('n1', 'n2', 'n3', 'n4')]],
    ['another effect', { key: 'team', operator: 'Exists', effect: 'NoExecute' }, [off('n1', 'n2', 'n3', 'n4')]],
    ['exists', { key: 'old', operator: 'Exists', effect: 'NoExecute' }, [off('n1', 'n3', 'n4')]],
    ['less', { key: 'cost', operator: 'Lt', value: '10' }, [off('n1', 'n2', 'n3')]],
    ['not more', { key: 'cost', operator: 'Gt', value: '10' }, [off('n1', 'n2', 'n3', 'n4')]],
    ['a cordon', { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' }, [off('n1', 'n2', 'n4')]],
  ])('tolerated: %s', ([, toleration, wanted]) => {
    expect(unwanted([toleration])).toEqual(wanted)
  })

  test('all tolerated', () => {
    expect(choice({ tolerations: [{ operator: 'Exists' }] }, view)).toEqual({ nodeSelector: undefined, nodeAffinity: undefined })
  })
})
