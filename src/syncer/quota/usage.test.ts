import { expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { quantityOf } from './amounts.ts'
import { usageOf } from './usage.ts'

const now = Date.parse('2026-11-21T08:00:00Z')
const usage = (kind: string, object: KubeObject): Record<string, string> =>
  Object.fromEntries([...usageOf(kind, object, now)].map(([name, amount]) => [name, quantityOf(amount)]))

const cpu = (request: string, limit?: string) => ({
  requests: { cpu: request },
  ...(limit !== undefined && { limits: { cpu: limit } }),
})
const pod = (spec: object, status: object = {}, metadata: object = {}): KubeObject => ({ metadata, spec, status })
const main = { name: 'main', resources: cpu('100m', '1') }

test.for<[what: string, pod: KubeObject, expected: Record<string, string | undefined>]>([
  [
    'main containers are added',
    pod({ containers: [main, { ...main, name: 'b' }] }),
    { cpu: '200m', 'limits.cpu': '2', pods: '1' },
  ],
  [
    'the largest init container counts when it is larger than these',
    pod({ containers: [main], initContainers: [{ name: 'i', resources: cpu('300m') }] }),
    { 'requests.cpu': '300m', 'limits.cpu': '1' },
  ],
  [
    'a sidecar counts beside main containers, and beside what comes after it',
    pod({
      containers: [main],
      initContainers: [
        { name: 'before', resources: cpu('400m') },
        { name: 'side', resources: cpu('200m'), restartPolicy: 'Always' },
        { name: 'after', resources: cpu('300m') },
      ],
    }),
    { cpu: '500m' },
  ],
  [
    'the overhead is added, to limits only where there are such',
    pod({ containers: [main], overhead: { cpu: '50m', memory: '1Mi' } }),
    {
      cpu: '150m',
      'limits.cpu': '1050m',
      memory: '1048576',
      'limits.memory': undefined,
    },
  ],
  [
    'what is said of the whole pod counts instead',
    pod({ containers: [main], resources: { requests: { cpu: '2' }, limits: { memory: '1Gi' } } }),
    { cpu: '2', 'limits.cpu': '1', 'limits.memory': '1073741824' },
  ],
  [
    'extended resources and huge pages',
    pod({ containers: [{ name: 'a', resources: { requests: { 'nvidia.com/gpu': '2', 'hugepages-2Mi': '4Mi' } } }] }),
    {
      'requests.nvidia.com/gpu': '2',
      'nvidia.com/gpu': undefined,
      'requests.hugepages-2Mi': '4194304',
      'hugepages-2Mi': '4194304',
    },
  ],
  [
    'a resize: the larger of what it has and what it asks for',
    pod(
      { containers: [main] },
      { containerStatuses: [{ name: 'main', allocatedResources: { cpu: '700m' }, resources: cpu('600m', '3') }] },
    ),
    { cpu: '700m', 'limits.cpu': '3' },
  ],
  [
    'a resize that cannot be: what it has',
    pod(
      { containers: [{ name: 'main', resources: cpu('90') }] },
      {
        conditions: [{ type: 'PodResizePending', reason: 'Infeasible' }],
        containerStatuses: [{ name: 'main', allocatedResources: { cpu: '700m' } }],
      },
    ),
    { cpu: '700m' },
  ],
  [
    'one that has ended is an object and no more',
    pod({ containers: [main] }, { phase: 'Failed' }),
    {
      'count/pods': '1',
      pods: undefined,
      cpu: undefined,
    },
  ],
  [
    'one that should have ended long ago, too',
    pod({ containers: [main] }, {}, { deletionTimestamp: '2026-11-21T07:59:00Z', deletionGracePeriodSeconds: 30 }),
    { pods: undefined },
  ],
  [
    'one that is ending counts',
    pod({ containers: [main] }, {}, { deletionTimestamp: '2026-11-21T07:59:45Z', deletionGracePeriodSeconds: 30 }),
    { pods: '1' },
  ],
])('pods: %s', ([, object, expected]) => {
  expect(usage('pods', object)).toMatchObject(Object.fromEntries(Object.entries(expected).filter(([, value]) => value)))
  for (const [name, value] of Object.entries(expected)) expect(usage('pods', object)[name]).toBe(value)
})

const ports = [{ port: 80 }, { port: 443, nodePort: 30001 }]
test.for<[what: string, spec: object, nodePorts: string, loadBalancers: string]>([
  ['ClusterIP', { ports }, '0', '0'],
  ['NodePort', { type: 'NodePort', ports }, '2', '0'],
  ['LoadBalancer', { type: 'LoadBalancer', ports }, '2', '1'],
  ['LoadBalancer without ports of nodes', { type: 'LoadBalancer', ports, allocateLoadBalancerNodePorts: false }, '1', '1'],
])('Services: %s', ([, spec, nodePorts, loadBalancers]) => {
  expect(usage('services', { metadata: {}, spec })).toEqual({
    'count/services': '1',
    services: '1',
    'services.nodeports': nodePorts,
    'services.loadbalancers': loadBalancers,
  })
})

test('claims: by class, in whole bytes, and what was given while it shrinks', () => {
  const spec = { storageClassName: 'gold', resources: { requests: { storage: '1000500m' } } }
  expect(usage('persistentvolumeclaims', { metadata: {}, spec })).toEqual({
    'count/persistentvolumeclaims': '1',
    persistentvolumeclaims: '1',
    'requests.storage': '1001',
    'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
    'gold.storageclass.storage.k8s.io/requests.storage': '1001',
  })
  const status = { allocatedResources: { storage: '2k' } }
  expect(usage('persistentvolumeclaims', { metadata: {}, spec, status })['requests.storage']).toBe('2k')
})

test.for([
  ['ingresses', { 'count/ingresses.networking.k8s.io': '1' }],
  ['gadgets.example.com', { 'count/gadgets.example.com': '1' }],
  ['secrets', { 'count/secrets': '1', secrets: '1' }],
] as const)('%s', ([kind, expected]) => {
  expect(usage(kind, { metadata: {} })).toEqual(expected)
})
