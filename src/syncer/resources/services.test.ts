import { describe, expect, test } from 'vitest'
import { askedNodePortsAnnotation } from '../../tenancy/marks.ts'
import { aService } from '../../testing/builders.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { services } from './services.ts'

const ctx = aSyncContext()
const service = (spec: Record<string, unknown>, wanted = {}) =>
  aService({
    spec: { type: 'ClusterIP', clusterIP: '10.96.4.20', clusterIPs: ['10.96.4.20'], ports: [{ port: 80 }], ...spec },
    ...wanted,
  })
const toSuper = (spec: Record<string, unknown>) => services.toSuper(service(spec), ctx)
const http = { name: 'http', port: 80, protocol: 'TCP', nodePort: 30_080 }
const dns = { name: 'dns', port: 53, protocol: 'UDP', nodePort: 30_053 }

describe('services.toSuper', () => {
  test.for<[name: string, spec: Record<string, unknown>]>([
    ['keeps the address', {}],
    ['keeps a headless one headless', { clusterIP: 'None', clusterIPs: ['None'], selector: { app: 'db' } }],
    ['passes an ExternalName', { type: 'ExternalName', externalName: 'db.example', clusterIP: undefined, clusterIPs: undefined }],
    [
      'takes both families',
      { clusterIPs: ['10.96.4.20', 'fd00:4::20'], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' },
    ],
    ['passes policies', { sessionAffinity: 'ClientIP', internalTrafficPolicy: 'Local', trafficDistribution: 'PreferClose' }],
    [
      'passes a load balancer class',
      { type: 'LoadBalancer', loadBalancerClass: 'example.com/lb', loadBalancerSourceRanges: ['10.0.0.0/8'] },
    ],
    ['takes no offence at empty lists', { externalIPs: [] }],
  ])('%s', ([, spec]) => {
    const { externalIPs: _none, ...wanted } = service(spec).spec
    expect(toSuper(spec)).toEqual({ kind: 'object', body: { fields: { spec: JSON.parse(JSON.stringify(wanted)) } } })
  })

  test.for<[name: string, spec: Record<string, unknown>, reason: string]>([
    ['an address outside the slice', { clusterIP: '10.96.5.20', clusterIPs: ['10.96.5.20'] }, 'ServiceAddressOutsideSlice'],
    ['a second address outside', { clusterIPs: ['10.96.4.20', 'fd00:5::1'] }, 'ServiceAddressOutsideSlice'],
    ["the API server's address", { clusterIP: '10.96.4.1', clusterIPs: ['10.96.4.1'] }, 'ServiceAddressReserved'],
    ['external IPs', { externalIPs: ['1.2.3.4'] }, 'FieldNotSupported'],
    ['a load balancer address', { loadBalancerIP: '1.2.3.4' }, 'FieldNotSupported'],
    ['an unknown field', { teleport: true }, 'FieldNotSupported'],
  ])('refuses %s', ([, spec, reason]) => {
    expect(toSuper(spec)).toMatchObject({ kind: 'refused', reason })
  })

  test("leaves the API server's own where it is", () => {
    expect(services.toSuper(service({}, { metadata: { namespace: 'default', name: 'kubernetes' } }), ctx)).toEqual({
      kind: 'tenant-only',
    })
    expect(services.toSuper(service({}, { metadata: { namespace: 'shop', name: 'kubernetes' } }), ctx).kind).toBe('object')
  })

  test('remembers which node ports were asked for', () => {
    expect(toSuper({ type: 'NodePort', ports: [http, dns] })).toMatchObject({
      body: { marks: { [askedNodePortsAnnotation]: '30080,30053' } },
    })
  })
})

describe('services.update', () => {
  const update = (live: Record<string, unknown>, wanted: Record<string, unknown>) =>
    services.update?.(service(live), service(wanted))

  test.for<[name: string, live: Record<string, unknown>, wanted: Record<string, unknown>, spec: Record<string, unknown>]>([
    [
      "keeps super's node ports where none is asked for",
      { type: 'NodePort', ports: [http] },
      { type: 'NodePort', ports: [{ name: 'web', port: 80, protocol: 'TCP' }, dns] },
      { ports: [{ name: 'web', port: 80, protocol: 'TCP', nodePort: 30_080 }, dns] },
    ],
    ['gives them up with the type', { type: 'NodePort', ports: [http] }, { ports: [{ port: 80 }] }, { ports: [{ port: 80 }] }],
    [
      'keeps the health check port',
      { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 31_000 },
      { type: 'LoadBalancer', externalTrafficPolicy: 'Local' },
      { healthCheckNodePort: 31_000 },
    ],
    ['takes selectors away', { selector: { app: 'a' } }, { selector: undefined }, { selector: undefined }],
  ])('%s', ([, live, wanted, spec]) => {
    const change = update(live, wanted)
    expect(change?.kind === 'replace' && change.object.spec).toMatchObject(spec)
  })

  test('makes anew what cannot move', () => {
    expect(update({}, { clusterIP: '10.96.4.21' })).toEqual({ kind: 'recreate' })
    expect(update({ clusterIP: 'None' }, {})).toEqual({ kind: 'recreate' })
    expect(update({ type: 'LoadBalancer', loadBalancerClass: 'a/b' }, { type: 'LoadBalancer' })).toEqual({ kind: 'recreate' })
    expect(update({}, { type: 'ExternalName', externalName: 'x', clusterIP: undefined })?.kind).toBe('replace')
  })
})

describe('services.toTenant', () => {
  const asked = (ports: string) => ({ metadata: { annotations: { [askedNodePortsAnnotation]: ports } } })
  const toTenant = (superSpec: Record<string, unknown>, tenantSpec: Record<string, unknown>, ports: string) =>
    services.toTenant?.(
      service({ type: 'NodePort', ...superSpec }, asked(ports)),
      service({ type: 'NodePort', ...tenantSpec }),
      ctx,
    )

  test("writes super's numbers back where it had to choose others", () => {
    expect(toTenant({ ports: [{ ...http, nodePort: 31_111 }, dns] }, { ports: [http, dns] }, '30080,30053')).toEqual([
      { kind: 'patch', body: { spec: { ports: [{ ...http, nodePort: 31_111 }, dns] } } },
    ])
  })

  test('is silent when they agree', () => {
    expect(toTenant({ ports: [http] }, { ports: [http] }, '30080')).toEqual([])
  })

  test('does not undo what the user changed while super still has the old number', () => {
    expect(toTenant({ ports: [http] }, { ports: [{ ...http, nodePort: 32_222 }] }, '30080')).toEqual([])
  })

  test('brings the load balancer up, and takes it away', () => {
    const loadBalancer = { ingress: [{ ip: '203.0.113.7' }] }
    const [bare, balanced] = [service({}), service({}, { status: { loadBalancer } })]
    expect(services.toTenant?.(balanced, bare, ctx)).toEqual([{ kind: 'status', status: { loadBalancer } }])
    expect(services.toTenant?.(bare, balanced, ctx)).toEqual([{ kind: 'status', status: { loadBalancer: { ingress: null } } }])
    expect(services.toTenant?.(balanced, balanced, ctx)).toEqual([])
  })
})

test('services.relaxed leaves node ports to super', () => {
  const relaxed = services.relaxed?.(service({ type: 'LoadBalancer', ports: [http, { port: 81 }], healthCheckNodePort: 31_000 }))
  expect(relaxed?.spec.ports).toEqual([{ name: 'http', port: 80, protocol: 'TCP' }, { port: 81 }])
  expect(relaxed?.spec.healthCheckNodePort).toBeUndefined()
})
