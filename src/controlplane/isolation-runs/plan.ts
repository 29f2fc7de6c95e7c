import { type KubeObject, objectKey } from '../../apis/kube-object.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { explainError, hasCode } from '../../lib/errors.ts'
import { cronTimes, shortestPauseMs } from '../cron-times.ts'

/** Why the isolation checks of a tenant do not run by its schedule. */
export interface RunTrouble {
  readonly reason: 'NotInstalled' | 'ScheduleInvalid' | 'SuperApart' | 'NoImage'
  /** With what to do. */
  readonly message: string
}

/** Of which images runs are. */
export interface RunImages {
  /** Berth's own; undefined: the manager was not told. */
  readonly image: string | undefined
  /** `registry.k8s.io`, or what takes its place. */
  readonly registry: string
}

export const scheduleField = 'spec.isolation.verify.schedule'
const timeZone = 'UTC'
/** A run may take as long, and costs the operator, not the tenant. */
const leastPauseMs = 15 * 60_000

/** A tenant with the spec that is in force. */
type Tenant = Pick<TenantControlPlane, 'metadata' | 'spec' | 'status'>

/** When the checks of a tenant are to run; undefined: never by themselves, or nobody knows yet what its class says. */
export const scheduleOf = ({ spec, status }: Pick<Tenant, 'spec' | 'status'>): string | undefined =>
  spec.className !== undefined && status?.class === undefined ? undefined : spec.isolation.verify?.schedule

/** The last two times of a schedule until now, and the next one. Throws SPEC_INVALID. */
export const runTimes = (schedule: string, now: Date): ReturnType<typeof cronTimes> =>
  cronTimes({ schedule, timeZone }, now, scheduleField)

/** What can be said of a tenant's schedule without asking anybody; undefined: nothing is wrong with it, or there is none. Pure. */
export const runTrouble = (
  tenant: Pick<Tenant, 'spec' | 'status'>,
  { image, now }: Pick<RunImages, 'image'> & { readonly now: Date },
): RunTrouble | undefined => {
  const schedule = scheduleOf(tenant)
  if (schedule === undefined) return undefined
  try {
    runTimes(schedule, now)
  } catch (error) {
    if (!hasCode(error, 'SPEC_INVALID')) throw error
    return { reason: 'ScheduleInvalid', message: explainError(error) }
  }
  if (shortestPauseMs({ schedule, timeZone }) < leastPauseMs)
    return { reason: 'ScheduleInvalid', message: `${scheduleField}: the checks run once in a quarter of an hour at most` }
  if (tenant.status?.superCluster?.isApart)
    return {
      reason: 'SuperApart',
      message: `${scheduleField}: the pods of the tenant run in another cluster, in which nothing of management may run the checks. Take the schedule out, and let a schedule of yours run berth isolation verify --record --super-kubeconfig`,
    }
  if (image === undefined)
    return {
      reason: 'NoImage',
      message: `${scheduleField}: the manager was not told which image Berth has (BERTH_IMAGE), and so cannot run the checks`,
    }
  return undefined
}

/** What of a tenant its CronJob is made of, as text: as long as it stays the same, there is nothing to do. Empty without a schedule. */
export const runFacts = (tenant: Tenant): string => {
  const schedule = scheduleOf(tenant)
  if (schedule === undefined || tenant.metadata.deletionTimestamp) return ''
  return JSON.stringify([schedule, tenant.spec.state, tenant.status?.superCluster?.isApart ?? false])
}

/** What is there that should not be. Pure. */
export const surplus = (live: readonly KubeObject[], wanted: readonly KubeObject[]): readonly KubeObject[] => {
  const keys = new Set(wanted.map(objectKey))
  return live.filter((object) => !keys.has(objectKey(object)) && object.metadata.deletionTimestamp === undefined)
}
