import { isDeepStrictEqual } from 'node:util'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aNamespace, aPod } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import { patchPlane, type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

/** Nodes of one tenant: another one neither sees them nor gets there, whatever its pods ask for. */

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { namespaces, pods, nodes, events, runtimeClasses } = resourceTypes
const namespace = 'shop'
const soon = { deadlineMs: 30_000 }
const long = { timeout: 120_000 }
const taint = { key: 'pool', value: 'a', effect: 'NoSchedule' }
const outOfA = { key: 'pool', operator: 'NotIn', values: ['a'] }

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let acme: SyncTenant
let globex: SyncTenant
/** How far the syncer's clock is ahead: a Node that nobody needs stays for two minutes. */
let aheadMs = 0

beforeAll(async () => {
  clusters = await startSyncClusters(['acme', 'globex'], { log })
  ;[acme, globex] = clusters.tenants as [SyncTenant, SyncTenant]
  syncer = await runSyncer(clusters, { log, now: () => Date.now() + aheadMs })
  for (const { api } of clusters.tenants) await api.client.create(namespaces, aNamespace({ metadata: { name: namespace } }))
}, 300_000)
afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)

const superOf = () => clusters.superApi.client
const seen = async ({ api }: SyncTenant) =>
  (await api.client.list(nodes)).items.map(({ metadata }) => metadata.name ?? '').toSorted()
const sees = (tenant: SyncTenant, ...names: readonly string[]) =>
  eventually(
    async () => {
      if (isDeepStrictEqual(await seen(tenant), names)) return true
      aheadMs += 121_000
      for (const name of ['node-1', 'node-2'])
        await superOf().patch(nodes, { name }, { metadata: { annotations: { 'example.com/heard': String(aheadMs) } } })
      throw new Error(`it sees ${String(await seen(tenant))}`)
    },
    { ...soon, everyMs: 250, describe: `just the nodes ${names.join(', ')} in ${tenant.ref.name}` },
  )
const make = ({ api }: SyncTenant, name: string, spec: Record<string, unknown> = {}) =>
  api.client.create(
    pods,
    aPod({ metadata: { name, namespace }, spec: { containers: [{ name: 'main', image: 'registry.example/web:1' }], ...spec } }),
  )
const superPod = ({ ref }: SyncTenant, name: string) =>
  superOf().get<KubeObject>(pods, { name, namespace: superNamespace(ref, namespace) })
const below = (tenant: SyncTenant, name: string, holds: (pod: KubeObject) => unknown): Promise<KubeObject> =>
  eventually(
    async () => {
      const pod = await superPod(tenant, name)
      if (!pod || !holds(pod)) throw new Error(JSON.stringify(pod?.spec ?? 'no pod'))
      return pod
    },
    { ...soon, describe: `pod ${name} of ${tenant.ref.name} in super` },
  )
const termsOf = ({ spec }: KubeObject): readonly { matchExpressions?: object[] }[] =>
  spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
const staysOut = (pod: KubeObject): boolean => {
  const terms = termsOf(pod)
  return (
    terms.length > 0 && terms.every(({ matchExpressions }) => matchExpressions?.some((one) => isDeepStrictEqual(one, outOfA)))
  )
}
const told = ({ api }: SyncTenant, name: string, reason: string) =>
  eventually(
    async () => {
      const { items } = await api.client.list<KubeObject>(events, { namespace, fieldSelector: `involvedObject.name=${name}` })
      return items.find((event) => event.reason === reason)
    },
    { ...soon, describe: `an Event ${reason} of pod ${name}` },
  )
const equal = async (tenant: SyncTenant): Promise<void> => {
  const { differences, moving } = await verifyOnce(clusters, tenant)
  expect([...differences, ...moving]).toEqual([])
}

test('a pool is closed to others from the moment it is said, also for pods that wait for a node', long, async () => {
  clusters.kubelet.hold()
  await make(globex, 'waits')
  expect(termsOf(await below(globex, 'waits', () => true))).toEqual([])
  await make(acme, 'ran-before')
  await below(acme, 'ran-before', () => true)
  await sees(globex, 'node-1', 'node-2')

  await superOf().patch(nodes, { name: 'node-1' }, { metadata: { labels: { pool: 'a' } }, spec: { taints: [taint] } })
  await patchPlane(clusters, acme, { isolation: { nodePool: { nodeSelector: { pool: 'a' }, taints: [taint] } } })
  await below(globex, 'waits', staysOut)
  const owned = await below(acme, 'ran-before', ({ spec }) => spec.nodeSelector?.pool === 'a')
  expect(owned.spec.tolerations).toContainEqual({ key: 'pool', operator: 'Equal', value: 'a', effect: 'NoSchedule' })
  await sees(globex, 'node-2')
  await sees(acme, 'node-1')
})

test('no trick leads there, and none shows the node', long, async () => {
  const tricks: Record<string, Record<string, unknown>> = {
    named: { nodeName: 'node-1' },
    selects: { nodeSelector: { pool: 'a' }, tolerations: [{ operator: 'Exists' }] },
    affine: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'pool', operator: 'In', values: ['a'] }] },
              { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-1'] }] },
            ],
          },
        },
      },
      tolerations: [{ key: 'pool', operator: 'Exists' }],
    },
  }
  // Its own Node with the same taint gives it no right to super's.
  await globex.api.client.patch(nodes, { name: 'node-2' }, { spec: { taints: [taint] } }, { type: 'merge' })
  for (const [name, spec] of Object.entries(tricks)) {
    await make(globex, name, spec)
    const { spec: made } = await below(globex, name, staysOut)
    const keys = (made.tolerations ?? []).map(({ key }: { key?: string }) => key)
    expect(keys).not.toContain('pool')
    expect(keys).not.toContain(undefined)
  }
  // As if super had bound it there: the word of whoever writes to the tenant's API.
  await make(globex, 'pretends', { nodeName: 'node-1' })
  const status = { conditions: [{ type: 'PodScheduled', status: 'True' }] }
  await globex.api.client.patch(pods, { name: 'pretends', namespace }, { status }, { type: 'strategic', subresource: 'status' })
  await below(globex, 'pretends', staysOut)
  await sees(globex, 'node-2')
  await globex.api.client.patch(nodes, { name: 'node-2' }, { spec: { taints: null } }, { type: 'merge' })
})

test('in the pool a pod that wants elsewhere is told so', long, async () => {
  await make(acme, 'leaves', { nodeSelector: { pool: 'b' } })
  await told(acme, 'leaves', 'OutsideNodePool')
  expect(await superPod(acme, 'leaves')).toBeUndefined()
  await acme.api.client.delete(pods, { name: 'leaves', namespace }, { gracePeriodSeconds: 0 })
})

test('a taint that super gets is tolerated by who tolerates all, and by none whose tenant may not', long, async () => {
  const all = { tolerations: [{ operator: 'Exists' }] }
  await make(globex, 'tolerant', all)
  const keysOf = ({ spec }: KubeObject): string[] => (spec.tolerations ?? []).map(({ key }: { key: string }) => key)
  expect(keysOf(await below(globex, 'tolerant', () => true))).not.toContain('gpu')
  const role = 'node-role.kubernetes.io/control-plane'
  const taints = ['gpu', role].map((key) => ({ key, effect: 'NoSchedule' }))
  await superOf().patch(nodes, { name: 'node-2' }, { spec: { taints } })
  expect(keysOf(await below(globex, 'tolerant', (pod) => keysOf(pod).includes('gpu')))).not.toContain(role)
  await make(globex, 'asks', {
    tolerations: [
      { key: role, operator: 'Exists' },
      { key: 'gpu', operator: 'Exists' },
    ],
  })
  await told(globex, 'asks', 'TolerationNotAllowed')
  expect(keysOf(await below(globex, 'asks', () => true))).not.toContain(role)
  await patchPlane(clusters, globex, { isolation: { pods: { tolerations: [] } } })
  for (const name of ['tolerant', 'asks']) await below(globex, name, (pod) => !keysOf(pod).includes('gpu'))
  await superOf().patch(nodes, { name: 'node-2' }, { spec: { taints: [] } })
})

test('a forced runtime class is that of every pod, and without it none run', long, async () => {
  await patchPlane(clusters, globex, { sync: { classes: { runtime: { forced: 'sandbox' } } } })
  await make(globex, 'boxed')
  await told(globex, 'boxed', 'RuntimeClassMissing')
  const overhead = { podFixed: { cpu: '10m', memory: '16Mi' } }
  await superOf().create(runtimeClasses, { metadata: { name: 'sandbox' }, handler: 'runsc', overhead })
  const { spec } = await below(globex, 'boxed', () => true)
  expect([spec.runtimeClassName, spec.overhead]).toEqual(['sandbox', overhead.podFixed])
})

test('all of it is what the two sides agree on', long, async () => {
  clusters.kubelet.release()
  const done = async (tenant: SyncTenant) => {
    const { items } = await tenant.api.client.list<KubeObject>(pods, { namespace })
    return items.every(({ status }) => status?.phase === 'Running')
  }
  for (const tenant of [acme, globex]) {
    await eventually(() => done(tenant), { ...soon, describe: `all pods of ${tenant.ref.name} running` })
    await equal(tenant)
  }
})
