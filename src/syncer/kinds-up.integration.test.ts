import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { apiVersionOf, type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aNamespace, aPod } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import { patchPlane, type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { namespaces, pods, services, ingresses, networkPolicies, events, nodes, storageClasses, priorityClasses } = resourceTypes
const { persistentVolumeClaims, persistentVolumes, podDisruptionBudgets, endpointSlices, ingressClasses } = resourceTypes
const soon = { deadlineMs: 30_000 }
/** The time in which what super says of its own is told. */
const quick = { deadlineMs: 5_000 }
const long = { timeout: 120_000 }

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let acme: SyncTenant
let globex: SyncTenant
let below: string

const superOf = () => clusters.superApi.client
const inTenant = () => acme.api.client
const meta = (name: string) => ({ name, namespace: 'shop' })

/** What the tenant makes, one of each kind that goes down and may have Events. */
const made: readonly (readonly [type: ResourceType, object: KubeObject])[] = [
  [pods, aPod({ metadata: meta('main') })],
  [services, { metadata: meta('main'), spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } }],
  [
    persistentVolumeClaims,
    {
      metadata: meta('main'),
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'standard', resources: { requests: { storage: '1Gi' } } },
    },
  ],
  [
    ingresses,
    {
      metadata: meta('main'),
      spec: { ingressClassName: 'public', defaultBackend: { service: { name: 'main', port: { number: 80 } } } },
    },
  ],
  [networkPolicies, { metadata: meta('main'), spec: { podSelector: {} } }],
  [podDisruptionBudgets, { metadata: meta('main'), spec: { minAvailable: 1, selector: { matchLabels: { app: 'x' } } } }],
  [
    endpointSlices,
    {
      metadata: { ...meta('main'), labels: { 'kubernetes.io/service-name': 'none' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['192.0.2.10'] }],
    },
  ],
]

beforeAll(async () => {
  clusters = await startSyncClusters(['acme', 'globex'], { log })
  ;[acme, globex] = clusters.tenants as [SyncTenant, SyncTenant]
  below = superNamespace(acme.ref, 'shop')
  await superOf().create(ingressClasses, { metadata: { name: 'public' }, spec: { controller: 'example.com/proxy' } })
  await superOf().create(storageClasses, { metadata: { name: 'standard' }, provisioner: 'disks.example' })
  await patchPlane(clusters, globex, { sync: { nodes: 'used' } })
  syncer = await runSyncer(clusters, { log })
  for (const { api } of clusters.tenants) await api.client.create(namespaces, aNamespace({ metadata: { name: 'shop' } }))
  for (const [type, object] of made) await inTenant().create(type, object)
  const claim = await eventually(
    () => superOf().get<KubeObject>(persistentVolumeClaims, { name: 'main', namespace: below }),
    soon,
  )
  const spec = {
    accessModes: ['ReadWriteOnce'],
    capacity: { storage: '1Gi' },
    csi: { driver: 'disks.example', volumeHandle: 'd' },
  }
  const claimRef = { kind: 'PersistentVolumeClaim', namespace: below, name: 'main', uid: claim.metadata.uid }
  await superOf().create(persistentVolumes, {
    metadata: { name: 'disk-1' },
    spec: { ...spec, storageClassName: 'standard', claimRef },
  })
  await superOf().patch(persistentVolumeClaims, { name: 'main', namespace: below }, { spec: { volumeName: 'disk-1' } })
  await eventually(() => inTenant().get(persistentVolumes, { name: 'disk-1' }), soon)
  await eventually(async () => (await inTenant().get<KubeObject>(pods, meta('main')))?.spec.nodeName, soon)
  await superOf()
    .create(namespaces, { metadata: { name: 'default' } })
    .catch(() => {})
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)

const eventNamespace = ({ namespaced }: ResourceType) => (namespaced ? below : 'default')
const nowText = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z')

/** What a component of super says of one of its objects. */
const say = async (type: ResourceType, superName: string, name: string, more: Record<string, unknown> = {}): Promise<void> => {
  const namespace = eventNamespace(type)
  const object = await superOf().get<KubeObject>(type, { name: superName, ...(type.namespaced && { namespace }) })
  await superOf().create(events, {
    metadata: { name, namespace },
    involvedObject: {
      apiVersion: apiVersionOf(type),
      kind: type.kind,
      name: superName,
      ...(type.namespaced && { namespace }),
      uid: object?.metadata.uid,
    },
    type: 'Warning',
    reason: 'Said',
    message: `something of ${below}/${superName} (${object?.metadata.uid})`,
    source: { component: 'test' },
    count: 1,
    firstTimestamp: nowText(),
    lastTimestamp: nowText(),
    ...more,
  })
}
const told = (name: string, namespace = 'shop') => inTenant().get<KubeObject>(events, { name, namespace })

const subjects: readonly (readonly [type: ResourceType, superName: () => string, tenantName: string])[] = [
  ...made.map(([type]) => [type, () => 'main', 'main'] as const),
  [persistentVolumes, () => 'disk-1', 'disk-1'],
  [namespaces, () => below, 'shop'],
]

test.for(subjects.map((subject): [string, (typeof subjects)[number]] => [subject[0].kind, subject]))(
  'what super says of a %s is told of the tenant’s own, and how often',
  long,
  async ([kind, [type, superName, name]]) => {
    const eventName = `${name}.${kind.toLowerCase()}`
    await say(type, superName(), eventName)
    const namespace = type.namespaced ? 'shop' : 'default'
    const event = await eventually(() => told(eventName, namespace), quick)
    const own = await inTenant().get<KubeObject>(type, { name, ...(type.namespaced && { namespace }) })
    expect(event['involvedObject']).toMatchObject({ kind, name, uid: own?.metadata.uid })
    expect(JSON.stringify(event)).not.toContain(below)
    expect(event['message']).toContain(own?.metadata.uid)
    const ref = { name: eventName, namespace: eventNamespace(type) }
    await superOf().patch(events, ref, { count: 7, lastTimestamp: nowText() }, { type: 'merge' })
    await eventually(async () => (await told(eventName, namespace))?.['count'] === 7, quick)
  },
)

test('an Event of the newer API comes up with its series', long, async () => {
  const newer: ResourceType = { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event', namespaced: true }
  const pod = await superOf().get<KubeObject>(pods, { name: 'main', namespace: below })
  const micro = (): string => new Date().toISOString().replace('Z', '000Z')
  const ref = { name: 'main.newer', namespace: below }
  await superOf().create(newer, {
    metadata: ref,
    regarding: { apiVersion: 'v1', kind: 'Pod', name: 'main', namespace: below, uid: pod?.metadata.uid },
    related: { apiVersion: 'v1', kind: 'Pod', name: 'other', namespace: 'secret-namespace' },
    eventTime: micro(),
    type: 'Warning',
    reason: 'FailedScheduling',
    action: 'Scheduling',
    note: `no room for ${below}/main`,
    reportingController: 'default-scheduler',
    reportingInstance: 'scheduler-1',
  })
  const inNewer = () => inTenant().get<KubeObject>(newer, { name: 'main.newer', namespace: 'shop' })
  const event = await eventually(inNewer, quick)
  expect(event).toMatchObject({ note: 'no room for shop/main', action: 'Scheduling', reportingController: 'default-scheduler' })
  expect(event).not.toHaveProperty('related')
  await superOf().patch(newer, ref, { series: { count: 4, lastObservedTime: micro() } }, { type: 'merge' })
  await eventually(async () => (await inNewer())?.['series']?.count === 4, quick)
})

test("a node's health is told to who sees it; what names processes on it is not", long, async () => {
  const { nodeName } = (await inTenant().get<KubeObject>(pods, meta('main')))?.spec ?? {}
  await say(nodes, nodeName, 'node.oom', { reason: 'SystemOOM', message: 'victim process: secret' })
  await say(nodes, nodeName, 'node.notready', { reason: 'NodeNotReady' })
  const event = await eventually(() => told('node.notready', 'default'), quick)
  expect(event['involvedObject']).toMatchObject({ kind: 'Node', name: nodeName })
  expect(await told('node.oom', 'default')).toBeUndefined()
  // globex has no pod there.
  expect(await globex.api.client.get(events, { name: 'node.notready', namespace: 'default' })).toBeUndefined()
})

test('what happened while no syncer ran is told afterwards, once', long, async () => {
  const before = (await inTenant().list<KubeObject>(events)).items.filter(({ reason }) => reason === 'Said')
  await syncer?.stop()
  for (const [type] of made) await say(type, 'main', `main.meanwhile-${type.plural}`)
  await say(persistentVolumes, 'disk-1', 'disk-1.meanwhile')
  await say(pods, 'main', 'main.ancient', { lastTimestamp: '2026-01-01T00:00:00Z', firstTimestamp: '2026-01-01T00:00:00Z' })
  await superOf().patch(events, { name: 'main.pod', namespace: below }, { count: 9, lastTimestamp: nowText() }, { type: 'merge' })
  syncer = await runSyncer(clusters, { log })
  for (const [type] of made) await eventually(() => told(`main.meanwhile-${type.plural}`), soon)
  await eventually(() => told('disk-1.meanwhile', 'default'), soon)
  await eventually(async () => (await told('main.pod'))?.['count'] === 9, soon)
  expect(await told('main.ancient')).toBeUndefined()
  const after = (await inTenant().list<KubeObject>(events)).items
  for (const event of before.filter(({ metadata }) => metadata.name !== 'main.pod'))
    expect(after.find(({ metadata }) => metadata.uid === event.metadata.uid)?.metadata.resourceVersion).toBe(
      event.metadata.resourceVersion,
    )
})

test("a node's conditions, capacity, taints and labels come up, its images and Berth's marks do not", long, async () => {
  const { nodeName: name } = (await inTenant().get<KubeObject>(pods, meta('main')))?.spec ?? {}
  const ref = { name }
  const metadata = { labels: { zone: 'a', 'berth.dev/pool': 'x' }, annotations: { secret: 'address' } }
  await superOf().patch(nodes, ref, { metadata, spec: { taints: [{ key: 'gpu', effect: 'NoSchedule' }] } }, { type: 'merge' })
  const conditions = [
    { type: 'DiskPressure', status: 'True', reason: 'Full', message: 'disk is full', lastTransitionTime: nowText() },
  ]
  const status = {
    capacity: { cpu: '64' },
    allocatable: { cpu: '63' },
    images: [{ names: ['registry.example/secret'] }],
    conditions,
  }
  await superOf().patch(nodes, ref, { status }, { type: 'strategic', subresource: 'status' })
  const node = await eventually(async () => {
    const now = await inTenant().get<KubeObject>(nodes, ref)
    return now?.['spec'].taints?.length === 1 && now['status'].capacity.cpu === '64' && now['status'].conditions.length === 2
      ? now
      : undefined
  }, quick)
  expect(node['status'].allocatable.cpu).toBe('63')
  expect(node['status'].conditions).toEqual(
    expect.arrayContaining([expect.objectContaining({ type: 'DiskPressure', status: 'True' })]),
  )
  expect(node.metadata.labels).toMatchObject({ zone: 'a' })
  expect(JSON.stringify(node)).not.toMatch(/secret|berth\.dev\/pool/)
  // What super takes away of it goes as well: a device that was drawn, a capacity that the tenant made up, a label.
  await superOf().patch(
    nodes,
    ref,
    { status: { capacity: { 'example.com/gpu': '2' } } },
    { type: 'merge', subresource: 'status' },
  )
  const capacity = async () => (await inTenant().get<KubeObject>(nodes, ref))?.['status'].capacity
  await eventually(async () => (await capacity())['example.com/gpu'] === '2', quick)
  await inTenant().patch(
    nodes,
    ref,
    { status: { capacity: { 'example.com/own': '5' } } },
    { type: 'merge', subresource: 'status' },
  )
  await superOf().patch(
    nodes,
    ref,
    { status: { capacity: { 'example.com/gpu': null } } },
    { type: 'merge', subresource: 'status' },
  )
  await superOf().patch(nodes, ref, { metadata: { labels: { zone: null } } }, { type: 'merge' })
  await eventually(async () => Object.keys(await capacity()).every((key) => !key.startsWith('example.com/')), quick)
  await eventually(async () => (await inTenant().get<KubeObject>(nodes, ref))?.metadata.labels?.['zone'] === undefined, quick)
  await superOf().patch(nodes, ref, { spec: { taints: null } }, { type: 'merge' })
  await eventually(async () => !(await inTenant().get<KubeObject>(nodes, ref))?.['spec'].taints, quick)
})

test('a node that goes from super goes from the tenant at once, with the pods on it', long, async () => {
  const { nodeName: name } = (await inTenant().get<KubeObject>(pods, meta('main')))?.spec ?? {}
  await superOf().delete(nodes, { name })
  await eventually(async () => !(await inTenant().get(nodes, { name })), quick)
  // Super's pod garbage collector ends pods of a node that is no more.
  await superOf().delete(pods, { name: 'main', namespace: below }, { gracePeriodSeconds: 0 })
  await eventually(async () => !(await inTenant().get(pods, meta('main'))), quick)
  expect((await verifyOnce(clusters, acme)).differences).toEqual([])
})

test('rules for classes take hold while the tenant runs, and defaults with them', long, async () => {
  const isDefault = 'storageclass.kubernetes.io/is-default-class'
  await superOf().create(storageClasses, {
    metadata: { name: 'fast', labels: { tier: 'gold' }, annotations: { [isDefault]: 'true' } },
    provisioner: 'disks.example',
  })
  await superOf().create(priorityClasses, { metadata: { name: 'high' }, value: 100 })
  const defaultOf = async (name: string) =>
    (await inTenant().get<KubeObject>(storageClasses, { name }))?.metadata.annotations?.[isDefault]
  await eventually(async () => (await defaultOf('fast')) === 'true', quick)
  expect(await inTenant().get(priorityClasses, { name: 'high' })).toBeUndefined()

  const sync = { classes: { storage: { default: 'standard', selector: { tier: 'gold' } }, priority: { default: 'high' } } }
  await patchPlane(clusters, acme, { sync })
  await eventually(async () => (await defaultOf('standard')) === 'true' && (await defaultOf('fast')) === 'false', soon)
  await eventually(
    async () => (await inTenant().get<KubeObject>(priorityClasses, { name: 'high' }))?.['globalDefault'] === true,
    soon,
  )
  expect(await globex.api.client.get(priorityClasses, { name: 'high' })).toBeUndefined()

  await superOf().patch(storageClasses, { name: 'fast' }, { metadata: { labels: { tier: null } } }, { type: 'merge' })
  await eventually(async () => !(await inTenant().get(storageClasses, { name: 'fast' })), quick)
  await inTenant().create(persistentVolumeClaims, {
    metadata: meta('late'),
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'fast', resources: { requests: { storage: '1Gi' } } },
  })
  await eventually(async () => {
    const { items } = await inTenant().list<KubeObject>(events, { namespace: 'shop' })
    return items.some(({ reason, involvedObject }) => reason === 'StorageClassNotAllowed' && involvedObject.name === 'late')
  }, quick)
  await superOf().patch(storageClasses, { name: 'fast' }, { metadata: { labels: { tier: 'gold' } } }, { type: 'merge' })
  await eventually(() => superOf().get(persistentVolumeClaims, { name: 'late', namespace: below }), quick)
  expect((await verifyOnce(clusters, acme)).differences).toEqual([])
})
