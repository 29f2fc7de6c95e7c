import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { hibernationAnnotation } from '../tenancy/marks.ts'
import { controlPlaneNamespace } from '../tenancy/names.ts'
import { startPlaneWorld } from '../testing/plane-world.ts'
import { syncerLease } from './names.ts'
import { refOf } from './observe.ts'
import type { Transition } from './status.ts'

const type = resourceTypes.tenantControlPlanes
const world = await startPlaneWorld()
const { kube, aProcess, createTenant, read, reconcile, listIn, playCluster, drive } = world
afterAll(() => world.stop())
afterEach(() => world.clearDns())

describe('a tenant that is paused', () => {
  const setState = (tenant: TenantControlPlane, state: string) =>
    kube.patch(type, { name: tenant.metadata.name ?? '', namespace: 'home' }, { spec: { state } }, { type: 'merge' })
  const podsLeft = async (tenant: TenantControlPlane) =>
    (await listIn(controlPlaneNamespace(refOf(tenant)), resourceTypes.pods)).map(({ metadata }) => metadata.name ?? '').sort()
  const readyReason = async (tenant: TenantControlPlane) =>
    (await read(tenant))?.status?.conditions?.find(({ type: of }) => of === 'Ready')?.reason
  const revisions = async (tenant: TenantControlPlane): Promise<string[]> => {
    const namespace = controlPlaneNamespace(refOf(tenant))
    const workloads = [
      ...(await listIn(namespace, resourceTypes.deployments)),
      ...(await listIn(namespace, resourceTypes.statefulSets)),
    ]
    return workloads.map(({ metadata, spec }) => `${metadata.name} ${JSON.stringify(spec.template)}`)
  }

  const withStorage = async (work: () => Promise<TenantControlPlane>): Promise<TenantControlPlane> => {
    const name = 'standard'
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
    await kube.create(resourceTypes.storageClasses, {
      metadata: { name, annotations },
      provisioner: 'disks.example',
    } as KubeObject)
    try {
      return await work()
    } finally {
      await kube.delete(resourceTypes.storageClasses, { name })
    }
  }

  test('goes on running when its data are in its pods, and says so', async () => {
    const tenant = await createTenant()
    await drive(tenant)
    await setState(tenant, 'Paused')
    await reconcile(tenant)
    expect(await podsLeft(tenant)).toHaveLength(3)
    const conditions = (await read(tenant))?.status?.conditions?.map(
      ({ type: of, status, reason }) => `${of}=${status} ${reason}`,
    )
    expect(conditions).toEqual(expect.arrayContaining(['Ready=True Usable', 'Paused=False DataWouldBeLost']))
  })

  test('goes to zero from the top down, rests without a write, and comes back with the same revisions', async () => {
    const tenant = await withStorage(async () => drive(await createTenant()))
    await reconcile(tenant)
    const before = await revisions(tenant)
    await setState(tenant, 'Paused')
    const stages: string[] = []
    for (let round = 0; round < 8 && (await readyReason(tenant)) !== 'Paused'; round += 1) {
      await reconcile(tenant)
      await playCluster(tenant)
      stages.push((await podsLeft(tenant)).join(' '))
    }
    // What uses another goes before it.
    expect([...new Set(stages)]).toEqual(['etcd kube-apiserver', 'etcd', ''])
    const status = (await read(tenant))?.status
    expect(status?.conditions?.map((each) => `${each.type}=${each.status} ${each.reason}`)).toEqual([
      'CertificatesReady=True Issued',
      'DataStoreReady=False Paused',
      'APIServerReady=False Paused',
      'ControllerManagerReady=False Paused',
      'DNSReady=False Paused',
      'SyncReady=False Paused',
      'Ready=False Paused',
      'Paused=True Paused',
    ])
    const idle = aProcess()
    await reconcile(tenant, idle)
    expect(idle.writes()).toEqual([])

    await setState(tenant, 'Running')
    const woken = await drive(tenant)
    expect(await podsLeft(tenant)).toEqual(['etcd', 'kube-apiserver', 'kube-controller-manager'])
    expect(woken.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Paused', status: 'False', reason: 'Running' }),
    )
    expect(await revisions(tenant)).toEqual(before)
  })

  test('whose flags are refused goes to zero as it is, and comes back without them', async () => {
    const tenant = await withStorage(async () => drive(await createTenant()))
    const ref = { name: tenant.metadata.name ?? '', namespace: 'home' }
    const extraArgs = { Feature_Gates: 'x' }
    await kube.patch(type, ref, { spec: { apiServer: { extraArgs }, controllerManager: { extraArgs } } }, { type: 'merge' })
    await reconcile(tenant)
    const before = await revisions(tenant)
    await setState(tenant, 'Paused')
    for (let round = 0; round < 8 && (await readyReason(tenant)) !== 'Paused'; round += 1) {
      await reconcile(tenant)
      await playCluster(tenant)
    }
    expect(await podsLeft(tenant)).toEqual([])
    expect(await readyReason(tenant)).toBe('Paused')
    expect(await revisions(tenant)).toEqual(before)
    const idle = aProcess()
    await reconcile(tenant, idle)
    expect(idle.writes()).toEqual([])
    await setState(tenant, 'Running')
    for (let round = 0; round < 12 && (await podsLeft(tenant)).length < 3; round += 1) {
      await reconcile(tenant)
      await playCluster(tenant)
    }
    expect(await podsLeft(tenant)).toEqual(['etcd', 'kube-apiserver', 'kube-controller-manager'])
    await reconcile(tenant)
    const told = (await read(tenant))?.status?.conditions?.find(({ type: of }) => of === 'APIServerReady')
    expect(told).toMatchObject({ status: 'True', reason: 'FlagRefused' })
    expect(JSON.stringify(await revisions(tenant))).not.toContain('Feature_Gates')
  })

  /** What the syncer notes in its Lease. */
  const syncerNotes = (tenant: TenantControlPlane, note: string | null) =>
    kube.patch(
      resourceTypes.leases,
      { name: syncerLease, namespace: controlPlaneNamespace(refOf(tenant)) },
      { metadata: { annotations: { [hibernationAnnotation]: note } } },
      { type: 'merge' },
    )
  const conditionsOf = async (tenant: TenantControlPlane): Promise<string[]> =>
    ((await read(tenant))?.status?.conditions ?? []).map((each) => `${each.type}=${each.status} ${each.reason}`)

  test('with its pods waits for the syncer to end them, and is not called usable meanwhile', async () => {
    const tenant = await withStorage(async () => drive(await createTenant()))
    const told: Transition[] = []
    const process = aProcess()
    let laterMs = 0
    const round = async () => {
      await playCluster(tenant)
      const tell = (_tenant: unknown, transition: Transition) => void told.push(transition)
      const now = () => new Date(Date.now() + laterMs)
      await reconcile(tenant, { ...process, deps: { ...process.deps, tell, now } })
      return conditionsOf(tenant)
    }
    await setState(tenant, 'Hibernated')
    for (const note of [null, 'ending: 2']) {
      await syncerNotes(tenant, note)
      expect(await round()).toEqual(
        expect.arrayContaining(['APIServerReady=True Serving', 'SyncReady=False Hibernating', 'Paused=False Hibernating']),
      )
      expect(await podsLeft(tenant)).toHaveLength(3)
    }
    await syncerNotes(tenant, 'ended: 0')
    for (let i = 0; i < 6 && (await readyReason(tenant)) !== 'Hibernated'; i += 1) await round()
    expect(await conditionsOf(tenant)).toEqual(expect.arrayContaining(['Ready=False Hibernated', 'Paused=True Hibernated']))
    expect(await podsLeft(tenant)).toEqual([])
    // What was wanted is no warning.
    expect(told.filter((transition) => transition.type === 'Warning')).toEqual([])

    // Not to be paused before its pods run again.
    await setState(tenant, 'Paused')
    for (let i = 0; i < 4; i += 1) await round()
    expect(await conditionsOf(tenant)).toContain('Paused=False Waking')
    await syncerNotes(tenant, 'waking: 1')
    expect(await round()).toEqual(expect.arrayContaining(['SyncReady=False Waking', 'Ready=False Waking']))
    // They are not waited for beyond a minute, and what was begun then is brought to its end.
    laterMs = 61_000
    for (let i = 0; i < 6 && (await readyReason(tenant)) !== 'Paused'; i += 1) await round()
    for (let i = 0; i < 3; i += 1) await round()
    expect(await podsLeft(tenant)).toEqual([])
    expect(await conditionsOf(tenant)).toEqual(expect.arrayContaining(['Ready=False Paused', 'Paused=True Paused']))
  })

  test('from its beginning has all but what runs, and starts when it is woken', async () => {
    const tenant = await createTenant({ state: 'Hibernated' })
    await reconcile(tenant)
    await reconcile(tenant)
    expect(await readyReason(tenant)).toBe('Hibernated')
    await setState(tenant, 'Running')
    expect((await drive(tenant)).status).toMatchObject({ version: 'v1.37.1' })
  })
})
