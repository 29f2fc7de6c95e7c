import type { JobQueue, JobView } from '../../jobs/job-queue.ts'
import type { JobState } from '../../jobs/job-states.ts'
import { openJobQueue } from '../../jobs/open-queue.ts'
import { createLog } from '../../lib/log.ts'
import { type AccessOptions, openAccess } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { ageText, type Printable, resultText } from '../print.ts'
import type { OutputOptions } from './tenants.ts'

export interface ListJobsOptions extends OutputOptions {
  readonly state?: JobState
  readonly limit: number
}

/** Opens the queue that the installation uses: in Redis where REDIS_URL says so, else in the objects of the cluster. */
const withQueue = async (
  options: AccessOptions,
  host: CliHost,
  work: (queue: JobQueue) => Promise<ExitCode>,
): Promise<ExitCode> => {
  const { client } = await openAccess(options, host.env)
  try {
    const log = createLog({ process: 'cli', level: 'silent' })
    const queue = await openJobQueue({ client, redisUrl: host.env['REDIS_URL'] || undefined, handlers: [], log })
    try {
      return await work(queue)
    } finally {
      await queue.stop()
    }
  } finally {
    await client.close()
  }
}

/** Jobs as rows. Reasons come last, as they are long. */
export const jobTable = (jobs: readonly JobView[], now: number): Printable => ({
  columns: ['ID', 'KIND', 'GROUP', 'STATE', 'FAILURES', 'AGE', 'REASON'],
  rows: jobs.map(({ id, kind, group, state, failures, addedAt, reason }) => [
    id,
    kind,
    group ?? '-',
    state,
    String(failures),
    ageText(addedAt.toISOString(), now),
    reason ?? '-',
  ]),
  names: jobs.map(({ id }) => id),
  data: { items: jobs },
})

/** Lists jobs, oldest first. */
export const listJobs = (options: ListJobsOptions, host: CliHost): Promise<ExitCode> =>
  withQueue(options, host, async (queue) => {
    const { state, limit } = options
    const jobs = await queue.list({ limit, ...(state && { states: [state] }) })
    if (jobs.length === 0 && options.output === 'table') host.stderr.write(`there are no ${state ? `${state} ` : ''}jobs\n`)
    host.stdout.write(resultText(jobTable(jobs, host.now()), options.output))
    return exitCodes.done
  })

/** Gives dead letters all their attempts again. */
export const retryJobs = (ids: readonly string[], options: AccessOptions, host: CliHost): Promise<ExitCode> =>
  withQueue(options, host, async (queue) => {
    for (const id of ids) await queue.retry(id)
    return exitCodes.done
  })

/** Removes jobs that do not run. */
export const discardJobs = (ids: readonly string[], options: AccessOptions, host: CliHost): Promise<ExitCode> =>
  withQueue(options, host, async (queue) => {
    for (const id of ids) await queue.discard(id)
    return exitCodes.done
  })
