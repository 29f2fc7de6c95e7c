import type { Condition } from '../../apis/conditions.ts'
import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { LastDrill } from '../../apis/tenant-status.ts'
import { timestamp } from '../../apis/timestamp.ts'
import { explainError, hasCode } from '../../lib/errors.ts'
import { type CronSchedule, cronTimes } from '../cron-times.ts'
import { storeInForce } from '../data-stores/in-force.ts'
import { drillRequestOf } from './drill-plan.ts'

type Tenant = Pick<TenantControlPlane, 'metadata' | 'spec' | 'status'>

/** What is due for the drills of one tenant. */
export interface DrillDue {
  /** The snapshot to be drilled now, and the time that it is for. */
  readonly start?: { readonly snapshot: ControlPlaneSnapshot; readonly at: Date }
  /** One is due, and there is no complete snapshot. */
  readonly lacksSnapshot: boolean
  /** When to look again. */
  readonly next?: Date
}

const timeOf = (text: string | undefined): number => Date.parse(text ?? '') || 0

/** When the data of a snapshot are of, as nearly as anybody knows. */
const takenAt = ({ metadata, status }: ControlPlaneSnapshot): number =>
  timeOf(status?.startedAt ?? status?.completedAt ?? metadata.creationTimestamp)

/** Snapshots of this very tenant that are to stay, the newest first. */
const ownOf = ({ metadata }: Tenant, snapshots: readonly ControlPlaneSnapshot[]): readonly ControlPlaneSnapshot[] =>
  snapshots
    .filter(({ spec, status }) => spec.tenantName === metadata.name && status?.tenantUid === metadata.uid)
    .filter((snapshot) => snapshot.metadata.namespace === metadata.namespace && !snapshot.metadata.deletionTimestamp)
    .toSorted((a, b) => takenAt(b) - takenAt(a))

/** Asked for, by whomever, and not answered. */
const isOpen = (snapshot: ControlPlaneSnapshot): boolean => {
  const request = drillRequestOf(snapshot)
  const { drill } = snapshot.status ?? {}
  return drill?.result === 'Running' || (request !== undefined && drill?.request !== request)
}

const scheduleOf = ({ spec: { backup } }: Tenant): CronSchedule | undefined =>
  backup.drill?.schedule === undefined ? undefined : { schedule: backup.drill.schedule, timeZone: backup.timeZone }

const field = 'spec.backup.drill.schedule'

/**
 * The rule of a schedule of drills. A time that was missed is made up for once, by a drill of the newest complete snapshot, however many were missed; one that comes
 * while there is no snapshot is made up for when there is one. Never two at once, whoever asked for the other. Throws SPEC_INVALID. Pure.
 */
export const nextDrill = (tenant: Tenant, snapshots: readonly ControlPlaneSnapshot[], now: Date): DrillDue => {
  const schedule = scheduleOf(tenant)
  if (schedule === undefined) return { lacksSnapshot: false }
  const { last, next } = cronTimes(schedule, now, field)
  const own = ownOf(tenant, snapshots)
  // What is due lies between the last drill, or the tenant's beginning, and now. A snapshot may be gone since it was drilled.
  const since = Math.max(
    timeOf(tenant.metadata.creationTimestamp),
    timeOf(tenant.status?.backup?.lastDrill?.startedAt),
    ...own.map(({ status }) => timeOf(status?.drill?.startedAt)),
  )
  const isDue = last !== undefined && last.getTime() > since && !own.some(isOpen)
  const newest = own.find(({ status }) => status?.phase === 'Complete')
  return {
    lacksSnapshot: isDue && newest === undefined,
    ...(isDue && newest && { start: { snapshot: newest, at: last } }),
    ...(next && { next }),
  }
}

/** What a drill of a snapshot is asked for with. `at`: when it is asked for, which may be long after its time. */
export const drillOrder = (
  { spec: { backup } }: Tenant,
  at: Date,
): { readonly requestedAt: string; readonly identitySecretName: string | null } => ({
  requestedAt: timestamp(at),
  identitySecretName: backup.drill?.identitySecretName ?? null,
})

/**
 * The last drill that ended, of those of the snapshot that was drilled last and of newer ones: what somebody finds in an older one says nothing of today's. It is
 * known beyond the life of its snapshot.
 */
const lastDrillOf = (tenant: Tenant, snapshots: readonly ControlPlaneSnapshot[]): LastDrill | undefined => {
  const known = tenant.status?.backup?.lastDrill
  const ended = ownOf(tenant, snapshots).flatMap((snapshot): LastDrill[] => {
    const { drill } = snapshot.status ?? {}
    if (!drill || drill.result === 'Running' || drill.checkedAt === undefined) return []
    const { result, message, startedAt, checkedAt } = drill
    const taken = timestamp(new Date(takenAt(snapshot)))
    return [{ snapshotName: snapshot.metadata.name ?? '', takenAt: taken, result, message, startedAt, checkedAt }]
  })
  return ended
    .filter((each) => !known || timeOf(each.takenAt) >= timeOf(known.takenAt))
    .reduce((last, each) => (last && timeOf(last.checkedAt) >= timeOf(each.checkedAt) ? last : each), known)
}

/** Longer than any drill takes, its tries included, but for one that cannot even be begun. */
const lateMs = 2 * 3_600_000

/** How far a tenant's backup is known to be of use. */
export interface BackupProof {
  readonly lastDrill?: LastDrill | undefined
  readonly condition: Pick<Condition, 'status' | 'reason' | 'message'>
}

const askAgain = 'once that is mended, berth snapshot drill asks for another one'

/** True when what the status says of a drill is of the present request, or nothing is asked for any more: that of an earlier one says nothing of this one. */
const isBegun = (snapshot: ControlPlaneSnapshot): boolean => {
  const request = drillRequestOf(snapshot)
  return request === undefined || snapshot.status?.drill?.request === request
}

/** Since when an open drill is awaited. */
const awaitedSince = (snapshot: ControlPlaneSnapshot): string | undefined =>
  isBegun(snapshot) ? snapshot.status?.drill?.startedAt : snapshot.spec.drill?.requestedAt

const isLate = (snapshot: ControlPlaneSnapshot, now: Date): boolean =>
  isOpen(snapshot) && now.getTime() - (timeOf(awaitedSince(snapshot)) || now.getTime()) > lateMs

/** So many drills are open at once in an installation: each takes an API server and an etcd for itself. */
const mostOpenDrills = 3

/**
 * True while another drill may be asked for. One that is late takes no place: those of buckets that nobody reaches would keep out all others. `snapshots` are those
 * of all tenants. Pure.
 */
export const hasRoomForDrill = (snapshots: readonly ControlPlaneSnapshot[], now: Date): boolean =>
  snapshots.filter((each) => !each.metadata.deletionTimestamp && isOpen(each) && !isLate(each, now)).length < mostOpenDrills

const conditionFor = (
  tenant: Tenant,
  snapshots: readonly ControlPlaneSnapshot[],
  { lastDrill, now }: { readonly lastDrill: LastDrill | undefined; readonly now: Date },
): BackupProof['condition'] => {
  if (storeInForce(tenant).kind !== 'dedicated') {
    const message = `${field}: the tenant has no data store of its own: whoever runs that etcd saves it. Take the schedule out`
    return { status: 'False', reason: 'ScheduleInvalid', message }
  }
  const { lacksSnapshot, next } = nextDrill(tenant, snapshots, now)
  const late = ownOf(tenant, snapshots).find((each) => isLate(each, now))
  if (late) {
    const { drill } = late.status ?? {}
    const how = isBegun(late)
      ? `has not ended since ${drill?.startedAt}: ${drill?.message}`
      : `has not begun since it was asked for at ${late.spec.drill?.requestedAt}`
    const text = `the drill of snapshot ${late.metadata.name} ${how}. See the manager's log, and whether its bucket can be reached`
    return { status: 'False', reason: 'DrillLate', message: text }
  }
  if (lastDrill?.result === 'Failed') {
    const { snapshotName, takenAt: taken, checkedAt, message } = lastDrill
    const text = `snapshot ${snapshotName} of ${taken} failed its drill at ${checkedAt}: ${message}; ${askAgain}, and berth snapshot create takes a newer snapshot`
    return { status: 'False', reason: 'DrillFailed', message: text.slice(0, 4000) }
  }
  if (lacksSnapshot) {
    const { backup } = tenant.spec
    const help =
      backup.schedule === undefined
        ? 'set spec.backup.schedule, or take one with berth snapshot create'
        : 'berth snapshot list shows what became of those of the schedule'
    return { status: 'False', reason: 'NoSnapshot', message: `there is no complete snapshot to drill: ${help}` }
  }
  if (lastDrill) {
    const { snapshotName, takenAt: taken, checkedAt, message } = lastDrill
    return {
      status: 'True',
      reason: 'DrillPassed',
      message: `snapshot ${snapshotName} of ${taken} passed its drill at ${checkedAt}: ${message}`,
    }
  }
  const message = next
    ? `no drill has ended yet; the next time is ${timestamp(next)}`
    : `no drill has ended yet, and ${field} has no next time`
  return { status: 'Unknown', reason: 'NotDrilled', message }
}

/** What the drills of a tenant say of its backup; undefined where none are scheduled. `snapshots` may be of others as well. Pure. */
export const backupProof = (tenant: Tenant, snapshots: readonly ControlPlaneSnapshot[], now: Date): BackupProof | undefined => {
  if (scheduleOf(tenant) === undefined) return undefined
  const lastDrill = lastDrillOf(tenant, snapshots)
  try {
    return {
      lastDrill,
      condition: conditionFor({ ...tenant, status: { ...tenant.status, backup: { lastDrill } } }, snapshots, { lastDrill, now }),
    }
  } catch (error) {
    if (!hasCode(error, 'SPEC_INVALID')) throw error
    return { lastDrill, condition: { status: 'False', reason: 'ScheduleInvalid', message: explainError(error) } }
  }
}
