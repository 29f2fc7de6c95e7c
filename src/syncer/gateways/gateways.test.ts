import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { namespaceLabelKey, superNamespace } from '../../tenancy/names.ts'
import { frozen } from '../../testing/frozen.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import type { SyncContext } from '../resource.ts'
import { customResource } from '../resources/custom-kinds.ts'
import { gatewayKinds } from './kinds.ts'

const [declared] = gatewayKinds
if (!declared) throw new Error('no Gateways')
const gateways = customResource(declared)
const ctx = aSyncContext({
  classes: { allows: (_kind, name) => name === 'public', superName: (_kind, name) => `super-${name}` },
})
const { uid } = ctx.tenant
const below = superNamespace(ctx.tenant, 'shop')
const hosts = (...ingressHosts: readonly string[]) => ({ policy: { ...ctx.policy, ingressHosts } })

const http = { name: 'web', hostname: 'shop.example', port: 80, protocol: 'HTTP' }
const tls = (fields: object) => ({ listeners: [{ ...http, protocol: 'HTTPS', tls: fields }] })
const taking = (namespaces: unknown) => ({ listeners: [{ ...http, allowedRoutes: { namespaces } }] })
const gateway = (spec: unknown = {}, metadata: object = {}): KubeObject =>
  frozen({
    metadata: { name: 'web', namespace: 'shop', uid: 'u', labels: { a: 'b' }, ...metadata },
    spec: typeof spec === 'object' ? { gatewayClassName: 'public', listeners: [http], ...spec } : spec,
  })
const base = { gatewayClassName: 'super-public', listeners: [http] }
const anySelector = { matchLabels: { 'berth.dev/tenant': uid } }

describe('toSuper', () => {
  test.for<[name: string, spec: object, wanted: object, more?: Partial<SyncContext>]>([
    ['as it is, with the class by its name in super', {}, {}],
    [
      'certificates by the names that their Secrets have in super',
      tls({
        mode: 'Terminate',
        certificateRefs: [
          { name: 'cert', namespace: 'shop' },
          { kind: 'Secret', name: 'odd.berth' },
        ],
      }),
      tls({ mode: 'Terminate', certificateRefs: [{ name: 'cert' }, { kind: 'Secret', name: 'odd.berth.berth' }] }),
    ],
    [
      'authorities of clients, and the key for backends',
      {
        tls: {
          frontend: {
            default: { validation: { caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'kube-root-ca.crt' }] } },
            perPort: [
              { port: 443, tls: { validation: { caCertificateRefs: [{ kind: 'ConfigMap', name: 'ca', namespace: 'shop' }] } } },
            ],
          },
          backend: { clientCertificateRef: { name: 'key', namespace: 'shop' } },
        },
      },
      {
        tls: {
          frontend: {
            default: { validation: { caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'kube-root-ca.crt.berth' }] } },
            perPort: [{ port: 443, tls: { validation: { caCertificateRefs: [{ kind: 'ConfigMap', name: 'ca' }] } } }],
          },
          backend: { clientCertificateRef: { name: 'key' } },
        },
      },
    ],
    ['routes of its own namespace', taking({ from: 'Same' }), taking({ from: 'Same' })],
    ['routes of nobody', taking({ from: 'None' }), taking({ from: 'None' })],
    ["all namespaces as the tenant's", taking({ from: 'All' }), taking({ from: 'Selector', selector: anySelector })],
    [
      "chosen namespaces among the tenant's",
      taking({ from: 'Selector', selector: { matchLabels: { team: 'a', certificateRefs: 'x' } } }),
      taking({
        from: 'Selector',
        selector: {
          matchLabels: {
            [namespaceLabelKey('team')]: 'a',
            [namespaceLabelKey('certificateRefs')]: 'x',
            'berth.dev/tenant': uid,
          },
          matchExpressions: [{ key: namespaceLabelKey('kubernetes.io/metadata.name'), operator: 'Exists' }],
        },
      }),
    ],
    [
      'a selector that says nothing',
      taking({ from: 'Selector' }),
      taking({
        from: 'Selector',
        selector: {
          ...anySelector,
          matchExpressions: [{ key: namespaceLabelKey('kubernetes.io/metadata.name'), operator: 'Exists' }],
        },
      }),
    ],
    [
      'sets of listeners likewise',
      { allowedListeners: { namespaces: { from: 'All' } } },
      { allowedListeners: { namespaces: { from: 'Selector', selector: anySelector } } },
    ],
    [
      'annotations of its machinery that the operator allows, and no labels',
      { infrastructure: { labels: { app: 'x', 'berth.dev/tenant': 'y' }, annotations: { note: 'x', 'metallb.io/pool': 'a' } } },
      { infrastructure: { annotations: { 'metallb.io/pool': 'a' } } },
      { policy: { ...ctx.policy, serviceAnnotations: ['metallb.io/*'] } },
    ],
    ['hosts among the allowed', {}, {}, hosts('*.example')],
    ['fields that say nothing', { addresses: [], defaultScope: 'None' }, { addresses: [], defaultScope: 'None' }],
  ])('%s', ([, spec, wanted, more = {}]) => {
    expect(gateways.toSuper(gateway(spec), { ...ctx, ...more })).toEqual({
      kind: 'object',
      body: { labels: {}, annotations: {}, fields: { spec: { ...base, ...wanted } } },
    })
  })

  test.for<[name: string, spec: unknown, reason: string, told: RegExp, more?: Partial<SyncContext>]>([
    ['a class that is not offered', { gatewayClassName: 'internal' }, 'GatewayClassNotAllowed', /internal/],
    ['an address by wish', { addresses: [{ value: '192.0.2.1' }] }, 'FieldNotSupported', /^spec\.addresses: the platform/],
    [
      'parameters of its machinery',
      { infrastructure: { parametersRef: { group: 'x', kind: 'Y', name: 'z' } } },
      'FieldNotSupported',
      /^spec\.infrastructure\.parametersRef: /,
    ],
    [
      'options of a controller',
      tls({ options: { 'a.example/b': 'c' } }),
      'FieldNotSupported',
      /^spec\.listeners\[0\]\.tls\.options/,
    ],
    ['to be the Gateway of who names none', { defaultScope: 'All' }, 'FieldNotSupported', /^spec\.defaultScope/],
    ['a field that nobody knows', { teleport: true }, 'FieldNotSupported', /^spec\.teleport: this field is not known here/],
    ['another protocol', { listeners: [{ ...http, protocol: 'TCP' }] }, 'FieldNotSupported', /only HTTP and HTTPS/],
    ['a certificate that stays closed', tls({ mode: 'Passthrough' }), 'FieldNotSupported', /Terminate/],
    ['a certificate of another kind', tls({ certificateRefs: [{ kind: 'Vault', name: 'x' }] }), 'FieldNotSupported', /Secrets/],
    [
      'a certificate of another namespace',
      tls({ certificateRefs: [{ name: 'x', namespace: 'kube-system' }] }),
      'OtherNamespaceNotSupported',
      /^spec\.listeners\[0\]\.tls\.certificateRefs\[0\]\.namespace: kube-system/,
    ],
    [
      'an authority of another namespace',
      tls({ frontendValidation: { caCertificateRefs: [{ kind: 'ConfigMap', name: 'x', namespace: below }] } }),
      'OtherNamespaceNotSupported',
      /frontendValidation\.caCertificateRefs\[0\]/,
    ],
    [
      'a key of another namespace',
      { backendTLS: { clientCertificateRef: { name: 'x', namespace: 'other' } } },
      'OtherNamespaceNotSupported',
      /^spec\.backendTLS\.clientCertificateRef\.namespace: other/,
    ],
    [
      'an annotation of a load balancer',
      { infrastructure: { annotations: { 'metallb.io/pool': 'a' } } },
      'AnnotationNotAllowed',
      /metallb\.io\/pool/,
    ],
    ["another's host", {}, 'GatewayHostNotAllowed', /shop\.example/, hosts('*.acme.example')],
    ['every host', { listeners: [{ ...http, hostname: undefined }] }, 'GatewayHostNotAllowed', /every host/, hosts('*.example')],
    ['a host in other letters', { listeners: [{ ...http, hostname: 'Shop.example' }] }, 'FieldNotSupported', /host name/],
    ['a host that ends in a dot', { listeners: [{ ...http, hostname: 'shop.example.' }] }, 'FieldNotSupported', /host name/],
    ['no listeners', { listeners: 'none' }, 'FieldNotSupported', /^spec\.listeners: /],
    ['no spec', 'none', 'FieldNotSupported', /^spec: /],
  ])('refuses %s', ([, spec, reason, told, more = {}]) => {
    const result = gateways.toSuper(gateway(spec), { ...ctx, ...more })
    expect(result).toMatchObject({ kind: 'refused', reason })
    expect(result.kind === 'refused' && result.message).toMatch(told)
    expect(gateways.dependencies?.(gateway(spec))).toBeInstanceOf(Array)
  })
})

test.for(['taken', 'lost'] as const)('a host that is %s is refused; what is there of one that is lost goes', (standing) => {
  const asked: unknown[] = []
  const hostStanding: SyncContext['hostStanding'] = (host, claimant) => {
    asked.push([host, claimant])
    return host === '' ? standing : 'free'
  }
  const result = gateways.toSuper(gateway({ listeners: [http, { ...http, name: 'all', hostname: undefined }] }), {
    ...ctx,
    hostStanding,
  })
  expect(result).toMatchObject({ kind: 'refused', reason: 'GatewayHostTaken' })
  expect(result.kind === 'refused' && result.withdrawn).toBe(standing === 'lost' ? true : undefined)
  const claimant = { kind: 'gateways.gateway.networking.k8s.io', namespace: 'shop', name: 'web' }
  expect(asked).toEqual([
    ['shop.example', claimant],
    ['', claimant],
  ])
})

test('needs each Secret and ConfigMap that it names', () => {
  const spec = {
    ...tls({ certificateRefs: [{ name: 'a' }, { name: 'a' }, { name: 'b' }] }),
    tls: { frontend: { default: { validation: { caCertificateRefs: [{ kind: 'ConfigMap', name: 'a' }] } } } },
  }
  expect(gateways.dependencies?.(gateway(spec))).toEqual([
    { resource: 'secrets', name: 'a' },
    { resource: 'secrets', name: 'b' },
    { resource: 'configmaps', name: 'a' },
  ])
})

test('what super says of it comes up, but for names that only resolve there and fields that are not known', () => {
  const status = {
    addresses: [
      { type: 'IPAddress', value: '192.0.2.7' },
      { type: 'Hostname', value: `web.${below}.svc.cluster.local` },
    ],
    conditions: [{ type: 'Programmed', status: 'True', message: `made in ${below}` }],
    listeners: [{ name: 'web', attachedRoutes: 1 }],
    secret: 'x',
  }
  expect(gateways.toTenant?.({ ...gateway(), status, metadata: { namespace: below } }, gateway(), ctx)).toEqual([
    {
      kind: 'status',
      status: {
        addresses: [{ type: 'IPAddress', value: '192.0.2.7' }],
        conditions: [{ type: 'Programmed', status: 'True', message: 'made in shop' }],
        listeners: [{ name: 'web', attachedRoutes: 1 }],
      },
    },
  ])
})
