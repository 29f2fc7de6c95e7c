import { expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { frozen } from '../../testing/frozen.ts'
import { type SuperFacts, superNetworks } from './super-networks.ts'

const node = (podCIDR: string | undefined, ...addresses: string[]): KubeObject => ({
  metadata: { name: 'n' },
  spec: podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] },
  status: { addresses: [{ type: 'Hostname', address: 'n' }, ...addresses.map((address) => ({ type: 'InternalIP', address }))] },
})
const serviceCIDRs = [{ metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.96.0.0/12'] } }]
const apiServers = [{ metadata: { name: 'kubernetes' }, endpoints: [{ addresses: ['203.0.113.5'] }] }]
const none: SuperFacts = { nodes: [], serviceCIDRs: [], apiServers: [], named: [] }
const privates = ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']

test.for<[name: string, facts: Partial<SuperFacts>, ranges: readonly string[], podRanges: readonly string[]]>([
  ['nothing known: every private address may be a pod', {}, privates, privates],
  [
    'pods, Services, nodes and API servers',
    { nodes: [node('10.244.0.0/24', '192.0.2.1'), node('10.244.1.0/24', '192.0.2.2')], serviceCIDRs, apiServers },
    ['10.96.0.0/12', '10.244.0.0/23', '192.0.2.1/32', '192.0.2.2/32', '203.0.113.5/32'],
    ['10.244.0.0/23'],
  ],
  [
    'nodes inside a named range add nothing',
    { nodes: [node('10.244.0.0/24', '192.0.2.1'), node('10.244.1.0/24', '192.0.2.2')], named: ['192.0.2.0/24'] },
    ['10.244.0.0/23', '192.0.2.0/24'],
    ['10.244.0.0/23'],
  ],
  [
    'nodes that do not say where their pods are: it is what the operator names',
    { nodes: [node(undefined, '192.0.2.1')], named: ['10.9.0.0/16'] },
    ['10.9.0.0/16', '192.0.2.1/32'],
    ['10.9.0.0/16'],
  ],
  [
    'a node without a range of pods yet changes nothing of the others',
    { nodes: [node('10.244.0.0/24', '192.0.2.1'), node(undefined, '192.0.2.2')] },
    ['10.244.0.0/24', '192.0.2.1/32', '192.0.2.2/32'],
    ['10.244.0.0/24'],
  ],
  ['both families', { nodes: [node('fd00:1::/64', 'fd00::1')] }, ['fd00::1/128', 'fd00:1::/64'], ['fd00:1::/64']],
  ['what is no address is none', { nodes: [node('x', 'y')], named: ['10.0.0.0/8'] }, ['10.0.0.0/8'], ['10.0.0.0/8']],
])('%s', ([, facts, ranges, podRanges]) => {
  expect(superNetworks(frozen({ ...none, ...facts }))).toMatchObject({ ranges, podRanges })
})

test('nodes are where tenants see them, wherever else that is', () => {
  const inside = ['192.0.2.1', 'fd00::1'].map((address) => ({ type: 'InternalIP', address }))
  const addresses = [...inside, { type: 'ExternalIP', address: '203.0.113.9' }]
  const two = { metadata: { name: 'two' }, spec: { podCIDR: '10.244.0.0/24' }, status: { addresses } }
  expect(superNetworks(frozen({ ...none, nodes: [two], named: ['192.0.2.0/24'] })).nodeRanges).toEqual([
    '192.0.2.1/32',
    'fd00::1/128',
  ])
})

test('of many nodes no more ranges come than a policy may have, and each address is in one', () => {
  const nodes = Array.from({ length: 2_000 }, (_, index) =>
    node(`10.${index >> 8}.${index & 255}.0/24`, `192.168.${index >> 4}.${(index & 15) * 16}`),
  )
  const { ranges } = superNetworks({ ...none, nodes })
  expect(ranges.length).toBeLessThanOrEqual(64)
  expect(ranges).toContain('10.0.0.0/14')
})
