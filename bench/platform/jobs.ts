import { z } from 'zod'
import { openBullQueue } from '../../src/jobs/bullmq/queue.ts'
import { createInProcessQueue } from '../../src/jobs/in-process/queue.ts'
import { handle, type JobHandler, type JobKind } from '../../src/jobs/job-kind.ts'
import type { JobQueue } from '../../src/jobs/job-queue.ts'
import { createLog } from '../../src/lib/log.ts'
import { startRedis } from '../../src/testing/redis-server.ts'
import { inFlight } from '../in-flight.ts'
import type { ByQueue, JobFigures } from './results.ts'
import type { Stage } from './stage.ts'

const payload = z.strictObject({ number: z.int() })
/** As many at once, and of one group, as webhooks have. */
const kind: JobKind<z.output<typeof payload>> = {
  name: 'bench',
  payload,
  attempts: 3,
  backoff: { firstMs: 1000, capMs: 10_000 },
  timeLimitMs: 20_000,
  concurrency: 100,
  perGroup: 10,
}
const groups = 10
const addsAtOnce = 32
const runMs = 120_000

type Open = (handlers: readonly JobHandler[]) => Promise<JobQueue>

/** Adds all, then runs all, each job once. */
const measure = async (open: Open, jobs: number, signal: AbortSignal): Promise<JobFigures> => {
  const adder = await open([])
  let addSeconds = Number.NaN
  try {
    await adder.start()
    const began = performance.now()
    await inFlight(jobs, addsAtOnce, async (number) => {
      signal.throwIfAborted()
      await adder.add(kind, { number }, { group: `group-${number % groups}` })
    })
    addSeconds = (performance.now() - began) / 1000
  } finally {
    await adder.stop({ deadlineMs: 3000 })
  }

  let runs = 0
  const { promise: done, resolve, reject } = Promise.withResolvers<void>()
  const handler = handle(kind, async () => {
    runs += 1
    if (runs === jobs) resolve()
  })
  const worker = await open([handler])
  const late = AbortSignal.any([signal, AbortSignal.timeout(runMs)])
  late.addEventListener('abort', () => reject(new Error(`${runs} of ${jobs} jobs have run`, { cause: late.reason })), {
    once: true,
  })
  try {
    const began = performance.now()
    await worker.start()
    await done
    return { jobs, addedPerSecond: jobs / addSeconds, runPerSecond: jobs / ((performance.now() - began) / 1000) }
  } finally {
    await worker.stop({ deadlineMs: 3000 })
  }
}

/** Jobs that do nothing, through both queues, in this process. */
export const jobs = async ({ world, options, progress, signal }: Stage): Promise<ByQueue<JobFigures>> => {
  const log = createLog({ process: 'bench', level: 'warn' })
  const redisServer = await startRedis()
  try {
    progress('jobs on Redis')
    const { url } = redisServer
    const redis = await measure((handlers) => openBullQueue({ url, kinds: [kind], handlers, log }), options.jobs, signal)
    progress('jobs in-process')
    const { kube: client } = world.management
    const openInProcess: Open = async (handlers) => createInProcessQueue({ client, kinds: [kind], handlers, log })
    return { redis, inProcess: await measure(openInProcess, Math.ceil(options.jobs / 5), signal) }
  } finally {
    await redisServer.stop()
  }
}
