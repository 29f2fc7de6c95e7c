import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { aPlane } from '../../testing/plane-builders.ts'
import { networkPolicies } from './isolation.ts'
import { kubeApiServer } from './kube-apiserver.ts'
import { peersOf, type StorePeer, serviceOf } from './store-peers.ts'

const selector = { app: 'etcd' }
const service = (spec: object): KubeObject => ({ metadata: { name: 'etcd', namespace: 'stores' }, spec: { selector, ...spec } })
const usual = service({ clusterIP: '10.0.0.9', ports: [{ port: 2379, targetPort: 12379 }, { port: 99 }] })
const headless = service({ clusterIP: 'None', ports: [{ port: 2379, targetPort: 12379 }] })
const named = service({ clusterIP: '10.0.0.9', ports: [{ port: 2379, targetPort: 'client' }] })

describe('whom an API server reaches for its store', () => {
  test.for<[endpoint: string, service: KubeObject | undefined, peer: StorePeer]>([
    ['https://10.1.2.3:2379', undefined, { kind: 'address', cidr: '10.1.2.3/32', port: 2379 }],
    ['https://[fd00::5]:2379', undefined, { kind: 'address', cidr: 'fd00::5/128', port: 2379 }],
    ['https://etcd.stores.svc:2379', usual, { kind: 'pods', namespace: 'stores', labels: selector, port: 12379 }],
    ['https://etcd.stores.svc:99', usual, { kind: 'pods', namespace: 'stores', labels: selector, port: 99 }],
    [
      'https://etcd.stores.svc.cluster.local:2379',
      named,
      { kind: 'pods', namespace: 'stores', labels: selector, port: 'client' },
    ],
    ['https://etcd-0.etcd.stores.svc:2379', headless, { kind: 'pods', namespace: 'stores', labels: selector, port: 2379 }],
    ['https://etcd.stores.svc:2379', undefined, { kind: 'pods', namespace: 'stores', port: 2379 }],
    ['https://etcd.example.com:443', undefined, { kind: 'anywhere', port: 443 }],
    ['https://svc.example.com:2379', undefined, { kind: 'anywhere', port: 2379 }],
  ])('%s', ([endpoint, found, peer]) => {
    expect(peersOf([endpoint, endpoint], new Map(found ? [['stores/etcd', found]] : []))).toEqual([peer])
  })

  test('a name that is no Service has none', () => {
    expect(serviceOf('https://a.svc:1')).toBeUndefined()
    expect(serviceOf('https://a.b.svc:1')).toEqual({ name: 'a', namespace: 'b' })
  })
})

describe('a control plane whose store is not its own', () => {
  const remote = { endpoints: ['https://a:2379', 'https://b:2379'], prefix: '/6d3f/' }
  const plane = aPlane({ dataStore: { kind: 'shared', name: 'pool' } }, { remote, storage: { kind: 'elsewhere' } })

  test('tells its API server where and below what, and leaves compaction to who may', () => {
    const [deployment] = kubeApiServer.desired(plane)
    const flags = ((deployment?.spec.template.spec.containers[0].command ?? []) as string[]).filter((flag) =>
      flag.startsWith('--etcd'),
    )
    expect(flags).toEqual([
      '--etcd-servers=https://a:2379,https://b:2379',
      '--etcd-prefix=/6d3f',
      '--etcd-compaction-interval=0',
      '--etcd-cafile=/etc/berth/keys/etcd-ca.crt',
      '--etcd-certfile=/etc/berth/keys/etcd-client.crt',
      '--etcd-keyfile=/etc/berth/keys/etcd-client.key',
    ])
  })

  test('makes no API server of nothing', () => {
    expect(() => kubeApiServer.desired({ ...plane, remote: undefined } as never)).toThrow(/see DataStoreReady/)
  })

  test('has no way but the one to its store', () => {
    const peers = peersOf(
      ['https://10.1.2.3:2379', 'https://etcd.stores.svc:2379', 'https://far.example:2379'],
      new Map([['stores/etcd', usual]]),
    )
    const policies = networkPolicies(plane, { kind: 'remote', peers })
    expect(policies.map(({ metadata }) => metadata.name)).toEqual(['default-deny', 'kube-apiserver', 'kube-controller-manager'])
    const egress = policies.find(({ metadata }) => metadata.name === 'kube-apiserver')?.spec.egress
    expect(egress.slice(1, 4)).toEqual([
      { to: [{ ipBlock: { cidr: '10.1.2.3/32' } }], ports: [{ protocol: 'TCP', port: 2379 }] },
      {
        to: [
          {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'stores' } },
            podSelector: { matchLabels: { app: 'etcd' } },
          },
        ],
        ports: [{ protocol: 'TCP', port: 12379 }],
      },
      {
        to: [
          { ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.0.0/16'] } },
          { ipBlock: { cidr: '::/0', except: ['fe80::/10'] } },
        ],
        ports: [{ protocol: 'TCP', port: 2379 }],
      },
    ])
    const own = networkPolicies(plane).find(({ metadata }) => metadata.name === 'kube-apiserver')?.spec.egress
    expect(JSON.stringify(egress)).not.toContain('"berth.dev/component":"etcd"')
    expect(JSON.stringify(own)).toContain('"berth.dev/component":"etcd"')
  })
})
