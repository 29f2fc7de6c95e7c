import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { JobCounts, JobQueue } from './job-queue.ts'
import { jobStates } from './job-states.ts'
import type { JobOutcome } from './run-job.ts'

/** What queues report. Labels are kind, state, outcome and error code: never ids, tenants or names of objects. */
export interface JobMetrics {
  ran(sample: { readonly kind: string; readonly outcome: JobOutcome; readonly seconds: number }): void
  /** Asks a queue for its depth whenever metrics are read. */
  watch(queue: Pick<JobQueue, 'counts'>): void
}

/** A scrape that the store does not answer in time goes without depths. */
const countsDeadlineMs = 2000

export const createJobMetrics = (registry: Registry): JobMetrics => {
  const registers = [registry]
  const seconds = new Histogram({
    name: 'berth_job_run_seconds',
    help: 'Duration of runs of jobs by kind and outcome: done, retry, dead, stopped, lost',
    labelNames: ['kind', 'outcome'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 600],
    registers,
  })
  const failures = new Counter({
    name: 'berth_job_failures_total',
    help: 'Failed runs of jobs by kind and error code',
    labelNames: ['kind', 'code'],
    registers,
  })
  let queue: Pick<JobQueue, 'counts'> | undefined
  let asked: Promise<readonly JobCounts[]> | undefined
  // Two gauges are read in one scrape: they share one question.
  const counts = (): Promise<readonly JobCounts[]> => {
    if (asked || !queue) return asked ?? Promise.resolve([])
    const { promise: none, resolve } = Promise.withResolvers<readonly JobCounts[]>()
    const timer = setTimeout(() => resolve([]), countsDeadlineMs)
    asked = Promise.race([queue.counts().catch((): readonly JobCounts[] => []), none]).finally(() => {
      clearTimeout(timer)
      asked = undefined
    })
    return asked
  }
  new Gauge({
    name: 'berth_jobs',
    help: 'Jobs by kind and state: waiting, delayed, running, dead',
    labelNames: ['kind', 'state'],
    registers,
    async collect() {
      const known = await counts()
      this.reset()
      for (const { kind, counts: of } of known) for (const state of jobStates) this.set({ kind, state }, of[state])
    },
  })
  new Gauge({
    name: 'berth_job_oldest_seconds',
    help: 'How long the oldest due job of a kind has been waiting',
    labelNames: ['kind'],
    registers,
    async collect() {
      const known = await counts()
      this.reset()
      for (const { kind, oldestMs } of known) this.set({ kind }, oldestMs / 1000)
    },
  })
  return {
    ran: ({ kind, outcome, seconds: took }) => {
      seconds.observe({ kind, outcome: outcome.kind }, took)
      if (outcome.kind === 'retry' || outcome.kind === 'dead') failures.inc({ kind, code: outcome.code })
    },
    watch: (of) => {
      queue = of
    },
  }
}
