import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aNamespace } from '../testing/builders.ts'
import type { Child } from '../testing/child.ts'
import { startControllers } from '../testing/controller-manager.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import {
  grantSyncer,
  letTenantsUse,
  patchPlane,
  type SyncClusters,
  type SyncTenant,
  startSyncClusters,
} from '../testing/sync-clusters.ts'
import { customType } from './resources/custom-kinds.ts'

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { namespaces, customResourceDefinitions: definitions } = resourceTypes
/** Its plural is that of a kind with rules of its own. */
const services = { group: 'ships.example.com', version: 'v1', plural: 'services', kind: 'Service' }
const type = customType(services)
const definition = 'services.ships.example.com'
const soon = { deadlineMs: 60_000 }
const repair = { deadlineMs: 5_000 }

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let aggregation: Child | undefined
let acme: SyncTenant
let globex: SyncTenant
let below: string

const schema = {
  openAPIV3Schema: {
    type: 'object',
    properties: {
      spec: { type: 'object', properties: { size: { type: 'integer', default: 1 }, color: { type: 'string' } } },
      status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  },
}
const version = (name: string, storage: boolean) => ({ name, storage, served: true, schema, subresources: { status: {} } })

const declare = (customKinds: readonly object[]) => patchPlane(clusters, acme, { sync: { customKinds } })

beforeAll(async () => {
  clusters = await startSyncClusters(['acme', 'globex'], { log })
  ;[acme, globex] = clusters.tenants as [SyncTenant, SyncTenant]
  below = superNamespace(acme.ref, 'shop')
  aggregation = await startControllers(clusters.superApi, ['clusterrole-aggregation-controller'])
  const { client } = clusters.superApi
  await client.create(definitions, {
    metadata: { name: definition },
    spec: {
      group: services.group,
      scope: 'Namespaced',
      names: { plural: services.plural, kind: services.kind },
      versions: [version('v1', true), version('v1beta1', false)],
    },
  })
  await letTenantsUse(clusters, services)
  syncer = await runSyncer(clusters, { log })
  await acme.api.client.create(namespaces, aNamespace({ metadata: { name: 'shop' } }))
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await aggregation?.end()
  await clusters?.stop()
}, 60_000)

const inSuper = (name: string) => clusters.superApi.client.get<KubeObject>(type, { name, namespace: below })
const inTenant = (name: string) => acme.api.client.get<KubeObject>(type, { name, namespace: 'shop' })
const create = (name: string, spec: object, annotations: Record<string, string> = {}) =>
  acme.api.client.create(type, {
    apiVersion: 'ships.example.com/v1',
    kind: services.kind,
    metadata: { name, namespace: 'shop', annotations },
    spec,
  })

test('a declared kind is known in the tenant, and in no other', { timeout: 120_000 }, async () => {
  const tenantClient = acme.api.client
  expect(await tenantClient.get(definitions, { name: definition })).toBeUndefined()
  await declare([services])
  await grantSyncer(acme.api, [services])
  const copied = await eventually(() => tenantClient.get<KubeObject>(definitions, { name: definition }), soon)
  expect(copied.spec.versions.map(({ name }: { name: string }) => name)).toEqual(['v1'])
  expect(await globex.api.client.get(definitions, { name: definition })).toBeUndefined()
})

test('its objects go down, their status comes up, and their end goes down', { timeout: 120_000 }, async () => {
  const superClient = clusters.superApi.client
  await eventually(() => create('ferry', { color: 'red' }, { 'ships.example.com/dock': '7', 'other.example/x': 'y' }), soon)
  const ferry = await eventually(() => inSuper('ferry'), soon)
  expect(ferry.spec).toEqual({ color: 'red', size: 1 })
  expect(ferry.metadata.annotations).toMatchObject({ 'ships.example.com/dock': '7' })
  expect(ferry.metadata.annotations).not.toHaveProperty('other.example/x')

  const status = {
    observedGeneration: ferry.metadata.generation,
    conditions: [{ type: 'Afloat', status: 'True', message: `in ${below}/ferry` }],
  }
  await superClient.patch(type, { name: 'ferry', namespace: below }, { status }, { subresource: 'status' })
  const told = await eventually(async () => {
    const seen = await inTenant('ferry')
    return seen?.status ? seen : undefined
  }, repair)
  expect(told.status).toEqual({
    observedGeneration: told.metadata.generation,
    conditions: [{ type: 'Afloat', status: 'True', message: 'in shop/ferry' }],
  })

  await superClient.patch(type, { name: 'ferry', namespace: below }, { spec: { color: 'black' } })
  await eventually(async () => (await inSuper('ferry'))?.spec.color === 'red', repair)
  await superClient.delete(type, { name: 'ferry', namespace: below })
  await eventually(() => inSuper('ferry'), repair)
  await acme.api.client.patch(type, { name: 'ferry', namespace: 'shop' }, { spec: { size: 3 } })
  await eventually(async () => (await inSuper('ferry'))?.spec.size === 3, soon)
  const report = await verifyOnce(clusters, acme)
  expect([...report.differences, ...report.moving]).toEqual([])

  await acme.api.client.delete(type, { name: 'ferry', namespace: 'shop' })
  await eventually(async () => !(await inSuper('ferry')), soon)
})

test('what a syncer missed while it was away is made good, and nothing is lost', { timeout: 120_000 }, async () => {
  await create('kept', {})
  await create('gone', {})
  await eventually(async () => (await inSuper('kept')) && (await inSuper('gone')), soon)
  await syncer?.stop()
  await acme.api.client.delete(type, { name: 'gone', namespace: 'shop' })
  const before = await inSuper('kept')
  syncer = await runSyncer(clusters, { log })
  await eventually(async () => !(await inSuper('gone')), soon)
  expect((await inSuper('kept'))?.metadata.uid).toBe(before?.metadata.uid)
})

test('a definition that the tenant edits or loses is put back', { timeout: 120_000 }, async () => {
  const { client } = acme.api
  await client.patch(
    definitions,
    { name: definition },
    [{ op: 'remove', path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec' }],
    { type: 'json' },
  )
  await eventually(async () => {
    const live = await client.get<KubeObject>(definitions, { name: definition })
    return live?.spec.versions[0].schema.openAPIV3Schema.properties.spec !== undefined
  }, repair)
  await client.delete(definitions, { name: definition })
  await eventually(async () => !(await inSuper('kept')), soon)
  await eventually(() => create('again', {}), soon)
  await eventually(() => inSuper('again'), soon)
})

test('a kind that is no longer declared is left alone', { timeout: 120_000 }, async () => {
  await declare([])
  await eventually(() => syncer?.engine.tenants.get(acme.ref.uid)?.side.resources.has(definition) === false, soon)
  await acme.api.client.delete(type, { name: 'again', namespace: 'shop' })
  await acme.api.client.create(namespaces, aNamespace({ metadata: { name: 'after' } }))
  await eventually(() => clusters.superApi.client.get(namespaces, { name: superNamespace(acme.ref, 'after') }), soon)
  expect(await inSuper('again')).toBeDefined()
})
