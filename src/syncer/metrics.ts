import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { AppError } from '../lib/errors.ts'
import type { QueueItem } from '../runtime/fair-queue.ts'
import { parseKey } from './keys.ts'

export interface SyncerMetrics {
  synced(item: QueueItem, seconds: number, error: unknown): void
  drift(tenant: string, keys: number): void
  breaker(tenant: string, open: boolean): void
  frozen(tenant: string, frozen: boolean): void
  forget(tenant: string): void
}

/** Labels are tenant, resource and error code only: never names of objects, whose number has no bound. */
export const createSyncerMetrics = (registry: Registry): SyncerMetrics => {
  const registers = [registry]
  const syncs = new Counter({
    name: 'berth_syncer_syncs_total',
    help: 'Keys worked off, by result: ok or the error code.',
    labelNames: ['tenant', 'resource', 'result'],
    registers,
  })
  const duration = new Histogram({
    name: 'berth_syncer_sync_seconds',
    help: 'Seconds from taking a key off the queue to its end.',
    labelNames: ['resource'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  })
  const drift = new Counter({
    name: 'berth_syncer_drift_total',
    help: 'Objects the patrol found not at rest: events should have brought them.',
    labelNames: ['tenant'],
    registers,
  })
  const breaker = new Gauge({
    name: 'berth_syncer_tenant_unreachable',
    help: '1 while the breaker of a tenant is open: its API server does not answer.',
    labelNames: ['tenant'],
    registers,
  })
  const frozen = new Gauge({
    name: 'berth_syncer_tenant_frozen',
    help: "1 while a tenant's syncing is frozen by the mass-delete brake.",
    labelNames: ['tenant'],
    registers,
  })
  return {
    synced: ({ tenant, key }, seconds, error) => {
      const { resource } = parseKey(key)
      const result = error === undefined ? 'ok' : error instanceof AppError ? error.code : 'UNKNOWN'
      syncs.inc({ tenant, resource, result })
      duration.observe({ resource }, seconds)
    },
    drift: (tenant, keys) => drift.inc({ tenant }, keys),
    breaker: (tenant, open) => breaker.set({ tenant }, open ? 1 : 0),
    frozen: (tenant, is) => frozen.set({ tenant }, is ? 1 : 0),
    forget: (tenant) => {
      drift.remove({ tenant })
      breaker.remove({ tenant })
      frozen.remove({ tenant })
    },
  }
}
