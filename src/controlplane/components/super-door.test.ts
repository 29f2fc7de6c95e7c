import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { aPlane } from '../../testing/plane-builders.ts'
import { type Door, doorOf, superDoorEndpoints, superDoorService } from './super-door.ts'

const pod = (podIP: string, { ready = true, running = true } = {}): KubeObject => ({
  metadata: { name: podIP },
  status: {
    phase: 'Running',
    podIP,
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    containerStatuses: [{ name: 'kube-apiserver', ready, state: running ? { running: {} } : { waiting: {} } }],
  },
})
const node = (address: string, ready = true): KubeObject => ({
  metadata: { name: address },
  status: {
    addresses: [
      { type: 'Hostname', address: 'n' },
      { type: 'InternalIP', address },
    ],
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
  },
})
const balanced = (...ingress: readonly object[]): KubeObject => ({
  metadata: { name: 'kube-apiserver-exposed' },
  spec: { ports: [{ nodePort: 31_000 }] },
  status: { loadBalancer: { ingress } },
})
const exposed = (exposure: object) => aPlane({ apiServer: { exposure } })

describe('super reaches an API server', () => {
  const given = (change: Partial<Parameters<typeof doorOf>[0]> = {}): Parameters<typeof doorOf>[0] => ({
    plane: aPlane(),
    service: undefined,
    pods: [pod('10.1.0.9'), pod('10.1.0.8')],
    nodes: [node('10.2.0.2'), node('10.2.0.1'), node('10.2.0.3', false)],
    ...change,
  })
  test.each<[string, Parameters<typeof doorOf>[0], Partial<Door>]>([
    ['by its pods', given(), { kind: 'addresses', addresses: ['10.1.0.8', '10.1.0.9'], port: 6443 }],
    [
      'by those that are ready',
      given({ pods: [pod('10.1.0.9', { ready: false }), pod('10.1.0.8')] }),
      { kind: 'addresses', addresses: ['10.1.0.8'] },
    ],
    [
      'at its first start by what runs',
      given({ plane: aPlane({}, { hasServed: false }), pods: [pod('10.1.0.9', { ready: false })] }),
      { kind: 'addresses', addresses: ['10.1.0.9'] },
    ],
    ['not yet, without a pod', given({ pods: [] }), { kind: 'unknown', reason: 'Starting' }],
    ['not by an address of the other family', given({ pods: [pod('fd00::9')] }), { kind: 'unknown', reason: 'Starting' }],
    [
      'by a port of the nodes that are ready',
      given({ plane: exposed({ type: 'NodePort' }), service: balanced() }),
      { kind: 'addresses', addresses: ['10.2.0.1', '10.2.0.2'], port: 31_000 },
    ],
    [
      'by none of them when none is ready',
      given({ plane: exposed({ type: 'NodePort' }), service: balanced(), nodes: [node('10.2.0.3', false)] }),
      { kind: 'unknown', reason: 'NoNode' },
    ],
    ['not before there is a port', given({ plane: exposed({ type: 'NodePort' }) }), { kind: 'unknown', reason: 'Starting' }],
    [
      'by a load balancer',
      given({ plane: exposed({ type: 'LoadBalancer' }), service: balanced({ ip: '192.0.2.7' }, { ip: 'fd00::7' }) }),
      { kind: 'addresses', addresses: ['192.0.2.7'], port: 443 },
    ],
    [
      'by the name of one',
      given({ plane: exposed({ type: 'LoadBalancer' }), service: balanced({ hostname: 'lb.example.com' }) }),
      { kind: 'name', host: 'lb.example.com', port: 443 },
    ],
    [
      'not before that has an address',
      given({ plane: exposed({ type: 'LoadBalancer' }), service: balanced() }),
      { kind: 'unknown', reason: 'NoAddress' },
    ],
    [
      'by a name that the operator keeps',
      given({ plane: exposed({ hostname: 'acme.example.com', port: 8443 }) }),
      { kind: 'name', host: 'acme.example.com', port: 8443 },
    ],
  ])('%s', (_, input, expected) => {
    expect(doorOf(input)).toMatchObject(expected)
  })

  test('by a Service with the first address of the slice, which no pod of super is behind', () => {
    const plane = aPlane()
    const service = superDoorService(plane)
    expect(service.spec).toEqual({
      clusterIP: '10.96.4.1',
      ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'https', port: 443, targetPort: 6443 }],
    })
    const slice = superDoorEndpoints(plane, { addresses: ['10.1.0.8'], port: 6443 })
    expect(slice.metadata.labels?.['kubernetes.io/service-name']).toBe(service.metadata.name)
    expect(slice).toMatchObject({ addressType: 'IPv4', endpoints: [{ addresses: ['10.1.0.8'] }], ports: [{ port: 6443 }] })
  })
})
