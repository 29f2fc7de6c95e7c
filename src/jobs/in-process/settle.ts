import type { KubeObject } from '../../apis/kube-object.ts'
import type { JobOutcome } from '../run-job.ts'
import type { Claim } from './claim.ts'
import type { JobObjects } from './job-objects.ts'
import { type JobRecord, jobObject, readJob } from './record.ts'

/** What is stored of a run's end; `removed`: nothing, the job is done. */
export type Settled =
  | { readonly kind: 'removed' }
  | { readonly kind: 'kept'; readonly record: JobRecord }
  | { readonly kind: 'dead'; readonly record: JobRecord }

/** The record of a job after a run that this process still holds. */
export const settledRecord = (
  { claim: _over, ...record }: JobRecord,
  outcome: Exclude<JobOutcome, { kind: 'lost' }>,
  nowMs: number,
): Settled => {
  const failures = record.failures + 1
  switch (outcome.kind) {
    case 'done':
      return { kind: 'removed' }
    case 'stopped':
      return { kind: 'kept', record }
    case 'retry':
      return { kind: 'kept', record: { ...record, failures, dueAtMs: nowMs + outcome.afterMs, reason: outcome.reason } }
    case 'dead':
      return { kind: 'dead', record: { ...record, failures, deadAtMs: nowMs, reason: outcome.reason } }
  }
}

export interface SettleDeps {
  readonly objects: JobObjects
  readonly namespace: string
  readonly me: string
}

/** Stores the end of a run. Undefined when the job is no longer held; else the object that is there now, or `removed`. Errors are those of the API server. */
export const settle = async (
  claim: Claim,
  settled: Settled,
  { objects, namespace, me }: SettleDeps,
): Promise<KubeObject | 'removed' | undefined> => {
  const write = async (object: KubeObject): Promise<KubeObject | 'removed' | undefined> => {
    switch (settled.kind) {
      case 'removed':
        return (await objects.remove(object)) ? 'removed' : undefined
      case 'kept':
        return objects.replace(jobObject(namespace, settled.record, object))
      case 'dead':
        return objects.bury(object, settled.record)
    }
  }
  const object = claim.object()
  const written = await write(object)
  if (written !== undefined) return written
  // The answer to the last renewal may have been lost: then the job is still ours, with another version.
  const now = await objects.read(object.metadata.name ?? '')
  const seen = now && readJob(now)
  if (!now || seen?.claim?.by !== me || seen.fence !== claim.record.fence) return undefined
  return write(now)
}
