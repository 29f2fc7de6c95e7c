import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aConfigMap, aNamespace, aPod, aSecret, aService } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import { type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

/** A tenant one minor older than super: what only super knows of must neither come up in vain nor be asked for. */

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { pods, configMaps, secrets, services, namespaces, nodes, ingresses, networkPolicies } = resourceTypes
const { persistentVolumeClaims, podDisruptionBudgets, storageClasses, ingressClasses } = resourceTypes
const soon = { deadlineMs: 30_000 }

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let old: SyncTenant
let below: string

beforeAll(async () => {
  clusters = await startSyncClusters(['old'], { log, tenantMinor: '1.36' })
  old = clusters.tenants[0] as SyncTenant
  below = superNamespace(old.ref, 'shop')
  await superOf().create(storageClasses, { metadata: { name: 'standard' }, provisioner: 'disks.example' })
  await superOf().create(ingressClasses, { metadata: { name: 'public' }, spec: { controller: 'example.com/proxy' } })
  syncer = await runSyncer(clusters, { log })
  await inTenant().create(namespaces, aNamespace({ metadata: { name: 'shop' } }))
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)

const superOf = () => clusters.superApi.client
const inTenant = () => old.api.client
const at = (name: string) => ({ name, namespace: 'shop' })
const minorOf = async (client: ReturnType<typeof superOf>): Promise<string> =>
  (JSON.parse((await client.raw('/version')).body) as { minor: string }).minor
const pod = (name: string) => inTenant().get<KubeObject>(pods, at(name))
const runs = (name: string) =>
  eventually(
    async () => {
      const seen = await pod(name)
      return seen?.status?.phase === 'Running' && seen
    },
    { ...soon, describe: `pod ${name} running in the tenant` },
  )

test('the tenant is older than super', async () => {
  expect([await minorOf(superOf()), await minorOf(inTenant())]).toEqual(['37', '36'])
})

test('a pod goes down with what it uses, its life comes up, and its end goes down', { timeout: 60_000 }, async () => {
  await inTenant().create(configMaps, aConfigMap({ metadata: at('settings') }))
  await inTenant().create(secrets, aSecret({ metadata: at('password') }))
  const env = [
    { name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'key' } } },
    { name: 'B', valueFrom: { secretKeyRef: { name: 'password', key: 'key' } } },
  ]
  await inTenant().create(pods, aPod({ metadata: at('web'), spec: { containers: [{ name: 'main', image: 'x:1', env }] } }))
  expect(await runs('web')).toMatchObject({ status: { qosClass: 'BestEffort' } })
  await inTenant().patch(pods, at('web'), { spec: { containers: [{ name: 'main', image: 'x:2' }] } }, { type: 'strategic' })
  await eventually(
    async () => (await superOf().get<KubeObject>(pods, { name: 'web', namespace: below }))?.spec.containers[0].image === 'x:2',
    soon,
  )
  await inTenant().delete(pods, at('web'), { gracePeriodSeconds: 0 })
  await eventually(async () => !(await superOf().get(pods, { name: 'web', namespace: below })), soon)
})

const made: readonly (readonly [type: ResourceType, object: KubeObject])[] = [
  [services, aService({ metadata: at('web') })],
  [
    persistentVolumeClaims,
    {
      metadata: at('data'),
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'standard', resources: { requests: { storage: '1Gi' } } },
    },
  ],
  [
    ingresses,
    {
      metadata: at('web'),
      spec: { ingressClassName: 'public', defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
    },
  ],
  [networkPolicies, { metadata: at('deny'), spec: { podSelector: {} } }],
  [podDisruptionBudgets, { metadata: at('web'), spec: { minAvailable: 1, selector: { matchLabels: { app: 'x' } } } }],
]

test('every kind goes down and comes to rest, with all that a newer super says of its nodes and claims', {
  timeout: 60_000,
}, async () => {
  const nodeInfo = { runningInUserNamespace: true, kubeletVersion: 'v1.37.1' }
  await superOf().patch(nodes, { name: 'node-1' }, { status: { nodeInfo } }, { subresource: 'status' })
  for (const [type, object] of made) await inTenant().create(type, object)
  for (const [type, { metadata }] of made) {
    const name = metadata.name ?? ''
    await eventually(() => superOf().get(type, { name, namespace: below }), {
      ...soon,
      describe: `${type.plural} ${name} in super`,
    })
  }
  const node = await eventually(async () => {
    const seen = await inTenant().get<KubeObject>(nodes, { name: 'node-1' })
    return seen?.status?.nodeInfo?.kubeletVersion === 'v1.37.1' ? seen : undefined
  }, soon)
  // While other things come and go, nothing is written again and again.
  for (const name of ['first', 'second', 'third']) {
    await inTenant().create(pods, aPod({ metadata: at(name) }))
    await runs(name)
  }
  const after = await inTenant().get<KubeObject>(nodes, { name: 'node-1' })
  expect(after?.metadata.resourceVersion).toBe(node.metadata.resourceVersion)
  const report = await verifyOnce(clusters, old)
  expect([...report.differences, ...report.moving]).toEqual([])
  expect(report.compared).toBeGreaterThan(10)
})
