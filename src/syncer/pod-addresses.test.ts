import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { addressesOfPod, createPodAddresses } from './pod-addresses.ts'

const pod = (status: object, node = 'node-1'): KubeObject => ({ metadata: { name: 'web' }, spec: { nodeName: node }, status })

describe('addressesOfPod', () => {
  test.for<[name: string, status: object, addresses: string[]]>([
    ['none yet', {}, []],
    ['one', { podIP: '10.124.0.7', podIPs: [{ ip: '10.124.0.7' }], hostIP: '192.0.2.1' }, ['10.124.0.7']],
    ['both families', { podIPs: [{ ip: '10.124.0.7' }, { ip: 'FD00:0::7' }] }, ['10.124.0.7', 'fd00::7']],
    ['the machine itself', { podIP: '192.0.2.1', podIPs: [{ ip: '192.0.2.1' }], hostIP: '192.0.2.1' }, []],
    ['one that has ended', { phase: 'Succeeded', podIP: '10.124.0.7' }, []],
    ['one that has failed', { phase: 'Failed', podIP: '10.124.0.7' }, []],
  ])('%s', ([, status, addresses]) => {
    expect(addressesOfPod(pod(status))).toEqual(addresses)
  })
})

test('an address is the tenant’s whose pod has it, and nobody’s while two say so', () => {
  const addresses = createPodAddresses()
  const at = pod({ podIP: '10.124.0.7' })
  expect(addresses.set('a/web', 'acme', at)).toEqual(['10.124.0.7'])
  expect(addresses.set('a/web', 'acme', at)).toEqual([])
  expect(addresses.of('acme', '::ffff:10.124.0.7')).toMatchObject({ node: 'node-1' })
  expect(addresses.of('globex', '10.124.0.7')).toBeUndefined()
  addresses.set('g/web', 'globex', at)
  expect([addresses.of('acme', '10.124.0.7'), addresses.of('globex', '10.124.0.7')]).toEqual([undefined, undefined])
  expect(addresses.set('a/web', 'acme', undefined)).toEqual(['10.124.0.7'])
  expect(addresses.of('globex', '10.124.0.7')).toMatchObject({ node: 'node-1' })
})
