import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Condition } from '../apis/conditions.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { AppError } from '../lib/errors.ts'
import { componentLabel, controlPlaneLabel } from '../tenancy/marks.ts'
import { controlPlaneNamespace } from '../tenancy/names.ts'
import { startPlaneWorld } from '../testing/plane-world.ts'
import { endsPods } from './explain/effects.ts'
import { explainChanges } from './explain/explain.ts'
import { refOf } from './observe.ts'
import type { Transition } from './status.ts'

const type = resourceTypes.tenantControlPlanes
const world = await startPlaneWorld()
const { kube, aProcess, createTenant, read, reconcile, listIn, playCluster, drive } = world
afterAll(() => world.stop())
afterEach(() => world.clearDns())

const storageClass = (name: string, allowVolumeExpansion: boolean): KubeObject => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name },
  provisioner: 'played',
  allowVolumeExpansion,
})

beforeAll(async () => {
  await kube.create(resourceTypes.storageClasses, storageClass('grows', true))
  await kube.create(resourceTypes.storageClasses, storageClass('stays', false))
})

/** A tenant that names no class has volumes only while there is a default one. */
const setDefault = (isDefault: boolean) =>
  kube.patch(
    resourceTypes.storageClasses,
    { name: 'grows' },
    { metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': String(isDefault) } } },
    { type: 'merge' },
  )

/** The members' pods and volumes, which a StatefulSet controller and a provisioner would make. */
const playMembers = async (tenant: TenantControlPlane, count: number): Promise<void> => {
  const namespace = controlPlaneNamespace(refOf(tenant))
  const labels = { [controlPlaneLabel]: tenant.metadata.uid ?? '', [componentLabel]: 'etcd' }
  const [workload] = await listIn(namespace, resourceTypes.statefulSets)
  const [template] = (workload?.spec.volumeClaimTemplates ?? []) as KubeObject[]
  for (let ordinal = 0; ordinal < count; ordinal += 1) {
    const claim = { name: `data-etcd-${ordinal}`, namespace }
    if (!template || (await kube.get(resourceTypes.persistentVolumeClaims, claim))) continue
    await kube.create(resourceTypes.persistentVolumeClaims, {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { ...claim, labels },
      spec: { ...template.spec, volumeName: `volume-${tenant.metadata.name}-${ordinal}` },
    })
    await playVolume(tenant, ordinal, { phase: 'Bound', capacity: { storage: template.spec.resources.requests.storage } })
    const pod = { name: `etcd-${ordinal}`, namespace }
    const { spec } = workload?.spec.template ?? {}
    await kube.create(resourceTypes.pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...pod, labels },
      spec: { ...spec, volumes: [...spec.volumes, { name: 'data', emptyDir: {} }] },
    })
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
    await kube.patch(resourceTypes.pods, pod, { status }, { type: 'merge', subresource: 'status' })
  }
}

/** What an external-resizer says of a volume. */
const playVolume = (tenant: TenantControlPlane, ordinal: number, status: object): Promise<unknown> =>
  kube.patch(
    resourceTypes.persistentVolumeClaims,
    { name: `data-etcd-${ordinal}`, namespace: controlPlaneNamespace(refOf(tenant)) },
    { status },
    { type: 'merge', subresource: 'status' },
  )

/** The garbage collector has let go of the pods. */
const playOrphans = async (tenant: TenantControlPlane): Promise<void> => {
  for (const workload of await listIn(controlPlaneNamespace(refOf(tenant)), resourceTypes.statefulSets))
    if (workload.metadata.deletionTimestamp)
      await kube.patch(
        resourceTypes.statefulSets,
        { name: '', ...workload.metadata },
        { metadata: { finalizers: null } },
        { type: 'merge' },
      )
}

const aStore = async (dataStore: Record<string, unknown>, members = 1): Promise<TenantControlPlane> => {
  const tenant = await createTenant({ dataStore })
  await reconcile(tenant)
  await playMembers(tenant, members)
  await drive(tenant)
  await reconcile(tenant)
  return tenant
}
const setSize = (tenant: TenantControlPlane, storageSize: string | null) =>
  kube.patch(
    type,
    { name: tenant.metadata.name ?? '', namespace: 'home' },
    { spec: { dataStore: { storageSize } } },
    { type: 'merge' },
  )
const conditionOf = async (tenant: TenantControlPlane, name: string): Promise<Condition | undefined> =>
  (await read(tenant))?.status?.conditions?.find((condition) => condition.type === name)
const claimsOf = async (tenant: TenantControlPlane) =>
  listIn(controlPlaneNamespace(refOf(tenant)), resourceTypes.persistentVolumeClaims)
const askedOf = async (tenant: TenantControlPlane): Promise<unknown[]> =>
  (await claimsOf(tenant)).map(({ spec }) => spec.resources.requests.storage)
const workloadOf = async (tenant: TenantControlPlane): Promise<KubeObject | undefined> =>
  (await listIn(controlPlaneNamespace(refOf(tenant)), resourceTypes.statefulSets))[0]
const templateOf = (workload: KubeObject | undefined): unknown =>
  workload?.spec.volumeClaimTemplates[0].spec.resources.requests.storage
const podsOf = async (tenant: TenantControlPlane): Promise<unknown[]> =>
  (await listIn(controlPlaneNamespace(refOf(tenant)), resourceTypes.pods))
    .filter(({ metadata }) => /^etcd-\d/.test(metadata.name ?? ''))
    .map(({ metadata }) => [metadata.uid, metadata.deletionTimestamp])
const quotaOf = async (tenant: TenantControlPlane): Promise<number> => {
  const at = { name: 'etcd-members', namespace: controlPlaneNamespace(refOf(tenant)) }
  const text = String((await kube.get(resourceTypes.configMaps, at))?.data['etcd-0.yaml'])
  return Number(/quota-backend-bytes: (\d+)/.exec(text)?.[1])
}
const gib = 2 ** 30

const explained = async (tenant: TenantControlPlane, storageSize: string) => {
  const text = `apiVersion: berth.dev/v1alpha1\nkind: TenantControlPlane\nmetadata: {name: ${tenant.metadata.name}}\nspec: {dataStore: {storageSize: ${storageSize}}}\n`
  const signal = new AbortController().signal
  const [answer] = await explainChanges({ text, namespace: 'home', isForced: false, signal }, kube)
  return {
    refusals: answer?.refusals ?? [],
    effects: (answer?.effects ?? []).map((each) => `${each.object} ${each.detail} ${endsPods(each)}`),
  }
}

describe('a disk that is to be larger', () => {
  test('grows under three members: noted, asked for, its StatefulSet made anew around its pods, and told on the way', async () => {
    const tenant = await aStore({ storageClassName: 'grows', replicas: 3 }, 3)
    const told: string[] = []
    const aTeller = () => {
      const process = aProcess()
      const tell = (_: unknown, { type: severity, reason, message }: Transition) =>
        void told.push(`${severity} ${reason}: ${message}`)
      return { ...process, deps: { ...process.deps, tell } }
    }
    const round = async () => {
      await reconcile(tenant, aTeller())
      expect(await conditionOf(tenant, 'DataStoreReady')).toMatchObject({ status: 'True' })
      expect(await conditionOf(tenant, 'Ready')).toMatchObject({ status: 'True' })
      return conditionOf(tenant, 'Growing')
    }
    const [before, pods] = [await workloadOf(tenant), await podsOf(tenant)]
    expect(pods).toHaveLength(3)
    expect(await explained(tenant, '10Gi')).toEqual({
      refusals: [],
      effects: [
        'ConfigMap/etcd-members taken up by members that start false',
        'StatefulSet/etcd volumes grow to 10Gi; it is made anew around its pods, which go on false',
      ],
    })
    await setSize(tenant, '10Gi')

    // It is written down before anything is done for it.
    expect(await round()).toMatchObject({ status: 'True', reason: 'Growing' })
    expect((await read(tenant))?.status?.dataStore).toMatchObject({ storageSize: '10Gi' })
    expect(await askedOf(tenant)).toEqual(['2Gi', '2Gi', '2Gi'])

    await round()
    expect(await askedOf(tenant)).toEqual(['10Gi', '10Gi', '10Gi'])
    expect((await workloadOf(tenant))?.metadata).toMatchObject({ finalizers: ['orphan'], uid: before?.metadata.uid })
    // Nothing is written to one that goes.
    await round()
    expect((await workloadOf(tenant))?.metadata.uid).toBe(before?.metadata.uid)
    await playOrphans(tenant)
    await round()
    const after = await workloadOf(tenant)
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid)
    expect(templateOf(after)).toBe('10Gi')
    expect([after?.spec.selector, after?.spec.template, after?.spec.replicas]).toEqual([
      before?.spec.selector,
      before?.spec.template,
      before?.spec.replicas,
    ])
    expect(await round()).toMatchObject({
      message: expect.stringMatching(/0 of 3 members have 10Gi; data-etcd-0: its driver has not begun/),
    })
    await playCluster(tenant)

    await playVolume(tenant, 0, { conditions: [{ type: 'Resizing', status: 'True' }] })
    await playVolume(tenant, 1, { conditions: [{ type: 'FileSystemResizePending', status: 'True' }] })
    await playVolume(tenant, 2, { capacity: { storage: '10Gi' }, conditions: [] })
    expect(await round()).toMatchObject({
      status: 'True',
      message: expect.stringMatching(/1 of 3 members have 10Gi; data-etcd-0: its driver is at it; data-etcd-1: .*file system/),
    })
    expect(await quotaOf(tenant)).toBe(Math.floor(2 * gib * 0.4))

    await playVolume(tenant, 0, { allocatedResourceStatuses: { storage: 'ControllerResizeInfeasible' } })
    expect(await round()).toMatchObject({
      status: 'False',
      reason: 'Stuck',
      message: expect.stringMatching(/cannot provide that size.*largest size/),
    })
    const idle = aProcess()
    await reconcile(tenant, idle)
    expect(idle.writes()).toEqual([])

    for (const ordinal of [0, 1])
      await playVolume(tenant, ordinal, { capacity: { storage: '10Gi' }, conditions: [], allocatedResourceStatuses: null })
    expect(await round()).toBeUndefined()
    await round()
    expect(await quotaOf(tenant)).toBe(4 * gib)
    expect(await podsOf(tenant)).toEqual(pods)
    // What is told of the disks, and nothing of anything that stopped.
    expect(told.map((line) => line.split(':')[0])).toEqual(['Normal Growing', 'Warning NotGrowing', 'Normal Grown'])
    const last = aProcess()
    await reconcile(tenant, last)
    expect(last.writes()).toEqual([])
  })

  test('grows on whatever call the manager is killed', { timeout: 240_000 }, async () => {
    /** Rounds of a process until the disk has grown, with those who play the cluster. */
    const grow = async (tenant: TenantControlPlane, process: ReturnType<typeof aProcess>) => {
      for (let round = 0; round < 6; round += 1) {
        await reconcile(tenant, process).catch((error: unknown) => {
          if (!(error instanceof AppError)) throw error
        })
        await playOrphans(tenant)
        if ((await askedOf(tenant)).every((size) => size === '3Gi')) await playVolume(tenant, 0, { capacity: { storage: '3Gi' } })
        if (await workloadOf(tenant)) await playCluster(tenant)
      }
    }
    await setDefault(true)
    onTestFinished(() => setDefault(false).then(() => {}))
    const undisturbed = aProcess()
    const first = await aStore({})
    await setSize(first, '3Gi')
    await grow(first, undisturbed)
    const writes = undisturbed.writes().length
    expect(writes).toBeGreaterThan(4)

    for (let write = 1; write <= writes; write += 1) {
      await world.clearDns()
      const tenant = await aStore({})
      const [pods, [claim]] = [await podsOf(tenant), await claimsOf(tenant)]
      await setSize(tenant, '3Gi')
      // The process ends with the write, whose answer it never hears, or before the server gets it.
      const killed = aProcess()
      const carriedOut = write % 2 === 0
      const state = { writes: 0 }
      const dying = new Proxy(killed.deps.kube, {
        get: (target, name, receiver) => {
          const value: unknown = Reflect.get(target, name, receiver)
          if (typeof value !== 'function' || !['create', 'replace', 'apply', 'patch', 'delete'].includes(String(name)))
            return value
          return async (...args: unknown[]) => {
            state.writes += 1
            const isLast = state.writes >= write
            if (isLast && !(carriedOut && state.writes === write)) throw new AppError('KUBE_UNREACHABLE', 'it was killed')
            const answer: unknown = await Reflect.apply(value, target, args)
            if (isLast) throw new AppError('KUBE_UNREACHABLE', 'it was killed')
            return answer
          }
        },
      })
      await grow(tenant, { ...killed, deps: { ...killed.deps, kube: dying } })
      const message = `killed at write ${write}, ${carriedOut ? 'carried out' : 'not carried out'}`
      await grow(tenant, aProcess())
      expect(await askedOf(tenant), message).toEqual(['3Gi'])
      expect(templateOf(await workloadOf(tenant)), message).toBe('3Gi')
      expect(
        (await claimsOf(tenant)).map(({ metadata }) => metadata.uid),
        message,
      ).toEqual([claim?.metadata.uid])
      expect(await podsOf(tenant), message).toEqual(pods)
      expect(await conditionOf(tenant, 'Growing'), message).toBeUndefined()
      expect((await read(tenant))?.status?.dataStore, message).toMatchObject({ kind: 'dedicated', storageSize: '3Gi' })
      const idle = aProcess()
      await reconcile(tenant, idle)
      expect(idle.writes(), message).toEqual([])
    }
  })

  test('is refused in words where its class does not let it, holds nothing up, and can be taken back', async () => {
    const tenant = await aStore({ storageClassName: 'stays', storageSize: '2Gi' })
    const words = /storage class stays of data-etcd-0 does not let volumes grow.*Set storageSize back to 2Gi/
    expect(await explained(tenant, '10Gi')).toEqual({ refusals: [expect.stringMatching(words)], effects: [] })
    await setSize(tenant, '10Gi')
    await reconcile(tenant)
    expect(await conditionOf(tenant, 'Growing')).toMatchObject({
      status: 'False',
      reason: 'Refused',
      message: expect.stringMatching(words),
    })
    expect(await conditionOf(tenant, 'DataStoreReady')).toMatchObject({ status: 'True', reason: 'Serving' })
    expect(await conditionOf(tenant, 'Ready')).toMatchObject({ status: 'True' })
    const idle = aProcess()
    await reconcile(tenant, idle)
    expect(idle.writes()).toEqual([])
    expect([await askedOf(tenant), templateOf(await workloadOf(tenant))]).toEqual([['2Gi'], '2Gi'])

    await setSize(tenant, '2Gi')
    await reconcile(tenant)
    expect(await conditionOf(tenant, 'Growing')).toBeUndefined()
  })

  test('is told in the words of super when that lets it grow no more', async () => {
    const tenant = await aStore({ storageClassName: 'grows' })
    await setSize(tenant, '10Gi')
    await reconcile(tenant)
    await kube.patch(resourceTypes.storageClasses, { name: 'grows' }, { allowVolumeExpansion: false }, { type: 'merge' })
    await reconcile(tenant)
    expect(await conditionOf(tenant, 'Growing')).toMatchObject({
      reason: 'Refused',
      message: expect.stringMatching(/super does not let data-etcd-0 grow to 10Gi: .*must support resize/),
    })
    expect(await conditionOf(tenant, 'Ready')).toMatchObject({ status: 'True' })
    await kube.patch(resourceTypes.storageClasses, { name: 'grows' }, { allowVolumeExpansion: true }, { type: 'merge' })
    await reconcile(tenant)
    expect(await askedOf(tenant)).toEqual(['10Gi'])
  })

  test('that lies in an emptyDir stays as it is, with its pod', async () => {
    const tenant = await aStore({})
    const before = await workloadOf(tenant)
    await setSize(tenant, '10Gi')
    await reconcile(tenant)
    expect(await conditionOf(tenant, 'Growing')).toMatchObject({ reason: 'Refused', message: expect.stringMatching(/emptyDirs/) })
    expect((await workloadOf(tenant))?.metadata.generation).toBe(before?.metadata.generation)
  })
})

describe('a disk that is to be smaller', () => {
  test('is refused by the API server, from when its size is noted', async () => {
    const tenant = await aStore({ storageClassName: 'grows', storageSize: '4Gi' })
    await expect(setSize(tenant, '1Gi')).rejects.toThrow(/storageSize: .*cannot be smaller than the disks are/)
    await expect(setSize(tenant, null)).rejects.toThrow(/storageSize: .*cannot be smaller/)
    await expect(setSize(tenant, '4096Mi')).resolves.toBeDefined()
  })

  test('and by the manager, where nobody else has', async () => {
    const tenant = await createTenant({ dataStore: { storageClassName: 'grows', storageSize: '4Gi' } })
    await reconcile(tenant)
    await playMembers(tenant, 1)
    const ready = await drive(tenant)
    // As an API server without the rule would take it.
    const { dataStore, ...status } = ready.status ?? {}
    await kube.replace(type, { ...ready, status }, { subresource: 'status' })
    await setSize(tenant, '1Gi')
    const now = await read(tenant)
    await kube.replace(
      type,
      { ...now, metadata: now?.metadata ?? {}, status: { ...now?.status, dataStore } },
      { subresource: 'status' },
    )
    await reconcile(tenant)
    expect(await conditionOf(tenant, 'Growing')).toMatchObject({
      reason: 'Refused',
      message: expect.stringMatching(/a disk of 4Gi never shrinks/),
    })
    expect(await conditionOf(tenant, 'Ready')).toMatchObject({ status: 'True' })
    expect([await askedOf(tenant), templateOf(await workloadOf(tenant))]).toEqual([['4Gi'], '4Gi'])
  })
})
