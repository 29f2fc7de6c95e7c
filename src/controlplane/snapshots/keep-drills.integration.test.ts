import { afterAll, expect, test } from 'vitest'
import type { Condition } from '../../apis/conditions.ts'
import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { timestamp } from '../../apis/timestamp.ts'
import { startPlaneWorld } from '../../testing/plane-world.ts'
import type { Transition } from '../status.ts'
import { drillRequestOf } from './drill-plan.ts'
import { keepDrills } from './keep-drills.ts'

const type = resourceTypes.controlPlaneSnapshots
const world = await startPlaneWorld()
const { kube, aProcess, createTenant, read, reconcile, drive } = world
afterAll(() => world.stop())

const minute = 60_000
const storage = { s3: { endpoint: 'https://s3.example.com', bucket: 'backups', secretName: 'keys' } }

test('drills the newest snapshot at its times, tells how it went, and lets nothing of the tenant wait for it', async () => {
  const tenant = await createTenant({ backup: { drill: { schedule: '0 5 * * *', identitySecretName: 'age-key' } } })
  const ref = { namespace: 'home', name: tenant.metadata.name ?? '' }
  await drive(tenant)
  // The first five o'clock after the tenant was made, so that what is due is known.
  const five = new Date(Date.parse(tenant.metadata.creationTimestamp ?? ''))
  five.setUTCHours(29, 0, 0, 0)
  const clock = { now: five }
  const told: string[] = []
  const processAt = (of = aProcess()) => ({
    ...of,
    deps: {
      ...of.deps,
      now: () => clock.now,
      tell: (_: unknown, { type: severity, reason }: Transition) => void told.push(`${severity} ${reason}`),
    },
  })
  const keep = async (process = aProcess()) => {
    const { items } = await kube.list<ControlPlaneSnapshot>(type)
    return keepDrills(ref, { ...processAt(process).deps, snapshots: () => items })
  }
  const proofOf = async (of: TenantControlPlane): Promise<Condition | undefined> =>
    (await read(of))?.status?.conditions?.find((condition) => condition.type === 'BackupProven')
  const round = async (process = aProcess()) => {
    await world.knowSnapshots()
    await world.playCluster(tenant, { now: clock.now })
    await reconcile(tenant, processAt(process))
    return proofOf(tenant)
  }
  const take = async (name: string, phase: string, at: Date): Promise<ControlPlaneSnapshot> => {
    const object = { apiVersion: 'berth.dev/v1alpha1', kind: type.kind, metadata: { ...ref, name } }
    const made = await kube.create(type, { ...object, spec: { tenantName: ref.name, storage } })
    const status = {
      phase,
      tenantUid: tenant.metadata.uid,
      startedAt: timestamp(at),
      completedAt: timestamp(at),
      version: 'v1.37.1',
    }
    return (await kube.replace(type, { ...made, status }, { subresource: 'status' })) as ControlPlaneSnapshot
  }
  const snapshotOf = async (name: string) =>
    (await kube.get<ControlPlaneSnapshot>(type, { ...ref, name })) as ControlPlaneSnapshot
  /** What the snapshot's own controller says of the drill, which takes pods. */
  const answer = async (name: string, result: 'Running' | 'Passed' | 'Failed', message: string) => {
    const snapshot = await snapshotOf(name)
    const now = timestamp(clock.now)
    const ended = result === 'Running' ? {} : { checkedAt: now, seconds: 1 }
    const drill = { request: drillRequestOf(snapshot) ?? '', result, message, startedAt: now, ...ended }
    await kube.replace(type, { ...snapshot, status: { ...snapshot.status, drill } }, { subresource: 'status' })
  }
  const later = (minutes: number) => {
    clock.now = new Date(clock.now.getTime() + minutes * minute)
  }

  // Nothing to drill when it is due: told, and made up for when there is something.
  const first = aProcess()
  expect(await keep(first)).toMatchObject({ kind: 'wait' })
  expect(first.writes()).toEqual([])
  expect(await round()).toMatchObject({
    status: 'False',
    reason: 'NoSnapshot',
    message: expect.stringMatching(/set spec\.backup\.schedule/),
  })
  expect((await read(tenant))?.status?.conditions?.find((each) => each.type === 'Ready')).toMatchObject({ status: 'True' })
  later(1)
  await take('one', 'Complete', clock.now)
  await take('broken', 'Failed', new Date(clock.now.getTime() + minute))
  await keep()
  expect((await snapshotOf('one')).spec.drill).toEqual({ requestedAt: timestamp(clock.now), identitySecretName: 'age-key' })
  expect((await snapshotOf('broken')).spec.drill).toBeUndefined()

  // Asked for once, also by a process that knows nothing of the one before; and while it is open nobody else's is.
  await take('two', 'Complete', new Date(clock.now.getTime() + minute))
  for (const step of [async () => {}, () => answer('one', 'Running', 'it is being read')]) {
    await step()
    const again = aProcess()
    await keep(again)
    expect(again.writes()).toEqual([])
  }
  expect(await round()).toMatchObject({ status: 'Unknown', reason: 'NotDrilled' })
  later(1)
  await answer('one', 'Passed', '120 objects')
  expect(await round()).toMatchObject({
    status: 'True',
    reason: 'DrillPassed',
    message: expect.stringMatching(/snapshot one .*120 objects/),
  })
  expect((await read(tenant))?.status?.backup?.lastDrill).toMatchObject({
    snapshotName: 'one',
    result: 'Passed',
    checkedAt: timestamp(clock.now),
  })
  const idle = aProcess()
  await keep(idle)
  await round(idle)
  expect(idle.writes().filter((write) => !write.includes('Lease'))).toEqual([])

  // The manager was away for three days: one drill, of the newest, that fails.
  later(3 * 24 * 60)
  await keep()
  expect((await snapshotOf('two')).spec.drill?.requestedAt).toBe(timestamp(clock.now))
  await answer('two', 'Failed', 'a Secret could not be read')
  expect(await round()).toMatchObject({
    status: 'False',
    reason: 'DrillFailed',
    message: expect.stringMatching(/snapshot two .*a Secret could not be read; .*berth snapshot drill/),
  })
  const more = aProcess()
  await keep(more)
  expect(more.writes()).toEqual([])

  // It is known when nothing is left of the snapshot, and while nobody knows the snapshots.
  for (const name of ['one', 'two', 'broken']) await kube.delete(type, { ...ref, name })
  expect(await round()).toMatchObject({ status: 'False', reason: 'DrillFailed' })
  const blind = processAt()
  await reconcile(tenant, { ...blind, deps: { ...blind.deps, snapshots: () => undefined } })
  expect(await proofOf(tenant)).toMatchObject({ status: 'False', reason: 'DrillFailed' })
  expect(told.filter((line) => /Backup|Drill|Snapshot/.test(line))).toEqual([
    'Warning NoSnapshot',
    'Normal BackupProven',
    'Warning NotBackupProven',
  ])

  // Without a schedule nothing is said any more.
  await kube.patch(resourceTypes.tenantControlPlanes, ref, { spec: { backup: { drill: null } } }, { type: 'merge' })
  expect(await round()).toBeUndefined()
  expect((await read(tenant))?.status?.backup).toBeUndefined()
})
