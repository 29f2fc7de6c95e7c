import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { createKubeClient } from '../../kube/undici-client.ts'
import { hasCode } from '../../lib/errors.ts'
import { aNamespace } from '../../testing/builders.ts'
import { eventually } from '../../testing/eventually.ts'
import { type RunningSyncer, runSyncer } from '../../testing/run-syncer.ts'
import { type SyncClusters, startSyncClusters } from '../../testing/sync-clusters.ts'

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
let clusters: SyncClusters
let syncer: RunningSyncer | undefined

beforeAll(async () => {
  clusters = await startSyncClusters(['acme'], { log })
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)

/** Requests that super's API server let through so far, by `flow schema / priority level`. */
const dispatched = async (): Promise<ReadonlyMap<string, number>> => {
  const { body } = await clusters.superApi.client.raw('/metrics')
  const pattern = /^apiserver_flowcontrol_dispatched_requests_total\{flow_schema="([^"]*)",priority_level="([^"]*)"\} (\S+)$/gm
  return new Map([...body.matchAll(pattern)].map(([, schema, level, count]) => [`${schema}/${level}`, Number(count)]))
}

test("what is written for a tenant goes through the level of tenants, and Berth's own watches through another", {
  timeout: 120_000,
}, async () => {
  // In force from the moment at which the API server says so.
  await eventually(async () => {
    const schema = await clusters.superApi.client.get<KubeObject>(resourceTypes.flowSchemas, { name: 'berth-tenants' })
    return schema?.status?.conditions?.some(
      ({ type, status: is }: { type: string; status: string }) => type === 'Dangling' && is === 'False',
    )
  })
  syncer = await runSyncer(clusters, { log })
  const { client } = clusters.tenants[0]?.api ?? {}
  await client?.create(resourceTypes.namespaces, aNamespace({ metadata: { name: 'shop' } }))
  await client?.create(resourceTypes.services, { metadata: { name: 'web', namespace: 'shop' }, spec: { ports: [{ port: 80 }] } })
  const counts = await eventually(
    async () => {
      const seen = await dispatched()
      return (seen.get('berth-tenants/berth-tenants') ?? 0) > 0 ? seen : undefined
    },
    { deadlineMs: 30_000 },
  )
  expect(counts.get('berth-system/berth-system')).toBeGreaterThan(0)
  expect(counts.get('service-accounts/workload-low') ?? 0).toBe(0)
})

test('each tenant has a flow of its own: of two who ask for too much at once the one is refused, the other is served', {
  timeout: 120_000,
}, async () => {
  const { client } = clusters.superApi
  // As small as a level can be, so that a test can fill it.
  const smallest = { nominalConcurrencyShares: 1, lendablePercent: 0, borrowingLimitPercent: 0 }
  const limitResponse = { type: 'Queue', queuing: { queues: 64, handSize: 1, queueLengthLimit: 2 } }
  await client.patch(
    resourceTypes.priorityLevelConfigurations,
    { name: 'berth-tenants' },
    { spec: { limited: { ...smallest, limitResponse } } },
    { type: 'merge' },
  )
  const as = async (name: string) =>
    createKubeClient(
      await clusters.superApi.connectionAs(`system:serviceaccount:berth-tenants:${name}`, [
        'system:serviceaccounts:berth-tenants',
      ]),
      { userAgent: 'berth-test', connections: 200 },
    )
  const [greedy, modest] = [await as('greedy'), await as('modest')]
  // Refused for want of rights is served, as far as shares go.
  const ask = async (from: typeof greedy): Promise<'served' | 'full'> => {
    try {
      await from.list(resourceTypes.configMaps, { namespace: 'default' })
    } catch (error) {
      return hasCode(error, 'KUBE_TOO_MANY_REQUESTS') ? 'full' : 'served'
    }
    return 'served'
  }
  try {
    await eventually(
      async () => {
        const flood = Promise.all(Array.from({ length: 400 }, () => ask(greedy)))
        const others: string[] = []
        for (let turn = 0; turn < 5; turn += 1) others.push(await ask(modest))
        return (await flood).includes('full') && others.every((one) => one === 'served')
      },
      { deadlineMs: 60_000, describe: 'the greedy one refused, the modest one served' },
    )
  } finally {
    await Promise.all([greedy.close(), modest.close()])
  }
})
