import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What controllers report. Labels are few: never object names. */
export interface ControllerMetrics {
  reconciled(sample: { controller: string; result: 'done' | 'wait' | 'error'; seconds: number }): void
  queued(sample: { controller: string; due: number; inWork: number }): void
}

/** A process's metrics: a registry of its own with Node's default ones. */
export const createMetrics = ({ process, defaults = true }: { process: string; defaults?: boolean }): Registry => {
  const registry = new Registry()
  registry.setDefaultLabels({ process })
  if (defaults) collectDefaultMetrics({ register: registry })
  return registry
}

export const createControllerMetrics = (registry: Registry): ControllerMetrics => {
  const seconds = new Histogram({
    name: 'berth_reconcile_seconds',
    help: 'Duration of reconciles by controller and result',
    labelNames: ['controller', 'result'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60],
    registers: [registry],
  })
  const errors = new Counter({
    name: 'berth_reconcile_errors_total',
    help: 'Failed reconciles by controller',
    labelNames: ['controller'],
    registers: [registry],
  })
  const due = new Gauge({
    name: 'berth_queue_due',
    help: 'Keys that wait for a worker',
    labelNames: ['controller'],
    registers: [registry],
  })
  const inWork = new Gauge({
    name: 'berth_queue_in_work',
    help: 'Keys in work',
    labelNames: ['controller'],
    registers: [registry],
  })
  return {
    reconciled: (sample) => {
      seconds.observe({ controller: sample.controller, result: sample.result }, sample.seconds)
      if (sample.result === 'error') errors.inc({ controller: sample.controller })
    },
    queued: (sample) => {
      due.set({ controller: sample.controller }, sample.due)
      inWork.set({ controller: sample.controller }, sample.inWork)
    },
  }
}
