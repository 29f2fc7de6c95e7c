import type { KubeObject } from '../apis/kube-object.ts'
import { type JobRecord, jobObject } from '../jobs/in-process/record.ts'

/** The object of a job of kind `test`, alive unless told otherwise. */
export const aStoredJob = (id: string, more: Partial<JobRecord> = {}): KubeObject =>
  jobObject('berth-system', {
    version: 1,
    id,
    kind: 'test',
    payload: {},
    addedAtMs: 0,
    dueAtMs: 0,
    failures: 0,
    fence: 0,
    ...more,
  })
