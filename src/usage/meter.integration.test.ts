import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { tenantControlPlaneCrd } from '../apis/crd.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { serverFigures } from '../kube/server-figures.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { organizationLabel, tenantLabel, usageLabel } from '../tenancy/marks.ts'
import { meterSecretName } from '../tenancy/names.ts'
import { kubeconfigText, startApiServer, type TestApiServer } from '../testing/api-server.ts'
import { eventually } from '../testing/eventually.ts'
import { failingClient } from '../testing/failing-client.ts'
import type { Standing } from './advance.ts'
import { type Amounts, addAmounts, noAmounts } from './amounts.ts'
import { hourMs } from './hours.ts'
import { type Ledger, readLedger } from './ledger.ts'
import { type Batch, tidyLedgers, writeBatch } from './ledger-objects.ts'
import { createMeter, type Meter } from './meter.ts'

const log = pino({ level: 'silent' })
const { configMaps, namespaces, persistentVolumeClaims, pods, secrets, tenantControlPlanes } = resourceTypes
const minute = 60_000
let api: TestApiServer
let kube: KubeClient
/** With the rights that the worker's account has by the manifests, and no others. */
let worker: KubeClient
let meters: Meter[] = []

/** A clock that a test moves. It does not go on by itself, so that what is counted is known to the millisecond. */
const clockAt = (text: string) => {
  let at = Date.parse(text)
  return { now: () => at, pass: (ms: number) => void (at += ms) }
}
type Clock = ReturnType<typeof clockAt>

/** Samples and writes whenever it can; time passes only by the clock. */
const startMeter = async (clock: Clock): Promise<Meter> => {
  const meter = createMeter({
    management: worker,
    superClient: worker,
    connectTenant: (connection) => createKubeClient(connection, { userAgent: 'berth-test' }),
    log,
    now: clock.now,
    times: { sampleEveryMs: 20, apiEveryMs: 10, writeEveryMs: 20, keepHoursMs: 7 * 24 * hourMs, keepMonths: 13 },
  })
  meters.push(meter)
  await meter.start()
  return meter
}

/** Alone in a namespace of the same name, so that another meter's tenants do not matter. */
const aTenant = async (namespace: string, replicas: number): Promise<string> =>
  (await makeTenant(namespace, 'shop', replicas)).metadata.uid ?? ''

const conditions = (ready: 'True' | 'False', reason = 'Ready') => [
  { type: 'Ready', status: ready, reason, message: '', lastTransitionTime: '2026-06-01T00:00:00Z' },
]

/** A tenant whose API server is the one at hand, with `replicas` pods of it. */
const makeTenant = async (namespace: string, name: string, replicas = 1): Promise<KubeObject> => {
  const place = `plane-${namespace}-${name}`
  await kube.create(namespaces, { metadata: { name: place } })
  const made = await kube.create<KubeObject>(tenantControlPlanes, {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'TenantControlPlane',
    metadata: { name, namespace },
    spec: {},
  })
  const status = { controlPlaneNamespace: place, timings: { APIServerReady: 3 }, conditions: conditions('True') }
  await kube.patch(tenantControlPlanes, { name, namespace }, { status }, { type: 'merge', subresource: 'status' })
  await kube.create(secrets, {
    metadata: { name: meterSecretName, namespace: place },
    stringData: { value: kubeconfigText(await api.connectionAs('meter', ['system:monitoring'])) },
  })
  const containerPort = Number(new URL(api.connection.server).port)
  for (let replica = 0; replica < replicas; replica += 1) {
    const pod = `kube-apiserver-${replica}`
    await kube.create(pods, {
      metadata: { name: pod, namespace: place, labels: { 'berth.dev/component': 'kube-apiserver' } },
      spec: { containers: [{ name: 'kube-apiserver', image: 'x', ports: [{ name: 'https', containerPort }] }] },
    })
    const running = { status: { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] } }
    await kube.patch(pods, { name: pod, namespace: place }, running, { type: 'strategic', subresource: 'status' })
  }
  return made
}

const makeWorkload = async (namespace: string, uid: string): Promise<void> => {
  const labels = { [tenantLabel]: uid }
  const resources = { requests: { cpu: '500m', memory: '1Gi' } }
  await kube.create(pods, {
    metadata: { name: 'web', namespace, labels },
    spec: { nodeName: 'n', containers: [{ name: 'web', image: 'x', resources }] },
  })
  await kube.create(persistentVolumeClaims, {
    metadata: { name: 'data', namespace, labels },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } },
  })
  const bound = { status: { phase: 'Bound', capacity: { storage: '2Gi' } } }
  await kube.patch(persistentVolumeClaims, { name: 'data', namespace }, bound, { type: 'merge', subresource: 'status' })
}

const ledgersOf = async (uid: string, namespace: string): Promise<readonly Ledger[]> => {
  const { items } = await kube.list<KubeObject>(configMaps, { namespace, labelSelector: `${usageLabel}=${uid}` })
  return items.flatMap((object) => readLedger(object) ?? [])
}
const sumsOf = async (uid: string, namespace: string): Promise<Amounts> =>
  (await ledgersOf(uid, namespace))
    .flatMap(({ hours, days }) => [...hours.values(), ...days.values()])
    .reduce((sum, each) => addAmounts(sum, each), noAmounts)

/** The stored sums, once the tenant was measured for so long. */
const measured = async (uid: string, namespace: string, existedMs: number): Promise<Amounts> => {
  return eventually(
    async () => {
      const sums = await sumsOf(uid, namespace)
      if (sums.existedMs !== BigInt(existedMs)) throw new Error(`measured for ${sums.existedMs} ms`)
      return sums
    },
    { describe: `usage of ${existedMs} ms`, deadlineMs: 30_000 },
  )
}

/** Lets samples be taken at one moment after the other. */
const passMinutes = async (
  clock: Clock,
  { uid, namespace, from, count }: { uid: string; namespace: string; from: number; count: number },
) => {
  for (let minutes = 1; minutes <= count; minutes += 1) {
    clock.pass(minute)
    await measured(uid, namespace, (from + minutes) * minute)
  }
}

/** Kind by kind: before, it says too little. */
const countsObjects = () =>
  eventually(async () => (serverFigures((await kube.raw('/metrics')).body).objects ?? 0) > 50, {
    describe: 'the server to have counted its objects',
    deadlineMs: 120_000,
    everyMs: 1000,
  })

beforeAll(async () => {
  // It counts what it stores once a minute by default, kind by kind.
  api = await startApiServer({ flags: ['--etcd-count-metric-poll-period=2s'], deadlineMs: 180_000 })
  kube = api.client
  worker = kube.as('system:serviceaccount:berth-system:berth-worker')
  await kube.create(resourceTypes.customResourceDefinitions, tenantControlPlaneCrd())
  await eventually(() => kube.list(tenantControlPlanes), { describe: 'the new resource' })
  const folder = join(import.meta.dirname, '../../manifests/options/api')
  const rights = await Promise.all(['usage', 'worker'].map((name) => readFile(join(folder, `${name}-rights.yaml`), 'utf8')))
  await kube.create(namespaces, { metadata: { name: 'berth-system' } })
  for (const document of parseAllDocuments(rights.join('---\n'))) {
    const object = document.toJS() as KubeObject
    const type = Object.values(resourceTypes).find(({ kind }) => kind === object.kind)
    if (!type) throw new Error(`no type for ${object.kind}`)
    await kube.create(type, object)
  }
  // One that nobody was let into yet holds up no other.
  await kube.create(namespaces, { metadata: { name: 'locked', labels: { [organizationLabel]: 'locked' } } })
  for (const name of ['acme', 'stopped', 'asleep', 'twice', 'cut']) {
    await kube.create(namespaces, { metadata: { name, labels: { [organizationLabel]: name } } })
    // As the API lets the worker in.
    await kube.create(resourceTypes.roleBindings, {
      metadata: { name: 'berth-worker', namespace: name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'berth:worker-organization' },
      subjects: [{ kind: 'ServiceAccount', name: 'berth-worker', namespace: 'berth-system' }],
    })
  }
}, 240_000)
afterEach(async () => {
  await Promise.all(meters.map((meter) => meter.stop()))
  meters = []
})
afterAll(async () => {
  await api?.stop()
})

describe('a meter', () => {
  test('counts what a tenant takes, over the border of an hour and of a month', async () => {
    const { metadata } = await makeTenant('acme', 'shop', 2)
    const uid = metadata.uid ?? ''
    await makeWorkload('acme', uid)
    await countsObjects()
    // Long after its creation: measured from the first sample on.
    const clock = clockAt('2030-11-30T23:58:30Z')
    await startMeter(clock)
    await measured(uid, 'acme', 0)
    await eventually(async () => (await ledgersOf(uid, 'acme')).length === 1, { describe: 'a first write' })
    await passMinutes(clock, { uid, namespace: 'acme', from: 0, count: 3 })
    const sums = await eventually<Amounts>(
      async () => {
        const now = await sumsOf(uid, 'acme')
        expect(now).toMatchObject({
          ranMs: BigInt(3 * minute),
          cpu: 500n * BigInt(3 * minute),
          memory: 2n ** 30n * BigInt(3 * minute),
          storage: 2n ** 31n * BigInt(3 * minute),
          unmeasuredWorkloadMs: 0n,
          unmeasuredApiMs: 0n,
        })
        expect(now.requests).toBeGreaterThan(0n)
        return now
      },
      { describe: 'three minutes of all', deadlineMs: 30_000 },
    )
    expect(sums.objects).toBeGreaterThan(10n * BigInt(2 * minute))
    const [november, december] = (await ledgersOf(uid, 'acme')).toSorted((a, b) => (a.month < b.month ? -1 : 1))
    expect([november?.month, december?.month]).toEqual(['2030-11', '2030-12'])
    const cpuOf = (ledger: Ledger | undefined) => [...(ledger?.hours.values() ?? [])].map(({ cpu }) => cpu)
    expect([cpuOf(november), cpuOf(december)]).toEqual([[500n * 90_000n], [500n * 90_000n]])
  })

  test('goes on from what was written, and tells how long nobody measured', async () => {
    const uid = await aTenant('stopped', 0)
    await makeWorkload('stopped', uid)
    const place = { uid, namespace: 'stopped' }
    const clock = clockAt('2031-01-10T10:00:00Z')
    const first = await startMeter(clock)
    await measured(uid, 'stopped', 0)
    await passMinutes(clock, { ...place, from: 0, count: 2 })
    await first.stop()
    clock.pass(3 * minute)
    const second = await startMeter(clock)
    await measured(uid, 'stopped', 5 * minute)
    await second.stop()
    expect(await sumsOf(uid, 'stopped')).toMatchObject({ cpu: 500n * BigInt(5 * minute), unmeasuredWorkloadMs: 0n })
    clock.pass(10 * minute)
    const third = await startMeter(clock)
    await measured(uid, 'stopped', 15 * minute)
    await third.stop()
    expect(await sumsOf(uid, 'stopped')).toMatchObject({
      cpu: 500n * BigInt(5 * minute),
      unmeasuredWorkloadMs: BigInt(10 * minute),
      // Its API server has no pod that could be asked.
      unmeasuredApiMs: BigInt(15 * minute),
    })
    clock.pass(-60 * minute)
    const fourth = await startMeter(clock)
    await fourth.stop()
    expect((await sumsOf(uid, 'stopped')).existedMs).toBe(BigInt(15 * minute))
  })

  test('counts no objects of one that sleeps, and has no gap for it; keeps what one used that is gone', async () => {
    const uid = await aTenant('asleep', 0)
    await makeWorkload('asleep', uid)
    const place = { name: 'shop', namespace: 'asleep' }
    const status = { conditions: conditions('False', 'Hibernated') }
    await kube.patch(tenantControlPlanes, place, { status }, { type: 'merge', subresource: 'status' })
    const clock = clockAt('2031-02-10T10:00:00Z')
    const meter = await startMeter(clock)
    await measured(uid, 'asleep', 0)
    await passMinutes(clock, { uid, namespace: 'asleep', from: 0, count: 7 })
    await kube.delete(tenantControlPlanes, place)
    await meter.stop()
    const sums = await sumsOf(uid, 'asleep')
    expect(sums).toMatchObject({ existedMs: BigInt(7 * minute), ranMs: 0n, objects: 0n, requests: 0n, unmeasuredApiMs: 0n })
    expect(sums.storage).toBe(2n ** 31n * BigInt(7 * minute))
    await (await startMeter(clock)).stop()
    expect(await sumsOf(uid, 'asleep')).toEqual(sums)
  })

  test('beside another one counts no minute twice', async () => {
    const uid = await aTenant('twice', 0)
    const clock = clockAt('2031-03-10T10:00:00Z')
    await startMeter(clock)
    await measured(uid, 'twice', 0)
    await startMeter(clock)
    await passMinutes(clock, { uid, namespace: 'twice', from: 0, count: 6 })
    await Promise.all(meters.map((meter) => meter.stop()))
    expect((await sumsOf(uid, 'twice')).existedMs).toBe(BigInt(6 * minute))
  })
})

test("the worker's account writes no other ConfigMap, and reads no other Secret", async () => {
  const aConfig = (name: string, labels: Record<string, string> = {}) => ({ metadata: { name, namespace: 'acme', labels } })
  const refused = { code: expect.stringMatching(/^KUBE_(FORBIDDEN|INVALID)$/) }
  await kube.create(configMaps, { ...aConfig('mine'), data: {} })
  // Policies are heeded a moment after they were made.
  await eventually(
    () =>
      worker.create(configMaps, aConfig('more'), { dryRun: true }).then(
        () => false,
        () => true,
      ),
    { describe: 'the policy to be in force', deadlineMs: 30_000 },
  )
  const labels = { [usageLabel]: 'u', 'berth.dev/usage-month': '2026-11' }
  await expect(worker.create(configMaps, aConfig('more', labels))).rejects.toMatchObject(refused)
  await expect(worker.replace(configMaps, aConfig('mine', labels))).rejects.toMatchObject(refused)
  await expect(worker.delete(configMaps, { name: 'mine', namespace: 'acme' })).rejects.toMatchObject(refused)
  await expect(worker.list(secrets)).rejects.toMatchObject(refused)
  await worker.create(configMaps, aConfig('usage-2026-11-u', labels), { dryRun: true })
})

describe('a batch of two months', () => {
  const standing: Standing = {
    since: 0,
    tenant: { at: Date.parse('2031-05-01T00:02:00Z'), runs: true },
    workload: { at: 0 },
    api: { at: 0, counted: {} },
  }
  const month = (hour: string, requests: bigint) => [Date.parse(hour), { ...noAmounts, requests }] as const
  const hours = new Map([month('2031-04-30T23:00:00Z', 5n), month('2031-05-01T00:00:00Z', 7n)])
  const batchOf = (uid: string, batch: number): Batch => {
    return { tenant: { uid, name: 'x', namespace: 'cut' }, hours, stamp: { writer: 'w', batch, standing }, takenUpAt: -1 }
  }
  const options = { foldBefore: 0, signal: new AbortController().signal }

  test.for([1, 2, 3, 4].flatMap((call) => [false, true].map((carriedOut) => ({ call, carriedOut }))))(
    'counts once when call $call is cut off, carried out: $carriedOut, and it is sent again',
    async (fault) => {
      const uid = `cut-${fault.call}-${fault.carriedOut}`
      await writeBatch(batchOf(uid, 1), options, kube)
      const second = batchOf(uid, 2)
      await expect(writeBatch(second, options, failingClient(kube, fault).client)).rejects.toMatchObject({
        code: 'KUBE_UNREACHABLE',
      })
      expect(await writeBatch(second, options, kube)).toBe('written')
      expect((await sumsOf(uid, 'cut')).requests).toBe(24n)
    },
  )

  test('is dropped when another meter has measured on', async () => {
    const other = batchOf('other', 1)
    await writeBatch({ ...other, stamp: { ...other.stamp, writer: 'other' } }, options, kube)
    expect(await writeBatch(batchOf('other', 1), options, kube)).toMatchObject({ kind: 'foreign', stamp: { writer: 'other' } })
    expect((await sumsOf('other', 'cut')).requests).toBe(12n)
  })

  test('goes when it is no longer kept, and old hours become days', async () => {
    await writeBatch(batchOf('old', 1), options, kube)
    const tidy = {
      organizations: ['cut'],
      foldBefore: Date.parse('2031-05-09T00:00:00Z'),
      months: ['2031-05'],
      signal: options.signal,
    }
    await tidyLedgers({ ...tidy, oldestMonth: '2031-05' }, kube)
    const left = await ledgersOf('old', 'cut')
    expect(left.map(({ month: kept, hours: single, days }) => [kept, single.size, days.size])).toEqual([['2031-05', 0, 1]])
    expect((await sumsOf('old', 'cut')).requests).toBe(7n)
  })
})
