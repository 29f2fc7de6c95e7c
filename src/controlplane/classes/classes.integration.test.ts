import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantClass } from '../../apis/tenant-class.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { classLabel, classMovedAtAnnotation, classRevisionAnnotation } from '../../tenancy/marks.ts'
import { controlPlaneNamespace } from '../../tenancy/names.ts'
import { eventually } from '../../testing/eventually.ts'
import { startPlaneWorld } from '../../testing/plane-world.ts'
import { refOf } from '../observe.ts'
import { keepClass } from './keep-class.ts'

const type = resourceTypes.tenantControlPlanes
const classType = resourceTypes.tenantClasses
const world = await startPlaneWorld()
const { kube, aProcess, createTenant, read, reconcile, drive, playCluster, clearDns } = world
afterAll(() => world.stop())
afterEach(() => clearDns())

/** Rounds of the class controller, with what it remembers as it is stored. */
const keep = async (name: string, { now = new Date(), process = aProcess() } = {}) => {
  const { items } = await kube.list<TenantControlPlane>(type)
  const told: string[] = []
  const tell = (_: unknown, { reason }: { reason: string }) => void told.push(reason)
  const outcome = await keepClass(name, { ...process.deps, tenants: () => items, tell, now: () => now })
  return { outcome, told, writes: process.writes() }
}
const createClass = (name: string, spec: object) =>
  kube.create<KubeObject>(classType, { apiVersion: 'berth.dev/v1alpha1', kind: 'TenantClass', metadata: { name }, spec })
const changeClass = (name: string, spec: object) => kube.patch(classType, { name }, { spec }, { type: 'merge' })
const change = (tenant: TenantControlPlane, spec: object) =>
  kube.patch(type, { name: tenant.metadata.name ?? '', namespace: 'home' }, { spec }, { type: 'merge' })
const statusOf = async (name: string) => (await kube.get<TenantClass>(classType, { name }))?.status
const progressOf = async (name: string) => (await statusOf(name))?.conditions?.find((each) => each.type === 'Progressing')
const revisionsOf = async (name: string) =>
  (await kube.list(resourceTypes.controllerRevisions, { labelSelector: `${classLabel}=${name}` })).items
const conditionOf = async (tenant: TenantControlPlane, name: string) =>
  (await read(tenant))?.status?.conditions?.find((each) => each.type === name)
const deploymentOf = (tenant: TenantControlPlane, name: string) =>
  kube.get<KubeObject>(resourceTypes.deployments, { name, namespace: controlPlaneNamespace(refOf(tenant)) })
const flagsOf = async (tenant: TenantControlPlane): Promise<string> =>
  String((await deploymentOf(tenant, 'kube-controller-manager'))?.spec.template.spec.containers[0].command)
/** A tenant of a class, ready, as the class controller and the manager bring it there. */
const tenantOf = async (className: string, spec: object = {}): Promise<TenantControlPlane> => {
  const tenant = await createTenant({ className, ...spec })
  await keep(className)
  await clearDns()
  await drive(tenant)
  await settle(tenant)
  return tenant
}
/** Two of them, in the order in which a change comes to them. */
const twoOf = async (className: string): Promise<[TenantControlPlane, TenantControlPlane]> => {
  const tenants = [await tenantOf(className), await tenantOf(className)] as const
  return [...tenants].sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1)) as [
    TenantControlPlane,
    TenantControlPlane,
  ]
}
/** What is being rolled out is there. All tenants have the same DNS here, with an address of whoever had it last. */
const settle = async (tenant: TenantControlPlane): Promise<void> => {
  await clearDns()
  for (let round = 0; round < 3; round += 1) {
    await reconcile(tenant)
    await playCluster(tenant)
  }
  await reconcile(tenant)
}
const toldRevision = async (tenant: TenantControlPlane) => (await read(tenant))?.metadata.annotations?.[classRevisionAnnotation]

describe('a tenant of a class', () => {
  test('waits for its class, then is made as that says, and stores only what its user wrote', async () => {
    const tenant = await createTenant({ className: 'gold' })
    await reconcile(tenant)
    expect(await conditionOf(tenant, 'Ready')).toMatchObject({ status: 'False', reason: 'ClassMissing' })
    expect(await conditionOf(tenant, 'ClassApplied')).toMatchObject({
      message: expect.stringMatching(/no TenantClass gold: create it/),
    })
    expect(await kube.get(resourceTypes.namespaces, { name: controlPlaneNamespace(refOf(tenant)) })).toBeUndefined()

    await createClass('gold', {
      defaults: {
        apiServer: { replicas: 2 },
        controllerManager: { extraArgs: { v: '3' } },
        network: { clusterDomain: 'gold.local' },
      },
      sizes: { small: { kubeControllerManager: { requests: { memory: '111Mi' } } } },
    })
    await keep('gold')
    await drive(tenant)
    const made = await read(tenant)
    expect(made?.spec.apiServer).toEqual({})
    expect(made?.status?.class?.spec).toMatchObject({ apiServer: { replicas: 2 }, network: { clusterDomain: 'gold.local' } })
    expect(await conditionOf(tenant, 'ClassApplied')).toMatchObject({ status: 'True', reason: 'Applied' })
    expect((await deploymentOf(tenant, 'kube-apiserver'))?.spec.replicas).toBe(2)
    const manager = await deploymentOf(tenant, 'kube-controller-manager')
    expect(manager?.spec.template.spec.containers[0].resources.requests.memory).toBe('111Mi')
    expect(await flagsOf(tenant)).toContain('--v=3')

    await settle(tenant)
    await keep('gold')
    const [idle, idleClass] = [aProcess(), aProcess()]
    await reconcile(tenant, idle)
    await keep('gold', { process: idleClass })
    expect([...idle.writes(), ...idleClass.writes()]).toEqual([])
    expect(await statusOf('gold')).toMatchObject({ tenants: 1, updatedTenants: 1, readyTenants: 1, failedTenants: 0 })
    expect(await progressOf('gold')).toMatchObject({ status: 'False', reason: 'Complete' })
  })

  test('keeps what was fixed when it was made, and goes on when its class is taken away', async () => {
    await createClass('brief', {
      defaults: { dataStore: { storageSize: '5Gi', storageClassName: 'fast' }, controllerManager: { extraArgs: { v: '4' } } },
    })
    const tenant = await tenantOf('brief')
    await changeClass('brief', { defaults: { dataStore: { storageSize: '4Gi', storageClassName: 'slow' } } })
    await keep('brief')
    await settle(tenant)
    expect((await read(tenant))?.status?.class?.spec).toMatchObject({
      dataStore: { storageSize: '5Gi', storageClassName: 'fast' },
    })

    await kube.patch(classType, { name: 'brief' }, { metadata: { finalizers: [] } }, { type: 'merge' })
    await kube.delete(classType, { name: 'brief' })
    await reconcile(tenant)
    expect(await conditionOf(tenant, 'ClassApplied')).toMatchObject({ status: 'False', reason: 'ClassMissing' })
    expect(await conditionOf(tenant, 'Ready')).toMatchObject({ status: 'True' })
    expect(await flagsOf(tenant)).toContain('--v=4')
    // Its own words hold all the same.
    await change(tenant, { state: 'Paused' })
    await settle(tenant)
    expect(await conditionOf(tenant, 'Paused')).toMatchObject({ status: 'True' })
  })

  test('beyond a limit is not made; one that runs goes on as it was, and is told', async () => {
    await createClass('tight', { limits: { sizes: ['small'], minPodSecurity: 'baseline' } })
    const refused = await createTenant({ className: 'tight', size: 'large' })
    await keep('tight')
    await reconcile(refused)
    expect(await conditionOf(refused, 'Ready')).toMatchObject({ status: 'False', reason: 'LimitExceeded' })
    expect(await kube.get(resourceTypes.namespaces, { name: controlPlaneNamespace(refOf(refused)) })).toBeUndefined()

    const tenant = await tenantOf('tight')
    const before = (await deploymentOf(tenant, 'kube-apiserver'))?.metadata.generation
    await change(tenant, { size: 'large', isolation: { podSecurity: 'privileged' }, apiServer: { extraSANs: ['a.example'] } })
    await settle(tenant)
    expect(await conditionOf(tenant, 'ClassApplied')).toMatchObject({
      status: 'False',
      reason: 'LimitExceeded',
      message: expect.stringMatching(/spec\.size: large .*\(one of small\).*; spec\.isolation\.podSecurity: privileged/),
    })
    expect(await conditionOf(tenant, 'Ready')).toMatchObject({ status: 'True' })
    expect((await deploymentOf(tenant, 'kube-apiserver'))?.metadata.generation).toBe(before)
    // What is within the limits holds, and the syncer goes by what is in force.
    const inForce = (await read(tenant))?.status?.class?.spec
    expect(inForce?.isolation).toEqual({ profile: 'baseline' })
    expect(inForce).toMatchObject({
      size: 'small',
      isolation: { profile: 'baseline' },
      apiServer: { extraSANs: ['a.example'] },
    })
    // A change of limits alone is no rollout.
    await changeClass('tight', { limits: { sizes: ['small', 'large'], minPodSecurity: null } })
    await keep('tight')
    expect(await revisionsOf('tight')).toHaveLength(1)
    await settle(tenant)
    expect(await conditionOf(tenant, 'ClassApplied')).toMatchObject({ status: 'True' })
    expect((await read(tenant))?.status?.class?.spec).toMatchObject({ size: 'large' })
  })
})

describe('a change of a class', () => {
  test('comes to one tenant after the other, canaries first, and says how far it is', async () => {
    const rollout = { waves: [{ name: 'canaries', selector: { ring: 'canary' } }] }
    await createClass('silver', { rollout })
    const [other, canary] = await twoOf('silver')
    const ref = { name: canary.metadata.name ?? '', namespace: 'home' }
    await kube.patch(type, ref, { metadata: { labels: { ring: 'canary' } } }, { type: 'merge' })
    await changeClass('silver', { defaults: { controllerManager: { extraArgs: { v: '5' } } } })

    await keep('silver')
    const updated = (await statusOf('silver'))?.updatedRevision
    expect(await toldRevision(canary)).toBe(updated)
    expect(await toldRevision(other)).not.toBe(updated)
    expect(await progressOf('silver')).toMatchObject({ status: 'True', reason: 'Progressing' })
    // Nothing goes on while the canary is not there.
    await clearDns()
    await reconcile(canary)
    await keep('silver')
    expect(await toldRevision(other)).not.toBe(updated)

    await settle(canary)
    expect(await flagsOf(canary)).toContain('--v=5')
    await keep('silver')
    expect(await toldRevision(other)).toBe(updated)
    expect(await statusOf('silver')).toMatchObject({ tenants: 2, readyTenants: 1 })
    await settle(other)
    await keep('silver')
    expect((await read(canary))?.metadata.annotations?.[classMovedAtAnnotation]).toBeUndefined()
    expect(await progressOf('silver')).toMatchObject({ reason: 'Complete' })
    expect(await statusOf('silver')).toMatchObject({ readyTenants: 2, currentRevision: updated })
  })

  test('that a tenant fails at stops there, and goes on when the class is changed again', async () => {
    await createClass('bad', {})
    const [first, second] = await twoOf('bad')
    const good = await toldRevision(second)
    await changeClass('bad', { defaults: { controllerManager: { extraArgs: { 'v=1 --master': 'x' } } } })
    await keep('bad')
    await clearDns()
    await reconcile(first)
    await reconcile(first)
    const { told } = await keep('bad')
    expect(told).toEqual(['TenantFailed'])
    const degraded = (await statusOf('bad'))?.conditions?.find((each) => each.type === 'Degraded')
    expect(degraded).toMatchObject({
      status: 'True',
      reason: 'TenantFailed',
      message: expect.stringMatching(
        new RegExp(`stopped at tenant home/${first.metadata.name}: ControllerManagerReady: .*no name of a flag`),
      ),
    })
    expect(await toldRevision(second)).toBe(good)
    expect(await statusOf('bad')).toMatchObject({ updatedTenants: 1, failedTenants: 1 })

    await changeClass('bad', { defaults: { controllerManager: { extraArgs: { 'v=1 --master': null, v: '6' } } } })
    await keep('bad')
    expect(await toldRevision(first)).toBe((await statusOf('bad'))?.updatedRevision)
    expect(await toldRevision(second)).toBe(good)
    await settle(first)
    await keep('bad')
    await settle(second)
    await keep('bad')
    expect(await progressOf('bad')).toMatchObject({ reason: 'Complete' })
    expect(await flagsOf(second)).toContain('--v=6')
  })

  test('whose time is over has failed; a pause holds the others back', async () => {
    await createClass('slow', { rollout: { progressDeadlineSeconds: 60 } })
    const [first, second] = await twoOf('slow')
    await changeClass('slow', { defaults: { controllerManager: { extraArgs: { v: '7' } } }, rollout: { paused: true } })
    await keep('slow')
    expect(await progressOf('slow')).toMatchObject({ reason: 'Paused' })
    expect(await toldRevision(first)).not.toBe((await statusOf('slow'))?.updatedRevision)
    await changeClass('slow', { rollout: { paused: null } })
    const { outcome } = await keep('slow')
    expect(await toldRevision(first)).toBe((await statusOf('slow'))?.updatedRevision)
    expect(outcome).toMatchObject({ reason: 'Progressing' })
    await keep('slow', { now: new Date(Date.now() + 61_000) })
    expect(await progressOf('slow')).toMatchObject({
      reason: 'Stopped',
      message: expect.stringContaining('not ready after 60 s'),
    })
    expect(await toldRevision(second)).not.toBe((await statusOf('slow'))?.updatedRevision)
  })

  test('back to what it was takes the old revision up again, and history has an end', async () => {
    await createClass('history', { revisionHistoryLimit: 1 })
    const tenant = await tenantOf('history')
    const first = await toldRevision(tenant)
    for (const size of ['medium', 'large', null]) {
      await changeClass('history', { defaults: { size } })
      await keep('history')
      await settle(tenant)
      await keep('history')
    }
    expect(await toldRevision(tenant)).toBe(first)
    expect(await progressOf('history')).toMatchObject({ reason: 'Complete' })
    // That one, and one of history: of the other two the newest. What was the current one is of history from the next look on.
    await keep('history')
    expect((await revisionsOf('history')).map(({ revision }) => revision).toSorted((a, b) => Number(a) - Number(b))).toEqual([
      3, 4,
    ])
  })

  test('that contradicts its own limits is told and changes nobody', async () => {
    await createClass('odd', { limits: { sizes: ['small'] } })
    const tenant = await tenantOf('odd')
    const before = await toldRevision(tenant)
    await changeClass('odd', { defaults: { size: 'large' } })
    await keep('odd')
    expect(await toldRevision(tenant)).toBe(before)
    expect(await progressOf('odd')).toMatchObject({
      reason: 'LimitsContradicted',
      message: expect.stringContaining('spec.defaults.size is large, and spec.limits allows one of small'),
    })
  })
})

describe('a revision that is not of the class', () => {
  test('is not believed, whoever wrote its name', async () => {
    await createClass('mine', {})
    await createClass('other', { defaults: { isolation: { podSecurity: 'privileged' } } })
    const tenant = await tenantOf('mine')
    await keep('other')
    const [foreign] = await revisionsOf('other')
    const annotations = { [classRevisionAnnotation]: foreign?.metadata.name }
    await kube.patch(
      type,
      { name: tenant.metadata.name ?? '', namespace: 'home' },
      { metadata: { annotations } },
      { type: 'merge' },
    )
    await reconcile(tenant)
    const { isolation } = (await read(tenant))?.status?.class?.spec ?? {}
    expect(isolation).toEqual({ profile: 'baseline' })
    expect(await conditionOf(tenant, 'ClassApplied')).toMatchObject({ reason: 'RevisionPending' })
    await keep('mine')
    await reconcile(tenant)
    expect(await conditionOf(tenant, 'ClassApplied')).toMatchObject({ reason: 'Applied' })
  })
})

test('a class is deleted when no tenant names it any more, with its revisions', async () => {
  await createClass('going', {})
  const tenant = await tenantOf('going')
  await kube.delete(classType, { name: 'going' })
  const { told } = await keep('going')
  expect(told).toEqual(['InUse'])
  expect((await statusOf('going'))?.conditions).toContainEqual(
    expect.objectContaining({ type: 'Deleting', message: expect.stringContaining(`home/${tenant.metadata.name}`) }),
  )
  await createClass('next', {})
  await change(tenant, { className: 'next' })
  await keep('next')
  await keep('going')
  expect(await statusOf('going')).toBeUndefined()
  expect(await revisionsOf('going')).toEqual([])
  await reconcile(tenant)
  expect((await read(tenant))?.status?.class?.name).toBe('next')
})

test('a class controller that is killed at any call goes on to the same end', async () => {
  await createClass('cut', {})
  const tenant = await tenantOf('cut')
  await changeClass('cut', { defaults: { controllerManager: { extraArgs: { v: '8' } } } })
  const probe = aProcess()
  for (let call = 1; call <= 12; call += 1) {
    await keep('cut', { process: aProcess({ call, carriedOut: call % 2 === 0 }) }).catch(() => {})
  }
  await keep('cut', { process: probe })
  expect(await revisionsOf('cut')).toHaveLength(2)
  await settle(tenant)
  await keep('cut')
  expect(await progressOf('cut')).toMatchObject({ reason: 'Complete' })
  expect(await flagsOf(tenant)).toContain('--v=8')
})

describe('what a Berth before this one knew', () => {
  const older = [
    ['"v1.37.1","v1.36.3"', '"v1.37.1","v1.36.3","v1.36.1"'],
    ['"small","medium","large"', '"small","medium","large","huge"'],
  ] as const
  /** The definitions of a Berth that served a version more, and a size. */
  const loosen = async () => {
    for (const name of ['tenantcontrolplanes.berth.dev', 'tenantclasses.berth.dev']) {
      const present = JSON.stringify(await kube.get(resourceTypes.customResourceDefinitions, { name }))
      const loose = older.reduce((text, [now, before]) => text.replaceAll(now, before), present)
      await kube.replace(resourceTypes.customResourceDefinitions, JSON.parse(loose) as KubeObject)
    }
  }

  test('a version that a tenant says and nobody serves is told to it, and one that its class says is no trouble', async () => {
    await loosen()
    const lost = await eventually(() => createTenant({ version: 'v1.36.1' }), { describe: 'the older definition' })
    await expect(reconcile(lost)).resolves.toMatchObject({ kind: 'wait' })
    const reason = { status: 'False', reason: 'SpecInvalid', message: expect.stringMatching(/^spec\.version: .*v1\.36\.3/) }
    expect(await conditionOf(lost, 'CertificatesReady')).toMatchObject(reason)
    expect(await conditionOf(lost, 'Ready')).toMatchObject({ status: 'False' })

    await eventually(() => createClass('aged', { defaults: { version: 'v1.36.1' } }), { describe: 'the older definition' })
    const tenant = await tenantOf('aged')
    expect(await conditionOf(tenant, 'Ready')).toMatchObject({ status: 'True' })
    expect((await read(tenant))?.status).toMatchObject({ version: 'v1.36.3' })

    await createClass('unknown', { defaults: { size: 'huge' } })
    await keep('unknown')
    expect(await progressOf('unknown')).toMatchObject({
      status: 'False',
      reason: 'LimitsContradicted',
      message: expect.stringMatching(/^spec\.defaults: size: /),
    })
  })
})

test('a tenant that is made with a revision of somewhere else is told, and takes the newest', async () => {
  await createClass('copied', {})
  const tenant = await createTenant({ className: 'copied' })
  const annotations = { [classRevisionAnnotation]: 'copied-0123456789ab' }
  await kube.patch(
    type,
    { name: tenant.metadata.name ?? '', namespace: 'home' },
    { metadata: { annotations } },
    { type: 'merge' },
  )
  await reconcile(tenant)
  expect(await conditionOf(tenant, 'ClassApplied')).toMatchObject({ status: 'False', reason: 'RevisionPending' })
  await keep('copied')
  const [newest] = await revisionsOf('copied')
  expect(await toldRevision(tenant)).toBe(newest?.metadata.name)
})
