import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataStore } from '../../apis/data-store.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { createLog } from '../../lib/log.ts'
import { startPlaneWorld } from '../../testing/plane-world.ts'
import { type StoreEtcd, startStoreEtcd } from '../../testing/store-etcd.ts'
import { readPlaneSecret, startTenantPrograms, type TenantPrograms } from '../../testing/tenant-programs.ts'
import { secretNames, storePrefix, storeUser } from '../names.ts'
import type { KeyPair } from '../pki/issue.ts'
import type { Transition } from '../status.ts'
import { keepDataStore, type StoreDeps } from './keep-data-store.ts'
import { createStoreClient } from './store-client.ts'
import { createStoreMeter } from './store-meter.ts'
import { rangeOfPrefix } from './store-range.ts'
import { createStranger } from './store-stranger.ts'

const world = await startPlaneWorld()
const { kube, createTenant, drive, read, reconcile, remove, listIn, aProcess } = world
/** Two operators' etcds: one for tenants to share, and one that is given to tenants one by one. */
let shared: StoreEtcd
let given: StoreEtcd
const programs: TenantPrograms[] = []
afterAll(async () => {
  await Promise.all(programs.map((each) => each.stop()))
  await Promise.all([shared?.stop(), given?.stop(), world.stop()])
})

const base64 = (data: Record<string, string>) =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
const createSecret = (namespace: string, name: string, data: Record<string, string>) =>
  kube.create(resourceTypes.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name },
    type: 'Opaque',
    data: base64(data),
  })

const createDataStore = async (name: string, etcd: StoreEtcd): Promise<void> => {
  const { cert, key } = await etcd.client('root')
  const { authority } = etcd
  await createSecret('berth-system', name, { 'ca.crt': authority.cert, 'tls.crt': cert, 'tls.key': key, 'ca.key': authority.key })
  await kube.create(resourceTypes.dataStores, {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'DataStore',
    metadata: { name },
    spec: { endpoints: [etcd.endpoint], secretRef: { name } },
  })
}

const toldOfStores: string[] = []
const storeDeps: StoreDeps = {
  kube,
  connectStore: createStoreClient,
  storeMeter: createStoreMeter(),
  stranger: createStranger(),
  tenants: () => [],
  tell: (_, { reason }) => void toldOfStores.push(reason),
  now: () => new Date(),
  log: createLog({ process: 'test', level: 'silent' }),
  signal: new AbortController().signal,
}
/** One look of the manager at a DataStore. */
const keep = async (name: string, deps: Partial<StoreDeps> = {}): Promise<DataStore | undefined> => {
  const { items } = await kube.list<TenantControlPlane>(resourceTypes.tenantControlPlanes, {})
  await keepDataStore(name, { ...storeDeps, tenants: () => items, ...deps })
  return kube.get<DataStore>(resourceTypes.dataStores, { name }, {})
}
const readyOf = (store: DataStore | undefined) => store?.status?.conditions?.find(({ type }) => type === 'Ready')
const storeCondition = async (tenant: TenantControlPlane) =>
  (await read(tenant))?.status?.conditions?.find(({ type }) => type === 'DataStoreReady')

/** A tenant that is Ready in the eyes of the manager, for which the world plays the cluster. */
const readyTenant = async (dataStore: Record<string, unknown>): Promise<TenantControlPlane> => {
  const tenant = await createTenant({ dataStore })
  // The server of the world plays the API server of each tenant, but DNS has an address of the slice of one of them.
  await world.clearDns()
  await drive(tenant)
  await world.clearDns()
  return (await read(tenant)) ?? tenant
}

const started = async (tenant: TenantControlPlane): Promise<TenantPrograms> => {
  const made = await startTenantPrograms(kube, tenant)
  programs.push(made)
  return made
}
/** The client certificate with which the tenant's API server comes to its store. */
const storeKeys = async (tenant: TenantControlPlane): Promise<KeyPair> => {
  const keys = await readPlaneSecret(kube, tenant, secretNames.kubeApiServer)
  return { cert: keys['etcd-client.crt'] ?? '', key: keys['etcd-client.key'] ?? '' }
}
const countBelow = async (etcd: StoreEtcd, prefix: string): Promise<number> => {
  const answer = await etcd.etcdctl(['get', prefix, '--prefix', '--count-only', '--write-out=fields'])
  return Number(/"Count" : (\d+)/.exec(answer)?.[1])
}
const configMap = (name: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { key: 'value' },
})

beforeAll(async () => {
  ;[shared, given] = await Promise.all([startStoreEtcd(), startStoreEtcd()])
  await createDataStore('pool', shared)
  // The operator's own work with an etcd that is given: a user for each prefix.
  await given.enableAuth()
  for (const name of ['one', 'two']) {
    await given.etcdctl(['user', 'add', name, '--no-password'])
    await given.etcdctl(['role', 'add', name])
    await given.etcdctl(['role', 'grant-permission', name, 'readwrite', `/tenants/${name}/`, '--prefix=true'])
    await given.etcdctl(['user', 'grant-role', name, name])
    const { cert, key } = await given.client(name)
    await createSecret('home', `etcd-${name}`, { 'ca.crt': given.authority.cert, 'tls.crt': cert, 'tls.key': key })
  }
})

const external = (name: string) => ({
  kind: 'external',
  endpoints: [given.endpoint],
  secretName: `etcd-${name}`,
  prefix: `/tenants/${name}/`,
})

test('a DataStore without auth is not used by any tenant, and both say so', async () => {
  const store = await keep('pool')
  expect(readyOf(store)).toMatchObject({
    status: 'False',
    reason: 'AuthDisabled',
    message: expect.stringContaining('etcdctl auth enable') as unknown,
  })
  const tenant = await createTenant({ dataStore: { kind: 'shared', name: 'pool' } })
  for (let round = 0; round < 3; round += 1) await reconcile(tenant)
  expect(await storeCondition(tenant)).toMatchObject({ status: 'False', reason: 'AuthDisabled' })
  // No API server is started for a store that does not keep tenants apart.
  const namespace = (await read(tenant))?.status?.controlPlaneNamespace ?? ''
  expect(await listIn(namespace, resourceTypes.deployments)).toEqual([])
  expect(await remove(tenant)).toBe(true)
  await shared.enableAuth()
  expect(readyOf(await keep('pool'))).toMatchObject({ status: 'True', reason: 'Serving' })
  expect(toldOfStores).toEqual(['AuthDisabled', 'Serving'])
})

interface Contract {
  readonly spec: (which: 'one' | 'two') => Record<string, unknown>
  /** What DataStoreReady says. */
  readonly told: RegExp
  /** Objects of the control-plane namespace that only a store of the tenant's own has. */
  readonly own: boolean
  /** Etcd and prefix of a store that runs elsewhere. */
  readonly place?: (tenant: TenantControlPlane) => { etcd: StoreEtcd; prefix: string }
}

const contracts: readonly (readonly [string, Contract])[] = [
  ['dedicated', { spec: () => ({ kind: 'dedicated' }), told: /^etcd serves with 1 member/, own: true }],
  [
    'shared',
    {
      spec: () => ({ kind: 'shared', name: 'pool' }),
      told: /^DataStore pool serves; \d+ KiB in \d+ keys below/,
      own: false,
      place: ({ metadata }) => ({ etcd: shared, prefix: storePrefix(metadata.uid ?? '') }),
    },
  ],
  [
    'external',
    {
      spec: external,
      told: /^etcd at localhost:\d+ serves; \d+ KiB in \d+ keys below/,
      own: false,
      place: ({ spec }) => ({ etcd: given, prefix: spec.dataStore.prefix ?? '' }),
    },
  ],
]

describe.for(contracts)('a data store that is %s', ([, { spec, told, own, place }]) => {
  let one: TenantControlPlane
  let two: TenantControlPlane
  let running: TenantPrograms

  beforeAll(async () => {
    one = await readyTenant(spec('one'))
    two = await readyTenant(spec('two'))
    running = await started(one)
  }, 180_000)

  test('is told as ready, has in the control-plane namespace what it needs, and a round more writes nothing', async () => {
    expect(await storeCondition(one)).toMatchObject({ status: 'True', message: expect.stringMatching(told) as unknown })
    const namespace = (await read(one))?.status?.controlPlaneNamespace ?? ''
    const { statefulSets, configMaps, services, networkPolicies, secrets } = resourceTypes
    const found = await Promise.all(
      [statefulSets, configMaps, services, networkPolicies, secrets].map((type) => listIn(namespace, type)),
    )
    const names = found.flat().map(({ metadata }) => metadata.name ?? '')
    expect(names.filter((name) => name.startsWith('etcd') && name !== 'etcd-ca').length > 0).toBe(own)
    // What only speeds up the first start is taken back once.
    const process = aProcess()
    // The API server goes on writing what it begins with, so another process would count other keys.
    await reconcile(one, process)
    const before = process.writes().length
    await reconcile(one, process)
    expect(process.writes().slice(before)).toEqual([])
  })

  test('keeps what an API server wrote over its restart, and refuses it nothing', { timeout: 120_000 }, async () => {
    await running.client.create(resourceTypes.configMaps, configMap('kept'))
    // Written with a lease.
    await running.client.create(resourceTypes.events, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'told', namespace: 'default' },
      involvedObject: { kind: 'ConfigMap', name: 'kept', namespace: 'default' },
    })
    await running.restart()
    expect(await running.client.get(resourceTypes.configMaps, { name: 'kept', namespace: 'default' })).toMatchObject({
      data: { key: 'value' },
    })
    expect(await running.log()).not.toMatch(/permission denied|PermissionDenied|compact failed|user name not found/i)
    if (!place) return
    const { etcd, prefix } = place(one)
    expect(await countBelow(etcd, prefix)).toBeGreaterThan(100)
    const all = (await etcd.etcdctl(['get', '', '--from-key', '--keys-only'])).split('\n').filter(Boolean)
    // Nothing is outside of what a tenant's deletion removes.
    expect(all.filter((key) => !/^\/([0-9a-f-]{36}|tenants\/(one|two))\//.test(key))).toEqual([])
  })

  test("cannot be read or written with another tenant's keys", async () => {
    const theirs = await storeKeys(two)
    if (place) {
      const { etcd, prefix } = place(one)
      for (const words of [
        ['get', prefix, '--prefix'],
        ['get', '', '--from-key'],
        ['put', `${prefix}x`, 'y'],
        ['del', prefix, '--prefix'],
      ])
        await expect(etcd.etcdctl(words, theirs)).rejects.toThrow(/permission denied/)
      await expect(etcd.etcdctl(['user', 'list'], theirs)).rejects.toThrow(/permission denied/)
      return
    }
    const { 'etcd-ca.crt': ca = '' } = await readPlaneSecret(kube, one, secretNames.kubeApiServer)
    const client = createStoreClient({ endpoints: [`https://localhost:${running.etcdPort}`], ca, ...theirs })
    await expect(client.count(rangeOfPrefix('/registry/'))).rejects.toMatchObject({ code: 'DATA_STORE_UNREACHABLE' })
    client.close()
  })

  test.runIf(place)('is not asked for while a tenant is paused, and serves it again after', async () => {
    const setState = (state: string) =>
      kube.patch(
        resourceTypes.tenantControlPlanes,
        { name: two.metadata.name ?? '', namespace: 'home' },
        { spec: { state } },
        { type: 'merge' },
      )
    const reasonOf = async () => (await read(two))?.status?.conditions?.find(({ type }) => type === 'Ready')?.reason
    await setState('Paused')
    for (let round = 0; round < 8 && (await reasonOf()) !== 'Paused'; round += 1) {
      await reconcile(two)
      await world.playCluster(two)
    }
    expect(await reasonOf()).toBe('Paused')
    const namespace = (await read(two))?.status?.controlPlaneNamespace ?? ''
    expect(await listIn(namespace, resourceTypes.pods)).toEqual([])
    await setState('Running')
    await world.clearDns()
    await drive(two)
    await world.clearDns()
    expect(await reasonOf()).toBe('Usable')
  })

  test.runIf(place)('tells how much a tenant has, counted anew when much has changed', async () => {
    const process = aProcess()
    await reconcile(one, process)
    const said = /(\d+) KiB in (\d+) keys/.exec((await storeCondition(one))?.message ?? '')
    expect(Number(said?.[1])).toBeGreaterThan(20)
    expect(Number(said?.[2])).toBeGreaterThan(100)
  })

  test('of a tenant that is deleted has nothing of it any more, and harms no neighbour', async () => {
    await running.stop()
    if (place) {
      const { etcd, prefix } = place(two)
      await etcd.etcdctl(['put', `${prefix}kept`, 'value'], await storeKeys(two))
    }
    const { prefix, etcd } = place?.(one) ?? {}
    expect(await remove(one)).toBe(true)
    if (!place || !prefix || !etcd) return
    expect(await countBelow(etcd, prefix)).toBe(0)
    expect(await countBelow(etcd, place(two).prefix)).toBe(1)
    if (etcd !== shared) return
    const user = storeUser(one.metadata.uid ?? '')
    expect(await etcd.etcdctl(['user', 'list'])).not.toContain(user)
    expect(await etcd.etcdctl(['role', 'list'])).not.toContain(user)
    expect(await etcd.etcdctl(['user', 'list'])).toContain(storeUser(two.metadata.uid ?? ''))
  })

  test.runIf(place)('that is dead is told in words, and does not hold up a deletion for good', { timeout: 120_000 }, async () => {
    if (!place) return
    const { etcd, prefix } = place(two)
    etcd.freeze()
    try {
      await reconcile(two).catch(() => {})
      expect(await storeCondition(two)).toMatchObject({
        status: 'False',
        reason: 'DataStoreUnreachable',
        message: expect.stringMatching(/etcd at localhost:\d+ does not answer/) as unknown,
      })
      const told: Transition[] = []
      const process = aProcess()
      let laterMs = 0
      const deps = {
        ...process.deps,
        tell: (_: unknown, transition: Transition) => void told.push(transition),
        now: () => new Date(Date.now() + laterMs),
      }
      expect(await remove(two, { ...process, deps }, 2)).toBe(false)
      laterMs = 121_000
      expect(await remove(two, { ...process, deps }, 3)).toBe(true)
      expect(told).toContainEqual(
        expect.objectContaining({ type: 'Warning', reason: 'DataLeft', message: expect.stringContaining(prefix) as unknown }),
      )
    } finally {
      etcd.thaw()
    }
  })
})

describe('a DataStore', () => {
  test('tells who uses it and how much each has, and is not deleted meanwhile', { timeout: 120_000 }, async () => {
    const tenant = await readyTenant({ kind: 'shared', name: 'pool' })
    const uid = tenant.metadata.uid ?? ''
    await shared.etcdctl(['put', `${storePrefix(uid)}a`, 'x'.repeat(5000)])
    const store = await keep('pool', { storeMeter: createStoreMeter() })
    expect(store?.status).toMatchObject({ tenantCount: 1, tenants: [{ name: tenant.metadata.name, uid, keys: 1 }] })
    expect(store?.status?.tenants?.[0]?.sizeBytes).toBeGreaterThan(5000)
    const again = await keep('pool')
    expect(again?.metadata.resourceVersion).toBe(store?.metadata.resourceVersion)

    await kube.delete(resourceTypes.dataStores, { name: 'pool' })
    const kept = await keep('pool')
    expect(kept?.status?.conditions).toContainEqual(
      expect.objectContaining({
        type: 'Deleting',
        reason: 'InUse',
        message: expect.stringContaining(`home/${tenant.metadata.name}`) as unknown,
      }),
    )
    const late = await createTenant({ dataStore: { kind: 'shared', name: 'pool' } })
    await reconcile(late)
    expect(await storeCondition(late)).toMatchObject({ status: 'False', reason: 'DataStoreDeleting' })
    expect(await remove(late)).toBe(true)
    await world.clearDns()
    expect((await drive(tenant)).metadata.name).toBe(tenant.metadata.name)
    expect(await remove(tenant)).toBe(true)
    expect(await keep('pool')).toBeUndefined()
  })

  test('whose endpoints become those of another etcd is not used there', async () => {
    await kube.delete(resourceTypes.secrets, { name: 'pool', namespace: 'berth-system' })
    await createDataStore('pool', shared)
    const before = await keep('pool')
    expect(readyOf(before)?.status).toBe('True')
    await kube.patch(resourceTypes.dataStores, { name: 'pool' }, { spec: { endpoints: [given.endpoint] } }, { type: 'merge' })
    const { cert, key } = await given.client('root')
    const data = base64({ 'ca.crt': given.authority.cert, 'tls.crt': cert, 'tls.key': key, 'ca.key': given.authority.key })
    await kube.patch(resourceTypes.secrets, { name: 'pool', namespace: 'berth-system' }, { data }, { type: 'merge' })
    const moved = await keep('pool')
    expect(readyOf(moved)).toMatchObject({ status: 'False', reason: 'AnotherCluster' })
    expect(moved?.status?.endpoints).toEqual([shared.endpoint])
  })

  test.for<[name: string, change: Record<string, string | null>, said: RegExp]>([
    ['lacks a key', { 'tls.key': null }, /lacks tls\.key/],
    ['has a key of another certificate', { 'ca.key': 'tls.key' }, /has a ca\.key that does not belong to its ca\.crt/],
    ['has something that is no certificate', { 'tls.crt': 'x' }, /has a tls\.crt that is no PEM certificate/],
  ])('whose Secret %s says so', async ([name, change, said]) => {
    const id = name.replaceAll(' ', '-')
    await createDataStore(id, shared)
    const live = await kube.get(resourceTypes.secrets, { name: id, namespace: 'berth-system' })
    const data = Object.fromEntries(
      Object.entries(change).map(([key, value]) => [key, value === null ? null : (live?.data[value] ?? btoa(value))]),
    )
    await kube.patch(resourceTypes.secrets, { name: id, namespace: 'berth-system' }, { data }, { type: 'merge' })
    expect(readyOf(await keep(id))).toMatchObject({ reason: 'SecretUnusable', message: expect.stringMatching(said) as unknown })
  })

  test('with the certificate of somebody else than root says so', async () => {
    await createDataStore('not-root', shared)
    const { cert, key } = await shared.client('somebody')
    const data = base64({ 'tls.crt': cert, 'tls.key': key })
    await kube.patch(resourceTypes.secrets, { name: 'not-root', namespace: 'berth-system' }, { data }, { type: 'merge' })
    expect(readyOf(await keep('not-root'))).toMatchObject({ status: 'False', reason: 'NotRoot' })
  })
})
