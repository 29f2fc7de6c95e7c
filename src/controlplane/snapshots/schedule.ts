import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { AppError } from '../../lib/errors.ts'
import { scheduleLabel } from '../../tenancy/marks.ts'
import { shortHash } from '../../tenancy/names.ts'
import { cronTimes } from '../cron-times.ts'

type Backup = TenantControlPlane['spec']['backup']

/** What is due for one tenant's schedule. */
export interface ScheduleAction {
  /** Time that a snapshot is to be taken for now; undefined: none is due. */
  readonly due?: Date
  /** Names of snapshots beyond those that are kept. */
  readonly surplus: readonly string[]
  /** When to look again; undefined: there is no schedule. */
  readonly next?: Date
}

const createdAt = ({ metadata }: ControlPlaneSnapshot): number => Date.parse(metadata.creationTimestamp ?? '')

/** Name of the snapshot that is taken at a time. The same one for whoever makes it, so there is one only. */
export const scheduledName = (tenantName: string, at: Date): string =>
  `${tenantName}-${at.toISOString().slice(0, 16).replace(/[-:]/g, '').replace('T', '-').toLowerCase()}`

/**
 * The rule of a schedule. A time that was missed is made up for once, with one snapshot, however many were missed. Of those that are complete the newest
 * `keep` stay; one that failed goes when a later one is complete. Throws SPEC_INVALID.
 */
export const nextScheduleAction = (
  { metadata, spec: { backup } }: Pick<TenantControlPlane, 'metadata' | 'spec'>,
  snapshots: readonly ControlPlaneSnapshot[],
  now: Date,
): ScheduleAction => {
  const own = snapshots
    .filter((snapshot) => snapshot.metadata.labels?.[scheduleLabel] === metadata.name && !snapshot.metadata.deletionTimestamp)
    // Those of an earlier tenant of the same name are not this one's to delete.
    .filter(({ status }) => status?.tenantUid === undefined || status.tenantUid === metadata.uid)
    .toSorted((a, b) => createdAt(b) - createdAt(a))
  const complete = own.filter(({ status }) => status?.phase === 'Complete')
  const newest = complete[0]
  // Those that failed are to be looked at: as long as none is complete after them, and no more of them than of the others.
  const failed = own
    .filter(({ status }) => status?.phase === 'Failed')
    .filter((snapshot, index) => index >= backup.keep || (newest !== undefined && createdAt(snapshot) < createdAt(newest)))
  const surplus = [...complete.slice(backup.keep), ...failed].map((snapshot) => snapshot.metadata.name ?? '')
  if (backup.schedule === undefined) return { surplus: [] }
  if (backup.storage === undefined) {
    const message =
      'spec.backup.schedule: nobody says where snapshots are stored: set spec.backup.storage, or have the class say it'
    throw new AppError('SPEC_INVALID', message, {})
  }
  const { schedule, timeZone } = backup
  const { last, next } = cronTimes({ schedule, timeZone }, now, 'spec.backup.schedule')
  const since = own[0] ? createdAt(own[0]) : Date.parse(metadata.creationTimestamp ?? '')
  // What is due lies between the last snapshot, or the tenant's beginning, and now.
  const isDue = last !== undefined && last.getTime() > since
  return { surplus, ...(next && { next }), ...(isDue && { due: last }) }
}

/** The snapshot of a schedule. */
export const scheduledSnapshot = (
  { metadata, spec: { backup } }: Pick<TenantControlPlane, 'metadata' | 'spec'>,
  at: Date,
): ControlPlaneSnapshot => ({
  apiVersion: 'berth.dev/v1alpha1',
  kind: 'ControlPlaneSnapshot',
  metadata: {
    name: `${scheduledName(metadata.name ?? '', at)}-${shortHash([metadata.uid ?? ''], 5)}`,
    namespace: metadata.namespace ?? '',
    labels: { [scheduleLabel]: metadata.name ?? '' },
  },
  spec: {
    tenantName: metadata.name ?? '',
    storage: backup.storage as NonNullable<Backup['storage']>,
    recipients: backup.recipients,
    deletionPolicy: 'Delete',
  },
})
