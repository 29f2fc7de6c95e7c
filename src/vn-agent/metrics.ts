import { Counter, Gauge, type Registry } from 'prom-client'
import type { SessionKind } from './routes.ts'

/** What the agent reports. No tenant in the labels: the log lines tell who, and anyone on the node may scrape. */
export interface AgentMetrics {
  started(kind: SessionKind): void
  ended(kind: SessionKind, end: { readonly result: string; readonly bytesUp: number; readonly bytesDown: number }): void
}

export const createAgentMetrics = (registry: Registry): AgentMetrics => {
  const registers = [registry]
  const active = new Gauge({ name: 'berth_agent_sessions', help: 'Sessions that run', labelNames: ['kind'], registers })
  const ended = new Counter({
    name: 'berth_agent_sessions_total',
    help: 'Sessions that have ended, by kind and result',
    labelNames: ['kind', 'result'],
    registers,
  })
  const bytes = new Counter({
    name: 'berth_agent_bytes_total',
    help: 'Bytes of ended sessions, up from and down to tenants',
    labelNames: ['direction'],
    registers,
  })
  return {
    started: (kind) => active.inc({ kind }),
    ended: (kind, { result, bytesUp, bytesDown }) => {
      active.dec({ kind })
      ended.inc({ kind, result })
      bytes.inc({ direction: 'up' }, bytesUp)
      bytes.inc({ direction: 'down' }, bytesDown)
    },
  }
}
