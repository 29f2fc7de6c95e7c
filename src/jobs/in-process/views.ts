import type { JobKind } from '../job-kind.ts'
import type { JobCounts, JobView } from '../job-queue.ts'
import type { JobState } from '../job-states.ts'
import type { JobRecord } from './record.ts'

const stateOf = (record: JobRecord, nowMs: number): JobState => {
  if (record.deadAtMs !== undefined) return 'dead'
  if (record.claim) return 'running'
  return record.dueAtMs > nowMs ? 'delayed' : 'waiting'
}

/** A stored job as operators see it. */
export const viewOf = (record: JobRecord, nowMs: number): JobView => {
  const state = stateOf(record, nowMs)
  const atMs = state === 'dead' ? record.deadAtMs : state === 'delayed' ? record.dueAtMs : undefined
  const { id, kind, group, payload, failures, reason } = record
  return {
    id,
    kind,
    group,
    state,
    payload,
    failures,
    addedAt: new Date(record.addedAtMs),
    at: atMs === undefined ? undefined : new Date(atMs),
    reason,
  }
}

/** How many jobs there are of each kind, in the order of `kinds`; those of kinds nobody knows are not counted. */
export const countsOf = (kinds: readonly JobKind[], records: readonly JobRecord[], nowMs: number): readonly JobCounts[] => {
  const known = new Set(kinds.map(({ name }) => name))
  const byKind = Map.groupBy(
    records.filter(({ kind }) => known.has(kind)),
    ({ kind }) => kind,
  )
  return kinds.map(({ name }) => {
    const counts = { waiting: 0, delayed: 0, running: 0, dead: 0 }
    let oldestMs = 0
    for (const record of byKind.get(name) ?? []) {
      const state = stateOf(record, nowMs)
      counts[state] += 1
      if (state === 'waiting') oldestMs = Math.max(oldestMs, nowMs - record.dueAtMs)
    }
    return { kind: name, counts, oldestMs }
  })
}
