import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { AppError } from '../../lib/errors.ts'
import { askedNodePortsAnnotation, carriedStatusAnnotation } from '../../tenancy/marks.ts'
import { aService } from '../../testing/builders.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { services } from './services.ts'

type IsolationWish = NonNullable<Parameters<typeof aSyncContext>[0]>['isolation']

const ctx = aSyncContext({ policy: { loadBalancerClasses: ['example.com/lb'] } })
const service = (spec: Record<string, unknown>, wanted = {}) =>
  aService({
    spec: { type: 'ClusterIP', clusterIP: '10.96.4.20', clusterIPs: ['10.96.4.20'], ports: [{ port: 80 }], ...spec },
    ...wanted,
  })
const toSuper = (spec: Record<string, unknown>) => services.toSuper(service(spec), ctx)
type Made = Extract<ReturnType<typeof toSuper>, { kind: 'object' }>
const http = { name: 'http', port: 80, protocol: 'TCP', nodePort: 30_080 }
const dns = { name: 'dns', port: 53, protocol: 'UDP', nodePort: 30_053 }

describe('services.toSuper', () => {
  test('writes addresses in the form that the repair of addresses in super leaves alone', () => {
    const { fields } = (toSuper({ clusterIP: 'FD00:4:0::020', clusterIPs: ['FD00:4:0::020', '10.96.4.20'] }) as Made).body
    expect(fields['spec']).toMatchObject({ clusterIP: 'fd00:4::20', clusterIPs: ['fd00:4::20', '10.96.4.20'] })
  })

  test.for<[name: string, spec: Record<string, unknown>]>([
    ['keeps the address', {}],
    ['keeps a headless one headless', { clusterIP: 'None', clusterIPs: ['None'], selector: { app: 'db' } }],
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
    expect(toSuper(spec)).toEqual({
      kind: 'object',
      body: { labels: {}, annotations: {}, fields: { spec: JSON.parse(JSON.stringify(wanted)) } },
    })
  })

  test.for<[name: string, spec: Record<string, unknown>, reason: string]>([
    ['an address outside the slice', { clusterIP: '10.96.5.20', clusterIPs: ['10.96.5.20'] }, 'ServiceAddressOutsideSlice'],
    ['a second address outside', { clusterIPs: ['10.96.4.20', 'fd00:5::1'] }, 'ServiceAddressOutsideSlice'],
    ["the API server's address", { clusterIP: '10.96.4.1', clusterIPs: ['10.96.4.1'] }, 'ServiceAddressReserved'],
    ['the same in another form', { clusterIP: '::ffff:10.96.4.1', clusterIPs: ['::ffff:10.96.4.1'] }, 'ServiceAddressReserved'],
    ['external IPs', { externalIPs: ['1.2.3.4'] }, 'FieldNotSupported'],
    ['a load balancer address', { loadBalancerIP: '1.2.3.4' }, 'FieldNotSupported'],
    ['an unknown field', { teleport: true }, 'FieldNotSupported'],
  ])('refuses %s', ([, spec, reason]) => {
    expect(toSuper(spec)).toMatchObject({ kind: 'refused', reason })
  })

  test.for<[name: string, spec: Record<string, unknown>, isolation: IsolationWish, reason: string | undefined]>([
    ['ports of the machines, unasked', { type: 'NodePort' }, {}, undefined],
    [
      'ports of the machines where they are not offered',
      { type: 'NodePort' },
      { profile: 'restricted' },
      'ServiceTypeNotAllowed',
    ],
    ['a load balancer there', { type: 'LoadBalancer' }, { profile: 'restricted' }, undefined],
    [
      'a load balancer where it is not offered',
      { type: 'LoadBalancer' },
      { serviceTypes: ['NodePort'] },
      'ServiceTypeNotAllowed',
    ],
    ['another name where it is not offered', { type: 'ExternalName' }, { serviceTypes: [] }, 'ServiceTypeNotAllowed'],
    ['a plain one where nothing else is offered', {}, { serviceTypes: [] }, undefined],
    [
      'another load balancer',
      { type: 'LoadBalancer', loadBalancerClass: 'example.com/other' },
      {},
      'LoadBalancerClassNotAllowed',
    ],
    ['one that says the class of none', { type: 'NodePort', loadBalancerClass: 'example.com/other' }, {}, undefined],
  ])('of types, %s', ([, spec, isolation, reason]) => {
    const held = aSyncContext({ ...(isolation && { isolation }), policy: { loadBalancerClasses: ['example.com/lb'] } })
    const result = services.toSuper(service(spec), held)
    expect(result.kind === 'refused' ? result.reason : undefined).toBe(reason)
  })

  test('takes no label down but those that kube-proxy goes by', () => {
    const proxy = { 'service.kubernetes.io/service-proxy-name': 'own', 'service.kubernetes.io/headless': '' }
    const steering = { 'app.kubernetes.io/managed-by': 'berth', 'argocd.argoproj.io/instance': 'infra', pool: 'public' }
    const labelled = service({}, { metadata: { labels: { ...proxy, ...steering } } })
    expect(services.toSuper(labelled, ctx)).toMatchObject({ kind: 'object', body: { labels: proxy } })
    expect((services.toSuper(labelled, ctx) as Made).body.labels).toEqual(proxy)
  })

  test('leaves another name to the DNS of the tenant', () => {
    expect(toSuper({ type: 'ExternalName', externalName: 'db.example', clusterIP: undefined, clusterIPs: undefined })).toEqual({
      kind: 'tenant-only',
    })
  })

  const noted = (annotations: Record<string, string>, type: string, serviceAnnotations: string[] = []) =>
    services.toSuper(service({ type }, { metadata: { annotations } }), aSyncContext({ policy: { serviceAnnotations } }))
  const pool = { 'metallb.io/address-pool': 'shared' }
  const internal = { 'service.beta.kubernetes.io/aws-load-balancer-internal': 'true' }

  test.for<[name: string, annotations: Record<string, string>, type: string, allowed: string[], passing: Record<string, string>]>(
    [
      [
        'keeps what is not for super',
        { team: 'a', 'external-dns.alpha.kubernetes.io/hostname': 'x.example' },
        'LoadBalancer',
        [],
        {},
      ],
      [
        'passes what is harmless',
        { 'service.kubernetes.io/topology-mode': 'Auto' },
        'ClusterIP',
        [],
        { 'service.kubernetes.io/topology-mode': 'Auto' },
      ],
      ['minds no balancer without one', pool, 'NodePort', [], {}],
      ['passes what the operator lets through', { ...pool, team: 'a' }, 'LoadBalancer', ['metallb.io/*'], pool],
      ['passes what the operator names', internal, 'LoadBalancer', Object.keys(internal), internal],
    ],
  )('of annotations, %s', ([, annotations, type, allowed, passing]) => {
    const result = noted(annotations, type, allowed)
    expect(result.kind === 'object' && result.body.annotations).toEqual(passing)
  })

  test.for([pool, internal, { 'lbipam.cilium.io/ips': '203.0.113.1' }])('refuses a load balancer with %j', (annotations) => {
    expect(noted(annotations, 'LoadBalancer', ['metallb.io/other'])).toMatchObject({
      kind: 'refused',
      reason: 'AnnotationNotAllowed',
    })
  })

  test("leaves the API server's own where it is", () => {
    expect(services.toSuper(service({}, { metadata: { namespace: 'default', name: 'kubernetes' } }), ctx)).toEqual({
      kind: 'tenant-only',
    })
    expect(services.toSuper(service({}, { metadata: { namespace: 'shop', name: 'kubernetes' } }), ctx).kind).toBe('object')
  })

  test.for<[name: string, spec: Record<string, unknown>, marks: string]>([
    ['which node ports were asked for', { type: 'NodePort', ports: [http, dns] }, '30080,30053'],
    [
      'that a health check port was asked for',
      { type: 'LoadBalancer', ports: [http, { port: 81 }], healthCheckNodePort: 31_000 },
      '30080,0;31000',
    ],
  ])('remembers %s', ([, spec, marks]) => {
    expect(toSuper(spec)).toMatchObject({ body: { marks: { [askedNodePortsAnnotation]: marks } } })
  })

  test.for<[name: string, spec: Record<string, unknown>, policy: string]>([
    ['as in a cluster of one family', { ipFamilies: ['IPv4'], ipFamilyPolicy: 'PreferDualStack' }, 'SingleStack'],
    [
      'headless without selector',
      { clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' },
      'RequireDualStack',
    ],
  ])('asks for the families that the tenant knows of: %s', ([, spec, policy]) => {
    expect(toSuper(spec)).toMatchObject({ body: { fields: { spec: { ipFamilyPolicy: policy } } } })
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
    [
      'gives up the node ports of a load balancer that wants none',
      { type: 'LoadBalancer', ports: [http] },
      { type: 'LoadBalancer', ports: [{ port: 80 }], allocateLoadBalancerNodePorts: false },
      { ports: [{ port: 80 }] },
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

  test("writes super's numbers back where it had to choose others, and says so", () => {
    expect(toTenant({ ports: [{ ...http, nodePort: 31_111 }, dns] }, { ports: [http, dns] }, '30080,30053')).toEqual([
      {
        kind: 'patch',
        body: { spec: { ports: [{ ...http, nodePort: 31_111 }, dns] } },
        note: { reason: 'NodePortChanged', message: '30080 is in use, it is 31111 now' },
      },
    ])
  })

  test('changes a health check port on the only way there is', () => {
    const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [http] }
    expect(toTenant({ ...local, healthCheckNodePort: 32_001 }, { ...local, healthCheckNodePort: 32_000 }, '30080;32000')).toEqual(
      [
        {
          kind: 'detour',
          over: { externalTrafficPolicy: 'Cluster' },
          to: { externalTrafficPolicy: 'Local', healthCheckNodePort: 32_001 },
        },
      ],
    )
  })

  test('is silent when they agree', () => {
    expect(toTenant({ ports: [http] }, { ports: [http] }, '30080')).toEqual([])
  })

  test('does not undo what the user changed while super still has the old number', () => {
    expect(toTenant({ ports: [http] }, { ports: [{ ...http, nodePort: 32_222 }] }, '30080')).toEqual([])
  })
})

describe('the status of a load balancer', () => {
  const loadBalancer = { ingress: [{ ip: '203.0.113.7', ipMode: 'Proxy', ports: [{ port: 80, protocol: 'TCP' }] }] }
  const condition = { type: 'example.com/Quota', status: 'False', reason: 'Full', message: 'no', observedGeneration: 9 }
  const { observedGeneration: _super, ...carried } = condition
  const balancer = (status?: object, mark?: string, spec = {}) =>
    service(
      { type: 'LoadBalancer', ...spec },
      { ...(status && { status }), ...(mark && { metadata: { annotations: { [carriedStatusAnnotation]: mark } } }) },
    )
  const writes = (superService: KubeObject, tenantService: KubeObject) => services.toTenant?.(superService, tenantService, ctx)
  const marked = (mark: string | null) => ({ annotations: { [carriedStatusAnnotation]: mark } })

  test.for<[name: string, superService: KubeObject, tenantService: KubeObject, writes: unknown[]]>([
    [
      'comes up',
      balancer({ loadBalancer }),
      balancer({ loadBalancer: {} }),
      [{ kind: 'status', status: { loadBalancer }, ...marked('loadBalancer') }],
    ],
    ['is silent when it is there', balancer({ loadBalancer }), balancer({ loadBalancer }, 'loadBalancer'), []],
    [
      'goes when super takes it back',
      balancer({ loadBalancer: {} }),
      balancer({ loadBalancer }, 'loadBalancer'),
      [{ kind: 'status', status: { loadBalancer: { ingress: null } }, ...marked(null) }],
    ],
    ['of a controller inside the tenant is left alone', balancer({}), balancer({ loadBalancer, conditions: [carried] }), []],
    [
      'has conditions, without generations of super and beside those of the tenant',
      balancer({ loadBalancer: {}, conditions: [condition] }),
      balancer({ loadBalancer: {}, conditions: [{ type: 'mine', status: 'True' }] }),
      [
        {
          kind: 'status',
          status: { conditions: [{ type: 'mine', status: 'True' }, carried] },
          ...marked('example.com/Quota'),
        },
      ],
    ],
    [
      'loses conditions that super has taken back',
      balancer({}),
      balancer({ conditions: [{ type: 'mine', status: 'True' }, carried] }, 'example.com/Quota'),
      [{ kind: 'status', status: { conditions: [{ type: 'mine', status: 'True' }] }, ...marked(null) }],
    ],
    ['is none of a Service that is no load balancer any more', balancer({ loadBalancer }), service({}), []],
    [
      'is forgotten with the type',
      balancer({ loadBalancer }),
      balancer({}, 'loadBalancer', { type: 'ClusterIP' }),
      [{ kind: 'patch', body: { metadata: marked(null) } }],
    ],
  ])('%s', ([, superService, tenantService, wanted]) => {
    expect(writes(superService, tenantService)).toEqual(wanted)
  })
})

const invalid = (...fields: string[]) => new AppError('KUBE_INVALID', 'taken', { causes: fields.map((field) => ({ field })) })

test.for<[name: string, error: AppError, spec: Record<string, unknown> | undefined]>([
  [
    'gives up the one node port that is taken',
    invalid('spec.ports[0].nodePort'),
    { ports: [{ name: 'http', port: 80, protocol: 'TCP' }, dns], healthCheckNodePort: 31_000 },
  ],
  [
    'gives up a health check port',
    new AppError('KUBE_SERVER_ERROR', 'taken', {
      causes: [{ message: 'failed to allocate requested HealthCheck NodePort 31000: provided port is already allocated' }],
    }),
    { ports: [http, dns], healthCheckNodePort: undefined },
  ],
  ['has nothing less to offer for an address', invalid('spec.clusterIPs'), undefined],
  ['has nothing less to offer for a port that is not there', invalid('spec.ports[7].nodePort'), undefined],
  ['has nothing less to offer without a cause', new AppError('KUBE_INVALID', 'no'), undefined],
])('services.relaxed %s', ([, error, spec]) => {
  const relaxed = services.relaxed?.(service({ type: 'LoadBalancer', ports: [http, dns], healthCheckNodePort: 31_000 }), error)
  if (spec) expect(relaxed?.spec).toEqual({ ...service({ type: 'LoadBalancer' }).spec, ...spec })
  else expect(relaxed).toBeUndefined()
})

describe('a Service that is made in super', () => {
  const both = {
    clusterIP: '10.96.4.20',
    clusterIPs: ['10.96.4.20', 'fd00:4::20'],
    ipFamilies: ['IPv4', 'IPv6'],
    ipFamilyPolicy: 'RequireDualStack',
  }
  const first = { clusterIP: '10.96.4.20', clusterIPs: ['10.96.4.20'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }
  test.for<[name: string, spec: Record<string, unknown>, made: Record<string, unknown>]>([
    ['with two addresses has its first one only', both, first],
    ['keeps both as a load balancer', { ...both, type: 'LoadBalancer' }, { ...both, type: 'LoadBalancer' }],
    ['with one address has it', first, first],
    [
      'keeps both families without an address',
      { ...both, clusterIP: 'None', clusterIPs: ['None'] },
      { ...both, clusterIP: 'None', clusterIPs: ['None'] },
    ],
  ])('%s', ([, spec, made]) => {
    const service = aService({ spec })
    const options = { ctx: aSyncContext(), image: undefined }
    expect(services.atCreation?.(service, service, options).object['spec']).toMatchObject(made)
  })
})
