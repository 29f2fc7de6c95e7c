import { expect, test } from 'vitest'
import { lastAppliedAnnotation, mirroredLabel } from '../tenancy/marks.ts'
import { aNode } from '../testing/builders.ts'
import { OwnNodes } from './own-nodes.ts'

const node = (labels: Record<string, string>, more: object = {}) =>
  aNode({
    metadata: {
      name: 'n1',
      labels: { zone: 'a', [mirroredLabel]: 'true', ...labels },
      annotations: { [lastAppliedAnnotation]: JSON.stringify({ labels: ['zone'], taints: [], unschedulable: false }) },
    },
    ...more,
  })

test('only what pods go by counts as a change, and only once a tenant has said something', () => {
  const view = new OwnNodes()
  expect(view.set('n1', node({}))).toBe(false)
  expect(view.set('n2', node({}))).toBe(false)
  expect(view.nodes).toEqual([])
  expect(view.set('fake', aNode({ metadata: { name: 'fake', labels: { disk: 'ssd' } } }))).toBe(false)
  expect(view.set('n1', node({ disk: 'ssd' }))).toBe(true)
  expect(view.nodes).toHaveLength(2)
  const { revision } = view
  expect(view.set('n1', node({ disk: 'ssd' }, { status: { phase: 'other' } }))).toBe(false)
  expect(view.revision).toBe(revision)
  expect(view.set('n3', node({}))).toBe(true)
  expect(view.set('n1', node({ disk: 'ssd' }, { spec: { unschedulable: true } }))).toBe(true)
  expect(view.nodes[0]?.taints).toEqual([{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }])
  expect(view.set('n1', undefined)).toBe(true)
  expect(view.nodes).toEqual([])
})
