import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { tenantLabel } from '../tenancy/marks.ts'
import { superNamespace } from '../tenancy/names.ts'
import { kubeconfigText } from '../testing/api-server.ts'
import { aNamespace, aPod } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { type HostileServer, hostileAnswers, startHostileServer } from '../testing/hostile-server.ts'
import { type RunningSyncer, runSyncer } from '../testing/run-syncer.ts'
import { type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'
import { createTestPki, type TestPki } from '../testing/test-pki.ts'

/** A server that means harm stands where the API server of the tenant acme is expected. Globex must not feel it, and super must not learn of it. */

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { namespaces, pods, secrets } = resourceTypes

let folder: string
let pki: TestPki
let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let acme: SyncTenant
let globex: SyncTenant
let hostile: HostileServer
/** Where redirects lead: whoever comes here has followed one, with whatever he carries. */
let elsewhere: HostileServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-hostile-'))
  pki = await createTestPki(folder)
  ;[hostile, elsewhere] = await Promise.all([startHostileServer(pki), startHostileServer(pki)])
  clusters = await startSyncClusters(['acme', 'globex'], { log })
  ;[acme, globex] = clusters.tenants as [SyncTenant, SyncTenant]
  syncer = await runSyncer(clusters, { log })
  for (const { api } of clusters.tenants) await api.client.create(namespaces, aNamespace({ metadata: { name: 'shop' } }))
  for (const tenant of clusters.tenants) await served(tenant, 'before', 30_000)
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await Promise.all([clusters?.stop(), hostile?.stop(), elsewhere?.stop()])
  await rm(folder, { recursive: true, force: true })
}, 60_000)

/** A new pod of the tenant runs within the time. */
const served = async ({ api }: SyncTenant, name: string, deadlineMs: number): Promise<void> => {
  await api.client.create(pods, aPod({ metadata: { name, namespace: 'shop' } }))
  await eventually(
    async () => (await api.client.get<KubeObject>(pods, { name, namespace: 'shop' }))?.status?.phase === 'Running',
    {
      deadlineMs,
      describe: `pod ${name} to run`,
    },
  )
}

/** Sends the syncer, for this tenant, to another server under the same identity. */
const sendTo = async ({ controlPlaneNamespace: namespace }: SyncTenant, kubeconfig: string): Promise<void> => {
  const value = Buffer.from(kubeconfig).toString('base64')
  await clusters.superApi.client.patch(secrets, { name: 'syncer-kubeconfig', namespace }, { data: { value } })
}
const kubeconfigOf = async (tenant: SyncTenant): Promise<string> => {
  const { superApi } = clusters
  const secret = await superApi.client.get<KubeObject>(secrets, {
    name: 'syncer-kubeconfig',
    namespace: tenant.controlPlaneNamespace,
  })
  return Buffer.from(String(secret?.data?.['value']), 'base64').toString()
}

/** Names and UIDs of all that super has of a tenant. */
const inSuper = async ({ ref }: SyncTenant): Promise<string[]> => {
  const { client } = clusters.superApi
  const lists = await Promise.all(
    [namespaces, pods, secrets].map((type) => client.list(type, { labelSelector: `${tenantLabel}=${ref.uid}` })),
  )
  return lists
    .flatMap(({ items }) => items.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name} ${metadata.uid}`))
    .toSorted()
}

const cases = hostileAnswers('https://elsewhere.invalid').map(([name]) => name)

test.for(cases)(
  'a tenant whose API server %s costs another one nothing, and super nothing',
  { timeout: 120_000 },
  async (name) => {
    const answer = hostileAnswers(elsewhere.url).find(([each]) => each === name)?.[1]
    if (!answer) throw new Error(`no answer ${name}`)
    const [honest, before] = [await kubeconfigOf(acme), await inSuper(acme)]
    const words = name.toLowerCase().replace(/\W+/g, '-')
    hostile.answer = answer
    hostile.requests.splice(0)
    const connection = { server: hostile.url, ca: pki.ca, ...(await pki.client('berth-syncer')) }
    await sendTo(acme, kubeconfigText(connection))
    try {
      await eventually(() => hostile.requests.length > 0, { deadlineMs: 30_000, describe: 'the syncer at the hostile server' })
      const took: number[] = []
      for (let round = 0; round < 3; round += 1) {
        const began = performance.now()
        await served(globex, `${words}-${round}`, 30_000)
        took.push(performance.now() - began)
      }
      // Not by what one of them took: the machine is others' as well.
      expect(took.filter((ms) => ms < 5_000).length, took.join()).toBeGreaterThanOrEqual(2)
      // What a server says of itself deletes nothing: one that lists nothing, all at once, is not believed.
      expect(await inSuper(acme)).toEqual(before)
      expect(elsewhere.requests).toEqual([])
      const all = await clusters.superApi.client.list(namespaces, {})
      const foreign = all.items.filter(
        ({ metadata }) => metadata.labels?.[tenantLabel] === acme.ref.uid && metadata.name !== superNamespace(acme.ref, 'shop'),
      )
      expect(
        foreign
          .map(({ metadata }) => metadata.name)
          .filter((each) => !before.some((known) => known.includes(` ${each}`) || known.startsWith(`/${each} `))),
      ).toEqual([])
      expect(({} as { served?: unknown }).served, 'the prototype of all objects').toBeUndefined()
      expect(process.memoryUsage().rss).toBeLessThan(1_500 * 1024 * 1024)
    } finally {
      await sendTo(acme, honest)
    }
    await served(globex, `${words}-after`, 10_000)
  },
)

test('a tenant whose API server is an honest one again is served again', { timeout: 120_000 }, async () => {
  await served(acme, 'again', 90_000)
})
