import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureBinaries } from '../../hack/binaries.ts'
import { run } from '../../hack/run.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { StoreMove } from '../apis/store-move.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { createLog } from '../lib/log.ts'
import { componentLabel } from '../tenancy/marks.ts'
import { controlPlaneNamespace } from '../tenancy/names.ts'
import { dataStoreAddress } from '../tenancy/slices.ts'
import { startChild } from '../testing/child.ts'
import { eventually } from '../testing/eventually.ts'
import { startPlaneWorld } from '../testing/plane-world.ts'
import { freePorts } from '../testing/ports.ts'
import { type StoreEtcd, startStoreEtcd } from '../testing/store-etcd.ts'
import {
  readPlaneSecret,
  startTenantEtcd,
  startTenantPrograms,
  type TenantEtcd,
  type TenantPrograms,
} from '../testing/tenant-programs.ts'
import { createCopyClient } from './data-stores/copy-client.ts'
import { dataFolder } from './data-stores/etcd-config.ts'
import { keepDataStore } from './data-stores/keep-data-store.ts'
import { createStoreClient } from './data-stores/store-client.ts'
import { createStoreMeter } from './data-stores/store-meter.ts'
import { createStranger } from './data-stores/store-stranger.ts'
import { secretNames, storePrefix, storeUser } from './names.ts'
import { refOf } from './observe.ts'

const world = await startPlaneWorld()
const { kube, aProcess, createTenant, read, reconcile, listIn, playCluster, drive, ownStores } = world
const planes = resourceTypes.tenantControlPlanes
const ends: { stop(): Promise<void> }[] = []
let pool: StoreEtcd
let given: StoreEtcd
afterAll(async () => {
  await Promise.all(ends.map((each) => each.stop()))
  await world.stop()
})

const base64 = (data: Record<string, string>) =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
const createSecret = (namespace: string, name: string, data: Record<string, string>) =>
  kube.create(resourceTypes.secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, data: base64(data) })

/** One look of the manager at the DataStore. */
const keepPool = async (): Promise<void> => {
  const { items } = await kube.list<TenantControlPlane>(planes, {})
  await keepDataStore('pool', {
    kube,
    connectStore: createStoreClient,
    storeMeter: createStoreMeter(),
    stranger: createStranger(),
    tenants: () => items,
    tell: () => {},
    now: () => new Date(),
    log: createLog({ process: 'test', level: 'silent' }),
    signal: new AbortController().signal,
  })
}

beforeAll(async () => {
  ;[pool, given] = await Promise.all([startStoreEtcd(), startStoreEtcd()])
  ends.push(pool, given)
  await pool.enableAuth()
  const root = await pool.client('root')
  const { authority, endpoint } = pool
  await createSecret('berth-system', 'pool', {
    'ca.crt': authority.cert,
    'tls.crt': root.cert,
    'tls.key': root.key,
    'ca.key': authority.key,
  })
  await kube.create(resourceTypes.dataStores, {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'DataStore',
    metadata: { name: 'pool' },
    spec: { endpoints: [endpoint], secretRef: { name: 'pool' } },
  })
  await keepPool()
  await given.enableAuth()
  await given.etcdctl(['user', 'add', 'given', '--no-password'])
  await given.etcdctl(['role', 'add', 'given'])
  await given.etcdctl(['role', 'grant-permission', 'given', 'readwrite', '/given/', '--prefix=true'])
  await given.etcdctl(['user', 'grant-role', 'given', 'given'])
  const { cert, key } = await given.client('given')
  await createSecret('home', 'given', { 'ca.crt': given.authority.cert, 'tls.crt': cert, 'tls.key': key })
  await kube.create(resourceTypes.storageClasses, {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'disks' },
    provisioner: 'berth.dev/none',
  } as KubeObject)
})

const shared = { kind: 'shared', name: 'pool', endpoints: null, secretName: null, prefix: null, storageClassName: null }
const external = () => ({
  kind: 'external',
  endpoints: [given.endpoint],
  secretName: 'given',
  prefix: '/given/',
  name: null,
  storageClassName: null,
})
const own = { kind: 'dedicated', storageClassName: 'disks', name: null, endpoints: null, secretName: null, prefix: null }

const want = (tenant: TenantControlPlane, dataStore: object) =>
  kube.patch(planes, { name: tenant.metadata.name ?? '', namespace: 'home' }, { spec: { dataStore } }, { type: 'merge' })
const statusOf = async (tenant: TenantControlPlane) => (await read(tenant))?.status
const conditionOf = async (tenant: TenantControlPlane, type: string) =>
  (await statusOf(tenant))?.conditions?.find((condition) => condition.type === type)
const namespaceOf = (tenant: TenantControlPlane) => controlPlaneNamespace(refOf(tenant))
const ownAddress = async (tenant: TenantControlPlane) =>
  `https://${dataStoreAddress((await statusOf(tenant))?.serviceSlice ?? '')}:2379`
const countBelow = async (etcd: StoreEtcd, prefix: string): Promise<number> => {
  const answer = await etcd.etcdctl(['get', prefix, '--prefix', '--count-only', '--write-out=fields'])
  return Number(/"Count" : (\d+)/.exec(answer)?.[1])
}
/** What of an etcd is in the control-plane namespace. */
const ownObjects = async (tenant: TenantControlPlane): Promise<readonly string[]> => {
  const { statefulSets, configMaps, services, networkPolicies, persistentVolumeClaims, secrets } = resourceTypes
  const types = [statefulSets, configMaps, services, networkPolicies, persistentVolumeClaims, secrets]
  const found = await Promise.all(types.map((type) => listIn(namespaceOf(tenant), type)))
  return found
    .flat()
    .map(({ metadata }) => metadata.name ?? '')
    .filter((name) => /etcd/.test(name) && name !== 'etcd-ca')
}

/** What the controllers of claims and of garbage would do: nothing uses what is to go. */
const finishDeletions = async (tenant: TenantControlPlane): Promise<void> => {
  const namespace = namespaceOf(tenant)
  for (const type of [resourceTypes.persistentVolumeClaims, resourceTypes.jobs])
    for (const { metadata } of await listIn(namespace, type)) {
      const ref = { name: metadata.name ?? '', namespace }
      if (metadata.deletionTimestamp) await kube.patch(type, ref, { metadata: { finalizers: null } }, { type: 'merge' })
    }
  const workloads = await Promise.all([resourceTypes.statefulSets].map((type) => listIn(namespace, type)))
  if (workloads.flat().length > 0) return
  for (const { metadata } of await listIn(namespace, resourceTypes.pods))
    if (metadata.labels?.[componentLabel] === 'etcd')
      await kube.delete(resourceTypes.pods, { name: metadata.name ?? '', namespace }, { gracePeriodSeconds: 0 })
}

/** The Job that makes the data folder of an own etcd, run with real programs: only folders and ports differ. */
const runSeed = async (job: KubeObject, data: string): Promise<void> => {
  const tools = await ensureBinaries(['etcd', 'etcdctl', 'etcdutl'])
  const work = await mkdtemp(join(tmpdir(), 'berth-seed-'))
  const [port, peerPort, metricsPort] = await freePorts(3)
  const { initContainers, containers } = job.spec.template.spec as Record<string, { command: string[] }[]>
  const [serve, save, restore] = [...(initContainers ?? []), ...(containers ?? [])].map(({ command }) =>
    command.map((word) =>
      word
        .replace('/work', work)
        .replace(dataFolder, data)
        .replace(':2379', `:${port}`)
        .replace(/listen-peer-urls=(.*):2380/, `listen-peer-urls=$1:${peerPort}`)
        .replace('0.0.0.0:2381', `127.0.0.1:${metricsPort}`),
    ),
  )
  const etcd = startChild(tools.etcd, (serve ?? []).slice(1), join(work, 'etcd.log'))
  try {
    await eventually(() => run(tools.etcdctl, (save ?? []).slice(1)), { describe: 'a snapshot of nothing' })
    await run(tools.etcdutl, (restore ?? []).slice(1))
  } finally {
    await etcd.end('SIGKILL')
    await rm(work, { recursive: true, force: true })
  }
}

const completeJob = async (job: KubeObject): Promise<void> => {
  const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({ type, status: 'True', lastTransitionTime }))
  const status = { startTime: lastTransitionTime, completionTime: lastTransitionTime, conditions }
  const { name = '', namespace = '' } = job.metadata
  await kube.patch(resourceTypes.jobs, { name, namespace }, { status }, { type: 'merge', subresource: 'status' })
}

/** Plays what happens around an own etcd that is made: its Job, its pod. */
const playOwnTarget = async (tenant: TenantControlPlane): Promise<TenantEtcd | undefined> => {
  const [job] = await listIn(namespaceOf(tenant), resourceTypes.jobs)
  if (!job || job.status?.conditions || job.metadata.deletionTimestamp) return undefined
  const etcd = await startTenantEtcd(kube, tenant, async (folder) => {
    await mkdir(folder, { recursive: true })
    await runSeed(job, folder)
  })
  ownStores.set(await ownAddress(tenant), `https://localhost:${etcd.port}`)
  await completeJob(job)
  return etcd
}

/** Rounds until the move is over. Gives the phases that it went through, and the own etcd that was started for it. */
const carryOut = async (
  tenant: TenantControlPlane,
  { process = aProcess(), until = (move: StoreMove | undefined) => move?.phase === 'Done' || move?.phase === 'Failed' } = {},
) => {
  const phases: string[] = []
  let etcd: TenantEtcd | undefined
  let current = process
  await eventually(
    async () => {
      await reconcile(tenant, current).catch(() => {
        current = aProcess()
      })
      await playCluster(tenant)
      await finishDeletions(tenant)
      etcd = (await playOwnTarget(tenant)) ?? etcd
      const { move, conditions } = (await statusOf(tenant)) ?? {}
      if (move && phases.at(-1) !== move.phase) phases.push(move.phase)
      if (!until(move)) throw new Error(JSON.stringify({ move, ready: conditions?.find(({ type }) => type === 'Ready') }))
      return true
    },
    { describe: 'the end of the move', deadlineMs: 60_000, everyMs: 30 },
  )
  return { phases, etcd }
}

const configMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kept', namespace: 'default' },
  data: { key: 'value' },
}
const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'kept', namespace: 'default' },
  data: { password: Buffer.from('hunter2').toString('base64') },
}
const event = {
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'told', namespace: 'default' },
  involvedObject: { kind: 'ConfigMap', name: 'kept', namespace: 'default' },
}

describe('a tenant with a real API server', { timeout: 240_000 }, () => {
  let tenant: TenantControlPlane
  let etcd: TenantEtcd | undefined
  let uids: readonly string[]
  let version = 0
  let programs: TenantPrograms

  const look = async () => {
    const { client } = programs
    const objects = await Promise.all([
      client.get(resourceTypes.configMaps, configMap.metadata),
      client.get(resourceTypes.secrets, secret.metadata),
      client.get(resourceTypes.events, event.metadata),
      client.get(resourceTypes.namespaces, { name: 'kube-system' }),
    ])
    expect(objects[1]?.data).toEqual(secret.data)
    const list = await client.list(resourceTypes.configMaps, { namespace: 'default' })
    return { uids: objects.map((each) => each?.metadata.uid ?? 'gone'), version: Number(list.metadata?.resourceVersion) }
  }
  /** Moves, and starts the API server as Berth says then. */
  const moveTo = async (store: object) => {
    // Nobody writes: what the cluster is played to have stopped has stopped.
    await programs.stop()
    await want(tenant, store)
    const done = await carryOut(tenant)
    etcd = done.etcd ?? etcd
    tenant = (await read(tenant)) ?? tenant
    programs = await startTenantPrograms(kube, tenant, etcd)
    ends.push(programs)
    return done
  }

  beforeAll(async () => {
    tenant = await drive(await createTenant({ dataStore: { storageClassName: 'disks' } }))
    etcd = await startTenantEtcd(kube, tenant)
    ends.push({ stop: async () => etcd?.stop() })
    ownStores.set(await ownAddress(tenant), `https://localhost:${etcd.port}`)
    programs = await startTenantPrograms(kube, tenant, etcd)
    ends.push(programs)
    await programs.client.create(resourceTypes.configMaps, configMap)
    await programs.client.create(resourceTypes.secrets, secret)
    await programs.client.create(resourceTypes.events, event)
    const before = await look()
    ;({ uids, version } = before)
  }, 120_000)

  test.for<[name: string, store: () => object, prefix: () => [StoreEtcd, string] | undefined]>([
    ['from an own store to a shared one', () => shared, () => [pool, storePrefix(tenant.metadata.uid ?? '')]],
    ['from a shared store to an external one', external, () => [given, '/given/']],
    ['from an external store to an own one', () => own, () => undefined],
  ])('moves %s with all that it has', async ([, store, place]) => {
    const { phases } = await moveTo(store())
    expect(phases).toEqual(
      expect.arrayContaining(['Preparing', 'Stopping', 'Copying', 'Verifying', 'Starting', 'Cleaning', 'Done']),
    )
    const status = await statusOf(tenant)
    expect(status?.dataStore?.kind).toBe((store() as { kind: string }).kind)
    expect(status?.move).toMatchObject({ phase: 'Done', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown })
    const after = await look()
    expect(after.uids).toEqual(uids)
    // Whoever watched before goes on, or lists anew: never waits for what he has seen.
    expect(after.version).toBeGreaterThan(version)
    version = after.version
    expect(await programs.log()).not.toMatch(/permission denied|unable to transform|decrypt/i)
    const at = place()
    if (at) {
      expect(await countBelow(...at)).toBeGreaterThan(100)
      expect(await ownObjects(tenant)).toEqual([])
    } else expect(await ownObjects(tenant)).toContain('data-etcd-0')
    // Nothing is left of a shared store.
    if (at?.[0] !== pool) {
      expect(await countBelow(pool, storePrefix(tenant.metadata.uid ?? ''))).toBe(0)
      expect(await pool.etcdctl(['user', 'list'])).not.toContain(storeUser(tenant.metadata.uid ?? ''))
    }
    // What is external is whoever's who runs it.
    if (!at) expect(await countBelow(given, '/given/')).toBeGreaterThan(100)
    const idle = aProcess()
    await reconcile(tenant, idle)
    expect((await statusOf(tenant))?.move?.phase).toBe('Done')
  })
})

describe('a tenant whose data are a few keys', { timeout: 120_000 }, () => {
  const keyCount = 30

  /** A tenant that is Ready, with an own etcd that has some keys in it; its API server is played. */
  const aTenant = async () => {
    await world.clearDns()
    const tenant = await drive(await createTenant({ dataStore: { storageClassName: 'disks' } }))
    await world.clearDns()
    const etcd = await startTenantEtcd(kube, tenant)
    ends.push(etcd)
    const address = await ownAddress(tenant)
    ownStores.set(address, `https://localhost:${etcd.port}`)
    const keys = await readPlaneSecret(kube, tenant, secretNames.kubeApiServer)
    const connection = {
      endpoints: [`https://localhost:${etcd.port}`],
      ca: keys['etcd-ca.crt'] ?? '',
      cert: keys['etcd-client.crt'] ?? '',
      key: keys['etcd-client.key'] ?? '',
    }
    const client = createCopyClient(connection)
    const fence = { key: Buffer.from('/registry/berth-move'), token: 'test' }
    await eventually(() => client.takeFence(fence).then(() => true), { describe: 'the etcd of the tenant' })
    const entries = Array.from({ length: keyCount }, (_, at) => ({
      key: Buffer.from(`/registry/pods/default/pod-${at}`),
      value: Buffer.from(`value ${at}`),
      lease: '0',
    }))
    await client.write(entries, fence)
    await client.liftFence(fence)
    client.close()
    return { tenant, etcd, prefix: storePrefix(tenant.metadata.uid ?? '') }
  }
  const users = () => pool.etcdctl(['user', 'list'])
  const replicasOf = async (tenant: TenantControlPlane) =>
    (await kube.get(resourceTypes.deployments, { name: 'kube-apiserver', namespace: namespaceOf(tenant) }))?.spec.replicas

  // The calls of a whole move are about 300: now and then one is cut off, before or after it was carried out.
  test.for(Array.from({ length: 12 }, (_, step) => [step * 23 + 7, step % 2 === 0] as const))(
    'goes on where a killed manager left it: call %i',
    async ([call, carriedOut]) => {
      const { tenant, prefix, etcd } = await aTenant()
      await want(tenant, shared)
      const process = aProcess({ call, carriedOut })
      await carryOut(tenant, { process })
      expect(process.calls()).toBeGreaterThanOrEqual(call)
      expect((await statusOf(tenant))?.move).toMatchObject({ phase: 'Done', keys: keyCount })
      expect(await countBelow(pool, prefix)).toBe(keyCount)
      expect(await ownObjects(tenant)).toEqual([])
      await etcd.stop()
    },
  )

  test.for<[name: string, phase: StoreMove['phase']]>([
    ['while the target is prepared', 'Preparing'],
    ['while its API server is stopped', 'Stopping'],
    ['while the data are copied', 'Copying'],
    ['while the copy is compared', 'Verifying'],
  ])('that is taken back %s goes on with what it had, and nothing is left elsewhere', async ([, phase]) => {
    const { tenant, prefix, etcd } = await aTenant()
    await want(tenant, shared)
    await carryOut(tenant, { until: (move) => move?.phase === phase })
    await want(tenant, own)
    const { phases } = await carryOut(tenant, { until: (move) => move === undefined })
    expect(phases).toContain('Undoing')
    expect(phases).not.toContain('Starting')
    expect((await statusOf(tenant))?.dataStore?.kind).toBe('dedicated')
    expect(await countBelow(pool, prefix)).toBe(0)
    expect(await users()).not.toContain(storeUser(tenant.metadata.uid ?? ''))
    await drive(tenant)
    expect(await replicasOf(tenant)).toBe(1)
    await etcd.stop()
  })

  test('that is to move where nobody answers is told so, goes on, and moves when somebody does', async () => {
    const { tenant, etcd } = await aTenant()
    given.freeze()
    try {
      await want(tenant, external())
      await carryOut(tenant, { until: (move) => move?.isRefused === true })
    } finally {
      given.thaw()
    }
    const refused = {
      status: 'False',
      reason: 'Refused',
      message: expect.stringMatching(/goes on .* does not answer/) as unknown,
    }
    expect(await conditionOf(tenant, 'Moving')).toMatchObject(refused)
    expect(await replicasOf(tenant)).toBe(1)
    // Another one is asked for instead.
    await want(tenant, shared)
    await carryOut(tenant, { until: (move) => move?.phase === 'Done' })
    await etcd.stop()
  })

  test('that has others’ keys in its way is told which, and overwrites nothing', async () => {
    const { tenant, etcd } = await aTenant()
    await given.etcdctl(['put', '/given/foreign', 'theirs'])
    await want(tenant, external())
    await carryOut(tenant, { until: (move) => move?.isRefused === true })
    expect((await conditionOf(tenant, 'Moving'))?.message).toMatch(/keys below \/given\/.*etcdctl del \/given\/ --prefix/)
    expect(await given.etcdctl(['get', '/given/foreign', '--print-value-only'])).toBe('theirs')
    await etcd.stop()
  })

  test('that is deleted in the middle leaves nothing in either store', async () => {
    const { tenant, prefix, etcd } = await aTenant()
    await want(tenant, shared)
    await carryOut(tenant, { until: (move) => move?.phase === 'Verifying' })
    expect(await countBelow(pool, prefix)).toBeGreaterThan(0)
    expect(await world.remove(tenant)).toBe(true)
    expect(await countBelow(pool, prefix)).toBe(0)
    expect(await users()).not.toContain(storeUser(tenant.metadata.uid ?? ''))
    await etcd.stop()
  })

  test('that never ran begins with the one that is wanted now', async () => {
    await world.clearDns()
    const tenant = await createTenant({ dataStore: { kind: 'shared', name: 'typo' } })
    await reconcile(tenant)
    expect((await conditionOf(tenant, 'DataStoreReady'))?.reason).toBe('DataStoreMissing')
    await want(tenant, shared)
    await carryOut(tenant)
    expect(await statusOf(tenant)).toMatchObject({ dataStore: { kind: 'shared', name: 'pool' }, move: { phase: 'Done' } })
  })

  test('that never ran may be wrong about where to begin more than once', async () => {
    await world.clearDns()
    const tenant = await createTenant({ dataStore: { kind: 'shared', name: 'typo' } })
    await reconcile(tenant)
    await want(tenant, { kind: 'shared', name: 'typpo' })
    await reconcile(tenant)
    await reconcile(tenant)
    expect((await statusOf(tenant))?.move?.phase).toBe('Starting')
    await want(tenant, shared)
    await carryOut(tenant)
    expect(await statusOf(tenant)).toMatchObject({ dataStore: { kind: 'shared', name: 'pool' }, move: { phase: 'Done' } })
  })

  test('that has a store behind other endpoints of the same etcd is copied nowhere', async () => {
    const { tenant, etcd } = await aTenant()
    await given.etcdctl(['del', '/given/', '--prefix'])
    await want(tenant, external())
    await carryOut(tenant, { until: (move) => move?.phase === 'Done' })
    const count = await countBelow(given, '/given/')
    const [, port = ''] = /:(\d+)$/.exec(given.endpoint) ?? []
    const elsewhere = `https://other.localhost:${port}`
    ownStores.set(elsewhere, given.endpoint)
    await want(tenant, { endpoints: [elsewhere] })
    const { phases } = await carryOut(tenant, { until: (move) => move?.keepsSource === true })
    expect(phases).not.toContain('Stopping')
    expect((await statusOf(tenant))?.dataStore?.endpoints).toEqual([elsewhere])
    // As long as nothing serves by them, they can be taken back: the keys are the same.
    if ((await statusOf(tenant))?.move?.phase === 'Starting') {
      await want(tenant, { endpoints: [given.endpoint] })
      await reconcile(tenant)
      expect(await statusOf(tenant)).toMatchObject({ dataStore: { endpoints: [given.endpoint] }, move: { phase: 'Failed' } })
    }
    expect(await countBelow(given, '/given/')).toBe(count)
    await etcd.stop()
  })

  test('of a Berth that did not write down where its data are is moved from where they are', async () => {
    const { tenant, etcd } = await aTenant()
    const present = await read(tenant)
    if (!present?.status) throw new Error('the tenant has a status')
    const { dataStore: _, ...status } = present.status
    await kube.replace(planes, { ...present, status }, { subresource: 'status' })
    await want(tenant, shared)
    await reconcile(tenant)
    expect(await statusOf(tenant)).toMatchObject({
      dataStore: { kind: 'dedicated', storageClassName: 'disks', storageSize: '2Gi' },
      move: { phase: 'Checking' },
    })
    await etcd.stop()
  })
})
