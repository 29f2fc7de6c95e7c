import { expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { kindKey, type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { Informer } from '../kube/informer.ts'
import { aSyncContext } from '../testing/sync-builders.ts'
import { claimView, createClaims } from './claims.ts'
import { gatewayTypes } from './gateways/kinds.ts'

const { pods, ingresses } = resourceTypes

const inSuper = (tenant: string, name: string, fields: object): KubeObject => ({
  metadata: {
    name,
    namespace: `${tenant}-shop`,
    creationTimestamp: '2026-11-21T08:00:00Z',
    labels: { 'berth.dev/tenant': tenant },
    annotations: { 'berth.dev/namespace': 'shop', 'berth.dev/name': name, 'berth.dev/uid': `${tenant}-${name}` },
  },
  ...fields,
})
const list = (...items: readonly KubeObject[]): Informer<KubeObject> => ({ list: () => items }) as unknown as Informer<KubeObject>
const of = (name: string, fields: object, labels: Record<string, string> = {}): KubeObject => ({
  metadata: { name, namespace: 'shop', labels },
  ...fields,
})
const slice = (name: string, address: string, labels = {}) => of(name, { endpoints: [{ addresses: [address] }] }, labels)
const web = (host: string) => ({ spec: { rules: [{ host }] } })
const side = (informers: Record<string, Informer<KubeObject>>) => ({
  side: { ctx: aSyncContext({ superRanges: ['10.124.0.0/16'] }), informers: new Map(Object.entries(informers)) },
})

test('slices by hand that name the address of a pod are looked at again when the pod gets and loses it, those of controllers not', () => {
  const controllers = { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' }
  const endpointslices = list(
    slice('by-hand', '10.124.0.7'),
    slice('other', '10.124.0.8'),
    slice('made', '10.124.0.7', controllers),
  )
  const tenants = new Map([
    ['acme', side({ endpointslices })],
    ['globex', side({ endpointslices })],
  ])
  const claims = createClaims()
  const object = inSuper('acme', 'web', { status: { podIP: '10.124.0.7' } })
  const again = [{ tenant: 'acme', key: 'endpointslices/shop/by-hand' }]
  expect(claims.heard({ type: pods, event: 'added', object, old: undefined }, tenants)).toEqual(again)
  expect(claims.heard({ type: pods, event: 'updated', object, old: object }, tenants)).toEqual([])
  expect(claimView(claims, 'acme').podAt('10.124.0.7')).toBeDefined()
  expect(claimView(claims, 'globex').podAt('10.124.0.7')).toBeUndefined()
  expect(claims.heard({ type: pods, event: 'deleted', object, old: object }, tenants)).toEqual(again)
  const outside = inSuper('acme', 'out', { status: { podIP: '10.125.0.7' } })
  expect(claims.heard({ type: pods, event: 'added', object: outside, old: undefined }, tenants)).toEqual([])
})

test('Ingresses, Gateways and routes of all tenants are in one register', () => {
  const [gateways, routes] = gatewayTypes as [ResourceType, ResourceType]
  const keys = [kindKey(gateways), kindKey(routes)] as const
  const listening = (...names: (string | undefined)[]) => ({ spec: { listeners: names.map((hostname) => ({ hostname })) } })
  const tenants = new Map([
    [
      'globex',
      side({
        ingresses: list(of('web', web('a.example')), of('all', { spec: { defaultBackend: {} } })),
        [keys[0]]: list(of('web', listening('*.example')), of('odd', { spec: { listeners: 'none' } })),
        [keys[1]]: list(of('web', { spec: { hostnames: ['a.example'] } }), of('odd', { spec: null })),
      }),
    ],
  ])
  const claims = createClaims()
  const hear = (type: ResourceType, name: string, fields: object) =>
    claims.heard({ type, event: 'added', object: inSuper('acme', name, fields), old: undefined }, tenants).map(({ key }) => key)
  const all = ['ingresses/shop/web', `${keys[0]}/shop/web`, `${keys[1]}/shop/web`]
  expect(hear(routes, 'web', { spec: { hostnames: ['a.example'] } })).toEqual(all)
  expect(hear(gateways, 'web', listening('b.example', undefined))).toEqual([`${keys[0]}/shop/web`, 'ingresses/shop/all'])
  expect(hear(routes, 'bare', { spec: {} })).toEqual([])
  const standing = (tenant: string, host: string, kind: string) =>
    claimView(claims, tenant).hostStanding(host, { kind, namespace: 'shop', name: 'web' })
  for (const kind of ['ingresses', ...keys]) {
    expect(['a.example', '*.example', '', 'b.example'].map((host) => standing('globex', host, kind))).toEqual(
      Array.from({ length: 4 }, () => 'taken'),
    )
    expect(standing('globex', 'c.example', kind)).toBe('free')
    expect(standing('acme', 'a.example', kind)).toBe('free')
  }
})

test("others' Ingresses that name a host are looked at again when it is claimed and when it is given up", () => {
  const tenants = new Map([
    ['acme', side({ ingresses: list(of('web', web('a.example'))) })],
    ['globex', side({ ingresses: list(of('same', web('*.example')), of('other', web('b.test'))) })],
  ])
  const claims = createClaims()
  const object = inSuper('acme', 'web', web('a.example'))
  const again = [{ tenant: 'globex', key: 'ingresses/shop/same' }]
  expect(claims.heard({ type: ingresses, event: 'added', object, old: undefined }, tenants)).toEqual(again)
  expect(claimView(claims, 'globex').hostStanding('*.example', { kind: 'ingresses', namespace: 'shop', name: 'same' })).toBe(
    'taken',
  )
  expect(claimView(claims, 'acme').hostStanding('a.example', { kind: 'ingresses', namespace: 'shop', name: 'web' })).toBe('free')
  expect(claims.heard({ type: ingresses, event: 'deleted', object, old: object }, tenants)).toEqual(again)
  expect(claimView(claims, 'globex').hostStanding('*.example', { kind: 'ingresses', namespace: 'shop', name: 'same' })).toBe(
    'free',
  )
})
