import { type Condition, conditionTypes } from '../apis/conditions.ts'
import type { ControlPlaneSnapshot } from '../apis/control-plane-snapshot.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { UpgradeStatus } from '../apis/upgrade.ts'
import { madeByOperationAnnotation } from '../tenancy/marks.ts'
import type { OperationRecord } from './operation-record.ts'
import { isReady } from './tenant-view.ts'

export const operationStates = ['Pending', 'Running', 'Succeeded', 'Failed', 'Cancelled', 'Superseded'] as const
export type OperationState = (typeof operationStates)[number]

export interface OperationStep {
  readonly name: string
  readonly state: 'Waiting' | 'Running' | 'Done' | 'Failed'
  readonly message?: string
  /** From when the tenant was made until it was done. */
  readonly seconds?: number
}

export interface Progress {
  readonly state: OperationState
  readonly message: string
  readonly steps: readonly OperationStep[]
}

/** What an operation is seen by, as it is now. */
export interface Seen {
  readonly tenant: TenantControlPlane | undefined
  readonly snapshot: ControlPlaneSnapshot | undefined
  readonly now: number
}

/** After this a record whose object is not there stays so: whoever was to make it has been killed. */
const abandonedAfterMs = 60_000

const plain = (state: OperationState, message: string): Progress => ({ state, message, steps: [] })

const conditionOf = ({ status }: TenantControlPlane, type: string): Condition | undefined =>
  status?.conditions?.find((each) => each.type === type)

/** How far the conditions of a tenant are that are its steps; the first that is not done is the one that runs. */
const creationSteps = (tenant: TenantControlPlane): readonly OperationStep[] => {
  let isBefore = true
  return conditionTypes.map((name) => {
    const condition = conditionOf(tenant, name)
    const seconds = tenant.status?.timings?.[name]
    const isDone = seconds !== undefined || condition?.status === 'True'
    const state = isDone ? 'Done' : isBefore ? 'Running' : 'Waiting'
    if (!isDone) isBefore = false
    return {
      name,
      state,
      ...(condition && !isDone && { message: condition.message }),
      ...(seconds !== undefined && { seconds }),
    } as const
  })
}

const notYet = 'the manager has not looked at it yet'

const creation = (record: OperationRecord, { tenant, now }: Seen): Progress => {
  const isOurs = tenant?.metadata.annotations?.[madeByOperationAnnotation] === record.id
  if (!tenant || !isOurs) {
    if (record.cancelledAt !== undefined)
      return plain('Cancelled', 'it was cancelled, and what was made of the tenant is deleted')
    if (record.target) return plain('Failed', 'the tenant was deleted')
    return now - Date.parse(record.createdAt) < abandonedAfterMs
      ? plain('Pending', 'the tenant is about to be made')
      : plain('Failed', 'the tenant was not made: ask again')
  }
  const steps = creationSteps(tenant)
  if (record.cancelledAt !== undefined) return { state: 'Running', message: 'it is cancelled: the tenant goes', steps }
  // Ready once is enough: what happens to the tenant later is not this operation's matter.
  if (tenant.status?.timings?.['Ready'] !== undefined) return { state: 'Succeeded', message: 'the tenant is ready', steps }
  if (tenant.metadata.deletionTimestamp) return { state: 'Failed', message: 'the tenant is being deleted', steps }
  const running = steps.find(({ state }) => state === 'Running')
  return { state: 'Running', message: running?.message ?? conditionOf(tenant, 'Ready')?.message ?? notYet, steps }
}

const deletion = (record: OperationRecord, { tenant, now }: Seen): Progress => {
  const { target } = record
  if (!tenant || (target && tenant.metadata.uid !== target.uid)) {
    return target ? plain('Succeeded', 'the tenant is gone') : plain('Failed', 'there was no tenant to delete')
  }
  if (!tenant.metadata.deletionTimestamp) {
    return now - Date.parse(record.createdAt) < abandonedAfterMs
      ? plain('Pending', 'the tenant is about to be deleted')
      : plain('Failed', 'the tenant was not deleted: ask again')
  }
  return plain('Running', conditionOf(tenant, 'Deleting')?.message ?? notYet)
}

/** The tenant that a change was about, when the manager has seen the change; else how it stands. */
const changed = ({ target, createdAt }: OperationRecord, { tenant, now }: Seen): TenantControlPlane | Progress => {
  if (!target)
    return now - Date.parse(createdAt) < abandonedAfterMs
      ? plain('Pending', 'it is about to be written')
      : plain('Failed', 'it was not written: ask again')
  if (!tenant || tenant.metadata.uid !== target.uid || tenant.metadata.deletionTimestamp)
    return plain('Failed', 'the tenant was deleted')
  if ((tenant.status?.observedGeneration ?? 0) < target.generation) return plain('Running', notYet)
  return tenant
}

const isProgress = (value: TenantControlPlane | Progress): value is Progress => 'steps' in value

const stateChange = (record: OperationRecord, seen: Seen): Progress => {
  const tenant = changed(record, seen)
  if (isProgress(tenant)) return tenant
  const wanted = record.wanted['state']
  if ((tenant.spec.state ?? 'Running') !== wanted) return plain('Superseded', 'another write has taken its place')
  const paused = conditionOf(tenant, 'Paused')
  const ready = conditionOf(tenant, 'Ready')
  if (wanted === 'Running')
    return isReady(tenant) ? plain('Succeeded', 'the tenant is ready') : plain('Running', ready?.message ?? notYet)
  if (paused?.status === 'True' && paused.reason === wanted) return plain('Succeeded', paused.message)
  if (paused?.reason === 'DataWouldBeLost') return plain('Failed', paused.message)
  return plain('Running', paused?.message ?? ready?.message ?? notYet)
}

const update = (record: OperationRecord, seen: Seen): Progress => {
  const tenant = changed(record, seen)
  if (isProgress(tenant)) return tenant
  const isAtRest = isReady(tenant) || conditionOf(tenant, 'Paused')?.status === 'True'
  return isAtRest
    ? plain('Succeeded', 'the manager has brought it about')
    : plain('Running', conditionOf(tenant, 'Ready')?.message ?? notYet)
}

const upgradePhases: readonly { readonly name: string; readonly phases: readonly UpgradeStatus['phase'][] }[] = [
  { name: 'Checks', phases: ['Waiting', 'Blocked'] },
  { name: 'Snapshot', phases: ['Saving'] },
  { name: 'RollOut', phases: ['RollingOut'] },
  { name: 'Verification', phases: ['Verifying'] },
]

const upgradeSteps = (upgrade: UpgradeStatus): readonly OperationStep[] => {
  const at = upgradePhases.findIndex(({ phases }) => phases.includes(upgrade.phase))
  return upgradePhases.map(({ name }, index): OperationStep => {
    if (upgrade.phase === 'Done' || (at >= 0 && index < at)) return { name, state: 'Done' }
    if (at < 0) return { name, state: 'Failed' }
    return index === at ? { name, state: 'Running', message: upgrade.message } : { name, state: 'Waiting' }
  })
}

const upgrading = (record: OperationRecord, seen: Seen): Progress => {
  const tenant = changed(record, seen)
  if (record.cancelledAt !== undefined) return plain('Cancelled', 'it was cancelled before the new version was rolled out')
  if (isProgress(tenant)) return tenant
  const { version } = record.wanted
  if (tenant.spec.version !== version) return plain('Superseded', 'another version was asked for since')
  const { upgrade, version: runs } = tenant.status ?? {}
  if (!upgrade || upgrade.to !== version)
    return runs === version ? plain('Succeeded', `${runs} runs`) : plain('Running', `${runs ?? 'nothing'} runs yet`)
  const steps = upgradeSteps(upgrade)
  const state = upgrade.phase === 'Done' ? 'Succeeded' : upgrade.phase === 'Failed' ? 'Failed' : 'Running'
  return { state, message: upgrade.failure ?? upgrade.message, steps }
}

const snapshotting = ({ target }: OperationRecord, { snapshot }: Seen): Progress => {
  if (!snapshot)
    return target ? plain('Failed', 'the snapshot was deleted') : plain('Failed', 'the snapshot was not made: ask again')
  const message = snapshot.status?.conditions?.find(({ type }) => type === 'Complete')?.message ?? notYet
  const { phase } = snapshot.status ?? {}
  return plain(phase === 'Complete' ? 'Succeeded' : phase === 'Failed' ? 'Failed' : 'Running', message)
}

const restorePhases = ['Stopping', 'Loading', 'Swapping', 'Starting'] as const

const restoring = (record: OperationRecord, seen: Seen): Progress => {
  const tenant = changed(record, seen)
  if (isProgress(tenant)) return tenant
  const asked = tenant.spec.restore
  if (asked?.requestedAt !== record.wanted['requestedAt']) return plain('Superseded', 'another restore was asked for since')
  const restore = tenant.status?.restore
  if (!restore || restore.id === record.wanted['before']) return plain('Running', 'waits for the tenant to run')
  const at = restorePhases.indexOf(restore.phase as (typeof restorePhases)[number])
  const stateOf = (index: number): OperationStep['state'] => {
    if (restore.phase === 'Done' || (at >= 0 && index < at)) return 'Done'
    if (at < 0) return 'Failed'
    return index === at ? 'Running' : 'Waiting'
  }
  const steps = restorePhases.map((name, index) => ({ name, state: stateOf(index) }))
  const state = restore.phase === 'Done' ? 'Succeeded' : restore.phase === 'Failed' ? 'Failed' : 'Running'
  return { state, message: restore.message, steps }
}

/** How far an operation is, from what its objects say now. */
export const progressOf = (record: OperationRecord, seen: Seen): Progress => {
  if (record.answer && record.answer.status >= 400) return plain('Failed', 'it was refused')
  switch (record.kind) {
    case 'create':
      return creation(record, seen)
    case 'delete':
      return deletion(record, seen)
    case 'pause':
    case 'resume':
      return stateChange(record, seen)
    case 'update':
      return update(record, seen)
    case 'upgrade':
      return upgrading(record, seen)
    case 'snapshot':
      return snapshotting(record, seen)
    case 'delete-snapshot':
      return seen.snapshot && seen.snapshot.metadata.uid === record.target?.uid
        ? plain('Running', 'what it stored is being deleted')
        : plain('Succeeded', 'the snapshot is gone')
    case 'restore':
      return restoring(record, seen)
    case 'write':
      return record.answer ? plain('Succeeded', 'it is written') : plain('Failed', 'it was not written: ask again')
  }
}

/** Name of the snapshot that it is about: nobody may have given it one. */
const snapshotIn = ({ kind, wanted, target }: OperationRecord): string | undefined => {
  if (typeof wanted['snapshot'] === 'string') return wanted['snapshot']
  return kind === 'snapshot' ? target?.name : undefined
}

/** An operation as the HTTP API shows it. */
export const operationOf = (record: OperationRecord, organization: string, seen: Seen) => ({
  id: record.id,
  kind: record.kind,
  organization,
  ...(record.tenant !== undefined && { tenant: record.tenant }),
  ...(snapshotIn(record) !== undefined && { snapshot: snapshotIn(record) }),
  createdAt: record.createdAt,
  requestId: record.requestId,
  ...(record.cancelledAt !== undefined && { cancelledAt: record.cancelledAt }),
  ...progressOf(record, seen),
})

/** What cancelling an operation would do; undefined when it comes too late, or means nothing. */
export const cancellationOf = (
  record: OperationRecord,
  seen: Seen,
): { readonly kind: 'delete'; readonly uid: string } | { readonly kind: 'version'; readonly version: string } | undefined => {
  const { tenant } = seen
  const { state } = progressOf(record, seen)
  if (!tenant || (state !== 'Running' && state !== 'Pending')) return undefined
  if (record.kind === 'create') return { kind: 'delete', uid: tenant.metadata.uid ?? '' }
  const upgrade = tenant.status?.upgrade
  const isBefore = upgrade !== undefined && ['Waiting', 'Blocked', 'Saving'].includes(upgrade.phase)
  return record.kind === 'upgrade' && isBefore && upgrade.to === record.wanted['version']
    ? { kind: 'version', version: upgrade.from }
    : undefined
}
