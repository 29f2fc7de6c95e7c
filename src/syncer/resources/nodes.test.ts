import { expect, test } from 'vitest'
import { aNode } from '../../testing/builders.ts'
import { tenantNode } from './nodes.ts'

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
