import { describe, expect, test } from 'vitest'
import { endpointRefusal, isInside } from './addresses.ts'

const slices = ['10.96.4.0/24', 'fd00:4::/112']

describe('isInside', () => {
  test.for<[address: string, inside: boolean]>([
    ['10.96.4.7', true],
    ['10.96.5.7', false],
    ['::ffff:10.96.4.7', true],
    ['fd00:4::7', true],
    ['fd00:5::7', false],
    ['nonsense', false],
    ['', false],
  ])('%s: %s', ([address, inside]) => {
    expect(isInside(address, slices)).toBe(inside)
  })

  test('takes no CIDR that is none', () => {
    expect(isInside('10.96.4.7', ['10.96.4.0/99', 'x'])).toBe(false)
  })
})

describe('endpointRefusal', () => {
  test.for<[address: string, refused: boolean]>([
    ['192.168.7.20', false],
    ['8.8.8.8', false],
    ['fd12::1', false],
    ['127.0.0.1', true],
    ['127.8.8.8', true],
    ['169.254.169.254', true],
    ['0.0.0.0', true],
    ['224.0.0.1', true],
    ['255.255.255.255', true],
    ['::1', true],
    ['::', true],
    ['fe80::1', true],
    ['ff02::1', true],
    ['::ffff:127.0.0.1', true],
    ['::ffff:169.254.169.254', true],
    ['fd00:ec2::254', true],
    ['FD00:EC2:0::254', true],
    ['fd20:ce::254', true],
    ['100.100.100.200', true],
    ['168.63.129.16', true],
    ['64:ff9b::a9fe:a9fe', true],
    ['2002:a9fe:a9fe::1', true],
    ['fd00:ec2::253', false],
    ['10.96.4.1', true],
    ['not-an-address', true],
  ])('%s: %s', ([address, refused]) => {
    expect(endpointRefusal(address, { serviceSlices: slices }) !== undefined).toBe(refused)
  })
})
