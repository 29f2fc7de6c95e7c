import { describe, expect, test } from 'vitest'
import { frozen } from '../../testing/frozen.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { endpointSlices } from './endpoint-slices.ts'

const slice = (labels: Record<string, string>, fields: Record<string, unknown> = {}, namespace = 'shop') =>
  frozen({
    metadata: { name: 'db-1', namespace, labels: { 'kubernetes.io/service-name': 'db', ...labels } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['192.168.7.20'], conditions: { ready: true } }],
    ports: [{ name: 'pg', port: 5432, protocol: 'TCP' }],
    ...fields,
  })
const toSuper = (...args: Parameters<typeof slice>) => endpointSlices.toSuper(slice(...args), aSyncContext())
const managedBy = 'endpointslice.kubernetes.io/managed-by'

describe('endpointSlices.toSuper', () => {
  test.for<[name: string, labels: Record<string, string>, inSuper: string]>([
    ['one written by hand', {}, 'berth'],
    ["one of an operator's", { [managedBy]: 'operator.example' }, 'operator.example'],
    [
      "a mirrored one, which super's controller would take for its own",
      { [managedBy]: 'endpointslicemirroring-controller.k8s.io' },
      'berth',
    ],
  ])('%s', ([, labels, inSuper]) => {
    expect(toSuper(labels)).toEqual({
      kind: 'object',
      body: {
        labels: { 'kubernetes.io/service-name': 'db', [managedBy]: inSuper },
        fields: {
          addressType: 'IPv4',
          endpoints: [{ addresses: ['192.168.7.20'], conditions: { ready: true } }],
          ports: [{ name: 'pg', port: 5432, protocol: 'TCP' }],
        },
      },
    })
  })

  test.for<[name: string, args: Parameters<typeof slice>]>([
    ["those that super's own controller makes", [{ [managedBy]: 'endpointslice-controller.k8s.io' }]],
    ["the API server's", [{ 'kubernetes.io/service-name': 'kubernetes' }, {}, 'default']],
    ['names instead of addresses', [{}, { addressType: 'FQDN', endpoints: [{ addresses: ['db.example'] }] }]],
  ])('leaves %s in the tenant', ([, args]) => {
    expect(toSuper(...args)).toEqual({ kind: 'tenant-only' })
  })

  test.for(['127.0.0.1', '169.254.169.254', '10.96.4.1'])('refuses %s', (address) => {
    const endpoints = [{ addresses: ['192.168.7.20'] }, { addresses: [address] }]
    expect(toSuper({}, { endpoints })).toMatchObject({ kind: 'refused', reason: 'EndpointAddressNotAllowed' })
  })

  test('references to tenant objects stay behind, places stay', () => {
    const endpoint = { addresses: ['192.168.7.20'], nodeName: 'node-1', zone: 'a', hints: { forZones: [{ name: 'a' }] } }
    const targetRef = { kind: 'Pod', name: 'x', uid: 'tenant-uid' }
    expect(toSuper({}, { endpoints: [{ ...endpoint, targetRef }] })).toMatchObject({
      body: { fields: { endpoints: [endpoint] } },
    })
    expect(JSON.stringify(toSuper({}, { endpoints: [{ ...endpoint, targetRef }] }))).not.toContain('tenant-uid')
  })

  test('takes a slice without endpoints', () => {
    expect(toSuper({}, { endpoints: null })).toMatchObject({ body: { fields: { endpoints: [] } } })
  })
})

test('another address type is another object', () => {
  expect(endpointSlices.update?.(slice({}), slice({}, { addressType: 'IPv6' }))).toEqual({ kind: 'recreate' })
  expect(endpointSlices.update?.(slice({}), slice({}, { endpoints: [] }))).toMatchObject({
    kind: 'replace',
    object: { endpoints: [] },
  })
})
