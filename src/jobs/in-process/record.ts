import { z } from 'zod'
import type { KubeObject } from '../../apis/kube-object.ts'
import { jobsLabel, managedByBerth, managedByLabel } from '../../tenancy/marks.ts'
import { shortHash } from '../../tenancy/names.ts'

const ms = z.number().int().min(0)

/** Who runs a job. Others take it over when they have seen no renewal for `forMs`, by their own clock. */
const claim = z.strictObject({ by: z.string(), forMs: ms, renewedAt: z.string() })

const jobRecord = z.strictObject({
  version: z.literal(1),
  id: z.string().min(1),
  kind: z.string().min(1),
  group: z.string().optional(),
  deduplicationId: z.string().optional(),
  payload: z.unknown(),
  addedAtMs: ms,
  dueAtMs: ms,
  failures: ms,
  /** Runs begun. */
  fence: ms,
  claim: claim.optional(),
  reason: z.string().optional(),
  deadAtMs: ms.optional(),
})
/** A job as it is stored: one ConfigMap each. */
export type JobRecord = z.output<typeof jobRecord>

const scheduleRecord = z.strictObject({
  version: z.literal(1),
  name: z.string().min(1),
  kind: z.string().min(1),
  group: z.string().optional(),
  payload: z.unknown(),
  cron: z.string(),
  timeZone: z.string(),
  nextAtMs: ms,
  /** A time whose job is being added. */
  pending: z.strictObject({ atMs: ms, by: z.string(), forMs: ms }).optional(),
})
/** A schedule as it is stored. */
export type ScheduleRecord = z.output<typeof scheduleRecord>

export type StoredKind = 'job' | 'schedule'

/** Jobs with a deduplication id are stored under a name made of it, so that the API server itself refuses a second one. */
export const jobObjectName = ({ id, kind, deduplicationId }: Pick<JobRecord, 'id' | 'kind' | 'deduplicationId'>): string =>
  deduplicationId === undefined ? `berth-job-${id}` : `berth-job-${shortHash([kind, deduplicationId], 32)}`

export const scheduleObjectName = (name: string): string => `berth-schedule-${name}`

/** The id of the job of one time of a schedule: the same whoever adds it. */
export const scheduledJobId = (name: string, atMs: number): string => shortHash(['schedule', name, String(atMs)], 26)

const object = (namespace: string, name: string, kind: StoredKind, record: unknown, of?: KubeObject): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    ...(of && { uid: of.metadata.uid ?? '', resourceVersion: of.metadata.resourceVersion ?? '' }),
    name,
    namespace,
    labels: { [jobsLabel]: kind, [managedByLabel]: managedByBerth },
  },
  data: { record: JSON.stringify(record) },
})

/** The ConfigMap of a job; with `of`, in the place of that one, as it was read. */
export const jobObject = (namespace: string, record: JobRecord, of?: KubeObject): KubeObject =>
  object(namespace, of?.metadata.name ?? jobObjectName(record), 'job', record, of)

export const scheduleObject = (namespace: string, record: ScheduleRecord, of?: KubeObject): KubeObject =>
  object(namespace, scheduleObjectName(record.name), 'schedule', record, of)

const readRecord = <T>(schema: z.ZodType<T>, stored: KubeObject, kind: StoredKind): T | undefined => {
  if (stored.metadata.labels?.[jobsLabel] !== kind) return undefined
  try {
    const { data, success } = schema.safeParse(JSON.parse(String(stored['data']?.record)))
    return success ? data : undefined
  } catch {
    return undefined
  }
}

/** Undefined for what is no job, or was made unreadable. */
export const readJob = (stored: KubeObject): JobRecord | undefined => readRecord(jobRecord, stored, 'job')
export const readSchedule = (stored: KubeObject): ScheduleRecord | undefined => readRecord(scheduleRecord, stored, 'schedule')
