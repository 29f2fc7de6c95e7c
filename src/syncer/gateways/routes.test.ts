import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { superNamespace } from '../../tenancy/names.ts'
import { frozen } from '../../testing/frozen.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import type { SyncContext } from '../resource.ts'
import { customResource } from '../resources/custom-kinds.ts'
import { gatewayKinds } from './kinds.ts'

const resourceOf = (plural: string) => {
  const declared = gatewayKinds.find((kind) => kind.plural === plural)
  if (!declared) throw new Error(plural)
  return customResource(declared)
}
const routes = resourceOf('httproutes')
const ctx = aSyncContext()
const [shop, infra] = ['shop', 'infra'].map((name) => superNamespace(ctx.tenant, name)) as [string, string]
const hosts = (...ingressHosts: readonly string[]) => ({ policy: { ...ctx.policy, ingressHosts } })

const route = (spec: unknown = {}): KubeObject =>
  frozen({
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: 'u',
      labels: { a: 'b' },
      annotations: { 'gateway.networking.k8s.io/x': 'y' },
    },
    spec,
  })
const rule = (fields: object) => ({ rules: [fields] })
const backend = (fields: object) => rule({ backendRefs: [{ name: 'web', port: 80, ...fields }] })
const mirror = (fields: object) => ({
  filters: [{ type: 'RequestMirror', requestMirror: { backendRef: { name: 'web', port: 80, ...fields } } }],
})

describe('toSuper', () => {
  test.for<[name: string, spec: object, wanted?: object, more?: Partial<SyncContext>]>([
    [
      'as it is',
      {
        parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'web', sectionName: 'https' }],
        hostnames: ['a.example', '*.b.example'],
        rules: [
          {
            matches: [
              { path: { type: 'PathPrefix', value: '/a' }, headers: [{ name: 'x', value: 'y z', type: 'Exact' }], method: 'GET' },
            ],
            filters: [
              { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'a', value: 'b' }], remove: ['c'] } },
              {
                type: 'URLRewrite',
                urlRewrite: { hostname: 'x.example', path: { type: 'ReplaceFullPath', replaceFullPath: '/' } },
              },
              { type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 301 } },
            ],
            backendRefs: [{ group: '', kind: 'Service', name: 'web', port: 80, weight: 1 }],
            timeouts: { request: '10s' },
          },
        ],
      },
    ],
    [
      'Gateways of the tenant by the namespaces that they have in super',
      {
        parentRefs: [
          { name: 'a', namespace: 'shop' },
          { name: 'b', namespace: 'infra' },
          { name: 'c', namespace: 'infra' },
        ],
      },
      { parentRefs: [{ name: 'a' }, { name: 'b', namespace: infra }, { name: 'c', namespace: infra }] },
    ],
    ['Services of its namespace by their names', backend({ namespace: 'shop' }), backend({})],
    ['mirrors likewise', rule(mirror({ namespace: 'shop' })), rule(mirror({}))],
    ['filters of one backend likewise', backend(mirror({ namespace: 'shop' })), backend(mirror({}))],
    ['without hosts, where hosts are given', {}, {}, hosts('*.acme.example')],
  ])('%s', ([, spec, wanted = spec, more = {}]) => {
    expect(routes.toSuper(route(spec), { ...ctx, ...more })).toEqual({
      kind: 'object',
      body: { labels: {}, annotations: {}, fields: { spec: wanted } },
    })
  })

  test("a tenant's word for a namespace of super, or of another tenant, is a namespace of its own", () => {
    for (const namespace of ['kube-system', shop, superNamespace({ uid: 'other', name: 'globex' }, 'shop')]) {
      const result = routes.toSuper(route({ parentRefs: [{ name: 'web', namespace }] }), ctx)
      expect(result).toMatchObject({
        body: { fields: { spec: { parentRefs: [{ namespace: superNamespace(ctx.tenant, namespace) }] } } },
      })
    }
  })

  test.for<[name: string, spec: unknown, reason: string, told: RegExp, more?: Partial<SyncContext>]>([
    [
      'a parent that is no Gateway',
      { parentRefs: [{ group: '', kind: 'Service', name: 'x' }] },
      'FieldNotSupported',
      /hang at Gateways/,
    ],
    [
      'a parent that is another group’s Gateway',
      { parentRefs: [{ group: 'networking.istio.io', kind: 'Gateway', name: 'x' }] },
      'FieldNotSupported',
      /^spec\.parentRefs\[0\]\.group: /,
    ],
    [
      'Gateways of more than one other namespace',
      {
        parentRefs: [
          { name: 'a', namespace: 'x' },
          { name: 'b', namespace: 'y' },
        ],
      },
      'TooManyNamespaces',
      /x, y/,
    ],
    ['every Gateway', { useDefaultGateways: 'All' }, 'FieldNotSupported', /^spec\.useDefaultGateways/],
    [
      'a Service of another namespace',
      backend({ namespace: 'infra' }),
      'OtherNamespaceNotSupported',
      /backendRefs\[0\]\.namespace: infra/,
    ],
    ['a backend that is no Service', backend({ group: 'x.example', kind: 'Bucket' }), 'FieldNotSupported', /only Services/],
    ['a mirror in another namespace', rule(mirror({ namespace: 'infra' })), 'OtherNamespaceNotSupported', /requestMirror/],
    ['a mirror that is no Service', rule(mirror({ kind: 'ServiceImport' })), 'FieldNotSupported', /only Services/],
    [
      'such a mirror of one backend',
      backend(mirror({ namespace: 'x' })),
      'OtherNamespaceNotSupported',
      /backendRefs\[0\]\.filters\[0\]/,
    ],
    [
      'a filter of a controller',
      rule({ filters: [{ type: 'ExtensionRef', extensionRef: { group: 'x', kind: 'Y', name: 'z' } }] }),
      'FieldNotSupported',
      /extensionRef/,
    ],
    [
      'authorisation by another place',
      rule({ filters: [{ type: 'ExternalAuth', externalAuth: { protocol: 'HTTP', backendRef: { name: 'x' } } }] }),
      'FieldNotSupported',
      /externalAuth: this field is not known here/,
    ],
    ['configuration in a path', rule({ matches: [{ path: { value: '/a{ }' } }] }), 'FieldNotSupported', /white space/],
    [
      'a line of its own in a header',
      rule({ matches: [{ headers: [{ name: 'a', value: 'b\nc' }] }] }),
      'FieldNotSupported',
      /control/,
    ],
    ["another's host", { hostnames: ['a.example'] }, 'RouteHostNotAllowed', /a\.example/, hosts('*.acme.example')],
    ['a host in other letters', { hostnames: ['A.example'] }, 'FieldNotSupported', /host name/],
    ['a list that is none', { rules: {} }, 'FieldNotSupported', /^spec\.rules: /],
    ['nothing', null, 'FieldNotSupported', /^spec: /],
  ])('refuses %s', ([, spec, reason, told, more = {}]) => {
    const result = routes.toSuper(route(spec), { ...ctx, ...more })
    expect(result).toMatchObject({ kind: 'refused', reason })
    expect(result.kind === 'refused' && result.message).toMatch(told)
  })

  test("another tenant's host is refused, and the route goes where it came second", () => {
    const spec = { hostnames: ['a.example', 'b.example'] }
    for (const standing of ['taken', 'lost'] as const) {
      const hostStanding: SyncContext['hostStanding'] = (host) => (host === 'b.example' ? standing : 'free')
      const result = routes.toSuper(route(spec), { ...ctx, hostStanding })
      expect(result).toMatchObject({ kind: 'refused', reason: 'RouteHostTaken' })
      expect(result.kind === 'refused' && result.withdrawn).toBe(standing === 'lost' ? true : undefined)
    }
  })
})

test('a GRPCRoute is held to the same, and has methods', () => {
  const grpc = resourceOf('grpcroutes')
  const spec = rule({
    matches: [{ method: { type: 'Exact', service: 'shop.Cart', method: 'Add' } }],
    backendRefs: [{ name: 'cart', port: 1 }],
  })
  expect(grpc.toSuper(route(spec), ctx)).toMatchObject({ kind: 'object', body: { fields: { spec } } })
  expect(grpc.toSuper(route(backend({ namespace: 'infra' })), ctx)).toMatchObject({ kind: 'refused' })
  expect(grpc.toSuper(route(rule({ matches: [{ path: { value: '/' } }] })), ctx)).toMatchObject({ reason: 'FieldNotSupported' })
})

test('what Gateways say of it comes up by the names of the tenant, and nothing of others', () => {
  const spec = { parentRefs: [{ name: 'a' }, { name: 'b', namespace: 'infra' }] }
  const parent = (parentRef: object, message: string) => ({ parentRef, controllerName: 'x.example/c', conditions: [{ message }] })
  const status = {
    parents: [
      parent({ name: 'a' }, `accepted in ${shop}`),
      parent({ name: 'a', namespace: shop }, 'accepted'),
      parent({ name: 'b', namespace: infra }, `by ${infra}/b`),
      parent({ name: 'of-super', namespace: 'gateways' }, 'secret'),
    ],
  }
  expect(routes.toTenant?.({ ...route(spec), status, metadata: { namespace: shop } }, route(spec), ctx)).toEqual([
    {
      kind: 'status',
      status: {
        parents: [
          parent({ name: 'a' }, 'accepted in shop'),
          parent({ name: 'a', namespace: 'shop' }, 'accepted'),
          parent({ name: 'b', namespace: 'infra' }, 'by infra/b'),
        ],
      },
    },
  ])
})
