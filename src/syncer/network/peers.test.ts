import { describe, expect, test } from 'vitest'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { basePeers, type Direction, narrowedBlock } from './peers.ts'

type Network = NonNullable<NonNullable<NonNullable<Parameters<typeof aSyncContext>[0]>['isolation']>['network']>
const ctxOf = (network: Network = {}, more: Partial<Parameters<typeof aSyncContext>[0]> = {}) =>
  aSyncContext({ isolation: { network }, ...more })

const own = { namespaceSelector: { matchLabels: { 'berth.dev/tenant': ctxOf().tenant.uid } } }
const apiServer = {
  namespaceSelector: { matchLabels: { 'berth.dev/control-plane': ctxOf().tenant.uid } },
  podSelector: { matchLabels: { 'berth.dev/component': 'kube-apiserver' } },
}
const insiders = { namespaceSelector: { matchLabels: { 'berth.dev/reaches-tenants': 'true' } } }
const slices = [{ ipBlock: { cidr: '10.96.4.0/24' } }, { ipBlock: { cidr: 'fd00:4::/112' } }]
const block = (cidr: string, ...except: string[]) => ({ ipBlock: { cidr, ...(except.length > 0 && { except }) } })
const metadata = {
  v4: ['100.100.100.200/32', '169.254.0.0/16'],
  v6: ['64:ff9b::a9fe:0/112', 'fd00:ec2::254/128', 'fd20:ce::254/128', 'fe80::/10'],
}

describe('basePeers', () => {
  test.for<[name: string, direction: Direction, network: Network, wanted: readonly object[]]>([
    [
      'out to anywhere but super and metadata',
      'egress',
      {},
      [
        own,
        apiServer,
        ...slices,
        block('0.0.0.0/0', '10.96.0.0/12', '10.244.0.0/16', '100.100.100.200/32', '169.254.0.0/16', '192.0.2.1/32'),
        block('::/0', ...metadata.v6),
      ],
    ],
    [
      'out to public addresses',
      'egress',
      { egress: 'Public' },
      [
        own,
        apiServer,
        ...slices,
        block('0.0.0.0/0', '10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.0.2.1/32', '192.168.0.0/16'),
        block('::/0', '64:ff9b::a9fe:0/112', 'fc00::/7', 'fe80::/10'),
      ],
    ],
    [
      'out to what the operator names, be it of super',
      'egress',
      { egress: 'None', egressTo: ['10.244.7.0/24', '169.254.169.253/32'] },
      [own, apiServer, ...slices, block('10.244.7.0/24'), block('169.254.169.253/32')],
    ],
    [
      'in from all but pods of super',
      'ingress',
      {},
      [own, apiServer, insiders, block('0.0.0.0/0', '10.244.0.0/16'), block('::/0')],
    ],
    [
      'in from nowhere else',
      'ingress',
      { ingress: 'None', ingressFrom: ['198.51.100.0/24'] },
      [own, apiServer, insiders, block('198.51.100.0/24')],
    ],
  ])('%s', ([, direction, network, wanted]) => {
    expect(basePeers(direction, ctxOf(network))).toEqual(wanted)
  })

  test('an API server in another cluster is where super reaches it', () => {
    const ctx = ctxOf({ egress: 'None' }, { apiServerDoor: ['203.0.113.9', 'fd00::9'] })
    expect(basePeers('egress', ctx)).toEqual([own, block('203.0.113.9/32'), block('fd00::9/128'), ...slices])
  })
})

describe('narrowedBlock', () => {
  test.for<
    [name: string, direction: Direction, given: { cidr: string; except?: string[] }, wanted: readonly object[], network?: Network]
  >([
    ['outside: as it is', 'egress', { cidr: '198.51.100.0/24' }, [block('198.51.100.0/24')]],
    [
      'with its own holes',
      'egress',
      { cidr: '198.51.100.0/24', except: ['198.51.100.7/32'] },
      [block('198.51.100.0/24', '198.51.100.7/32')],
    ],
    ['host bits do not count', 'egress', { cidr: '198.51.100.9/24' }, [block('198.51.100.0/24')]],
    ['a pod of super', 'egress', { cidr: '10.244.3.4/32' }, []],
    ['a pod of super, to come in', 'ingress', { cidr: '10.244.3.4/32' }, []],
    ['a node', 'egress', { cidr: '192.0.2.1/32' }, []],
    ['a node, to come in: node ports', 'ingress', { cidr: '192.0.2.1/32' }, [block('192.0.2.1/32')]],
    ['metadata', 'egress', { cidr: '169.254.169.254/32' }, []],
    ['metadata in the clothes of IPv6', 'egress', { cidr: '::ffff:169.254.169.254/128' }, []],
    ['metadata through NAT64', 'egress', { cidr: '64:ff9b::a9fe:a9fe/128' }, []],
    ['half of super', 'egress', { cidr: '10.244.0.0/17' }, []],
    [
      'more than super: all pods are the own ones',
      'egress',
      { cidr: '10.192.0.0/10' },
      [own, block('10.192.0.0/10', '10.244.0.0/16')],
    ],
    [
      'more than super but for some pods',
      'egress',
      { cidr: '10.192.0.0/10', except: ['10.244.9.0/24'] },
      [block('10.192.0.0/10', '10.244.0.0/16')],
    ],
    ['the own API server', 'egress', { cidr: '10.96.4.1/32' }, [apiServer, block('10.96.4.1/32')]],
    ['a Service of its own', 'egress', { cidr: '10.96.4.128/25' }, [block('10.96.4.128/25')]],
    ['a Service of another', 'egress', { cidr: '10.96.5.0/24' }, []],
    [
      'everywhere',
      'egress',
      { cidr: '0.0.0.0/0' },
      [
        own,
        apiServer,
        block('10.96.4.0/24'),
        block('0.0.0.0/0', '10.96.0.0/12', '10.244.0.0/16', ...metadata.v4, '192.0.2.1/32'),
      ],
    ],
    ['everywhere, from where', 'ingress', { cidr: '0.0.0.0/0' }, [own, insiders, apiServer, block('0.0.0.0/0', '10.244.0.0/16')]],
    ['where nothing is open', 'egress', { cidr: '198.51.100.0/24' }, [], { egress: 'None' }],
    [
      'of what the operator opened the part that is asked for',
      'egress',
      { cidr: '10.0.0.0/8', except: ['10.5.0.128/25'] },
      [own, apiServer, block('10.96.4.0/24'), block('10.5.0.0/24', '10.5.0.128/25')],
      { egress: 'None', egressTo: ['10.5.0.0/24'] },
    ],
    ['what is no block', 'egress', { cidr: '010.0.0.0/8' }, []],
    ['holes that nobody can read', 'egress', { cidr: '198.51.100.0/24', except: ['x'] }, []],
  ])('%s', ([, direction, given, wanted, network]) => {
    expect(narrowedBlock(given, direction, ctxOf(network))).toEqual(wanted)
  })
})
