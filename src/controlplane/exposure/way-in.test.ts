import { describe, expect, test } from 'vitest'
import type { Exposure } from '../../apis/exposure.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { frozen } from '../../testing/frozen.ts'
import { certificateNames, hostOf, type WayInput, wayIn } from './way-in.ts'

const aNode = (name: string, addresses: Record<string, string>, ready = 'True'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: {
    addresses: Object.entries(addresses).map(([type, address]) => ({ type, address })),
    conditions: [{ type: 'Ready', status: ready }],
  },
})
const aService = (spec: object, ingress?: object[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 's', namespace: 'n' },
  spec,
  status: { loadBalancer: ingress ? { ingress } : {} },
})
const nodePortService = aService({ ports: [{ nodePort: 30_443 }] })

const input = (exposure: Partial<Exposure> | undefined, fields: Partial<WayInput> = {}): WayInput =>
  frozen({
    exposure: exposure && { type: 'ClusterIP', ...exposure },
    slice: '10.96.4.0/24',
    uid: 'uid',
    service: undefined,
    nodes: [],
    published: undefined,
    ...fields,
  }) as WayInput

const known = (server: string, host: string) => ({ kind: 'known', server, host })

describe('the way in', () => {
  const one = aNode('one', { InternalIP: '10.0.0.1', Hostname: 'one' })
  const two = aNode('two', { InternalIP: '10.0.0.2' })
  const away = aNode('away', { InternalIP: '10.0.0.3' }, 'False')

  test.for<[name: string, given: WayInput, wanted: object]>([
    ['is the slice without a wish', input(undefined), known('https://10.96.4.1:443', '10.96.4.1')],
    ['is the slice with type ClusterIP', input({}), known('https://10.96.4.1:443', '10.96.4.1')],
    ['is a host name alone', input({ hostname: 'a.b' }), known('https://a.b:443', 'a.b')],
    ['is a host name with its port', input({ hostname: 'a.b', port: 8443 }), known('https://a.b:8443', 'a.b')],
    ['is not known before the Service is there', input({ type: 'NodePort' }, { nodes: [one] }), { kind: 'unknown' }],
    [
      'is an address of a node that is ready, with the node port',
      input({ type: 'NodePort' }, { service: nodePortService, nodes: [one, away] }),
      known('https://10.0.0.1:30443', '10.0.0.1'),
    ],
    [
      'stays with the node that is published, ready or not',
      input({ type: 'NodePort' }, { service: nodePortService, nodes: [one, two, away], published: '10.0.0.3' }),
      known('https://10.0.0.3:30443', '10.0.0.3'),
    ],
    [
      'leaves a node that is gone',
      input({ type: 'NodePort' }, { service: nodePortService, nodes: [one], published: '10.0.0.9' }),
      known('https://10.0.0.1:30443', '10.0.0.1'),
    ],
    [
      'is the address of a node that is meant for outside',
      input(
        { type: 'NodePort' },
        { service: nodePortService, nodes: [aNode('n', { InternalIP: '10.0.0.1', ExternalIP: 'fd00::7' })] },
      ),
      known('https://[fd00::7]:30443', 'fd00::7'),
    ],
    [
      'is not known without a node',
      input({ type: 'NodePort' }, { service: nodePortService, nodes: [away] }),
      { kind: 'unknown', reason: 'NoNode' },
    ],
    [
      'is a host name with the node port',
      input({ type: 'NodePort', hostname: 'a.b' }, { service: nodePortService }),
      known('https://a.b:30443', 'a.b'),
    ],
    [
      'is a host name with the port before the node port',
      input({ type: 'NodePort', hostname: 'a.b', port: 443 }, { service: nodePortService }),
      known('https://a.b:443', 'a.b'),
    ],
    [
      'is not known before the load balancer has an address, with a host name as well',
      input({ type: 'LoadBalancer', hostname: 'a.b' }, { service: aService({}) }),
      { kind: 'unknown', reason: 'NoAddress', message: expect.stringContaining('Service n/s') },
    ],
    [
      'is the address of the load balancer',
      input({ type: 'LoadBalancer' }, { service: aService({}, [{ ip: '203.0.113.7' }]) }),
      known('https://203.0.113.7:443', '203.0.113.7'),
    ],
    [
      'is the name of the load balancer',
      input({ type: 'LoadBalancer' }, { service: aService({}, [{ hostname: 'LB.example.com' }]) }),
      known('https://lb.example.com:443', 'lb.example.com'),
    ],
    [
      'stays with the address that is published',
      input({ type: 'LoadBalancer' }, { service: aService({}, [{ ip: '1.1.1.1' }, { ip: '2.2.2.2' }]), published: '2.2.2.2' }),
      known('https://2.2.2.2:443', '2.2.2.2'),
    ],
    [
      'is nothing that no certificate can name',
      input({ type: 'LoadBalancer' }, { service: aService({}, [{ hostname: 'a b/../' }]) }),
      { kind: 'unknown', reason: 'NoAddress' },
    ],
  ])('%s', ([, given, wanted]) => {
    expect(wayIn(given)).toMatchObject(wanted)
  })

  test('is by different nodes for different tenants', () => {
    const hosts = Array.from({ length: 20 }, (_, index) => {
      const way = wayIn(input({ type: 'NodePort' }, { uid: `u${index}`, service: nodePortService, nodes: [one, two] }))
      return way.kind === 'known' ? way.host : undefined
    })
    expect(new Set(hosts)).toEqual(new Set(['10.0.0.1', '10.0.0.2']))
  })
})

describe('the certificate', () => {
  test.for<[name: string, given: WayInput, names: string[]]>([
    ['needs no name more without a wish', input(undefined, { published: '10.96.4.1' }), []],
    [
      'has the new name and the published one while one follows the other',
      input({ hostname: 'new' }, { published: 'old' }),
      ['new', 'old'],
    ],
    ['has a host name before its load balancer is there', input({ type: 'LoadBalancer', hostname: 'a.b' }), ['a.b']],
    ['keeps the published name on the way back', input(undefined, { published: 'old' }), ['old']],
  ])('%s', ([, given, names]) => {
    expect(certificateNames(wayIn(given), given)).toEqual(names)
  })
})

test.for<[server: string | undefined, host: string | undefined]>([
  ['https://a.b:443', 'a.b'],
  ['https://[fd00::7]:30443', 'fd00::7'],
  [undefined, undefined],
  ['no url', undefined],
])('the host of %s is %s', ([server, host]) => {
  expect(hostOf(server)).toBe(host)
})
