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
const { namespaces, customResourceDefinitions: definitions, persistentVolumeClaims: claims, events } = resourceTypes
const { volumeSnapshotClasses: classes, storageClasses } = resourceTypes
const group = 'snapshot.storage.k8s.io'
const snapshots = { group, version: 'v1', plural: 'volumesnapshots', kind: 'VolumeSnapshot' }
const type = customType(snapshots)
const soon = { deadlineMs: 30_000 }
const quick = { deadlineMs: 5_000 }
const long = { timeout: 120_000 }

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let aggregation: Child | undefined
let acme: SyncTenant
let globex: SyncTenant
let below: string

const superOf = () => clusters.superApi.client
const inTenant = () => acme.api.client
const at = (name: string) => ({ name, namespace: 'shop' })
const inSuper = (name: string) => superOf().get<KubeObject>(type, { name, namespace: below })

/** A definition of the snapshot controller's, with the fields that matter here. */
const definition = (plural: string, kind: string, scope: 'Namespaced' | 'Cluster', properties: object): KubeObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}`, annotations: { 'api-approved.kubernetes.io': 'https://example.com/approval' } },
  spec: {
    group,
    scope,
    names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        ...(scope === 'Namespaced' && { subresources: { status: {} } }),
        schema: { openAPIV3Schema: { type: 'object', properties } },
      },
    ],
  },
})
const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

beforeAll(async () => {
  clusters = await startSyncClusters(['acme', 'globex'], { log })
  ;[acme, globex] = clusters.tenants as [SyncTenant, SyncTenant]
  below = superNamespace(acme.ref, 'shop')
  aggregation = await startControllers(clusters.superApi, ['clusterrole-aggregation-controller'])
  await superOf().create(definitions, definition(snapshots.plural, snapshots.kind, 'Namespaced', { spec: open, status: open }))
  await superOf().create(
    definitions,
    definition(classes.plural, classes.kind, 'Cluster', {
      driver: { type: 'string' },
      deletionPolicy: { type: 'string' },
      parameters: open,
    }),
  )
  await letTenantsUse(clusters, snapshots)
  await superOf().create(storageClasses, { metadata: { name: 'standard' }, provisioner: 'disks.example' })
  for (const [name, isDefault] of [
    ['daily', true],
    ['costly', false],
  ] as const) {
    const annotations = isDefault ? { 'snapshot.storage.kubernetes.io/is-default-class': 'true' } : {}
    await eventually(
      () =>
        superOf().create(classes, {
          apiVersion: `${group}/v1`,
          kind: classes.kind,
          metadata: { name, annotations },
          driver: 'disks.example',
          deletionPolicy: 'Delete',
          parameters: { 'csi.storage.k8s.io/snapshotter-secret-name': 'of-super' },
        } as KubeObject),
      { ...soon, describe: `the class ${name}` },
    )
  }
  syncer = await runSyncer(clusters, { log })
  await inTenant().create(namespaces, aNamespace({ metadata: { name: 'shop' } }))
  const sync = { customKinds: [snapshots], classes: { volumeSnapshot: { allowed: ['daily'] } } }
  await patchPlane(clusters, acme, { sync })
  await grantSyncer(acme.api, [snapshots])
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await aggregation?.end()
  await clusters?.stop()
}, 60_000)

const told = (name: string, reason: string) =>
  eventually(
    async () => {
      const { items } = await inTenant().list<KubeObject>(events, { namespace: 'shop' })
      return items.find((event) => event.reason === reason && event.involvedObject.name === name)
    },
    { ...soon, describe: `the event ${reason} of ${name}` },
  )
const snapshot = (name: string, spec: object) =>
  eventually(() => inTenant().create(type, { apiVersion: `${group}/v1`, kind: snapshots.kind, metadata: at(name), spec }), {
    ...soon,
    describe: `the snapshot ${name} taken`,
  })
const claim = (name: string, spec: object = {}) =>
  inTenant().create(claims, {
    metadata: at(name),
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'standard', resources: { requests: { storage: '1Gi' } }, ...spec },
  })

test('where snapshots are declared, a tenant knows them and the classes that it may use', long, async () => {
  const { metadata, ...offered } = await eventually(() => inTenant().get<KubeObject>(classes, { name: 'daily' }), soon)
  expect(metadata.annotations).toMatchObject({ 'snapshot.storage.kubernetes.io/is-default-class': 'true' })
  expect(offered).toMatchObject({ driver: 'disks.example', deletionPolicy: 'Delete' })
  expect(offered).not.toHaveProperty('parameters')
  expect((await inTenant().list(classes)).items.map(({ metadata: { name } }) => name)).toEqual(['daily'])
  expect(await globex.api.client.get(definitions, { name: `${classes.plural}.${group}` })).toBeUndefined()
})

test('a snapshot of a claim goes down, is ready, and a claim is made from it', long, async () => {
  await claim('data')
  await snapshot('monday', { source: { persistentVolumeClaimName: 'data' } })
  const live = await eventually(() => inSuper('monday'), soon)
  expect(live.spec).toEqual({ source: { persistentVolumeClaimName: 'data' }, volumeSnapshotClassName: 'daily' })
  const status = {
    boundVolumeSnapshotContentName: 'snapcontent-1234',
    creationTime: '2026-06-01T00:00:00Z',
    readyToUse: true,
    restoreSize: '1Gi',
  }
  await superOf().patch(type, { name: 'monday', namespace: below }, { status }, { subresource: 'status' })
  const seen = await eventually(async () => {
    const object = await inTenant().get<KubeObject>(type, at('monday'))
    return object?.status && object
  }, quick)
  const { boundVolumeSnapshotContentName: _ofSuper, ...shown } = status
  expect(seen.status).toEqual(shown)
  expect(seen.spec).toEqual({ source: { persistentVolumeClaimName: 'data' } })

  const source = { apiGroup: group, kind: snapshots.kind, name: 'monday' }
  await claim('restored', { dataSource: source })
  const restored = await eventually(() => superOf().get<KubeObject>(claims, { name: 'restored', namespace: below }), soon)
  expect(restored.spec.dataSource).toEqual(source)
})

test('an error of the snapshot controller is told without names of super', long, async () => {
  await snapshot('broken', { source: { persistentVolumeClaimName: 'none' } })
  await eventually(() => inSuper('broken'), soon)
  const status = { readyToUse: false, error: { time: '2026-06-01T00:00:00Z', message: `no claim ${below}/none` } }
  await superOf().patch(type, { name: 'broken', namespace: below }, { status }, { subresource: 'status' })
  await eventually(async () => (await inTenant().get<KubeObject>(type, at('broken')))?.status?.error?.message, quick)
  expect((await inTenant().get<KubeObject>(type, at('broken')))?.status.error.message).toBe('no claim shop/none')
})

test.for<[name: string, spec: object, reason: string]>([
  ['beforehand', { source: { volumeSnapshotContentName: 'of-somebody' } }, 'SnapshotContentNotSupported'],
  ['expensive', { source: { persistentVolumeClaimName: 'data' }, volumeSnapshotClassName: 'costly' }, 'SnapshotClassNotAllowed'],
])('%s: refused, and told', long, async ([name, spec, reason]) => {
  await snapshot(name, spec)
  await told(name, reason)
  expect(await inSuper(name)).toBeUndefined()
})

test('a class that is offered later lets through what waited for it', long, async () => {
  await patchPlane(clusters, acme, { sync: { classes: { volumeSnapshot: { allowed: ['daily', 'costly'] } } } })
  await eventually(() => inTenant().get(classes, { name: 'costly' }), soon)
  expect((await eventually(() => inSuper('expensive'), soon)).spec.volumeSnapshotClassName).toBe('costly')
})

test('deleted, it goes in super; and in the end both sides agree', long, async () => {
  for (const name of ['monday', 'broken', 'beforehand', 'expensive']) await inTenant().delete(type, at(name))
  await eventually(async () => (await superOf().list(type, { namespace: below })).items.length === 0, soon)
  const report = await verifyOnce(clusters, acme)
  expect([...report.differences, ...report.moving]).toEqual([])
})
