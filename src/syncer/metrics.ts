import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { AppError } from '../lib/errors.ts'
import type { QueueDepth, QueueItem } from '../runtime/fair-queue.ts'
import { parseKey } from './keys.ts'

/** How one key was worked off. */
export interface SyncSample {
  /** From becoming due until it was taken. */
  readonly waitedSeconds: number
  readonly workSeconds: number
  /** Undefined when all went well. */
  readonly error: unknown
}

export interface SyncerMetrics {
  synced(item: QueueItem, sample: SyncSample): void
  drift(tenant: string, keys: number): void
  breaker(tenant: string, open: boolean): void
  frozen(tenant: string, frozen: boolean): void
  /** Where the depth of each tenant's queue is read when somebody asks for metrics. */
  watchQueue(read: () => Iterable<readonly [tenant: string, depth: QueueDepth]>): void
  /** Takes away all that was said of a tenant. */
  forget(tenant: string): void
}

/** Labels are tenant (its UID), resource and error code only: never names of objects, whose number has no bound. */
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
  const latency = new Histogram({
    name: 'berth_syncer_latency_seconds',
    help: 'Seconds from a change that is due to its end on the other side, the wait in the queue included.',
    labelNames: ['tenant'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
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
    help: "1 while a tenant's syncing is frozen: by the mass-delete brake, after a restore, or since it has more objects than the syncer keeps.",
    labelNames: ['tenant'],
    registers,
  })
  let readQueue: Parameters<SyncerMetrics['watchQueue']>[0] = () => []
  new Gauge({
    name: 'berth_syncer_queue_keys',
    help: 'Keys of a tenant, by state: waiting (due), delayed (a failure or a second look that comes later), working.',
    labelNames: ['tenant', 'state'],
    registers,
    collect() {
      this.reset()
      for (const [tenant, { waiting, delayed, inWork }] of readQueue()) {
        this.set({ tenant, state: 'waiting' }, waiting)
        this.set({ tenant, state: 'delayed' }, delayed)
        this.set({ tenant, state: 'working' }, inWork)
      }
    },
  })
  new Gauge({
    name: 'berth_syncer_queue_oldest_seconds',
    help: "How long the oldest of a tenant's due keys has waited; 0 when none is due.",
    labelNames: ['tenant'],
    registers,
    collect() {
      this.reset()
      for (const [tenant, { oldestMs }] of readQueue()) this.set({ tenant }, oldestMs / 1000)
    },
  })
  /** Of each tenant the labels that it has counts under, so that they go with it. */
  const counted = new Map<string, Set<string>>()
  return {
    synced: ({ tenant, key }, { waitedSeconds, workSeconds, error }) => {
      const { resource } = parseKey(key)
      const result = error === undefined ? 'ok' : error instanceof AppError ? error.code : 'UNKNOWN'
      syncs.inc({ tenant, resource, result })
      counted.set(tenant, (counted.get(tenant) ?? new Set()).add(`${resource} ${result}`))
      duration.observe({ resource }, workSeconds)
      latency.observe({ tenant }, waitedSeconds + workSeconds)
    },
    drift: (tenant, keys) => drift.inc({ tenant }, keys),
    breaker: (tenant, open) => breaker.set({ tenant }, open ? 1 : 0),
    frozen: (tenant, is) => frozen.set({ tenant }, is ? 1 : 0),
    watchQueue: (read) => {
      readQueue = read
    },
    forget: (tenant) => {
      for (const labels of counted.get(tenant) ?? []) {
        const [resource = '', result = ''] = labels.split(' ')
        syncs.remove({ tenant, resource, result })
      }
      counted.delete(tenant)
      for (const metric of [latency, drift, breaker, frozen]) metric.remove({ tenant })
    },
  }
}
