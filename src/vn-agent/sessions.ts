import type { Log } from '../lib/log.ts'
import type { AgentMetrics } from './metrics.ts'
import type { AgentRoute } from './routes.ts'
import { createTurns, type Turns } from './turns.ts'

/** What a session came to, for its log line. */
export interface SessionEnd {
  readonly bytesUp: number
  readonly bytesDown: number
  /** One word: closed, tenant-lost, super-lost, aborted, refused, failed. */
  readonly result: string
  /** Status answered to the tenant's API server. */
  readonly status: number
}

export interface Session {
  /** Aborted when the agent stops and the session has had its time. */
  readonly signal: AbortSignal
  /** Leaves the one log line of the session. */
  readonly end: (end: SessionEnd) => void
}

export type OpenedSession =
  | { readonly kind: 'session'; readonly session: Session }
  | { readonly kind: 'refused'; readonly status: 429 | 503; readonly message: string }

export interface Sessions {
  /** Refused when the tenant has as many sessions as it may have, or the agent is stopping. */
  readonly open: (tenant: { readonly uid: string; readonly name: string }, route: AgentRoute) => OpenedSession
  /** Questions to super that go before the sessions of a tenant: super's connections are there for all tenants. */
  readonly questions: Turns
  readonly active: () => number
  /** No new session from now on; resolves when all have ended, aborting what is left after the deadline. */
  readonly drain: (deadlineMs: number) => Promise<void>
}

export interface SessionsOptions {
  /** Sessions a tenant may have at the same time on this node. */
  readonly perTenant: number
  readonly log: Log
  readonly now?: () => number
  readonly metrics?: AgentMetrics
}

const maxCommandLength = 200
/** Of one tenant; the connections to super are 32 (src/kube/transport.ts). */
const questionsAtOnce = 4

/** Counts the sessions of each tenant and writes a line at the end of each. */
export const createSessions = ({ perTenant, log, now = Date.now, metrics }: SessionsOptions): Sessions => {
  const counts = new Map<string, number>()
  const aborts = new Set<AbortController>()
  let draining = false
  let onEmpty: (() => void) | undefined

  const release = (uid: string, abort: AbortController): void => {
    aborts.delete(abort)
    const left = (counts.get(uid) ?? 1) - 1
    if (left > 0) counts.set(uid, left)
    else counts.delete(uid)
    if (aborts.size === 0) onEmpty?.()
  }

  return {
    open: (tenant, route) => {
      const count = counts.get(tenant.uid) ?? 0
      if (draining) return { kind: 'refused', status: 503, message: 'this agent is stopping; try again' }
      if (count >= perTenant) {
        return { kind: 'refused', status: 429, message: `this node serves at most ${perTenant} sessions of a tenant at a time` }
      }
      counts.set(tenant.uid, count + 1)
      const abort = new AbortController()
      aborts.add(abort)
      metrics?.started(route.kind)
      const startedAt = now()
      let ended = false
      const session: Session = {
        signal: abort.signal,
        end: (end) => {
          if (ended) return
          ended = true
          release(tenant.uid, abort)
          metrics?.ended(route.kind, end)
          const { namespace, pod, container } = route
          const command = route.command.join(' ').slice(0, maxCommandLength)
          const seconds = (now() - startedAt) / 1000
          const line = {
            tenant: tenant.uid,
            tenantName: tenant.name,
            kind: route.kind,
            namespace,
            pod,
            container,
            command,
            seconds,
          }
          log.info({ ...line, ...end }, 'session ended')
        },
      }
      return { kind: 'session', session }
    },
    questions: createTurns(questionsAtOnce),
    active: () => aborts.size,
    drain: async (deadlineMs) => {
      draining = true
      if (aborts.size === 0) return
      const timer = setTimeout(() => {
        for (const abort of aborts) abort.abort()
      }, deadlineMs)
      await new Promise<void>((resolve) => {
        onEmpty = resolve
      })
      clearTimeout(timer)
    },
  }
}
