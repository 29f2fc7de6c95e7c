import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gatewayApiGroup } from '../apis/gateway-api.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { tenantIdentity } from '../tenancy/names.ts'
import { aNamespace } from '../testing/builders.ts'
import type { Child } from '../testing/child.ts'
import { startControllers } from '../testing/controller-manager.ts'
import { eventually } from '../testing/eventually.ts'
import { gatewayDefinitions } from '../testing/gateway-definitions.ts'
import { makeSuperNamespace } from '../testing/super-namespace.ts'
import { aSyncContext } from '../testing/sync-builders.ts'
import { letTenantsUse, type SyncClusters, startSyncClusters } from '../testing/sync-clusters.ts'
import { gatewayKinds, gatewayTypes } from './gateways/kinds.ts'

// What super holds of Gateways by itself, against who got hold of a tenant's identity: raw writes, no syncer anywhere.
const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { namespaces, customResourceDefinitions } = resourceTypes
const [gateways, httpRoutes] = gatewayTypes as [ResourceType, ResourceType]
const grants: ResourceType = { ...gateways, plural: 'referencegrants', kind: 'ReferenceGrant' }
const soon = { deadlineMs: 30_000 }

const acme = aSyncContext({ customKinds: gatewayKinds })
const globex = { ...acme, tenant: { ...acme.tenant, uid: 'globex-uid', name: 'globex' } }
const { uid } = acme.tenant

let clusters: SyncClusters
let aggregation: Child | undefined
let syncerAccount: KubeClient
let shop: string
let infra: string
let ofGlobex: string
let sequence = 0

const superOf = () => clusters.superApi.client
const answer = (type: ResourceType, spec: object, who = superOf().as(tenantIdentity(uid))): Promise<string> => {
  sequence += 1
  const metadata = { name: `raw-${sequence}`, namespace: shop, labels: { 'berth.dev/tenant': uid } }
  const object = { apiVersion: `${gatewayApiGroup}/v1`, kind: type.kind, metadata, spec } as KubeObject
  return who.create(type, object).then(
    () => 'made',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
}

const web = { name: 'web', port: 80, protocol: 'HTTP', hostname: 'a.example' }
const gateway = (fields: object = {}) => ({ gatewayClassName: 'edge', listeners: [web], ...fields })
const listening = (fields: object) => gateway({ listeners: [{ ...web, ...fields }] })
const taking = (fields: object) => listening({ allowedRoutes: { namespaces: fields } })
const route = (rule: object = {}, parent: object = { name: 'web' }) => ({ parentRefs: [parent], rules: [rule] })
const backend = (fields: object) => route({ backendRefs: [{ name: 'web', port: 80, ...fields }] })
const mirror = (fields: object) => ({
  filters: [{ type: 'RequestMirror', requestMirror: { backendRef: { name: 'web', port: 80, ...fields } } }],
})
const selector = (tenant: string) => ({ from: 'Selector', selector: { matchLabels: { 'berth.dev/tenant': tenant } } })
const authorities = (fields: object) => ({ caCertificateRefs: [{ kind: 'ConfigMap', name: 'ca', ...fields }] })
const elsewhere = { namespace: 'kube-system' }

beforeAll(async () => {
  clusters = await startSyncClusters([], { log })
  aggregation = await startControllers(clusters.superApi, ['clusterrole-aggregation-controller'])
  syncerAccount = createKubeClient(clusters.syncerConnection, { userAgent: 'berth-test' })
  for (const definition of gatewayDefinitions) await superOf().create(customResourceDefinitions, definition)
  const [, known] = gatewayDefinitions
  const names = { plural: grants.plural, kind: grants.kind, singular: 'referencegrant', listKind: 'ReferenceGrantList' }
  await superOf().create(customResourceDefinitions, {
    ...known,
    metadata: { ...known?.metadata, name: `referencegrants.${gatewayApiGroup}` },
    spec: { ...known?.spec, names },
  } as KubeObject)
  for (const kind of [...gatewayKinds, grants]) await letTenantsUse(clusters, kind)
  shop = await makeSuperNamespace('shop', { ctx: acme, syncer: syncerAccount })
  infra = await makeSuperNamespace('infra', { ctx: acme, syncer: syncerAccount })
  ofGlobex = await makeSuperNamespace('shop', { ctx: globex, syncer: syncerAccount })
  await superOf().create(namespaces, aNamespace({ metadata: { name: 'of-super' } }))
  // Rights come together, definitions are served and policies hold a moment after they are made.
  await eventually(async () => (await answer(gateways, gateway())) === 'made', { ...soon, describe: 'a Gateway taken' })
  await eventually(async () => /addresses/.test(await answer(gateways, gateway({ addresses: [{ value: '192.0.2.1' }] }))), {
    ...soon,
    describe: 'the policy in force',
  })
}, 300_000)

afterAll(async () => {
  await syncerAccount?.close()
  await aggregation?.end()
  await clusters?.stop()
}, 60_000)

type Row = readonly [name: string, type: ResourceType, hostile: object, harmless: object, told: RegExp]
const rows: readonly Row[] = [
  ['an address by wish', gateways, gateway({ addresses: [{ value: '192.0.2.1' }] }), gateway({ addresses: [] }), /addresses/],
  [
    'parameters of its machinery',
    gateways,
    gateway({ infrastructure: { parametersRef: { group: 'x', kind: 'Y', name: 'z' } } }),
    gateway({ infrastructure: { annotations: { a: 'b' } } }),
    /for its class to say/,
  ],
  [
    'labels of its machinery',
    gateways,
    gateway({ infrastructure: { labels: { app: 'x' } } }),
    gateway({ infrastructure: {} }),
    /for its class to say/,
  ],
  ['options of a controller', gateways, listening({ tls: { options: { a: 'b' } } }), listening({ tls: {} }), /tls\.options/],
  [
    'to be the Gateway of who names none',
    gateways,
    gateway({ defaultScope: 'All' }),
    gateway({ defaultScope: 'None' }),
    /that they name/,
  ],
  ['routes of everybody', gateways, taking({ from: 'All' }), taking({ from: 'Same' }), /own tenant's namespaces/],
  ['routes by any label', gateways, taking({ from: 'Selector', selector: {} }), taking(selector(uid)), /own tenant's namespaces/],
  ['routes of another tenant', gateways, taking(selector('globex-uid')), taking({ from: 'None' }), /own tenant's namespaces/],
  [
    'listeners of everybody',
    gateways,
    gateway({ allowedListeners: { namespaces: { from: 'All' } } }),
    gateway({ allowedListeners: { namespaces: selector(uid) } }),
    /own tenant's namespaces/,
  ],
  [
    'a certificate of another namespace',
    gateways,
    listening({ tls: { certificateRefs: [{ name: 'x', ...elsewhere }] } }),
    listening({ tls: { certificateRefs: [{ name: 'x' }] } }),
    /certificates of a Gateway/,
  ],
  [
    'an authority of another namespace',
    gateways,
    gateway({ tls: { frontend: { default: { validation: authorities(elsewhere) } } } }),
    gateway({ tls: { frontend: { default: { validation: authorities({}) } } } }),
    /certificates of a Gateway/,
  ],
  [
    'such an authority of one port',
    gateways,
    gateway({ tls: { frontend: { perPort: [{ port: 1, tls: { validation: authorities(elsewhere) } }] } } }),
    gateway({ tls: { frontend: { perPort: [{ port: 1, tls: { validation: authorities({}) } }] } } }),
    /certificates of a Gateway/,
  ],
  [
    'a key of another namespace',
    gateways,
    gateway({ tls: { backend: { clientCertificateRef: { name: 'x', ...elsewhere } } } }),
    gateway({ tls: { backend: { clientCertificateRef: { name: 'x' } } } }),
    /certificates of a Gateway/,
  ],
  ['a Service of another namespace', httpRoutes, backend(elsewhere), backend({}), /Services of the same namespace/],
  [
    'a backend that is no Service',
    httpRoutes,
    backend({ group: 'x', kind: 'Bucket' }),
    backend({ weight: 2 }),
    /Services of the same/,
  ],
  ['a mirror in another namespace', httpRoutes, route(mirror(elsewhere)), route(mirror({})), /filters of routes/],
  ['such a mirror of one backend', httpRoutes, backend(mirror(elsewhere)), backend(mirror({})), /filters of routes/],
  [
    'a filter of a controller',
    httpRoutes,
    route({ filters: [{ type: 'ExtensionRef', extensionRef: { group: 'x', kind: 'Y', name: 'z' } }] }),
    route({ filters: [{ type: 'URLRewrite', urlRewrite: { hostname: 'a.example' } }] }),
    /filters of routes/,
  ],
  ['a parent that is no Gateway', httpRoutes, route({}, { group: '', kind: 'Service', name: 'x' }), route(), /hang at Gateways/],
  ['every Gateway', httpRoutes, { ...route(), useDefaultGateways: 'All' }, route(), /that they name/],
]

describe('of Gateways and routes super itself refuses', () => {
  test.for(rows)('%s', async ([, type, hostile, harmless, told]) => {
    expect(await answer(type, harmless)).toBe('made')
    expect(await answer(type, hostile)).toMatch(told)
    // What the operator makes there is the operator's affair.
    expect(await answer(type, hostile, superOf())).toBe('made')
  })
})

test('a route hangs at Gateways of its tenant alone, wherever they are', async () => {
  const at = (...places: readonly string[]) => ({ parentRefs: places.map((namespace) => ({ name: 'web', namespace })) })
  expect(await answer(httpRoutes, at(shop, infra, infra))).toBe('made')
  for (const places of [[ofGlobex], ['of-super'], ['kube-system'], ['missing'], [infra, ofGlobex], [shop, infra, 'of-super']])
    expect([places, await answer(httpRoutes, at(...places))]).toEqual([places, expect.stringMatching(/of its own tenant/)])
})

test('other kinds of the Gateway API are not for tenants, whatever their rights', async () => {
  expect(await answer(grants, { from: [], to: [] })).toMatch(/only Gateways and HTTP and gRPC routes/)
})
