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
    ["one of an operator's", { [managedBy]: 'operator.example', 'app.kubernetes.io/managed-by': 'berth' }, 'berth'],
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
        annotations: {},
        fields: {
          addressType: 'IPv4',
          endpoints: [{ addresses: ['192.168.7.20'], conditions: { ready: true } }],
          ports: [{ name: 'pg', port: 5432, protocol: 'TCP' }],
        },
      },
    })
  })

  test('annotations stay in the tenant', () => {
    const { metadata, ...fields } = slice({})
    const annotated = { ...fields, metadata: { ...metadata, annotations: { 'service.cilium.io/global': 'true', note: 'x' } } }
    expect(endpointSlices.toSuper(annotated, aSyncContext())).toMatchObject({ kind: 'object', body: { annotations: {} } })
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

  const places = { nodeName: 'node-9', zone: 'a', hints: { forZones: [{ name: 'a' }] }, targetRef: { kind: 'Pod', name: 'x' } }
  const endpointsOf = (...[endpoints, ctx]: [object[], ReturnType<typeof aSyncContext>]) => {
    const result = endpointSlices.toSuper(slice({}, { endpoints }), ctx)
    return result.kind === 'object' ? result.body.fields['endpoints'] : result
  }

  test('references to tenant objects stay behind, and what the tenant says of places', () => {
    const endpoint = { addresses: ['192.168.7.20'], conditions: { serving: true }, hostname: 'db-0' }
    expect(endpointsOf([{ ...endpoint, ...places }], aSyncContext())).toEqual([endpoint])
  })

  const podAt = (address: string) => (address === '10.124.0.7' ? { node: 'node-1' } : undefined)
  const held = aSyncContext({ superRanges: ['10.124.0.0/16', 'fd00:124::/64'], podAt })

  test("a pod of the tenant's own is at its node", () => {
    expect(endpointsOf([{ addresses: ['10.124.0.7'], ...places }], held)).toEqual([
      { addresses: ['10.124.0.7'], nodeName: 'node-1' },
    ])
  })

  test.for(['10.124.0.8', 'fd00:124::8', '::ffff:10.124.0.8'])(
    "%s in super's networks, no pod of the tenant's, is left out and told",
    (address) => {
      const endpoints = [{ addresses: ['10.124.0.7'] }, { addresses: [address] }, { addresses: ['192.168.7.20'] }]
      expect(endpointsOf(endpoints, held)).toEqual([
        { addresses: ['10.124.0.7'], nodeName: 'node-1' },
        { addresses: ['192.168.7.20'] },
      ])
      expect(endpointSlices.toSuper(slice({}, { endpoints }), held)).toMatchObject({
        notes: [{ reason: 'EndpointAddressNotAllowed', message: expect.stringContaining(address) }],
      })
    },
  )

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
