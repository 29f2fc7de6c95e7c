interface Total {
  at: number
  seconds: number
  pods: ReadonlyMap<string, number>
}

/** Tenants remembered; one that was not asked for longest starts again from the pods it has. */
const kept = 1_000

/**
 * A counter of CPU time for each tenant that never falls: a pod that ends takes its counter with it, and a sum of what is left would fall, which readers
 * take for a restart of the node.
 */
export const createCpuTotals = () => {
  const totals = new Map<string, Total>()
  return {
    /** Adds what the pods have used since the last call. `at` orders the measurements; an older one changes nothing. */
    add: (tenantUid: string, at: number, pods: ReadonlyMap<string, number>): number => {
      const last = totals.get(tenantUid)
      if (last && at <= last.at) return last.seconds
      let seconds = last?.seconds ?? 0
      for (const [uid, used] of pods) {
        const before = last?.pods.get(uid) ?? 0
        seconds += used >= before ? used - before : used
      }
      totals.delete(tenantUid)
      totals.set(tenantUid, { at, seconds, pods })
      const [oldest] = totals.keys()
      if (totals.size > kept && oldest !== undefined) totals.delete(oldest)
      return seconds
    },
  }
}
