import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gatewayApiGroup } from '../apis/gateway-api.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aNamespace } from '../testing/builders.ts'
import type { Child } from '../testing/child.ts'
import { startControllers } from '../testing/controller-manager.ts'
import { eventually } from '../testing/eventually.ts'
import { gatewayDefinitions } from '../testing/gateway-definitions.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import {
  grantSyncer,
  letTenantsUse,
  patchPlane,
  type SyncClusters,
  type SyncTenant,
  startSyncClusters,
} from '../testing/sync-clusters.ts'
import { gatewayKinds, gatewayTypes } from './gateways/kinds.ts'

// Two tenants that share Gateway and Ingress controllers. Only the first two kinds are declared for the second one.
const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { namespaces, customResourceDefinitions, gatewayClasses, ingresses, ingressClasses, secrets, events } = resourceTypes
const [gateways, httpRoutes, grpcRoutes] = gatewayTypes as [ResourceType, ResourceType, ResourceType]
const soon = { deadlineMs: 30_000 }
const quick = { deadlineMs: 5_000 }
const long = { timeout: 120_000 }

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let aggregation: Child | undefined
let acme: SyncTenant
let globex: SyncTenant

const superOf = () => clusters.superApi.client
const at = (name: string, namespace = 'shop') => ({ name, namespace })
const below = ({ ref }: SyncTenant, namespace = 'shop') => superNamespace(ref, namespace)
const inSuper = (tenant: SyncTenant, type: ResourceType, name: string, namespace = 'shop') =>
  superOf().get<KubeObject>(type, { name, namespace: below(tenant, namespace) })
const arrives = (tenant: SyncTenant, type: ResourceType, name: string, namespace = 'shop') =>
  eventually(() => inSuper(tenant, type, name, namespace), { ...soon, describe: `${type.plural} ${name} in super` })
const goes = (tenant: SyncTenant, type: ResourceType, name: string) =>
  eventually(async () => (await inSuper(tenant, type, name)) === undefined, { ...soon, describe: `${name} gone in super` })

const make = ({ api }: SyncTenant, type: ResourceType, name: string, spec: object, namespace = 'shop') => {
  const object = { apiVersion: `${type.group}/${type.version}`, kind: type.kind, metadata: at(name, namespace), spec }
  return eventually(() => api.client.create<KubeObject>(type, object), { ...soon, describe: `${type.kind} ${name} taken` })
}
const drop = ({ api }: SyncTenant, type: ResourceType, name: string, namespace = 'shop') =>
  api.client.delete(type, at(name, namespace))
const told = ({ api }: SyncTenant, name: string, reason: string) =>
  eventually(
    async () =>
      (await api.client.list<KubeObject>(events, { namespace: 'shop' })).items.find(
        (event) => event['reason'] === reason && event['involvedObject'].name === name,
      ),
    { ...soon, describe: `the event ${reason} of ${name}` },
  )

const listener = (hostname?: string) => ({ name: 'web', port: 80, protocol: 'HTTP', ...(hostname !== undefined && { hostname }) })
const gateway = (hostname?: string, fields: object = {}) => ({
  gatewayClassName: 'public',
  listeners: [{ ...listener(hostname), ...fields }],
})
const backendRefs = [{ name: 'web', port: 80 }]
const route = (hostname: string, parent: object = { name: 'web' }) => ({
  parentRefs: [parent],
  hostnames: [hostname],
  rules: [{ backendRefs }],
})
const ingress = (host: string) => ({
  ingressClassName: 'public',
  rules: [
    { host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }] } },
  ],
})

const makeClass = (name: string) =>
  eventually(
    () =>
      superOf().create(gatewayClasses, {
        apiVersion: `${gatewayApiGroup}/v1`,
        kind: 'GatewayClass',
        metadata: { name },
        spec: {
          controllerName: 'example.org/x',
          description: name,
          parametersRef: { group: 'x', kind: 'Y', name: 'of-super', namespace: 'of-super' },
        },
      } as KubeObject),
    { ...soon, describe: `the class ${name}` },
  )

beforeAll(async () => {
  clusters = await startSyncClusters(['acme', 'globex'], { log })
  ;[acme, globex] = clusters.tenants as [SyncTenant, SyncTenant]
  aggregation = await startControllers(clusters.superApi, ['clusterrole-aggregation-controller'])
  for (const definition of gatewayDefinitions) await superOf().create(customResourceDefinitions, definition)
  for (const kind of gatewayKinds) await letTenantsUse(clusters, kind, ['tenant'])
  for (const name of ['edge', 'internal']) await makeClass(name)
  await superOf().create(ingressClasses, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'public' },
    spec: { controller: 'example.org/x' },
  } as KubeObject)
  syncer = await runSyncer(clusters, { log })
  const gatewayRule = { allowed: ['edge', 'later'], names: { public: 'edge' } }
  for (const [tenant, customKinds] of [
    [acme, gatewayKinds],
    [globex, gatewayKinds.slice(0, 2)],
  ] as const) {
    for (const name of ['shop', 'infra']) await tenant.api.client.create(namespaces, aNamespace({ metadata: { name } }))
    await patchPlane(clusters, tenant, { sync: { customKinds, classes: { gateway: gatewayRule } } })
    await grantSyncer(tenant.api, customKinds)
  }
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await aggregation?.end()
  await clusters?.stop()
}, 60_000)

test('where Gateways are declared, a tenant knows the classes that it may use, by its own names', long, async () => {
  const { spec } = await eventually(() => acme.api.client.get<KubeObject>(gatewayClasses, { name: 'public' }), soon)
  expect(spec).toEqual({ controllerName: 'example.org/x', description: 'edge' })
  expect((await acme.api.client.list(gatewayClasses)).items.map(({ metadata: { name } }) => name)).toEqual(['public'])
  expect(await globex.api.client.get(customResourceDefinitions, { name: `grpcroutes.${gatewayApiGroup}` })).toBeUndefined()
})

test('a Gateway goes down with its certificate, takes routes of its tenant alone, and is told its address', long, async () => {
  await acme.api.client.create(secrets, {
    metadata: at('cert', 'infra'),
    type: 'kubernetes.io/tls',
    stringData: { 'tls.crt': 'a', 'tls.key': 'b' },
  })
  const fields = {
    protocol: 'HTTPS',
    port: 443,
    tls: { certificateRefs: [{ name: 'cert' }] },
    allowedRoutes: { namespaces: { from: 'All' } },
  }
  await make(acme, gateways, 'web', gateway('*.acme.example', fields), 'infra')
  const live = await arrives(acme, gateways, 'web', 'infra')
  expect(live.spec).toEqual({
    gatewayClassName: 'edge',
    listeners: [
      {
        ...listener('*.acme.example'),
        ...fields,
        allowedRoutes: { namespaces: { from: 'Selector', selector: { matchLabels: { 'berth.dev/tenant': acme.ref.uid } } } },
      },
    ],
  })
  expect((await arrives(acme, secrets, 'cert', 'infra')).type).toBe('kubernetes.io/tls')

  const status = {
    addresses: [{ type: 'IPAddress', value: '192.0.2.7' }],
    conditions: [
      {
        type: 'Programmed',
        status: 'True',
        observedGeneration: live.metadata.generation,
        message: `${below(acme, 'infra')}/web`,
      },
    ],
  }
  await superOf().patch(gateways, { name: 'web', namespace: below(acme, 'infra') }, { status }, { subresource: 'status' })
  const seen = await eventually(async () => {
    const object = await acme.api.client.get<KubeObject>(gateways, at('web', 'infra'))
    return object?.status && object
  }, quick)
  expect(seen.status).toEqual({
    addresses: status.addresses,
    conditions: [{ ...status.conditions[0], observedGeneration: seen.metadata.generation, message: 'infra/web' }],
  })
})

test('a route hangs at a Gateway of another namespace of its tenant, and hears of it by that name', long, async () => {
  await make(acme, httpRoutes, 'cart', route('cart.acme.example', at('web', 'infra')))
  const live = await arrives(acme, httpRoutes, 'cart')
  const parentRef = { group: gatewayApiGroup, kind: 'Gateway', ...at('web', below(acme, 'infra')) }
  expect(live.spec).toEqual({
    parentRefs: [parentRef],
    hostnames: ['cart.acme.example'],
    rules: [{ backendRefs: [{ group: '', kind: 'Service', weight: 1, ...backendRefs[0] }] }],
  })
  const parent = { parentRef, controllerName: 'example.org/x', conditions: [{ type: 'Accepted', status: 'True', message: '' }] }
  const foreign = { ...parent, parentRef: { name: 'x', namespace: 'gateways-of-super' } }
  const status = { parents: [parent, foreign] }
  await superOf().patch(httpRoutes, { name: 'cart', namespace: below(acme) }, { status }, { subresource: 'status' })
  const seen = await eventually(async () => (await acme.api.client.get<KubeObject>(httpRoutes, at('cart')))?.status, quick)
  expect(seen).toEqual({ parents: [{ ...parent, parentRef: { ...parentRef, namespace: 'infra' } }] })

  await make(acme, grpcRoutes, 'rpc', route('rpc.acme.example', at('web', 'infra')))
  await arrives(acme, grpcRoutes, 'rpc')
})

describe('a neighbour', () => {
  const untouched = async () => {
    expect((await inSuper(acme, gateways, 'web', 'infra'))?.spec.listeners[0].hostname).toBe('*.acme.example')
    expect((await inSuper(acme, httpRoutes, 'cart'))?.spec.hostnames).toEqual(['cart.acme.example'])
  }

  test.for<[name: string, type: ResourceType, spec: object, reason: string]>([
    ['route', httpRoutes, route('cart.acme.example'), 'RouteHostTaken'],
    ['wide-route', httpRoutes, route('*.acme.example'), 'RouteHostTaken'],
    ['listener', gateways, gateway('pay.acme.example'), 'GatewayHostTaken'],
    ['ingress', ingresses, ingress('pay.acme.example'), 'IngressHostTaken'],
    ['foreign-class', gateways, gateway('a.globex.example', {}), 'GatewayClassNotAllowed'],
  ])('does not get what is another tenant’s by a %s', long, async ([name, type, spec, reason]) => {
    await make(globex, type, name, name === 'foreign-class' ? { ...spec, gatewayClassName: 'internal' } : spec)
    // Not a word of whose it is.
    expect(JSON.stringify(await told(globex, name, reason))).not.toMatch(new RegExp(acme.ref.uid))
    expect(await inSuper(globex, type, name)).toBeUndefined()
    await untouched()
  })

  test('and reaches no Gateway of another by its namespace in super', long, async () => {
    await make(globex, httpRoutes, 'reaching', route('reaching.example', at('web', below(acme, 'infra'))))
    await make(globex, httpRoutes, 'own', route('own.globex.example'))
    await arrives(globex, httpRoutes, 'own')
    // A namespace of globex's own by that name is meant, which is not there.
    await eventually(async () => {
      const { items } = await globex.api.client.list<KubeObject>(events, { namespace: 'shop' })
      return items.find(
        (event) => event['involvedObject'].name === 'reaching' && /has to be there/.test(String(event['message'])),
      )
    }, soon)
    expect(await inSuper(globex, httpRoutes, 'reaching')).toBeUndefined()
    await drop(globex, httpRoutes, 'reaching')
  })

  test('gets a host that was given up', long, async () => {
    await drop(acme, httpRoutes, 'cart')
    await goes(acme, httpRoutes, 'cart')
    // The listener's is still in the way.
    expect(await inSuper(globex, httpRoutes, 'route')).toBeUndefined()
    await drop(acme, gateways, 'web', 'infra')
    await drop(acme, grpcRoutes, 'rpc')
    await arrives(globex, httpRoutes, 'route')
    await arrives(globex, ingresses, 'ingress')
    await make(acme, httpRoutes, 'late', route('pay.acme.example'))
    await told(acme, 'late', 'RouteHostTaken')
    expect(await inSuper(acme, httpRoutes, 'late')).toBeUndefined()
  })
})

test('a listener without hostname is for one tenant', long, async () => {
  await make(acme, gateways, 'all', gateway())
  await arrives(acme, gateways, 'all')
  await make(globex, gateways, 'all', gateway())
  await told(globex, 'all', 'GatewayHostTaken')
  expect(await inSuper(globex, gateways, 'all')).toBeUndefined()
})

test.for<[name: string, type: ResourceType, spec: object, reason: string]>([
  ['addressed', gateways, { ...gateway('b.example'), addresses: [{ value: '192.0.2.1' }] }, 'FieldNotSupported'],
  [
    'elsewhere',
    httpRoutes,
    { rules: [{ backendRefs: [{ name: 'kubernetes', namespace: 'default', port: 443 }] }] },
    'OtherNamespaceNotSupported',
  ],
])('%s: refused, and told', long, async ([name, type, spec, reason]) => {
  await make(acme, type, name, spec)
  await told(acme, name, reason)
  expect(await inSuper(acme, type, name)).toBeUndefined()
})

test('a class that super has later lets through what waited for it', long, async () => {
  await make(acme, gateways, 'waiting', { ...gateway('waiting.example'), gatewayClassName: 'later' })
  await told(acme, 'waiting', 'GatewayClassNotAllowed')
  await makeClass('later')
  expect((await arrives(acme, gateways, 'waiting')).spec.gatewayClassName).toBe('later')
})

test('deleted, all goes in super; and in the end both sides agree', long, async () => {
  for (const tenant of [acme, globex]) {
    for (const type of [...gatewayTypes.slice(0, 2), ingresses]) {
      const { items } = await tenant.api.client.list(type, { namespace: 'shop' })
      for (const { metadata } of items) await drop(tenant, type, metadata.name ?? '')
      await eventually(async () => (await superOf().list(type, { namespace: below(tenant) })).items.length === 0, soon)
    }
    const report = await verifyOnce(clusters, tenant)
    expect([...report.differences, ...report.moving]).toEqual([])
  }
})
