import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { hibernationAnnotation, tenantObjectUidAnnotation } from '../tenancy/marks.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aNamespace, aPod } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { playedNode } from '../testing/play-kubelet.ts'
import { type RunningSyncer, runSyncer } from '../testing/run-syncer.ts'
import { patchPlane, type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

/** A tenant's pods go to sleep and are made anew; the tenant is told nothing of it. */
const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { pods, namespaces, nodes, leases, events, tenantControlPlanes } = resourceTypes
const namespace = 'work'
const soon = { deadlineMs: 30_000 }
const timeout = 120_000

let clusters: SyncClusters
let syncer: RunningSyncer
let acme: SyncTenant
let superNs: string

beforeAll(async () => {
  clusters = await startSyncClusters(['acme'], { log })
  acme = clusters.tenants[0] as SyncTenant
  superNs = superNamespace(acme.ref, namespace)
  syncer = await runSyncer(clusters, { log })
  await acme.api.client.create(namespaces, aNamespace({ metadata: { name: namespace } }))
}, 300_000)
afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)
afterEach(() => clusters.kubelet.release())

const superClient = () => clusters.superApi.client
const tenantPods = async () => (await acme.api.client.list<KubeObject>(pods, { namespace })).items
const superPods = async () => (await superClient().list<KubeObject>(pods, { namespace: superNs })).items
const make = (name: string, spec: Record<string, unknown> = {}) =>
  acme.api.client.create(
    pods,
    aPod({ metadata: { name, namespace }, spec: { containers: [{ name: 'main', image: 'registry.example/web:1' }], ...spec } }),
  )
const tenantPod = (name: string, holds: (pod: KubeObject) => unknown): Promise<KubeObject> =>
  eventually(
    async () => {
      const pod = await acme.api.client.get(pods, { name, namespace })
      if (!pod) throw new Error(`no pod ${name}`)
      if (!holds(pod)) throw new Error(JSON.stringify({ metadata: pod.metadata, spec: pod.spec, status: pod.status }))
      return pod
    },
    { ...soon, describe: `pod ${name} of the tenant` },
  )
const isRunning = ({ spec, status }: KubeObject) => Boolean(spec.nodeName) && status?.phase === 'Running'
const runs = (name: string) => tenantPod(name, isRunning)

/** What the manager says, by the spec and by its condition. */
const setHibernates = async (hibernates: boolean): Promise<void> => {
  await patchPlane(clusters, acme, { state: hibernates ? 'Hibernated' : 'Running' })
  const ref = { name: acme.ref.name, namespace: acme.ref.namespace }
  const plane = await superClient().get<KubeObject>(tenantControlPlanes, ref)
  const others = (plane?.status?.conditions ?? []).filter(({ type }: { type: string }) => type !== 'Paused')
  const reason = hibernates ? 'Hibernating' : 'Running'
  const paused = { type: 'Paused', status: 'False', reason, message: '', lastTransitionTime: new Date().toISOString() }
  const status = { conditions: [...others, paused] }
  await superClient().patch(tenantControlPlanes, ref, { status }, { subresource: 'status' })
}
const note = async (): Promise<string | undefined> => {
  const lease = await superClient().get<KubeObject>(leases, { name: 'berth-syncer', namespace: acme.controlPlaneNamespace })
  return lease?.metadata.annotations?.[hibernationAnnotation]
}
const untilNote = (wanted: string | undefined) =>
  eventually(
    async () => {
      const now = await note()
      if (now !== wanted)
        throw new Error(`the Lease says ${now}; in super: ${(await superPods()).map(({ metadata }) => metadata.name).join(' ')}`)
      return true
    },
    { ...soon, describe: `the note ${wanted}` },
  )
const restartSyncer = async (): Promise<void> => {
  await syncer.stop()
  syncer = await runSyncer(clusters, { log })
}
const clear = async (): Promise<void> => {
  for (const { metadata } of await tenantPods())
    await acme.api.client.delete(pods, { name: metadata.name ?? '', namespace }, { gracePeriodSeconds: 0 })
  await eventually(async () => (await superPods()).length === 0, { ...soon, describe: 'no pod in super' })
}
const plain = ({ metadata, spec, status }: KubeObject) => ({
  uid: metadata.uid,
  deleted: metadata.deletionTimestamp,
  node: spec.nodeName,
  phase: status?.phase,
})

test('all pods end in super, the tenant sees none of it, and each is made anew on its node', { timeout }, async () => {
  for (const name of ['web-0', 'web-1', 'web-2']) await make(name)
  const before = await Promise.all(['web-0', 'web-1', 'web-2'].map(runs))
  const first = new Map((await superPods()).map(({ metadata }) => [metadata.name, metadata.uid]))
  await setHibernates(true)
  await untilNote('ended: 0')
  expect(await superPods()).toEqual([])
  // What is made meanwhile waits for the wake.
  await make('late')
  await restartSyncer()
  expect((await tenantPods()).filter(({ metadata }) => metadata.name !== 'late').map(plain)).toEqual(before.map(plain))
  expect(await superPods()).toEqual([])

  await setHibernates(false)
  await untilNote(undefined)
  await runs('late')
  await eventually(async () => (await superPods()).every(isRunning), { ...soon, describe: 'all pods in super to run' })
  const after = await Promise.all(['web-0', 'web-1', 'web-2'].map(runs))
  expect(after.map(plain)).toEqual(before.map(plain))
  for (const made of (await superPods()).filter(({ metadata }) => metadata.name !== 'late')) {
    expect(made.metadata.uid).not.toBe(first.get(made.metadata.name))
    const pod = after.find(({ metadata }) => metadata.name === made.metadata.name)
    expect(made.metadata.annotations?.[tenantObjectUidAnnotation]).toBe(pod?.metadata.uid)
    expect(made.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms).toEqual([
      { matchFields: [{ key: 'metadata.name', operator: 'In', values: [pod?.spec.nodeName] }] },
    ])
  }
  const failures = (await acme.api.client.list<KubeObject>(events, { namespace })).items.filter(({ type }) => type === 'Warning')
  expect(failures.map(({ reason, message }) => `${reason}: ${message}`)).toEqual([])
  await clear()
})

test('a syncer that ends on the way goes on where it was', { timeout }, async () => {
  for (const name of ['web-0', 'web-1']) await make(name)
  const before = await Promise.all(['web-0', 'web-1'].map(runs))
  // Pods linger on their way out, and a new process finds them so.
  clusters.kubelet.hold()
  await setHibernates(true)
  await eventually(async () => (await superPods()).every(({ metadata }) => metadata.deletionTimestamp), {
    ...soon,
    describe: 'all pods told to end',
  })
  await restartSyncer()
  await untilNote('ending: 2')
  // Woken before they have ended: they end nevertheless, and come back.
  await setHibernates(false)
  await untilNote('waking: 2')
  await restartSyncer()
  clusters.kubelet.release()
  await untilNote(undefined)
  await eventually(async () => (await superPods()).length === 2 && (await superPods()).every(isRunning), {
    ...soon,
    describe: 'both pods in super again',
  })
  expect((await Promise.all(['web-0', 'web-1'].map(runs))).map(plain)).toEqual(before.map(plain))
  await clear()
})

test('to and fro at once loses nothing', { timeout }, async () => {
  const names = Array.from({ length: 40 }, (_, index) => `web-${String(index).padStart(2, '0')}`)
  await Promise.all(names.map((name) => make(name)))
  const before = await Promise.all(names.map(runs))
  for (let turn = 0; turn < 6; turn += 1) {
    await setHibernates(true)
    // Now before the first pod has ended, now in the middle of it.
    if (turn % 2 === 0)
      await eventually(async () => (await note())?.startsWith('end'), { ...soon, everyMs: 5, describe: 'the note' })
    await setHibernates(false)
    if (turn % 3 === 2) await restartSyncer()
  }
  await untilNote(undefined)
  await eventually(async () => (await superPods()).length === names.length && (await superPods()).every(isRunning), {
    ...soon,
    describe: 'all pods in super again',
  })
  // Told in the tenant a moment later.
  expect((await Promise.all(names.map(runs))).map(plain)).toEqual(before.map(plain))
  await clear()
})

test('a pod that waits for room on its node is changed in place, and not lost when super loses it', { timeout }, async () => {
  await make('waits')
  const before = await runs('waits')
  await acme.api.client.patch(nodes, { name: before.spec.nodeName }, { metadata: { labels: { disk: 'ssd' } } }, { type: 'merge' })
  await make('chooses', { nodeSelector: { disk: 'ssd' } })
  const chooses = await runs('chooses')
  await setHibernates(true)
  await untilNote('ended: 0')
  clusters.kubelet.hold()
  await setHibernates(false)
  await untilNote('waking: 0')
  const made = () => superClient().get(pods, { name: 'waits', namespace: superNs })
  const first = await made()
  await acme.api.client.patch(pods, { name: 'waits', namespace }, { metadata: { labels: { tier: 'front' } } }, { type: 'merge' })
  await eventually(async () => (await made())?.metadata.labels?.['tier'] === 'front', { ...soon, describe: 'the label in super' })
  expect((await made())?.metadata.uid).toBe(first?.metadata.uid)
  await superClient().delete(pods, { name: 'waits', namespace: superNs }, { gracePeriodSeconds: 0 })
  await eventually(async () => ![undefined, first?.metadata.uid].includes((await made())?.metadata.uid), {
    ...soon,
    describe: 'the pod in super once more',
  })
  clusters.kubelet.release()
  await untilNote(undefined)
  expect(plain(await runs('waits'))).toEqual(plain(before))
  // A label of the tenant's own says nothing in super.
  const again = await superClient().get(pods, { name: 'chooses', namespace: superNs })
  expect(again?.spec.nodeSelector).toBeUndefined()
  expect(plain(await runs('chooses'))).toEqual(plain(chooses))
  await clear()
})

test('a note that somebody left late is taken up', { timeout }, async () => {
  await make('web-0')
  const before = await runs('web-0')
  const first = await superPods()
  const lease = { name: 'berth-syncer', namespace: acme.controlPlaneNamespace }
  await superClient().patch(
    leases,
    lease,
    { metadata: { annotations: { [hibernationAnnotation]: 'waking: 1' } } },
    { type: 'merge' },
  )
  await untilNote(undefined)
  expect((await superPods()).map(({ metadata }) => metadata.uid)).toEqual(first.map(({ metadata }) => metadata.uid))
  expect(plain(await runs('web-0'))).toEqual(plain(before))
  await clear()
})

test('what has ended stays to be looked at, and is not run again', { timeout }, async () => {
  await make('job', { restartPolicy: 'Never' })
  await runs('job')
  const terminated = { exitCode: 0, reason: 'Completed', finishedAt: '2026-06-01T00:00:00Z', startedAt: '2026-06-01T00:00:00Z' }
  const containerStatuses = [
    { name: 'main', image: 'x', imageID: 'x', ready: false, restartCount: 0, state: { running: null, terminated } },
  ]
  const status = { phase: 'Succeeded', containerStatuses }
  await superClient().patch(pods, { name: 'job', namespace: superNs }, { status }, { type: 'strategic', subresource: 'status' })
  await tenantPod('job', (pod) => pod.status?.phase === 'Succeeded')
  const [super1] = await superPods()
  await setHibernates(true)
  await untilNote('ended: 0')
  await setHibernates(false)
  await untilNote(undefined)
  expect((await superPods()).map(({ metadata }) => metadata.uid)).toEqual([super1?.metadata.uid])
  await clear()
})

test('what ended for good in a pod runs once more, and the API server has nothing against it', { timeout }, async () => {
  await make('task', {
    restartPolicy: 'Never',
    initContainers: [{ name: 'first', image: 'registry.example/first:1' }],
  })
  await runs('task')
  const terminated = { exitCode: 0, reason: 'Completed', finishedAt: '2026-06-01T00:00:00Z', startedAt: '2026-06-01T00:00:00Z' }
  const done = { name: 'first', image: 'x', imageID: 'x', ready: true, restartCount: 0, state: { terminated } }
  const superSays = (first: object) =>
    superClient().patch(
      pods,
      { name: 'task', namespace: superNs },
      { status: { initContainerStatuses: [first] } },
      { type: 'strategic', subresource: 'status' },
    )
  await superSays(done)
  await tenantPod('task', ({ status }) => status?.initContainerStatuses?.[0]?.state?.terminated)
  await setHibernates(true)
  await untilNote('ended: 0')
  await setHibernates(false)
  await untilNote(undefined)
  await eventually(async () => (await superPods()).every(isRunning), { ...soon, describe: 'the pod in super again' })
  await superSays({ ...done, ready: false, state: { running: { startedAt: '2026-06-02T00:00:00Z' } } })
  await superClient().patch(
    pods,
    { name: 'task', namespace: superNs },
    { status: { message: 'runs its first container again' } },
    { type: 'strategic', subresource: 'status' },
  )
  await tenantPod('task', ({ status }) => status?.message === 'runs its first container again')
  await clear()
})

test('a pod whose node has gone meanwhile has ended', { timeout }, async () => {
  await make('stays')
  const { spec } = await runs('stays')
  await make('lost', { nodeName: spec.nodeName === 'node-1' ? 'node-2' : 'node-1' })
  const lost = await runs('lost')
  await setHibernates(true)
  await untilNote('ended: 0')
  const node = await superClient().get<KubeObject>(nodes, { name: lost.spec.nodeName })
  await superClient().delete(nodes, { name: lost.spec.nodeName })
  await restartSyncer()
  await setHibernates(false)
  await untilNote(undefined)
  await runs('stays')
  await eventually(
    async () => {
      const left = (await tenantPods()).filter(({ metadata }) => metadata.name !== 'stays')
      if (left.length > 0) throw new Error(JSON.stringify(left))
      return true
    },
    { ...soon, describe: 'the pod of the lost node to be gone' },
  )
  await superClient().create(nodes, playedNode(lost.spec.nodeName, node?.status?.addresses[0].address))
  await clear()
})
