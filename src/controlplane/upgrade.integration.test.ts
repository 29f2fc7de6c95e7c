import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ControlPlaneSnapshot } from '../apis/control-plane-snapshot.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { TenantControlPlaneStatus } from '../apis/tenant-status.ts'
import { controlPlaneNamespace } from '../tenancy/names.ts'
import type { Fault } from '../testing/failing-client.ts'
import { startPlaneWorld } from '../testing/plane-world.ts'
import { refOf } from './observe.ts'
import { probeName } from './upgrades/gate.ts'

const world = await startPlaneWorld()
const { kube, createTenant, read, listIn, drive } = world
const planes = resourceTypes.tenantControlPlanes
const snapshots = resourceTypes.controlPlaneSnapshots

/** The clock of managers and of what is played, milliseconds ahead of the true one. */
let aheadMs = 0
const clock = (): Date => new Date(Date.now() + aheadMs)
const wait = (seconds: number): void => {
  aheadMs += seconds * 1000
}
/** Whether the controller manager of the tenant, which is played, acts. */
let controllersAct = true

const aProcess = (fault?: Fault) => {
  const process = world.aProcess(fault)
  return { ...process, deps: { ...process.deps, now: clock } }
}

beforeAll(async () => {
  await kube.create(resourceTypes.serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'kube-system' },
  })
})
afterAll(() => world.stop())
beforeEach(() => {
  aheadMs = 0
  controllersAct = true
})
afterEach(() => world.clearDns())

const probe = { name: probeName, namespace: 'kube-system' }

const playControllers = async (): Promise<void> => {
  const set = controllersAct && (await kube.get(resourceTypes.replicaSets, probe))
  if (!set) return
  const status = { replicas: 0, observedGeneration: set.metadata.generation }
  await kube.patch(resourceTypes.replicaSets, probe, { status }, { type: 'merge', subresource: 'status' })
}

/** A round, and what the cluster makes of it. */
const round = async (tenant: TenantControlPlane, process = aProcess()): Promise<TenantControlPlaneStatus> => {
  await world.reconcile(tenant, process)
  await world.playCluster(tenant, { now: clock() })
  await playControllers()
  return (await read(tenant))?.status ?? {}
}

/** Rounds until the upgrade is in a phase; `undefined`: until there is none. */
const until = async (tenant: TenantControlPlane, phase: string | undefined, process = aProcess()) => {
  const seen: string[] = []
  for (let count = 0; count < 20; count += 1) {
    const { upgrade } = await round(tenant, process)
    seen.push(`${upgrade?.phase}: ${upgrade?.message}`)
    if (upgrade?.phase === phase) return upgrade
  }
  throw new Error(`not ${phase}: ${seen.join('\n')}`)
}

/** The time for which the answers of a new version are watched. */
const watched = async (tenant: TenantControlPlane): Promise<void> => {
  await round(tenant)
  wait(11)
}

const change = (tenant: TenantControlPlane, spec: object) =>
  kube.patch(planes, { name: tenant.metadata.name ?? '', namespace: 'home' }, { spec }, { type: 'merge' })

const imageOf = async (tenant: TenantControlPlane, name: string): Promise<string> => {
  const workload = await kube.get(resourceTypes.deployments, { name, namespace: controlPlaneNamespace(refOf(tenant)) })
  return String(workload?.spec?.template?.spec?.containers?.[0]?.image).split(':')[1] ?? ''
}
const images = async (tenant: TenantControlPlane): Promise<string> =>
  [await imageOf(tenant, 'kube-apiserver'), await imageOf(tenant, 'kube-controller-manager')].join()

/** What is played is of the newest version: an older one cannot be asked whether it is what it says. */
const asked = { version: 'v1.37.1', upgrade: { skipChecks: ['Requests'] } }
const old = (spec: object = {}) => createTenant({ version: 'v1.36.3', ...spec })

const upgradingOf = ({ conditions }: TenantControlPlaneStatus) => conditions?.find(({ type }) => type === 'Upgrading')

/** What kubelet says of a pod whose process ends at once. */
const crash = async (tenant: TenantControlPlane, name: string): Promise<void> => {
  const ref = { name, namespace: controlPlaneNamespace(refOf(tenant)) }
  const lastState = { terminated: { exitCode: 1, reason: 'Error', message: 'unknown flag: --old' } }
  const waiting = { reason: 'CrashLoopBackOff' }
  const status = {
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [{ name, ready: false, restartCount: 4, image: 'x', imageID: 'x', state: { waiting }, lastState }],
  }
  await kube.patch(resourceTypes.pods, ref, { status }, { type: 'merge', subresource: 'status' })
  const counts = { replicas: 2, readyReplicas: 1, updatedReplicas: 1 }
  await kube.patch(resourceTypes.deployments, ref, { status: counts }, { type: 'merge', subresource: 'status' })
}
/** One that runs again. */
const recover = (tenant: TenantControlPlane, name: string) =>
  kube.delete(resourceTypes.pods, { name, namespace: controlPlaneNamespace(refOf(tenant)) }, { gracePeriodSeconds: 0 })

describe('an upgrade', () => {
  test('rolls the API server, then the controller manager, looks at what they answer, and leaves nothing behind', async () => {
    const tenant = await old()
    await drive(tenant)
    await change(tenant, asked)
    await until(tenant, 'RollingOut')
    expect(await images(tenant)).toBe('v1.36.3,v1.36.3')
    await world.reconcile(tenant, aProcess())
    expect(await images(tenant)).toBe('v1.37.1,v1.36.3')
    await until(tenant, 'Verifying')
    expect(await images(tenant)).toBe('v1.37.1,v1.37.1')
    await watched(tenant)
    const { completedAt } = (await until(tenant, 'Done')) ?? {}
    const { version, upgrade, conditions = [] } = await round(tenant)
    expect([version, upgrade?.completedAt, upgradingOf({ conditions })]).toEqual(['v1.37.1', completedAt, undefined])
    expect(await kube.get(resourceTypes.replicaSets, probe)).toBeUndefined()
    expect(await kube.get(resourceTypes.configMaps, probe)).toBeUndefined()
    await expect(change(tenant, { version: 'v1.36.3' })).rejects.toThrow(/spec\.version: .*cannot go back/)
  })

  test('begins in its window only, and can be taken back until then', async () => {
    const tenant = await old()
    await drive(tenant)
    const hour = new Date(Date.now() + 3 * 3_600_000).getUTCHours()
    await change(tenant, {
      ...asked,
      upgrade: { ...asked.upgrade, window: { schedule: `0 ${hour} * * *`, durationMinutes: 120 } },
    })
    expect((await until(tenant, 'Waiting'))?.message).toMatch(/^from v1\.36\.3 to v1\.37\.1$/)
    const { upgrade, conditions } = await round(tenant)
    expect(upgrade?.message).toMatch(/waits for its window, which opens at .*:00:00/)
    expect(upgradingOf({ conditions })).toMatchObject({ status: 'True', reason: 'Waiting' })
    expect(conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True')
    await change(tenant, { version: 'v1.36.3' })
    const after = await round(tenant)
    expect([after.upgrade, upgradingOf(after), await images(tenant)]).toEqual([undefined, undefined, 'v1.36.3,v1.36.3'])
    await change(tenant, { version: 'v1.37.1' })
    await until(tenant, 'Waiting')
    wait(3 * 3600)
    await until(tenant, 'RollingOut')
  })

  test('does not begin while a webhook refuses what it cannot ask, and begins when that is mended', async () => {
    const tenant = await old()
    await drive(tenant)
    const guard = { name: 'guard' }
    await kube.create(resourceTypes.validatingWebhookConfigurations, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: guard,
      webhooks: [
        {
          name: 'guard.example.com',
          clientConfig: { service: { namespace: 'ops', name: 'guard' } },
          rules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['things'] }],
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    })
    await change(tenant, asked)
    const blocked = await until(tenant, 'Blocked')
    expect(blocked?.message).toMatch(/webhook guard\.example\.com asks Service ops\/guard, which has no ready endpoint/)
    expect(upgradingOf((await read(tenant))?.status ?? {})).toMatchObject({ status: 'True', reason: 'Blocked' })
    expect(await images(tenant)).toBe('v1.36.3,v1.36.3')
    await kube.delete(resourceTypes.validatingWebhookConfigurations, guard)
    expect((await round(tenant)).upgrade?.phase).toBe('Blocked')
    wait(31)
    await until(tenant, 'RollingOut')
  })

  test('asks first what it asks last: a tenant that does not answer today is not touched', async () => {
    const tenant = await old()
    await drive(tenant)
    await change(tenant, { version: 'v1.37.1' })
    expect((await until(tenant, 'Blocked'))?.message).toMatch(/does not answer today.*says that it is v1\.37\.1, not v1\.36\.3/)
    expect(await images(tenant)).toBe('v1.36.3,v1.36.3')
  })

  test('waits for a tenant that is paused, and holds its time when it is paused in the middle', async () => {
    const tenant = await old({ dataStore: { storageClassName: 'disks' } })
    await drive(tenant)
    await change(tenant, { ...asked, state: 'Paused' })
    await until(tenant, 'Waiting')
    expect((await round(tenant)).upgrade?.message).toMatch(/at rest/)
    await change(tenant, { state: 'Running' })
    await until(tenant, 'RollingOut')
    await change(tenant, { state: 'Paused' })
    for (let count = 0; count < 4; count += 1) await round(tenant)
    wait(3600)
    expect((await round(tenant)).upgrade).toMatchObject({ phase: 'RollingOut', message: expect.stringMatching(/at rest/) })
    await change(tenant, { state: 'Running' })
    await until(tenant, 'Verifying')
  })
})

describe('a version that does not come up', () => {
  test('goes after a while, says why, and is not tried again until it is asked for again', async () => {
    const tenant = await old()
    await drive(tenant)
    await change(tenant, asked)
    await until(tenant, 'RollingOut')
    await world.reconcile(tenant, aProcess())
    await crash(tenant, 'kube-apiserver')
    await world.reconcile(tenant, aProcess())
    const failing = await read(tenant)
    expect(failing?.status?.upgrade).toMatchObject({ phase: 'RollingOut', message: expect.stringMatching(/unknown flag: --old/) })
    wait(50)
    await world.reconcile(tenant, aProcess())
    expect((await read(tenant))?.status?.upgrade).toMatchObject({
      phase: 'GoingBack',
      failure: expect.stringMatching(/unknown flag/),
    })
    await world.reconcile(tenant, aProcess())
    expect(await images(tenant)).toBe('v1.36.3,v1.36.3')
    await recover(tenant, 'kube-apiserver')
    // What plays the older version says that it is the newer one: told, and looked at again while its time lasts.
    const { upgrade } = await round(tenant)
    expect(upgrade?.phase).toBe('GoingBack')
    wait(601)
    const failed = await until(tenant, 'Failed')
    expect(failed?.message).toMatch(
      /v1\.36\.3 was put back, but .* there is no snapshot to restore\. v1\.37\.1 was given up: API server/,
    )
    expect(upgradingOf((await read(tenant))?.status ?? {})).toMatchObject({ status: 'False', reason: 'Failed' })
    const idle = aProcess()
    await round(tenant)
    await world.reconcile(tenant, idle)
    expect([idle.writes(), await images(tenant)]).toEqual([[], 'v1.36.3,v1.36.3'])
    await change(tenant, { upgrade: { ...asked.upgrade, requestedAt: '2026-06-01T00:00:00Z' } })
    await until(tenant, 'RollingOut')
    // Until it is done it can be taken back.
    await change(tenant, { version: 'v1.36.3' })
    await until(tenant, 'GoingBack')
  })
})

describe('a way back for the data', () => {
  const storage = { s3: { endpoint: 'http://127.0.0.1:1', bucket: 'berth', secretName: 'keys' } }
  const saved = async (tenant: TenantControlPlane): Promise<ControlPlaneSnapshot> => {
    const { items } = await kube.list<ControlPlaneSnapshot>(snapshots, { namespace: 'home' })
    const found = items.find(({ spec }) => spec.tenantName === tenant.metadata.name)
    if (!found) throw new Error(`no snapshot of ${tenant.metadata.name}`)
    return found
  }
  const endSnapshot = async (tenant: TenantControlPlane, phase: 'Complete' | 'Failed'): Promise<void> => {
    const snapshot = await saved(tenant)
    const status = {
      phase,
      key: 'k',
      sha256: 'abc',
      tenantUid: tenant.metadata.uid,
      version: 'v1.36.3',
      encrypted: true,
      conditions: [
        { type: 'Complete', status: 'False', reason: 'x', message: 'no such bucket', lastTransitionTime: '2026-06-01T00:00:00Z' },
      ],
    }
    await kube.replace(snapshots, { ...snapshot, status } as ControlPlaneSnapshot, { subresource: 'status' })
  }
  const recipient = 'age1cy0su9fwf3gf9mw868g5yut09p6nytfmmnktexz2ya5uqg9vl9sss4euqm'
  const identities = async (): Promise<readonly KubeObject[]> =>
    (await listIn('home', resourceTypes.secrets)).filter(({ data }) => data?.['identity'] !== undefined)

  test('is saved first, to its own key beside those of the operator, and taken when the version before does not answer either', async () => {
    const tenant = await old({ backup: { storage, recipients: [recipient] }, dataStore: { storageClassName: 'disks' } })
    await drive(tenant)
    await change(tenant, asked)
    await until(tenant, 'Saving')
    await round(tenant)
    const { spec, metadata } = await saved(tenant)
    expect(spec.recipients).toEqual([recipient, expect.stringMatching(/^age1/)])
    expect((await identities()).map((secret) => secret.metadata.name)).toEqual([metadata.name])
    await endSnapshot(tenant, 'Failed')
    expect((await until(tenant, 'Blocked'))?.message).toMatch(/the data could not be saved: no such bucket/)
    wait(31)
    await until(tenant, 'Saving')
    await round(tenant)
    await endSnapshot(tenant, 'Complete')
    await until(tenant, 'RollingOut')
    controllersAct = false
    expect((await until(tenant, 'Verifying'))?.message).toMatch(/the controller manager has not acted/)
    wait(601)
    await until(tenant, 'GoingBack')
    // No sign that data are harmed, which are left as they are.
    wait(601)
    const left = await until(tenant, 'Failed')
    expect(left?.message).toMatch(/was put back, but .*; the data of before are in snapshot \S+: berth restore/)
    expect(await identities()).toEqual([])
  })

  test('is asked of a restore by the upgrade itself, whose end it tells, and what spec.restore got before is not done again', async () => {
    const tenant = await old({ dataStore: { storageClassName: 'disks' } })
    await drive(tenant)
    const ref = { name: tenant.metadata.name ?? '', namespace: 'home' }
    await change(tenant, { restore: { snapshotName: 'asked-before' } })
    expect((await round(tenant)).restore).toMatchObject({ snapshotName: 'asked-before', phase: 'Failed' })
    await change(tenant, asked)
    const first = await until(tenant, 'RollingOut')
    // As after a snapshot, and data that could not be read.
    const upgrade = { ...first, phase: 'RestoringData', snapshotName: 'gone', failure: 'it broke' }
    await kube.patch(planes, ref, { status: { upgrade } }, { type: 'merge', subresource: 'status' })
    const failed = await until(tenant, 'Failed')
    expect(failed?.message).toMatch(/snapshot gone was not restored: .*it broke/)
    const { restore } = await round(tenant)
    expect(restore).toMatchObject({ snapshotName: 'gone', request: expect.stringMatching(/^upgrade-/), phase: 'Failed' })
    expect((await round(tenant)).restore?.id).toBe(restore?.id)
  })

  test('that is required and has no place keeps it from beginning', async () => {
    const tenant = await old()
    await drive(tenant)
    await change(tenant, { ...asked, upgrade: { ...asked.upgrade, snapshot: 'Required' } })
    expect((await until(tenant, 'Blocked'))?.message).toMatch(/spec\.backup\.storage says not where/)
  })
})

describe('a manager that is killed', () => {
  test('at any thirteenth call of an upgrade goes on to the same end', { timeout: 300_000 }, async () => {
    const upgraded = async (fault?: Fault) => {
      aheadMs = 0
      const tenant = await old()
      await drive(tenant)
      await change(tenant, asked)
      const process = aProcess(fault)
      try {
        for (let count = 0; count < 5; count += 1) await round(tenant, process)
      } catch {
        // Killed.
      }
      await until(tenant, 'Verifying')
      await watched(tenant)
      await until(tenant, 'Done')
      await round(tenant)
      const idle = aProcess()
      await world.reconcile(tenant, idle)
      expect(idle.writes()).toEqual([])
      expect(await images(tenant)).toBe('v1.37.1,v1.37.1')
      await world.clearDns()
      return process.calls()
    }
    const calls = await upgraded()
    expect(calls).toBeGreaterThan(60)
    for (let call = 3; call <= calls; call += 13) await upgraded({ call, carriedOut: call % 2 === 0 })
  })
})
