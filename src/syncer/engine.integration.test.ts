import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { parseKubeconfig } from '../kube/kubeconfig.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { frozenAnnotation, resumeSyncAnnotation, tenantLabel } from '../tenancy/marks.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aConfigMap, aNamespace, aPod, aSecret, aService } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { grantSyncer, type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'
import { createEngine } from './engine.ts'
import { syncerLeaseName } from './lease.ts'
import { createSyncerMetrics } from './metrics.ts'
import { verifyTenant } from './verify/verify.ts'

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { pods, configMaps, secrets, services, namespaces, events, leases, tenantControlPlanes } = resourceTypes

/** One life of the syncer, as a process has it: its own clients, and an end in which nothing is finished. */
interface Life {
  stop(): Promise<void>
  /** All connections break at once, whatever is under way. */
  crash(): Promise<void>
}

let clusters: SyncClusters
let life: Life | undefined
let acme: SyncTenant
let globex: SyncTenant

const begin = async (): Promise<void> => {
  const opened: KubeClient[] = []
  const open = (connection: Parameters<typeof createKubeClient>[0]): KubeClient => {
    const client = createKubeClient(connection, { userAgent: 'berth-syncer' })
    opened.push(client)
    return client
  }
  const superClient = open(clusters.syncerConnection)
  const engine = createEngine({
    management: superClient,
    superClient,
    log,
    metrics: createSyncerMetrics(new Registry()),
    holder: 'test',
    owns: () => true,
    connect: (kubeconfig) => open(parseKubeconfig(kubeconfig)),
  })
  const closeAll = async () => {
    await Promise.all(opened.map((client) => client.close()))
  }
  await engine.start()
  life = {
    stop: async () => {
      await engine.stop()
      await closeAll()
    },
    crash: async () => {
      await closeAll()
      await engine.stop()
    },
  }
}

beforeAll(async () => {
  clusters = await startSyncClusters(['acme', 'globex'], { log })
  ;[acme, globex] = clusters.tenants as [SyncTenant, SyncTenant]
  await begin()
}, 300_000)

afterAll(async () => {
  await life?.stop()
  await clusters?.stop()
}, 60_000)

const superOf = () => clusters.superApi.client
const superNs = ({ ref }: SyncTenant, namespace: string): string => superNamespace(ref, namespace)
const isRunning = (pod: KubeObject | undefined): boolean => pod?.status?.phase === 'Running' && Boolean(pod.spec.nodeName)
const podIn = (client: KubeClient, namespace: string, name: string) => client.get(pods, { namespace, name })
const podsIn = async (client: KubeClient, namespace: string) => (await client.list(pods, { namespace })).items
const soon = { deadlineMs: 60_000 }

const createNamespace = ({ api }: SyncTenant, name: string) => api.client.create(namespaces, aNamespace({ metadata: { name } }))
const createPods = (tenant: SyncTenant, namespace: string, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      tenant.api.client.create(pods, aPod({ metadata: { namespace, name: `pod-${index}` } })),
    ),
  )
const deletePods = async ({ api }: SyncTenant, namespace: string, graceSeconds = 0) => {
  for (const { metadata } of await podsIn(api.client, namespace)) {
    await api.client.delete(pods, { namespace, name: metadata.name ?? '' }, { gracePeriodSeconds: graceSeconds })
  }
}

const allRunning = (tenant: SyncTenant, namespace: string, count: number, deadlineMs = soon.deadlineMs) =>
  eventually(
    async () => {
      const running = (await podsIn(tenant.api.client, namespace)).filter(isRunning).length
      return running === count || Promise.reject(new Error(`${running} of ${count} pods run`))
    },
    { deadlineMs, describe: `pods of ${tenant.ref.name}/${namespace}` },
  )

/** Both sides have come to rest and nothing differs. */
const expectEqualSides = async ({ ref }: SyncTenant): Promise<void> => {
  const report = await verifyTenant(
    { ...ref, rounds: 5, everyMs: 500, settleMs: 30_000, signal: AbortSignal.timeout(60_000) },
    {
      management: superOf(),
      superClient: superOf(),
      connect: (kubeconfig) => createKubeClient(parseKubeconfig(kubeconfig), { userAgent: 'berth-test' }),
    },
  )
  expect([...report.differences, ...report.moving]).toEqual([])
  expect(report.compared).toBeGreaterThan(0)
}

test('a pod goes down with what it refers to, its life comes back up, and its end goes down', { timeout: 120_000 }, async () => {
  const testNamespace = 'whole-way'
  const { client } = acme.api
  await createNamespace(acme, testNamespace)
  await client.create(configMaps, aConfigMap({ metadata: { name: 'settings', namespace: testNamespace } }))
  await client.create(configMaps, aConfigMap({ metadata: { name: 'unused', namespace: testNamespace } }))
  await client.create(secrets, aSecret({ metadata: { name: 'password', namespace: testNamespace } }))
  await client.create(services, aService({ metadata: { name: 'web', namespace: testNamespace } }))
  const env = [
    { name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'key' } } },
    { name: 'B', valueFrom: { secretKeyRef: { name: 'password', key: 'key' } } },
  ]
  const spec = { containers: [{ name: 'main', image: 'registry.example/web:1', env }] }
  await client.create(pods, aPod({ metadata: { name: 'web', namespace: testNamespace }, spec }))

  const running = await eventually(async () => {
    const pod = await podIn(client, testNamespace, 'web')
    return isRunning(pod) ? pod : undefined
  }, soon)
  const below = superNs(acme, testNamespace)
  const superPod = await podIn(superOf(), below, 'web')
  expect(running.spec.nodeName).toBe(superPod?.spec.nodeName)
  expect(running.status.podIP).toBe('10.131.0.7')
  expect((await superOf().list(configMaps, { namespace: below })).items.map(({ metadata }) => metadata.name)).toEqual([
    'settings',
  ])
  expect((await superOf().list(secrets, { namespace: below })).items.map(({ metadata }) => metadata.name)).toContain('password')
  const [tenantService, superService] = await Promise.all([
    client.get(services, { name: 'web', namespace: testNamespace }),
    superOf().get(services, { name: 'web', namespace: below }),
  ])
  expect(superService?.spec.clusterIP).toBe(tenantService?.spec.clusterIP)
  await expectEqualSides(acme)

  await client.delete(pods, { name: 'web', namespace: testNamespace })
  await eventually(async () => !(await podIn(client, testNamespace, 'web')) && !(await podIn(superOf(), below, 'web')), soon)
  await eventually(async () => (await superOf().list(configMaps, { namespace: below })).items.length === 0, soon)
  await expectEqualSides(acme)
})

test('a pod that ends in super ends in the tenant too, and only that one', { timeout: 120_000 }, async () => {
  const testNamespace = 'evicted'
  await createNamespace(acme, testNamespace)
  await createPods(acme, testNamespace, 2)
  await allRunning(acme, testNamespace, 2)
  await superOf().delete(pods, { name: 'pod-0', namespace: superNs(acme, testNamespace) }, { gracePeriodSeconds: 0 })
  await eventually(async () => !(await podIn(acme.api.client, testNamespace, 'pod-0')), soon)
  await allRunning(acme, testNamespace, 1)
  await expectEqualSides(acme)
})

test('a syncer that dies in the middle of its work is followed by one that ends it', { timeout: 180_000 }, async () => {
  const testNamespace = 'crashes'
  await createNamespace(acme, testNamespace)
  await createPods(acme, testNamespace, 60)
  for (const enough of [5, 30]) {
    await eventually(async () => (await podsIn(superOf(), superNs(acme, testNamespace))).length >= enough, soon)
    await life?.crash()
    await begin()
  }
  await allRunning(acme, testNamespace, 60)
  const uids = (await podsIn(acme.api.client, testNamespace)).map(({ metadata }) => metadata.uid)
  await life?.crash()
  for (let index = 0; index < 30; index += 1) {
    await acme.api.client.delete(pods, { name: `pod-${index}`, namespace: testNamespace }, { gracePeriodSeconds: 0 })
  }
  await begin()
  await eventually(async () => (await podsIn(superOf(), superNs(acme, testNamespace))).length === 30, soon)
  await allRunning(acme, testNamespace, 30)
  const left = (await podsIn(acme.api.client, testNamespace)).map(({ metadata }) => metadata.uid)
  expect(left.every((uid) => uids.includes(uid))).toBe(true)
  await expectEqualSides(acme)
})

test('what happens while a tenant API server is away is caught up when it is back', { timeout: 240_000 }, async () => {
  const testNamespace = 'away'
  await createNamespace(acme, testNamespace)
  clusters.kubelet.hold()
  await createPods(acme, testNamespace, 10)
  await eventually(async () => (await podsIn(superOf(), superNs(acme, testNamespace))).length === 10, soon)
  await acme.api.kill()
  clusters.kubelet.release()
  await eventually(async () => (await podsIn(superOf(), superNs(acme, testNamespace))).every(isRunning), soon)
  await acme.api.restart()
  await allRunning(acme, testNamespace, 10)
  await expectEqualSides(acme)
})

test('a tenant whose API server hangs costs another tenant nothing', { timeout: 240_000 }, async () => {
  const testNamespace = 'frozen'
  await Promise.all([createNamespace(acme, testNamespace), createNamespace(globex, testNamespace)])
  clusters.kubelet.hold()
  await createPods(acme, testNamespace, 60)
  await eventually(async () => (await podsIn(superOf(), superNs(acme, testNamespace))).length === 60, soon)
  acme.api.freeze()
  try {
    // Sixty pods of the hung tenant become Ready at once: each wants to be told to an API server that does not answer.
    clusters.kubelet.release()
    await eventually(async () => (await podsIn(superOf(), superNs(acme, testNamespace))).every(isRunning), soon)
    for (let batch = 0; batch < 3; batch += 1) {
      await globex.api.client.create(pods, aPod({ metadata: { namespace: testNamespace, name: `pod-${batch}` } }))
      await allRunning(globex, testNamespace, batch + 1, 5_000)
    }
  } finally {
    acme.api.thaw()
  }
  await allRunning(acme, testNamespace, 60)
  await expectEqualSides(acme)
  await expectEqualSides(globex)
})

test("a stranger's object in the way stays untouched, is told to the tenant, and once gone makes way", {
  timeout: 180_000,
}, async () => {
  const testNamespace = 'foreign'
  const below = superNs(acme, testNamespace)
  await createNamespace(acme, testNamespace)
  await eventually(() => superOf().get(namespaces, { name: below }), soon)
  await superOf().create(pods, aPod({ metadata: { name: 'taken', namespace: below, labels: { owner: 'stranger' } } }))
  await acme.api.client.create(pods, aPod({ metadata: { name: 'taken', namespace: testNamespace } }))
  const told = await eventually(async () => {
    const { items } = await acme.api.client.list(events, { namespace: testNamespace, fieldSelector: 'involvedObject.name=taken' })
    return items.find(({ reason }) => reason === 'SyncFailed')
  }, soon)
  expect(told.message).toContain('in the way')
  expect(told.message).not.toContain(below)
  expect((await podIn(superOf(), below, 'taken'))?.metadata.labels).toEqual({ owner: 'stranger' })

  await acme.api.client.delete(pods, { name: 'taken', namespace: testNamespace }, { gracePeriodSeconds: 0 })
  await acme.api.client.create(pods, aPod({ metadata: { name: 'taken', namespace: testNamespace } }))
  await superOf().delete(pods, { name: 'taken', namespace: below }, { gracePeriodSeconds: 0 })
  await allRunning(acme, testNamespace, 1, 90_000)
  await deletePods(acme, testNamespace)
  await expectEqualSides(acme)
})

test('an emptied data store freezes its tenant; nothing is deleted before the word to go on', { timeout: 240_000 }, async () => {
  const testNamespace = 'precious'
  const below = superNs(globex, testNamespace)
  await createNamespace(globex, testNamespace)
  await createPods(globex, testNamespace, 12)
  await allRunning(globex, testNamespace, 12)
  const lease = () => superOf().get(leases, { name: syncerLeaseName, namespace: globex.controlPlaneNamespace })

  await globex.api.replaceStore()
  await grantSyncer(globex.api)
  const frozen = await eventually(async () => (await lease())?.metadata.annotations?.[frozenAnnotation], soon)
  expect(frozen).toContain('data store')
  // Also a syncer that starts only now, with nothing remembered, keeps its hands off.
  await life?.crash()
  await begin()
  await acme.api.client.create(pods, aPod({ metadata: { namespace: 'frozen', name: 'meanwhile' } }))
  await allRunning(acme, 'frozen', 61)
  const kept = await podsIn(superOf(), below)
  expect(kept.filter(({ metadata }) => metadata.deletionTimestamp === undefined)).toHaveLength(12)
  expect((await lease())?.metadata.annotations?.[frozenAnnotation]).toBe(frozen)

  const word = { metadata: { annotations: { [resumeSyncAnnotation]: 'data was given up' } } }
  await superOf().patch(tenantControlPlanes, { name: globex.ref.name, namespace: globex.ref.namespace }, word)
  await eventually(async () => (await podsIn(superOf(), below)).length === 0, soon)
  await eventually(async () => (await lease())?.metadata.annotations?.[frozenAnnotation] === undefined, soon)
  await eventually(async () => (await superOf().get(namespaces, { name: below }))?.metadata.deletionTimestamp, soon)
  await createNamespace(globex, 'anew')
  await createPods(globex, 'anew', 3)
  await allRunning(globex, 'anew', 3)
})

test('nothing in super carries the label of a tenant that is not there', async () => {
  const uids = clusters.tenants.map(({ ref }) => ref.uid)
  const { items } = await superOf().list(pods, { labelSelector: tenantLabel })
  expect(items.filter(({ metadata }) => !uids.includes(metadata.labels?.[tenantLabel] ?? ''))).toEqual([])
})
