import { describe, expect, test } from 'vitest'
import { type AddressRules, refusedAddress } from './address-rules.ts'

const none: AddressRules = { allowed: [], refused: [] }

describe('refusedAddress', () => {
  test.for<[address: string, wanted: string | undefined]>([
    ['93.184.215.14', undefined],
    ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', undefined],
    ['127.0.0.1', 'is loopback'],
    ['127.255.255.254', 'is loopback'],
    ['::1', 'is loopback'],
    ['0.0.0.0', 'is unspecified'],
    ['0.1.2.3', 'is unspecified'],
    ['::', 'is unspecified'],
    ['10.1.2.3', 'is private'],
    ['172.16.0.1', 'is private'],
    ['172.31.255.255', 'is private'],
    ['192.168.1.1', 'is private'],
    ['100.64.0.1', 'is private'],
    ['fd12::1', 'is private'],
    ['169.254.169.254', 'is the metadata service of a cloud'],
    ['169.254.1.1', 'is link-local'],
    ['fe80::1', 'is link-local'],
    ['fd00:ec2::254', 'is the metadata service of a cloud'],
    ['168.63.129.16', 'is the metadata service of a cloud'],
    ['100.100.100.200', 'is the metadata service of a cloud'],
    ['224.0.0.1', 'is multicast'],
    ['ff02::1', 'is multicast'],
    ['255.255.255.255', 'is a broadcast address'],
    ['240.0.0.1', 'is not public'],
    ['192.0.2.1', 'is not public'],
    ['198.18.0.1', 'is not public'],
    // IPv4 in the clothes of IPv6.
    ['::ffff:127.0.0.1', 'is loopback'],
    ['::ffff:a9fe:a9fe', 'is the metadata service of a cloud'],
    ['::ffff:93.184.215.14', undefined],
    ['::127.0.0.1', 'is loopback'],
    ['::7f00:1', 'is not public'],
    ['::a00:1', 'is not public'],
    ['::ffff:0:7f00:1', 'is not public'],
    ['4000::1', 'is not public'],
    ['fec0::1', 'is not public'],
    ['64:ff9b::7f00:1', 'is not public'],
    ['64:ff9b:1::1', 'is not public'],
    ['2002:7f00:1::', 'is not public'],
    ['2001:0:7f00:1::', 'is not public'],
    ['fe80::1%eth0', 'is no address'],
    ['not-an-address', 'is no address'],
  ])('%s', ([address, wanted]) => {
    expect(refusedAddress(address, none)).toBe(wanted)
  })

  test('refuses the ranges of the cluster, public ones too', () => {
    const rules = { allowed: [], refused: ['93.184.0.0/16', '2606:2800::/32'] }
    expect(refusedAddress('93.184.215.14', rules)).toBe('is in a range of the cluster')
    expect(refusedAddress('2606:2800::1', rules)).toBe('is in a range of the cluster')
    expect(refusedAddress('::ffff:93.184.215.14', rules)).toBe('is in a range of the cluster')
    expect(refusedAddress('93.185.0.1', rules)).toBeUndefined()
  })

  test('goes where an operator allows it, and nowhere beside', () => {
    const rules = { allowed: ['10.20.0.0/16'], refused: ['10.0.0.0/8'] }
    expect(refusedAddress('10.20.1.1', rules)).toBeUndefined()
    expect(refusedAddress('::ffff:10.20.1.1', rules)).toBeUndefined()
    expect(refusedAddress('10.21.1.1', rules)).toBe('is in a range of the cluster')
  })
})
