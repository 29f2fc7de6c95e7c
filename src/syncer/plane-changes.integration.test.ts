import { isDeepStrictEqual } from 'node:util'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { aNamespace, aPod } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import {
  grantSyncer,
  patchPlane,
  renewSyncerKey,
  type SyncClusters,
  type SyncTenant,
  startSyncClusters,
} from '../testing/sync-clusters.ts'

/** What an operator, or the manager, changes of a tenant while it is served. */

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { namespaces, pods, nodes } = resourceTypes
const soon = { deadlineMs: 30_000 }
const long = { timeout: 120_000 }

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let acme: SyncTenant
let globex: SyncTenant
/** How far the syncer's clock is ahead: a Node that nobody needs stays for two minutes. */
let aheadMs = 0

beforeAll(async () => {
  clusters = await startSyncClusters(['acme', 'globex'], { log })
  ;[acme, globex] = clusters.tenants as [SyncTenant, SyncTenant]
  for (const [name, zone] of [
    ['node-1', 'a'],
    ['node-2', 'b'],
  ] as const)
    await superOf().patch(nodes, { name }, { metadata: { labels: { zone } } })
  syncer = await runSyncer(clusters, { log, now: () => Date.now() + aheadMs })
  for (const { api } of clusters.tenants) await api.client.create(namespaces, aNamespace({ metadata: { name: 'shop' } }))
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)

const superOf = () => clusters.superApi.client
const inTenant = () => acme.api.client
/** Two minutes pass, and something is heard of each node. */
const timePasses = async (): Promise<void> => {
  aheadMs += 121_000
  for (const name of ['node-1', 'node-2'])
    await superOf().patch(nodes, { name }, { metadata: { annotations: { 'example.com/heard': String(aheadMs) } } })
}
const seen = async () => (await inTenant().list(nodes)).items.map(({ metadata }) => metadata.name ?? '').toSorted()
const sees = (...names: readonly string[]) =>
  eventually(
    async () => {
      if (isDeepStrictEqual(await seen(), names)) return true
      await timePasses()
      throw new Error(`it sees ${String(await seen())}`)
    },
    { ...soon, everyMs: 250, describe: `just the nodes ${names.join(', ')} in the tenant` },
  )
const runPod = async (name: string): Promise<void> => {
  await inTenant().create(pods, aPod({ metadata: { name, namespace: 'shop' } }))
  await eventually(
    async () => (await inTenant().get<KubeObject>(pods, { name, namespace: 'shop' }))?.status?.phase === 'Running',
    { ...soon, describe: `pod ${name} running` },
  )
}

test(
  'which nodes the tenant sees: another choice takes hold, what goes goes after two minutes, and nodes of its pods stay',
  long,
  async () => {
    await sees('node-1', 'node-2')
    await patchPlane(clusters, acme, { sync: { nodeSelector: { zone: 'a' } } })
    await sees('node-1')
    await patchPlane(clusters, acme, { sync: { nodeSelector: { zone: 'b' } } })
    await sees('node-2')
    await patchPlane(clusters, acme, { sync: { nodes: 'used' } })
    await sees()
    await runPod('settled')
    const at = (await inTenant().get<KubeObject>(pods, { name: 'settled', namespace: 'shop' }))?.spec.nodeName
    await sees(at)
    await patchPlane(clusters, acme, { sync: { nodes: 'all', nodeSelector: { zone: 'nowhere' } } })
    await sees(at)
    await patchPlane(clusters, acme, { sync: { nodeSelector: { zone: null } } })
    await sees('node-1', 'node-2')
    expect((await globex.api.client.list(nodes)).items).toHaveLength(2)
  },
)

test("the syncer's own key to the tenant: a new one is taken up, and the old one is of no use any more", long, async () => {
  const served = syncer?.engine.tenants.get(acme.ref.uid)
  const { revokeFirst } = await renewSyncerKey(clusters, acme)
  await eventually(() => syncer?.engine.tenants.get(acme.ref.uid) !== served, { ...soon, describe: 'the tenant served anew' })
  await revokeFirst()
  await runPod('with-the-new-key')
  await grantSyncer(acme.api)
  const report = await verifyOnce(clusters, acme)
  expect([...report.differences, ...report.moving]).toEqual([])
})
