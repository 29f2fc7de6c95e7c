import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { frozen } from '../../testing/frozen.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import type { SyncContext } from '../resource.ts'
import { ingresses } from './ingresses.ts'

const ctx = aSyncContext({ classes: { allows: (kind, name) => kind === 'IngressClass' && name === 'public' } })
const hosts = (...ingressHosts: readonly string[]) => ({ policy: { ...ctx.policy, ingressHosts } })
const service = { name: 'web', port: { number: 80 } }
const rules = [{ host: 'shop.acme.example', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service } }] } }]
const ingress = (spec: Record<string, unknown> = {}, annotations: Record<string, string> = {}, status?: unknown): KubeObject =>
  frozen({
    metadata: { name: 'web', namespace: 'shop', uid: 'u', labels: { a: 'b' }, annotations },
    spec: { ingressClassName: 'public', rules, ...spec },
    ...(status !== undefined && { status }),
  })
const base = { ingressClassName: 'public', rules }

describe('toSuper', () => {
  test.for<[name: string, object: KubeObject, wanted: { spec?: object; annotations?: object }, ctx?: Partial<SyncContext>]>([
    ['as it is, without labels', ingress(), {}],
    [
      'certificates by the names that their Secrets have in super',
      ingress({
        tls: [{ hosts: ['shop.acme.example'], secretName: 'cert' }, { secretName: 'odd.berth' }, { hosts: ['a.example'] }],
      }),
      {
        spec: {
          tls: [
            { hosts: ['shop.acme.example'], secretName: 'cert' },
            { secretName: 'odd.berth.berth' },
            { hosts: ['a.example'] },
          ],
        },
      },
    ],
    ['the class of an old manifest', ingress({ ingressClassName: undefined }, { 'kubernetes.io/ingress.class': 'public' }), {}],
    [
      'the default class',
      ingress({ ingressClassName: undefined }),
      {},
      { classes: { ...ctx.classes, defaultOf: () => 'public' } },
    ],
    [
      'annotations that controllers may read, and none beside',
      ingress({}, { 'nginx.ingress.kubernetes.io/ssl-redirect': 'false', note: 'x', 'berth.dev/uid': 'forged' }),
      { annotations: { 'nginx.ingress.kubernetes.io/ssl-redirect': 'false' } },
    ],
    ['hosts among the allowed', ingress(), {}, hosts('*.acme.example')],
  ])('%s', ([, object, { spec = {}, annotations = {} }, more = {}]) => {
    expect(ingresses.toSuper(object, { ...ctx, ...more })).toEqual({
      kind: 'object',
      body: { labels: {}, annotations, fields: { spec: { ...base, ...spec } } },
    })
  })

  test.for<[name: string, object: KubeObject, reason: string, ctx?: Partial<SyncContext>]>([
    ['a class that is not offered', ingress({ ingressClassName: 'internal' }), 'IngressClassNotAllowed'],
    [
      'such a class in an annotation',
      ingress({ ingressClassName: undefined }, { 'kubernetes.io/ingress.class': 'internal' }),
      'IngressClassNotAllowed',
    ],
    ['no class where none is the default', ingress({ ingressClassName: undefined }), 'IngressClassNeeded'],
    [
      'a backend that is no Service',
      ingress({ defaultBackend: { resource: { apiGroup: 'x', kind: 'Bucket', name: 'b' } } }),
      'FieldNotSupported',
    ],
    [
      'such a backend of a path',
      ingress({ rules: [{ http: { paths: [{ pathType: 'Prefix', backend: { resource: { kind: 'B', name: 'b' } } }] } }] }),
      'FieldNotSupported',
    ],
    ['an unknown field', ingress({ teleport: true }), 'FieldNotSupported'],
    [
      'configuration in an annotation',
      ingress({}, { 'nginx.ingress.kubernetes.io/configuration-snippet': 'x' }),
      'IngressAnnotationNotAllowed',
    ],
    [
      'configuration in a path',
      ingress({ rules: [{ http: { paths: [{ path: '/a{ }', pathType: 'ImplementationSpecific', backend: { service } }] } }] }),
      'IngressPathNotAllowed',
    ],
    ["another's host", ingress(), 'IngressHostNotAllowed', hosts('*.globex.example')],
    [
      'the domain itself under a wildcard',
      ingress({ rules: [{ host: 'acme.example' }] }),
      'IngressHostNotAllowed',
      hosts('*.acme.example'),
    ],
    ['every host', ingress({ rules: [{ http: { paths: [] } }] }), 'IngressHostNotAllowed', hosts('*.acme.example')],
    ['a backend for every host', ingress({ defaultBackend: { service } }), 'IngressHostNotAllowed', hosts('*.acme.example')],
    [
      "a certificate for another's host",
      ingress({ tls: [{ hosts: ['x.example'] }] }),
      'IngressHostNotAllowed',
      hosts('*.acme.example'),
    ],
  ])('refuses %s', ([, object, reason, more = {}]) => {
    expect(ingresses.toSuper(object, { ...ctx, ...more })).toMatchObject({ kind: 'refused', reason })
  })
})

test.for(['taken', 'lost'] as const)('a host that is %s is refused; what is there of one that is lost goes', (standing) => {
  const held = { ...ctx, hostStanding: (host: string) => (host === 'a.example' ? standing : 'free') }
  expect(ingresses.toSuper(ingress(), held).kind).toBe('object')
  for (const spec of [
    { tls: [{ hosts: ['b.example', 'a.example'] }] },
    { rules: [{ host: 'a.example', http: { paths: [] } }] },
  ]) {
    const result = ingresses.toSuper(ingress(spec), held)
    expect(result).toMatchObject({ kind: 'refused', reason: 'IngressHostTaken' })
    expect(result.kind === 'refused' && result.withdrawn).toBe(standing === 'lost' ? true : undefined)
  }
})

test('needs each Secret that it names', () => {
  const object = ingress({ tls: [{ secretName: 'a' }, { secretName: 'a' }, { hosts: ['x'] }, { secretName: 'b' }] })
  expect(ingresses.dependencies?.(object)).toEqual([
    { resource: 'secrets', name: 'a' },
    { resource: 'secrets', name: 'b' },
  ])
})

test('the address comes up, and goes again', () => {
  const balanced = { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } }
  expect(ingresses.toTenant?.(ingress({}, {}, balanced), ingress({}, {}, { loadBalancer: {} }), ctx)).toEqual([
    { kind: 'status', status: balanced },
  ])
  expect(ingresses.toTenant?.(ingress({}, {}, balanced), ingress({}, {}, balanced), ctx)).toEqual([])
  expect(ingresses.toTenant?.(ingress({}, {}, { loadBalancer: {} }), ingress({}, {}, balanced), ctx)).toEqual([
    { kind: 'status', status: { loadBalancer: { ingress: null } } },
  ])
})
