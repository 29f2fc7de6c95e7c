import type { Condition } from '../apis/conditions.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { timestamp } from '../apis/timestamp.ts'
import { parseIsolationRecord } from '../tenancy/isolation-record.ts'
import { isolationVerifiedAnnotation } from '../tenancy/marks.ts'
import { isolationVerifyName, systemNamespace } from '../tenancy/names.ts'
import { type RunTrouble, runTimes, scheduleField, scheduleOf } from './isolation-runs/plan.ts'

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'> & { readonly observedGeneration?: number }

const verdictOf = (text: string): Verdict => {
  const record = parseIsolationRecord(text)
  if (!record) {
    const message = `annotation ${isolationVerifiedAnnotation} is no result: berth isolation verify --record writes it`
    return { status: 'Unknown', reason: 'RecordInvalid', message }
  }
  const { at, generation: observedGeneration, pass, notApplicable, failed, unknown } = record
  const counted = `${pass} passed, ${notApplicable} not applicable`
  if (failed.length > 0) {
    const message = `at ${at} ${failed.join(', ')} failed (${counted}); berth isolation verify says how`
    return { status: 'False', reason: 'ChecksFailed', message, observedGeneration }
  }
  if (unknown.length > 0) {
    const message = `at ${at} ${unknown.join(', ')} could not be carried out (${counted}); berth isolation verify says why`
    return { status: 'Unknown', reason: 'ChecksIncomplete', message, observedGeneration }
  }
  return {
    status: 'True',
    reason: 'ChecksPassed',
    message: `at ${at} all checks that apply passed: ${counted}`,
    observedGeneration,
  }
}

/** That of a schedule that runs: none yet, the last one, or that the last one is too old to say anything. */
const scheduledVerdict = (
  { metadata, spec, status }: Pick<TenantControlPlane, 'metadata' | 'spec' | 'status'>,
  text: string | undefined,
  { schedule, now }: { readonly schedule: string; readonly now: Date },
): Verdict => {
  const { beforeLast, next } = runTimes(schedule, now)
  const job = isolationVerifyName({ uid: metadata.uid ?? '', name: metadata.name ?? '' })
  const isAtRest = spec.state !== 'Running'
  const help = isAtRest
    ? 'the checks run again when the tenant does: spec.state'
    : `the Jobs and pods of CronJob ${job} in namespace ${systemNamespace} say why`
  if (text === undefined) {
    // Nobody has known for so long: what keeps the runs from ending is to be told as well.
    const since = status?.conditions?.find(({ type, status: is }) => type === 'IsolationVerified' && is === 'Unknown')
    if (since && beforeLast && Date.parse(since.lastTransitionTime) < beforeLast.getTime()) {
      const message = `no run of the checks has ended, and two times of ${scheduleField} have passed: ${help}`
      return { status: 'Unknown', reason: 'VerdictStale', message }
    }
    const when = next ? `the next time is ${timestamp(next)}` : `${scheduleField} has no next time`
    return { status: 'Unknown', reason: 'NotVerified', message: `no run of the checks has ended yet; ${isAtRest ? help : when}` }
  }
  const record = parseIsolationRecord(text)
  // That of the time before the last one is there at the latest when the last one begins. A time that cannot be read is no proof.
  if (record && beforeLast && !(Date.parse(record.at) >= beforeLast.getTime())) {
    const { at, generation: observedGeneration } = record
    const message = `the last run that ended is of ${at}, and two times of ${scheduleField} have passed since: ${help}`
    return { status: 'Unknown', reason: 'VerdictStale', message, observedGeneration }
  }
  return verdictOf(text)
}

/**
 * How the last recorded run of isolation checks ended; undefined: none was, and none is scheduled. Its `observedGeneration` is that of the spec that was tried.
 * `trouble`: why the schedule does not run; a schedule that cron does not know is one. Pure.
 */
export const isolationVerified = (
  tenant: Pick<TenantControlPlane, 'metadata' | 'spec' | 'status'>,
  { trouble, now }: { readonly trouble?: RunTrouble | undefined; readonly now: Date },
): Omit<Condition, 'lastTransitionTime'> | undefined => {
  const text = tenant.metadata.annotations?.[isolationVerifiedAnnotation]
  const type = 'IsolationVerified'
  const schedule = scheduleOf(tenant)
  if (schedule === undefined) return text === undefined ? undefined : { type, ...verdictOf(text) }
  if (trouble) return { type, status: 'Unknown', ...trouble, observedGeneration: tenant.metadata.generation ?? 0 }
  return { type, ...scheduledVerdict(tenant, text, { schedule, now }) }
}
