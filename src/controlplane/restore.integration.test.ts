import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ControlPlaneSnapshot } from '../apis/control-plane-snapshot.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { snapshotTask } from '../apis/snapshot-task.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { pack } from '../snapshots/archive.ts'
import { openS3 } from '../snapshots/s3-store.ts'
import { controlPlaneLabel } from '../tenancy/marks.ts'
import { controlPlaneNamespace } from '../tenancy/names.ts'
import { startPlaneWorld } from '../testing/plane-world.ts'
import { playJobs } from '../testing/play-jobs.ts'
import { type S3Server, startS3Server } from '../testing/s3-server.ts'
import { refOf } from './observe.ts'
import { reconcileSnapshot } from './snapshots/reconcile-snapshot.ts'

const world = await startPlaneWorld()
const { kube, aProcess, createTenant, read, reconcile, listIn, playCluster, drive } = world
const planes = resourceTypes.tenantControlPlanes
const snapshots = resourceTypes.controlPlaneSnapshots
let s3: S3Server
beforeAll(async () => {
  s3 = await startS3Server()
  const { accessKeyId, secretAccessKey } = s3.access
  const encoded = { accessKeyId: btoa(accessKeyId), secretAccessKey: btoa(secretAccessKey) }
  await kube.create(resourceTypes.secrets, { metadata: { name: 'keys', namespace: 'home' }, data: encoded } as KubeObject)
})
afterAll(async () => {
  await world.stop()
  await s3.stop()
})
afterEach(() => world.clearDns())

const kindOf = { apiVersion: 'berth.dev/v1alpha1', kind: 'ControlPlaneSnapshot' }
const storage = () => ({ s3: { endpoint: s3.access.endpoint, bucket: 'berth', secretName: 'keys' } })

/** A tenant that serves with three members on volumes, and a snapshot of it that lies in the bucket. */
const aServingTenant = async (snapshotName: string, change: object = {}): Promise<TenantControlPlane> => {
  const tenant = await createTenant({ dataStore: { replicas: 3, storageClassName: 'disks' } })
  await reconcile(tenant)
  const namespace = controlPlaneNamespace(refOf(tenant))
  for (const ordinal of [0, 1, 2]) {
    await kube.create(resourceTypes.persistentVolumeClaims, {
      metadata: { name: `data-etcd-${ordinal}`, namespace, labels: { [controlPlaneLabel]: tenant.metadata.uid ?? '' } },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    } as KubeObject)
  }
  const serving = await drive(tenant)
  const key = `home/${snapshotName}`
  const header = { format: 'berth-snapshot/1', tenant: refOf(tenant), version: 'v1.37.1', createdAt: '' } as const
  const store = openS3(s3.access, new AbortController().signal)
  await store.put(key, await pack(header, Readable.from([Buffer.from('data')]), []))
  store.close()
  const made = await kube.create<ControlPlaneSnapshot>(snapshots, {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'ControlPlaneSnapshot',
    metadata: { name: snapshotName, namespace: 'home' },
    spec: { tenantName: tenant.metadata.name, storage: storage() },
  } as unknown as ControlPlaneSnapshot)
  const status = {
    phase: 'Complete',
    key,
    sha256: 'abc',
    tenantUid: tenant.metadata.uid,
    version: 'v1.37.1',
    encrypted: false,
    ...change,
  }
  await kube.replace(snapshots, { ...made, status } as ControlPlaneSnapshot, { subresource: 'status' })
  return serving
}

const ask = (tenant: TenantControlPlane, restore: object | null) =>
  kube.patch(planes, { name: tenant.metadata.name ?? '', namespace: 'home' }, { spec: { restore } }, { type: 'merge' })

const { jobsOf, jobOf, endJobs, endJob, endClaims } = playJobs(world)
const claims = async (tenant: TenantControlPlane) =>
  (await listIn(controlPlaneNamespace(refOf(tenant)), resourceTypes.persistentVolumeClaims))
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .map(({ metadata }) => metadata.name)
const phaseOf = async (tenant: TenantControlPlane) => (await read(tenant))?.status?.restore?.phase

describe('a restore', () => {
  test('stops all, loads, leaves the first member alone and starts it, one thing after the other', async () => {
    const tenant = await aServingTenant('whole')
    await ask(tenant, { snapshotName: 'whole' })
    const stages: string[] = []
    for (let round = 0; round < 20 && (await phaseOf(tenant)) !== 'Done'; round += 1) {
      await reconcile(tenant)
      await playCluster(tenant)
      await endClaims(tenant)
      await endJobs(tenant)
      const job = await jobOf(tenant)
      if (job?.metadata.name?.endsWith('-swap')) {
        // What comes after it has no way back, which was written down before.
        expect(await phaseOf(tenant)).toBe('Swapping')
        await endJob(tenant, 'Complete')
      } else if (job) {
        const namespace = controlPlaneNamespace(refOf(tenant))
        const pods = (await listIn(namespace, resourceTypes.pods)).length
        const secret = await kube.get(resourceTypes.secrets, { name: job.metadata.name ?? '', namespace })
        const order = snapshotTask.parse(JSON.parse(atob(secret?.data?.['task.json'] ?? '')))
        expect(order).toMatchObject({ kind: 'load', key: 'home/whole', sha256: 'abc' })
        expect(pods).toBe(0)
        expect(await claims(tenant)).toHaveLength(3)
        expect((await read(tenant))?.status?.conditions).toContainEqual(
          expect.objectContaining({ type: 'Ready', status: 'False', reason: 'Restoring' }),
        )
        await endJob(tenant, 'Complete')
      }
      stages.push((await phaseOf(tenant)) ?? '')
    }
    expect([...new Set(stages)]).toEqual(['Stopping', 'Loading', 'Swapping', 'Starting', 'Done'])
    expect(await claims(tenant)).toEqual(['data-etcd-0'])
    await endJobs(tenant)
    expect(await jobsOf(tenant)).toEqual([])
    const namespace = controlPlaneNamespace(refOf(tenant))
    const [store] = await listIn(namespace, resourceTypes.statefulSets)
    expect(store?.spec.replicas).toBe(1)
    const leftOrders = (await listIn(namespace, resourceTypes.secrets)).filter(({ metadata }) =>
      metadata.name?.startsWith('restore-'),
    )
    expect(leftOrders).toEqual([])
    const idle = aProcess()
    await reconcile(tenant, idle)
    await reconcile(tenant, idle)
    expect(await phaseOf(tenant)).toBe('Done')
    expect(await jobsOf(tenant)).toEqual([])
  })

  test('that cannot be loaded leads back to the data that were there', async () => {
    const tenant = await aServingTenant('unloadable')
    await ask(tenant, { snapshotName: 'unloadable' })
    for (let round = 0; round < 20 && (await phaseOf(tenant)) !== 'Failed'; round += 1) {
      await reconcile(tenant)
      await playCluster(tenant)
      await endJob(tenant, 'Failed')
    }
    expect(await phaseOf(tenant)).toBe('Failed')
    expect(await claims(tenant)).toHaveLength(3)
    const back = await drive(tenant)
    await endJobs(tenant)
    expect(await jobsOf(tenant)).toEqual([])
    expect(back.status?.restore?.message).toContain('the data are as before')
    const [store] = await listIn(controlPlaneNamespace(refOf(tenant)), resourceTypes.statefulSets)
    expect(store?.spec.replicas).toBe(3)
    expect(back.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Restoring', status: 'False', reason: 'Failed' }),
    )
    await ask(tenant, null)
  })

  test.for<[name: string, snapshot: object, message: RegExp]>([
    ['is of another tenant', { tenantUid: 'other' }, /is of another tenant/],
    ['is not in the bucket', { key: 'home/none' }, /has no such snapshot any more/],
  ])('of a snapshot that %s stops nothing', async ([name, change, message]) => {
    const snapshotName = name.replaceAll(' ', '-')
    const tenant = await aServingTenant(snapshotName, change)
    await ask(tenant, { snapshotName })
    await reconcile(tenant)
    const status = (await read(tenant))?.status
    expect(status?.restore).toMatchObject({ phase: 'Failed', message: expect.stringMatching(message) as string })
    expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }))
  })

  // The calls of a whole restore are about 200: each tenth is cut off, now before and now after it was carried out.
  test.for(Array.from({ length: 12 }, (_, step) => [step * 9 + 5, step % 2 === 0] as const))(
    'goes on where a killed manager left it: call %i',
    async ([call, carriedOut]) => {
      const snapshotName = `killed-${call}`
      const tenant = await aServingTenant(snapshotName)
      await ask(tenant, { snapshotName })
      let process = aProcess({ call, carriedOut })
      for (let round = 0; round < 30 && (await phaseOf(tenant)) !== 'Done'; round += 1) {
        await reconcile(tenant, process).catch(() => {
          process = aProcess()
        })
        await playCluster(tenant)
        await endClaims(tenant)
        await endJobs(tenant)
        await endJob(tenant, 'Complete')
      }
      expect(await phaseOf(tenant)).toBe('Done')
      expect(await claims(tenant)).toEqual(['data-etcd-0'])
      await reconcile(tenant)
      await endJobs(tenant)
      expect(await jobsOf(tenant)).toEqual([])
    },
  )

  test.for(Array.from({ length: 6 }, (_, step) => [step * 9 + 41, step % 2 === 0] as const))(
    'that failed leads back, and loads nothing again, also when the manager is killed: call %i',
    async ([call, carriedOut]) => {
      const snapshotName = `lost-${call}`
      const tenant = await aServingTenant(snapshotName)
      await ask(tenant, { snapshotName })
      let process = aProcess({ call, carriedOut })
      const made = new Set<string>()
      for (let round = 0; round < 30 && (await phaseOf(tenant)) !== 'Failed'; round += 1) {
        await reconcile(tenant, process).catch(() => {
          process = aProcess()
        })
        const namespace = controlPlaneNamespace(refOf(tenant))
        const job = await jobOf(tenant)
        // Nobody else is on the volume when its pod is made.
        if (job && !made.has(job.metadata.uid ?? '')) expect(await listIn(namespace, resourceTypes.pods)).toEqual([])
        if (job) made.add(job.metadata.uid ?? '')
        await playCluster(tenant)
        await endJobs(tenant)
        await endJob(tenant, 'Failed')
      }
      expect(await phaseOf(tenant)).toBe('Failed')
      expect(made.size).toBe(1)
      expect(await claims(tenant)).toHaveLength(3)
      expect((await drive(tenant)).status?.restored).toBeUndefined()
    },
  )

  test('is one of its own each time, and what was restored stays known when another one is refused', async () => {
    const tenant = await aServingTenant('again')
    const finish = async () => {
      for (let round = 0; round < 20 && (await phaseOf(tenant)) !== 'Done'; round += 1) {
        await reconcile(tenant)
        await playCluster(tenant)
        await endClaims(tenant)
        await endJobs(tenant)
        await endJob(tenant, 'Complete')
      }
      return (await read(tenant))?.status
    }
    await ask(tenant, { snapshotName: 'again' })
    const first = await finish()
    expect(first?.restored).toMatchObject({ id: first?.restore?.id, snapshotName: 'again' })
    await ask(tenant, { snapshotName: 'typo' })
    await reconcile(tenant)
    const refused = (await read(tenant))?.status
    expect(refused?.restore).toMatchObject({ phase: 'Failed', snapshotName: 'typo' })
    expect(refused?.restored).toEqual(first?.restored)
    await ask(tenant, { snapshotName: 'again' })
    const second = await finish()
    expect(second?.restore?.phase).toBe('Done')
    expect(second?.restored?.id).not.toBe(first?.restored?.id)
  })
})

describe('a snapshot', () => {
  const run = async (name: string) => {
    const { deps } = aProcess()
    return reconcileSnapshot({ namespace: 'home', name }, deps)
  }
  const statusOf = async (name: string) => (await kube.get<ControlPlaneSnapshot>(snapshots, { namespace: 'home', name }))?.status

  test('is saved by a pod, whose order is gone when it is over, and goes with what it stored', async () => {
    const tenant = await drive(await createTenant({ dataStore: { storageClassName: 'disks' } }))
    await kube.create(snapshots, {
      ...kindOf,
      metadata: { name: 'by-hand', namespace: 'home' },
      spec: { tenantName: tenant.metadata.name, storage: storage() },
    } as unknown as ControlPlaneSnapshot)
    await run('by-hand')
    expect(await statusOf('by-hand')).toMatchObject({ phase: 'Running', tenantUid: tenant.metadata.uid })
    await run('by-hand')
    await run('by-hand')
    const job = await jobOf(tenant)
    const namespace = controlPlaneNamespace(refOf(tenant))
    const secret = await kube.get(resourceTypes.secrets, { name: job?.metadata.name ?? '', namespace })
    const order = snapshotTask.parse(JSON.parse(atob(secret?.data?.['task.json'] ?? '')))
    if (order.kind !== 'save') throw new Error('an order to save is expected')
    expect(order.etcd.clientKey).toContain('PRIVATE KEY')
    const { key = '' } = (await statusOf('by-hand')) ?? {}
    expect(order.key).toBe(key)

    const store = openS3(s3.access, new AbortController().signal)
    await store.put(key, Readable.from([Buffer.from('stored')]))
    const message = JSON.stringify({ sizeBytes: 6, sha256: 'ab', revision: '7' })
    const labels = { 'batch.kubernetes.io/job-name': job?.metadata.name ?? '' }
    const pod = { name: 'saver', namespace }
    await kube.create(resourceTypes.pods, {
      metadata: { ...pod, labels },
      spec: { ...job?.spec.template.spec, containers: job?.spec.template.spec.containers },
    } as KubeObject)
    const containerStatuses = [
      { name: 'save', ready: false, restartCount: 0, image: 'x', imageID: 'x', state: { terminated: { exitCode: 0, message } } },
    ]
    const podStatus = { phase: 'Succeeded', containerStatuses }
    await kube.patch(resourceTypes.pods, pod, { status: podStatus }, { type: 'merge', subresource: 'status' })
    await endJob(tenant, 'Complete')
    await run('by-hand')
    expect(await statusOf('by-hand')).toMatchObject({ phase: 'Complete', sizeBytes: 6, sha256: 'ab' })
    await run('by-hand')
    expect(await jobOf(tenant)).toBeUndefined()
    expect(await kube.get(resourceTypes.secrets, { name: job?.metadata.name ?? '', namespace })).toBeUndefined()

    await kube.delete(snapshots, { namespace: 'home', name: 'by-hand' })
    await run('by-hand')
    expect(await statusOf('by-hand')).toBeUndefined()
    await expect(store.get(key)).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' })
    store.close()
  })

  test('that cannot begin says why, and one that cannot be deleted waits, unless it is to be left', async () => {
    const tenant = await drive(await createTenant({ dataStore: { storageClassName: 'disks' } }))
    const noKeys = { s3: { ...storage().s3, secretName: 'no-such' } }
    await kube.create(snapshots, {
      ...kindOf,
      metadata: { name: 'keyless', namespace: 'home' },
      spec: { tenantName: tenant.metadata.name, storage: noKeys },
    } as unknown as ControlPlaneSnapshot)
    await run('keyless')
    await run('keyless')
    const status = await statusOf('keyless')
    expect(status?.phase).toBe('Failed')
    expect(status?.conditions?.[0]?.message).toContain(
      'Secret home/no-such, which should have the keys of the bucket, is not there',
    )
    await kube.delete(snapshots, { namespace: 'home', name: 'keyless' })
    await run('keyless')
    expect((await statusOf('keyless'))?.conditions?.[0]).toMatchObject({ reason: 'NotDeleted' })
    await kube.patch(snapshots, { namespace: 'home', name: 'keyless' }, { spec: { deletionPolicy: 'Retain' } }, { type: 'merge' })
    await run('keyless')
    expect(await statusOf('keyless')).toBeUndefined()
  })
})
