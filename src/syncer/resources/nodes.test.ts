import { expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { lastAppliedAnnotation, mirroredLabel } from '../../tenancy/marks.ts'
import { aNode } from '../../testing/builders.ts'
import { mergedNode, ownWords, tenantNode } from './nodes.ts'

const ready = {
  type: 'Ready',
  status: 'True',
  lastHeartbeatTime: '2026-11-21T08:05:00Z',
  lastTransitionTime: '2026-11-21T08:00:00Z',
}
const superNode = aNode({
  metadata: {
    name: 'node-1',
    uid: 'super-uid',
    labels: { 'kubernetes.io/hostname': 'node-1', 'topology.kubernetes.io/zone': 'a', 'berth.dev/pool': 'x' },
    annotations: { secret: 'x' },
  },
  spec: { podCIDR: '10.0.1.0/24', providerID: 'aws:///i-1', taints: [{ key: 'gpu', effect: 'NoSchedule' }], unschedulable: true },
  status: {
    capacity: { cpu: '8', 'nvidia.com/gpu': '2' },
    allocatable: { cpu: '7' },
    conditions: [ready],
    addresses: [
      { type: 'InternalIP', address: '10.0.0.1' },
      { type: 'ExternalIP', address: '203.0.113.1' },
      { type: 'Hostname', address: 'node-1' },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
    nodeInfo: { kubeletVersion: 'v1.37.1', architecture: 'amd64' },
    images: [{ names: ['registry.example/secret:1'] }],
    volumesInUse: ['x'],
    volumesAttached: [{ name: 'x' }],
    declaredFeatures: ['F'],
  },
})

test('a Node is true to super in what a tenant needs, and silent on the rest', () => {
  expect(tenantNode(superNode, { agentPort: 10_550 })).toEqual({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-1', labels: { 'kubernetes.io/hostname': 'node-1', 'topology.kubernetes.io/zone': 'a' } },
    spec: { taints: [{ key: 'gpu', effect: 'NoSchedule' }], unschedulable: true },
    status: {
      capacity: { cpu: '8', 'nvidia.com/gpu': '2' },
      allocatable: { cpu: '7' },
      conditions: [{ ...ready, lastHeartbeatTime: '2026-11-21T08:00:00Z' }],
      addresses: [
        { type: 'InternalIP', address: '10.0.0.1' },
        { type: 'Hostname', address: 'node-1' },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10_550 } },
      nodeInfo: { kubeletVersion: 'v1.37.1', architecture: 'amd64' },
      declaredFeatures: ['F'],
    },
  })
})

test('a heartbeat alone changes nothing', () => {
  const later = {
    ...superNode,
    status: { ...superNode.status, conditions: [{ ...ready, lastHeartbeatTime: '2026-11-21T08:10:00Z' }] },
  }
  expect(tenantNode(later, { agentPort: 10_550 })).toEqual(tenantNode(superNode, { agentPort: 10_550 }))
})

test('a Node that says nothing yet', () => {
  expect(tenantNode(aNode({ metadata: { name: 'new' } }), { agentPort: 10_550 })).toMatchObject({
    metadata: { name: 'new', labels: {} },
    spec: {},
    status: { addresses: [], conditions: [] },
  })
})

/** One round of the syncer: what stands in the tenant after it. */
const round = (superNode: KubeObject, live: KubeObject | undefined): KubeObject => {
  const { node, gone } = mergedNode(tenantNode(superNode, { agentPort: 10_550 }), live)
  const labels = Object.fromEntries(
    Object.entries({ ...live?.metadata.labels, ...node.metadata.labels }).filter(([key]) => !gone.includes(key)),
  )
  return { ...node, metadata: { ...node.metadata, labels } }
}
const plain = aNode({ metadata: { name: 'n', labels: { zone: 'a' } }, spec: { taints: [{ key: 'gpu', effect: 'NoSchedule' }] } })
const cordon = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

test('what a tenant says of its Node stays beside what super says', () => {
  const first = round(plain, undefined)
  expect(first).toMatchObject({
    metadata: { labels: { zone: 'a', [mirroredLabel]: 'true' } },
    spec: { taints: [{ key: 'gpu' }] },
  })
  const said = {
    ...first,
    metadata: { ...first.metadata, labels: { ...first.metadata.labels, disk: 'ssd', zone: 'mine' } },
    spec: { taints: [{ key: 'team', value: 'db', effect: 'NoExecute' }, ...(first.spec?.taints ?? [])], unschedulable: true },
  }
  const second = round(plain, said)
  expect(second.metadata.labels).toEqual({ zone: 'a', disk: 'ssd', [mirroredLabel]: 'true' })
  expect(second.spec).toEqual({
    taints: [{ key: 'gpu', effect: 'NoSchedule' }, cordon, { key: 'team', value: 'db', effect: 'NoExecute' }],
    unschedulable: true,
  })
  expect(round(plain, second)).toEqual(second)
  expect(ownWords(second)).toEqual({
    labels: { disk: 'ssd' },
    taints: [{ key: 'team', value: 'db', effect: 'NoExecute' }, cordon],
    unschedulable: true,
  })
  const uncordoned = round(plain, { ...second, spec: { taints: second.spec?.taints } })
  expect(uncordoned.spec).toEqual({
    taints: [
      { key: 'gpu', effect: 'NoSchedule' },
      { key: 'team', value: 'db', effect: 'NoExecute' },
    ],
  })
})

test('what super no longer says goes, and only that', () => {
  const first = round(plain, undefined)
  const said = { ...first, metadata: { ...first.metadata, labels: { ...first.metadata.labels, disk: 'ssd' } } }
  const bare = aNode({ metadata: { name: 'n', labels: { arch: 'arm64' } }, spec: { unschedulable: true, taints: [cordon] } })
  const second = round(bare, said)
  expect(second.metadata.labels).toEqual({ arch: 'arm64', disk: 'ssd', [mirroredLabel]: 'true' })
  expect(second.spec).toEqual({ taints: [cordon], unschedulable: true })
  expect(round(plain, second).spec).toEqual({ taints: [{ key: 'gpu', effect: 'NoSchedule' }] })
})

test.for(['{', '[]', 'null', '{"labels":1}', '{"labels":["a"],"taints":[{}],"unschedulable":false}'])(
  'a record that the tenant has spoilt, %s, is made anew from what super says now',
  (record) => {
    const first = round(plain, undefined)
    const spoilt = { ...first, metadata: { ...first.metadata, annotations: { [lastAppliedAnnotation]: record } } }
    expect(ownWords(spoilt)).toEqual({ labels: {}, taints: [], unschedulable: false })
    expect(round(plain, spoilt)).toEqual(first)
  },
)
