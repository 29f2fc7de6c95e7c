/** Lets each tenant have so many things done at once; what is more waits its turn behind that tenant's own, not behind others'. */
export interface Turns {
  /** Does the work when it is its turn. Rejects when the work does, or when the signal says so while it waits. */
  take<T>(tenantUid: string, work: () => Promise<T>, signal: AbortSignal): Promise<T>
}

export const createTurns = (perTenant: number): Turns => {
  const atWork = new Map<string, number>()
  const waiting = new Map<string, Set<() => void>>()

  const begin = (uid: string, signal: AbortSignal): Promise<void> => {
    const count = atWork.get(uid) ?? 0
    if (count < perTenant) {
      atWork.set(uid, count + 1)
      return Promise.resolve()
    }
    const line = waiting.get(uid) ?? new Set()
    waiting.set(uid, line)
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        line.delete(go)
        reject(signal.reason as Error)
      }
      const go = (): void => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      line.add(go)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
  const end = (uid: string): void => {
    const line = waiting.get(uid)
    const [next] = line ?? []
    if (line && next) {
      // The place is handed on.
      line.delete(next)
      if (line.size === 0) waiting.delete(uid)
      next()
      return
    }
    waiting.delete(uid)
    const left = (atWork.get(uid) ?? 1) - 1
    if (left > 0) atWork.set(uid, left)
    else atWork.delete(uid)
  }

  return {
    take: async (uid, work, signal) => {
      signal.throwIfAborted()
      await begin(uid, signal)
      try {
        return await work()
      } finally {
        end(uid)
      }
    },
  }
}
