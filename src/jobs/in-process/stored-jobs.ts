import type { KubeObject } from '../../apis/kube-object.ts'
import { type JobRecord, readJob } from './record.ts'

export interface StoredJob {
  readonly object: KubeObject
  readonly record: JobRecord
}

/**
 * The jobs among stored objects, each once. One that is being buried is there twice for a moment, or for as long as its process was away in between: its letter
 * is written, and the job is still to go. It is dead then.
 */
export const storedJobs = (objects: readonly KubeObject[]): readonly StoredJob[] => {
  const jobs = objects.flatMap((object): StoredJob[] => {
    const record = readJob(object)
    return record ? [{ object, record }] : []
  })
  const dead = new Set(jobs.flatMap(({ record }) => (record.deadAtMs === undefined ? [] : [record.id])))
  return jobs.filter(({ record }) => record.deadAtMs !== undefined || !dead.has(record.id))
}
