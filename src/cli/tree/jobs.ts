import { Option } from 'commander'
import { jobStates } from '../../jobs/job-states.ts'
import type { Branch } from './branch.ts'
import { number, withAccess, withOutput } from './options.ts'

/** `berth jobs`. */
export const jobsBranch: Branch = (program, { run }) => {
  const jobs = program
    .command('jobs')
    .description('work that Berth has still to do, or has given up; REDIS_URL says where it is when it is in Redis')
  withOutput(withAccess(jobs.command('list').alias('ls')))
    .description('list jobs, oldest first: webhooks that wait, run, are tried again, or are given up')
    .addOption(new Option('--state <state>', 'only those in a state').choices(jobStates))
    .option('--limit <count>', 'no more than so many', number(1), 100)
    .action((options) => run(async (host) => (await import('../commands/jobs.ts')).listJobs(options, host)))
  withAccess(jobs.command('retry <job...>'))
    .description('give jobs that were given up all their attempts again')
    .action((ids: readonly string[], options) =>
      run(async (host) => (await import('../commands/jobs.ts')).retryJobs(ids, options, host)),
    )
  withAccess(jobs.command('discard <job...>'))
    .description('remove jobs that do not run')
    .action((ids: readonly string[], options) =>
      run(async (host) => (await import('../commands/jobs.ts')).discardJobs(ids, options, host)),
    )
}
