import { Readable } from 'node:stream'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ControlPlaneSnapshot } from '../apis/control-plane-snapshot.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { type LoadOrder, type SnapshotHeader, snapshotTask } from '../apis/snapshot-task.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { pack } from '../snapshots/archive.ts'
import { openS3 } from '../snapshots/s3-store.ts'
import { loadingAnnotation } from '../tenancy/marks.ts'
import { controlPlaneNamespace } from '../tenancy/names.ts'
import { startPlaneWorld } from '../testing/plane-world.ts'
import { playJobs } from '../testing/play-jobs.ts'
import { type S3Server, startS3Server } from '../testing/s3-server.ts'
import { refOf } from './observe.ts'
import { reconcileSnapshot } from './snapshots/reconcile-snapshot.ts'

const world = await startPlaneWorld()
const { kube, aProcess, createTenant, read, reconcile, listIn, playCluster, drive } = world
const { jobOf, endJobs, endJob } = playJobs(world)
const planes = resourceTypes.tenantControlPlanes
const snapshots = resourceTypes.controlPlaneSnapshots
const claims = resourceTypes.persistentVolumeClaims
const own = { dataStore: { storageClassName: 'disks' } }
const ghost = { uid: 'gone-with-its-keys', name: 'ghost', namespace: 'home' }

let s3: S3Server
let source: TenantControlPlane
let identity: string

const secret = (name: string, data: Record<string, string>) =>
  kube.create(resourceTypes.secrets, {
    metadata: { name, namespace: 'home' },
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, btoa(text)])),
  } as KubeObject)

/** A complete snapshot that lies in the bucket. */
const aSnapshot = async (name: string, more: Partial<SnapshotHeader> = {}, status: object = {}): Promise<void> => {
  const key = `home/${name}`
  const header = { format: 'berth-snapshot/1', tenant: refOf(source), version: 'v1.37.1', createdAt: '', ...more } as const
  const recipients = header.roots ? [await identityToRecipient(identity)] : []
  const store = openS3(s3.access, new AbortController().signal)
  await store.put(key, await pack(header, Readable.from([Buffer.from('data')]), recipients))
  store.close()
  const made = await kube.create<ControlPlaneSnapshot>(snapshots, {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'ControlPlaneSnapshot',
    metadata: { name, namespace: 'home' },
    spec: {
      tenantName: header.tenant.name,
      storage: { s3: { endpoint: s3.access.endpoint, bucket: 'berth', secretName: 'keys' } },
    },
  } as unknown as ControlPlaneSnapshot)
  const whole = {
    phase: 'Complete',
    key,
    sha256: 'abc',
    tenantUid: header.tenant.uid,
    version: 'v1.37.1',
    encrypted: recipients.length > 0,
  }
  await kube.replace(snapshots, { ...made, status: { ...whole, ...status } } as ControlPlaneSnapshot, { subresource: 'status' })
}

const placeOf = (tenant: TenantControlPlane): string => controlPlaneNamespace(refOf(tenant))
const keyOf = async (tenant: TenantControlPlane): Promise<string> =>
  atob((await kube.get(resourceTypes.secrets, { name: 'encryption-key', namespace: placeOf(tenant) }))?.data?.key ?? '')
const orderOf = async (job: KubeObject): Promise<LoadOrder> => {
  const { name = '', namespace = '' } = job.metadata
  const order = snapshotTask.parse(
    JSON.parse(atob((await kube.get(resourceTypes.secrets, { name, namespace }))?.data?.['task.json'] ?? '')),
  )
  if (order.kind !== 'load') throw new Error('an order to load is expected')
  return order
}
const statusOf = async (tenant: TenantControlPlane) => (await read(tenant))?.status
const claimOf = (tenant: TenantControlPlane) => kube.get(claims, { name: 'data-etcd-0', namespace: placeOf(tenant) })
const replicasOf = async (tenant: TenantControlPlane) =>
  [
    ...(await listIn(placeOf(tenant), resourceTypes.statefulSets)),
    ...(await listIn(placeOf(tenant), resourceTypes.deployments)),
  ].map(({ spec }) => spec.replicas as number)

/** Rounds of the manager, and what the cluster does after each, until it is so. `onJob` sees each Job before it ends. */
const go = async (
  tenant: TenantControlPlane,
  isThere: (status: TenantControlPlane['status']) => boolean,
  {
    onJob,
    ends = 'Complete',
    fault,
  }: { onJob?: (job: KubeObject) => Promise<void>; ends?: 'Complete' | 'Failed'; fault?: number } = {},
): Promise<TenantControlPlane['status']> => {
  let process = aProcess(fault === undefined ? undefined : { call: fault, carriedOut: fault % 2 === 0 })
  for (let round = 0; round < 30; round += 1) {
    await reconcile(tenant, process).catch(() => {
      process = aProcess()
    })
    const status = await statusOf(tenant)
    if (isThere(status)) return status
    const job = await jobOf(tenant)
    if (job) await onJob?.(job)
    await playCluster(tenant)
    await endJobs(tenant)
    await endJob(tenant, ends)
  }
  throw new Error(`it did not come to that: ${JSON.stringify(await statusOf(tenant))}`)
}
const isReady = (status: TenantControlPlane['status']): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false

beforeAll(async () => {
  s3 = await startS3Server()
  identity = await generateIdentity()
  const { accessKeyId, secretAccessKey } = s3.access
  await secret('keys', { accessKeyId, secretAccessKey })
  await secret('age-key', { identity })
  source = await drive(await createTenant(own))
  await world.clearDns()
})
afterAll(async () => {
  await world.stop()
  await s3.stop()
})
afterEach(() => world.clearDns())

describe('a tenant that begins with a snapshot of another', () => {
  test('runs nothing before it has the data, re-mapped to what is its own', async () => {
    await aSnapshot('whole', { slices: ['10.96.200.0/24'] })
    const tenant = await createTenant({ ...own, cloneFrom: { snapshotName: 'whole' } })
    const seen: string[] = []
    const status = await go(tenant, isReady, {
      onJob: async (job) => {
        const { restore, serviceSlice } = (await statusOf(tenant)) ?? {}
        seen.push(restore?.phase ?? '')
        expect(await replicasOf(tenant)).toEqual([0, 0, 0])
        expect(await listIn(placeOf(tenant), resourceTypes.pods)).toEqual([])
        const claim = await claimOf(tenant)
        expect(claim?.spec).toMatchObject({ storageClassName: 'disks', accessModes: ['ReadWriteOnce'] })
        if (restore?.phase === 'Swapping') {
          expect(claim?.metadata.annotations?.[loadingAnnotation]).toBeUndefined()
          return
        }
        expect(claim?.metadata.annotations?.[loadingAnnotation]).toBe('true')
        const { remap } = await orderOf(job)
        expect(remap?.slices).toEqual({ from: ['10.96.200.0/24'], to: [serviceSlice] })
        expect(remap?.keys).toEqual({ source: await keyOf(source), own: await keyOf(tenant) })
        expect(remap?.keys.own).not.toBe(remap?.keys.source)
        const { initContainers, containers } = job.spec.template.spec as {
          initContainers: KubeObject[]
          containers: KubeObject[]
        }
        expect(initContainers.map(({ name }) => name as string)).toEqual(['fetch', 'restore', 'remap-store'])
        expect(containers.map(({ name }) => name as string)).toEqual(['remap'])
      },
    })
    expect(seen).toEqual(['Loading', 'Swapping'])
    expect(status?.restore).toMatchObject({
      phase: 'Done',
      request: 'clone',
      message: 'the tenant began with the data of snapshot whole',
    })
    expect(status?.restored).toMatchObject({ snapshotName: 'whole' })
    const idle = aProcess()
    await reconcile(tenant, idle)
    await reconcile(tenant, idle)
    await endJobs(tenant)
    expect(await jobOf(tenant)).toBeUndefined()
    expect(isReady(await statusOf(tenant))).toBe(true)
    // It has its data, and goes wherever any tenant does.
    const shared = { kind: 'shared', name: 'pool', storageClassName: null }
    const ref = { name: tenant.metadata.name ?? '', namespace: 'home' }
    await kube.patch(planes, ref, { spec: { dataStore: shared } }, { type: 'merge' })
  })

  test('waits for one that is not there, or cannot be read yet, and says what is amiss', async () => {
    const tenant = await createTenant({ ...own, cloneFrom: { snapshotName: 'later', identitySecretName: 'age-key-later' } })
    const isRefused = (message: string) => (status: TenantControlPlane['status']) =>
      status?.restore?.phase === 'Failed' && status.restore.message.includes(message)
    const status = await go(tenant, isRefused('home/later is not there'))
    expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False' }))
    await playCluster(tenant)
    await reconcile(tenant)
    expect(await replicasOf(tenant)).toEqual([0, 0, 0])
    expect(await claimOf(tenant)).toBeUndefined()
  })

  test('is loaded again after a load that failed, and never started without', async () => {
    await aSnapshot('unlucky')
    const tenant = await createTenant({ ...own, cloneFrom: { snapshotName: 'unlucky' } })
    const status = await go(tenant, (now) => now?.restore?.phase === 'Failed', { ends: 'Failed' })
    expect(status?.restore?.message).toMatch(/tried again, as the snapshot could not be loaded/)
    await reconcile(tenant)
    expect(await replicasOf(tenant)).toEqual([0, 0, 0])
    const stored = await read(tenant)
    const restore = { ...stored?.status?.restore, completedAt: '2026-01-01T00:00:00Z' }
    await kube.replace(planes, { ...stored, status: { ...stored?.status, restore } } as TenantControlPlane, {
      subresource: 'status',
    })
    expect((await go(tenant, isReady))?.restore).toMatchObject({ phase: 'Done' })
  })

  test('leaves no order with keys in it when its load came to nothing, also when there is no Job of it', async () => {
    await aSnapshot('unmade')
    const tenant = await createTenant({ ...own, cloneFrom: { snapshotName: 'unmade' } })
    const orders = async () =>
      (await listIn(placeOf(tenant), resourceTypes.secrets)).filter(({ metadata }) => metadata.name?.startsWith('restore-'))
    const process = aProcess()
    const nameless = { ...process, deps: { ...process.deps, image: undefined } }
    await go(tenant, (now) => now?.restore?.phase === 'Loading')
    await reconcile(tenant, nameless)
    expect((await statusOf(tenant))?.restore).toMatchObject({
      phase: 'Failed',
      message: expect.stringMatching(/BERTH_IMAGE/) as string,
    })
    expect(await orders()).toEqual([])
    const { id } = (await statusOf(tenant))?.restore ?? {}
    const labels = { 'berth.dev/control-plane': tenant.metadata.uid ?? '' }
    await kube.create(resourceTypes.secrets, {
      metadata: { name: `restore-${id}`, namespace: placeOf(tenant), labels },
    } as KubeObject)
    await reconcile(tenant)
    expect(await orders()).toEqual([])
  })

  test('of one that is gone needs an encrypted snapshot, which has its key in it', async () => {
    await aSnapshot('open', { tenant: ghost })
    const without = await createTenant({ ...own, cloneFrom: { snapshotName: 'open' } })
    const refused = await go(without, (status) => status?.restore?.phase === 'Failed')
    expect(refused?.restore?.message).toMatch(/tenant ghost is gone.*choose one that is encrypted with age/)
    const key = btoa('k'.repeat(32))
    await aSnapshot('sealed', { tenant: ghost, roots: { 'encryption-key': { key } } })
    const tenant = await createTenant({ ...own, cloneFrom: { snapshotName: 'sealed', identitySecretName: 'age-key' } })
    const orders: LoadOrder[] = []
    await go(tenant, isReady, {
      onJob: async (job) => {
        if ((await statusOf(tenant))?.restore?.phase === 'Loading') orders.push(await orderOf(job))
      },
    })
    expect(orders).toHaveLength(1)
    expect(orders[0]).toMatchObject({ identity, remap: { keys: { source: key } } })
    expect(JSON.stringify(await read(tenant))).not.toContain(key)
  })

  test.for<[name: string, header: Partial<SnapshotHeader>, status: object, message: RegExp]>([
    ['of another namespace', { tenant: { ...ghost, namespace: 'elsewhere' } }, {}, /of another tenant, of UID/],
    ['that is not what its object says', { tenant: ghost }, { tenantUid: 'another' }, /of another tenant, of UID/],
    ['of a newer minor', {}, { version: 'v1.38.0' }, /does not read/],
  ])('is not one %s', async ([name, header, status, message]) => {
    const snapshotName = name.replaceAll(' ', '-')
    await aSnapshot(snapshotName, header, status)
    const tenant = await createTenant({ ...own, cloneFrom: { snapshotName } })
    const refused = await go(tenant, (now) => now?.restore?.phase === 'Failed')
    expect(refused?.restore?.message).toMatch(message)
  })

  test('does not begin anew when its status is lost: the data that are there stay', async () => {
    await aSnapshot('once')
    const tenant = await createTenant({ ...own, cloneFrom: { snapshotName: 'once' } })
    await go(tenant, isReady)
    const stored = await read(tenant)
    const { restored: _restored, restore: _restore, version: _version, ...status } = stored?.status ?? {}
    await kube.replace(planes, { ...stored, status } as TenantControlPlane, { subresource: 'status' })
    await go(tenant, isReady)
    expect(await jobOf(tenant)).toBeUndefined()
    expect(await replicasOf(tenant)).toEqual([1, 1, 1])
  })

  test.for([7, 20, 33, 46, 61, 74, 88, 103])('goes on where a killed manager left it: call %i', async (fault) => {
    const snapshotName = `killed-${fault}`
    await aSnapshot(snapshotName)
    const tenant = await createTenant({ ...own, cloneFrom: { snapshotName } })
    const phases: string[] = []
    const status = await go(tenant, isReady, {
      fault,
      onJob: async () => void phases.push((await statusOf(tenant))?.restore?.phase ?? ''),
    })
    expect(status?.restored).toMatchObject({ snapshotName })
    expect([...new Set(phases)]).toEqual(['Loading', 'Swapping'])
  })

  test('cannot be another one later, and needs a data store of its own', async () => {
    const cloneFrom = { snapshotName: 'no-such' }
    const tenant = await createTenant({ ...own, cloneFrom })
    const change = (spec: object) =>
      kube.patch(planes, { name: tenant.metadata.name ?? '', namespace: 'home' }, { spec }, { type: 'merge' })
    await expect(change({ cloneFrom: { snapshotName: 'other' } })).rejects.toThrow(/cannot be changed: make another tenant/)
    await expect(change({ cloneFrom: null })).rejects.toThrow(/cannot be changed: make another tenant/)
    await expect(createTenant({ dataStore: { kind: 'shared', name: 'pool' }, cloneFrom })).rejects.toThrow(
      /data store of its own/,
    )
    await expect(change({ dataStore: { kind: 'shared', name: 'pool', storageClassName: null } })).rejects.toThrow(
      /data store of its own/,
    )
    const plain = await createTenant(own)
    const later = kube.patch(
      planes,
      { name: plain.metadata.name ?? '', namespace: 'home' },
      { spec: { cloneFrom } },
      { type: 'merge' },
    )
    await expect(later).rejects.toThrow(/cannot be changed: make another tenant/)
  })
})

test('a restore in place of a tenant whose key was lost since takes the key of the snapshot, and the tenant keeps its addresses', async () => {
  const tenant = await drive(await createTenant(own))
  const labels = { 'berth.dev/control-plane': tenant.metadata.uid ?? '' }
  await kube.create(claims, {
    metadata: { name: 'data-etcd-0', namespace: placeOf(tenant), labels },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  } as KubeObject)
  const key = btoa('l'.repeat(32))
  await aSnapshot('with-key', { tenant: refOf(tenant), roots: { 'encryption-key': { key } } })
  const restore = { snapshotName: 'with-key', identitySecretName: 'age-key' }
  await kube.patch(planes, { name: tenant.metadata.name ?? '', namespace: 'home' }, { spec: { restore } }, { type: 'merge' })
  const orders: LoadOrder[] = []
  await go(tenant, (status) => status?.restore?.phase === 'Done', {
    onJob: async (job) => {
      if ((await statusOf(tenant))?.restore?.phase === 'Loading') orders.push(await orderOf(job))
    },
  })
  expect(orders[0]?.remap).toEqual({ keys: { source: key, own: await keyOf(tenant) } })
})

describe('a drill of a snapshot', () => {
  const ref = (name: string) => ({ namespace: 'home', name })
  const run = (name: string) => reconcileSnapshot(ref(name), aProcess().deps)
  const snapshotStatus = async (name: string) => (await kube.get<ControlPlaneSnapshot>(snapshots, ref(name)))?.status
  const ask = (name: string, drill: object | null) => kube.patch(snapshots, ref(name), { spec: { drill } }, { type: 'merge' })
  const leftIn = async (namespace: string) =>
    [...(await listIn(namespace, resourceTypes.jobs)), ...(await listIn(namespace, resourceTypes.secrets))]
      .filter(({ metadata }) => metadata.name?.startsWith('snapshot-drill-') && !metadata.deletionTimestamp)
      .map(({ metadata }) => metadata.name)

  /** The pod of a Job that has ended, with its last word. */
  const endPod = async (job: KubeObject, message: string): Promise<void> => {
    const { name = '', namespace = '' } = job.metadata
    const pod = { name: `${name}-1`, namespace }
    await kube.create(resourceTypes.pods, {
      metadata: { ...pod, labels: { 'batch.kubernetes.io/job-name': name } },
      // As it is: the namespace takes restricted pods only.
      spec: job.spec.template.spec as object,
    } as KubeObject)
    const ended = { exitCode: 0, message }
    const containerStatuses = [
      { name: 'drill', ready: false, restartCount: 0, image: 'x', imageID: 'x', state: { terminated: ended } },
    ]
    const body = { status: { phase: 'Succeeded', containerStatuses } }
    await kube.patch(resourceTypes.pods, pod, body, { type: 'merge', subresource: 'status' })
  }

  test('runs apart from the tenant, with keys of its own, says what it saw and leaves nothing', async () => {
    await aSnapshot('to-drill', { slices: ['10.96.77.0/24'] })
    await ask('to-drill', { requestedAt: '2026-06-01T00:00:00Z' })
    await run('to-drill')
    expect((await snapshotStatus('to-drill'))?.drill).toMatchObject({ result: 'Running' })
    expect(await leftIn(placeOf(source))).toEqual([])
    await run('to-drill')
    await run('to-drill')
    const [job] = (await listIn(placeOf(source), resourceTypes.jobs)).filter(({ metadata }) => !metadata.deletionTimestamp)
    if (!job) throw new Error('a Job is expected')
    const order = await orderOf(job)
    expect(order).toMatchObject({ key: 'home/to-drill', remap: { keys: { source: await keyOf(source) } } })
    expect(order.remap?.slices).toBeUndefined()
    expect(order.remap?.keys.own).not.toBe(order.remap?.keys.source)
    const { initContainers, containers, volumes } = job.spec.template.spec as {
      initContainers: { name: string; command: string[]; volumeMounts: { name: string }[] }[]
      containers: { name: string }[]
      volumes: { name: string; persistentVolumeClaim?: object; secret?: { items: { key: string }[] } }[]
    }
    expect(initContainers.map(({ name }) => name)).toEqual(['fetch', 'restore', 'remap-store', 'remap', 'drill-server'])
    expect(containers.map(({ name }) => name)).toEqual(['drill'])
    const server = initContainers.find(({ name }) => name === 'drill-server')
    expect(server?.command).toContain('--service-cluster-ip-range=10.96.77.0/24')
    // The order has the keys of the tenant in it.
    expect(server?.volumeMounts.map(({ name }) => name)).toEqual(['keys', 'server'])
    expect(volumes.find(({ name }) => name === 'keys')?.secret?.items.map(({ key }) => key)).not.toContain('task.json')
    expect(volumes.some(({ persistentVolumeClaim }) => persistentVolumeClaim)).toBe(false)
    await endPod(job, JSON.stringify({ objects: 321, kinds: 50, secrets: 4, problems: [] }))
    await endJob(source, 'Complete')
    await run('to-drill')
    const status = await snapshotStatus('to-drill')
    expect(status?.drill).toMatchObject({ result: 'Passed', objects: 321, kinds: 50, secrets: 4 })
    expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Verified', status: 'True' }))
    await run('to-drill')
    expect(await leftIn(placeOf(source))).toEqual([])
    await run('to-drill')
    expect(await leftIn(placeOf(source))).toEqual([])
    await kube.delete(
      resourceTypes.pods,
      { name: `${job.metadata.name}-1`, namespace: placeOf(source) },
      { gracePeriodSeconds: 0 },
    )
  })

  test('that is taken back is over, and leaves no keys even when its Job is gone', async () => {
    await aSnapshot('taken-back')
    await ask('taken-back', {})
    for (let round = 0; round < 2; round += 1) await run('taken-back')
    const [name] = await leftIn(placeOf(source))
    expect(await leftIn(placeOf(source))).toEqual([name, name])
    await kube.delete(resourceTypes.jobs, { name: name ?? '', namespace: placeOf(source) }, { propagationPolicy: 'Background' })
    await ask('taken-back', null)
    await run('taken-back')
    expect((await snapshotStatus('taken-back'))?.drill).toMatchObject({ result: 'Failed', message: 'it was taken back' })
    expect(await leftIn(placeOf(source))).toEqual([])
    const idle = aProcess()
    await reconcileSnapshot(ref('taken-back'), idle.deps)
    expect(idle.writes()).toEqual([])
  })

  test('that cannot be had is told as failed, in words and as an event', async () => {
    await aSnapshot('gone', { tenant: ghost })
    await ask('gone', {})
    const told: string[] = []
    await reconcileSnapshot(ref('gone'), aProcess().deps)
    expect((await snapshotStatus('gone'))?.drill).toMatchObject({
      result: 'Failed',
      message: expect.stringMatching(/is gone/) as string,
    })
    await aSnapshot('locked', { roots: { 'encryption-key': { key: 'k' } } })
    await ask('locked', {})
    const { deps } = aProcess()
    const tell = (_: unknown, { reason, message }: { reason: string; message: string }) => void told.push(`${reason} ${message}`)
    for (let round = 0; round < 4; round += 1) await reconcileSnapshot(ref('locked'), { ...deps, tell })
    expect((await snapshotStatus('locked'))?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Verified', status: 'False', reason: 'Failed' }),
    )
    expect(told).toEqual([expect.stringMatching(/^DrillFailed snapshot locked: .*spec\.drill\.identitySecretName$/)])
    expect(await leftIn(placeOf(source))).toEqual([])
  })
})

test.for<[name: string, recipients: readonly string[], has: boolean]>([
  ['encrypted', ['age1'], true],
  ['open', [], false],
])('a snapshot that is %s has the keys of its tenant in it: %s', async ([name, kinds, has]) => {
  const recipients = kinds.length > 0 ? [await identityToRecipient(identity)] : []
  const storage = { s3: { endpoint: s3.access.endpoint, bucket: 'berth', secretName: 'keys' } }
  await kube.create(snapshots, {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'ControlPlaneSnapshot',
    metadata: { name: `saved-${name}`, namespace: 'home' },
    spec: { tenantName: source.metadata.name, storage, recipients },
  } as unknown as ControlPlaneSnapshot)
  for (let round = 0; round < 3; round += 1)
    await reconcileSnapshot({ namespace: 'home', name: `saved-${name}` }, aProcess().deps)
  const job = await jobOf(source)
  const order = await kube.get(resourceTypes.secrets, { name: job?.metadata.name ?? '', namespace: placeOf(source) })
  const { header } = JSON.parse(atob(order?.data?.['task.json'] ?? '')) as { header: SnapshotHeader }
  expect(header.slices).toEqual([source.status?.serviceSlice])
  expect(Object.keys(header.roots ?? {}).sort()).toEqual(
    has ? ['cluster-ca', 'encryption-key', 'etcd-ca', 'front-proxy-ca', 'service-account-keys'] : [],
  )
  if (has) expect(header.roots?.['encryption-key']?.['key']).toBe(await keyOf(source))
  await endJob(source, 'Failed')
})
