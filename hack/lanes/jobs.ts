import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { kubernetesVersions } from '../../src/apis/tenant-control-plane.ts'
import { conformanceLines, runConformance } from '../conformance/run.ts'
import { subset } from '../conformance/subset.ts'
import type { Progress } from '../progress.ts'
import { runStep } from '../steps.ts'
import seconds from './e2e-seconds.json' with { type: 'json' }
import { longestFirst } from './plan.ts'
import type { Job } from './run.ts'
import { oneFailed, type Tally, tallyOfReport } from './tally.ts'

const root = join(import.meta.dirname, '../..')

export interface JobsOptions {
  /** Where vitest leaves its reports. */
  readonly dir: string
  readonly progress: Progress
  readonly stop: AbortSignal
}

/**
 * Runs a project of vitest, or one file of it, and counts by its report.
 * @param live passes on what it prints as it comes; without it what it printed comes at the end, in one piece.
 */
export const runVitest = async (
  project: string,
  {
    file,
    live = false,
    env = {},
    dir,
    stop,
  }: Omit<JobsOptions, 'progress'> & { file?: string; live?: boolean; env?: Record<string, string> },
): Promise<Tally> => {
  const report = join(dir, `${(file ?? project).replaceAll('/', '-')}.json`)
  const reporters = ['--reporter', 'default', '--reporter', 'json', `--outputFile.json=${report}`]
  // Two at once would write the same file of the cache, which is not used: the order is ours.
  const one = file === undefined ? [] : ['--no-cache', join(root, file)]
  const result = await runStep(
    { name: file ?? project, command: ['vitest', 'run', '--project', project, ...reporters, ...one] },
    { live, stop, env },
  )
  if (!live) console.error(result.output.trimEnd())
  return tallyOfReport(file ?? project, await readFile(report, 'utf8').catch(() => undefined), result.ok)
}

/** Files of the stories, from the root of the repository. */
export const stories = (): string[] => globSync('e2e/**/*.e2e.ts', { cwd: root })

/** The stories: a job for each file. */
export const e2eJobs = (options: JobsOptions): Job[] =>
  longestFirst(stories(), seconds).map((file) => ({
    name: file,
    suite: 'e2e',
    // The lane has Berth of these sources already, also when they are edited meanwhile.
    run: (cluster) => runVitest('e2e', { ...options, file, env: { BERTH_TEST_CLUSTER: cluster, BERTH_TEST_INSTALLED: '1' } }),
  }))

/** Tests of Kubernetes in a tenant of each version served: a job for each version. */
export const conformanceJobs = ({ progress, stop }: JobsOptions): Job[] =>
  kubernetesVersions.map((version) => ({
    name: `conformance ${version}`,
    suite: 'conformance',
    run: async (name) => {
      const comparison = await runConformance({ ...subset(version), name, version, install: false, stop }, (line) =>
        progress(`lane ${name}: ${line}`),
      )
      for (const line of conformanceLines(comparison)) progress(`lane ${name}: ${line}`)
      if (comparison.passed === 0) return oneFailed(`conformance ${version}: nothing passed`)
      // A spec that finds that it cannot run here is neither.
      const failed = comparison.specs.filter((spec) => spec.tenant === 'failed')
      return {
        passed: comparison.passed,
        failed: failed.length,
        failures: failed.map((spec) => `conformance ${version}: ${spec.name}`),
      }
    },
  }))
