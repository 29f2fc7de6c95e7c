import { type KubeObject, objectKey } from '../../apis/kube-object.ts'
import { readJob } from './record.ts'

/** Stored jobs by group, so that one cannot fill the store. */
export interface GroupCounts {
  /** The job is there; told any number of times. */
  there(object: KubeObject): void
  gone(object: KubeObject): void
  of(group: string): number
}

export const createGroupCounts = (): GroupCounts => {
  const groupOf = new Map<string, string>()
  const counts = new Map<string, number>()
  const add = (group: string, by: 1 | -1) => {
    const now = (counts.get(group) ?? 0) + by
    if (now > 0) counts.set(group, now)
    else counts.delete(group)
  }
  return {
    there: (object) => {
      const key = objectKey(object)
      const group = readJob(object)?.group
      if (group === undefined || groupOf.has(key)) return
      groupOf.set(key, group)
      add(group, 1)
    },
    gone: (object) => {
      const key = objectKey(object)
      const group = groupOf.get(key)
      if (group !== undefined && groupOf.delete(key)) add(group, -1)
    },
    of: (group) => counts.get(group) ?? 0,
  }
}
