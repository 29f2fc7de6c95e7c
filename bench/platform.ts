import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { printProgress } from '../hack/progress.ts'
import { untilInterrupted } from '../hack/until-interrupted.ts'
import { cli } from './platform/cli.ts'
import { create } from './platform/create.ts'
import { jobs } from './platform/jobs.ts'
import { list } from './platform/list.ts'
import { type PlatformOptions, readOptions, type StageName, usage } from './platform/options.ts'
import { reportOf } from './platform/report.ts'
import type { PlatformResult } from './platform/results.ts'
import type { Stage } from './platform/stage.ts'
import { streams } from './platform/streams.ts'
import { webhooks } from './platform/webhooks.ts'
import { startWorld } from './platform/world.ts'
import type { SelfTime } from './profile.ts'
import { commitOfSources, machineFacts } from './results.ts'

const resultsDir = join(import.meta.dirname, 'results')

/** Each gives its part of the result. */
const stages: Readonly<Record<StageName, (stage: Stage) => Promise<Partial<PlatformResult>>>> = {
  list: async (stage) => ({ list: await list(stage) }),
  create: async (stage) => ({ create: await create(stage) }),
  streams: async (stage) => ({ streams: await streams(stage) }),
  webhooks: async (stage) => ({ webhooks: await webhooks(stage) }),
  jobs: async (stage) => ({ jobs: await jobs(stage) }),
  cli: async (stage) => ({ cli: await cli(stage) }),
}

/** All stages that are wanted; one that breaks off is told in the result and holds up no other. What ends all leaves what was measured before. */
const measure = async (options: PlatformOptions, signal: AbortSignal): Promise<PlatformResult> => {
  const progress = printProgress()
  const profiles: Record<string, readonly SelfTime[]> = {}
  const onProfile = (name: string, profile: readonly SelfTime[]) => {
    if (profile.length > 0) profiles[name] = profile
  }
  let result: PlatformResult = {
    date: new Date().toISOString(),
    commit: await commitOfSources(),
    machine: machineFacts(),
    options,
    failures: [],
  }
  progress('starting etcd, kube-apiserver and the API')
  const world = await startWorld(options, progress)
  try {
    for (const name of options.stages) {
      if (signal.aborted) break
      progress(`stage ${name}`)
      try {
        result = { ...result, ...(await stages[name]({ options, world, progress, signal, onProfile })) }
      } catch (error) {
        progress(`stage ${name} broke off: ${String(error)}`)
        result = { ...result, failures: [...result.failures, { stage: name, message: String(error) }] }
      }
    }
  } finally {
    onProfile('the API', await world.stop())
  }
  return { ...result, ...(options.profile && { profiles }) }
}

const bench = async (options: PlatformOptions, signal: AbortSignal): Promise<void> => {
  const result = await measure(options, signal)
  await mkdir(resultsDir, { recursive: true })
  const path = join(resultsDir, `platform-${result.date.replaceAll(':', '')}.json`)
  await writeFile(path, `${JSON.stringify(result, undefined, 2)}\n`)
  console.log(`${reportOf(result)}\n\n${path}`)
  if (result.failures.length > 0) process.exitCode = 1
  if (signal.aborted) process.exitCode = 130
}

const interrupted = untilInterrupted()

const options = readOptions(process.argv.slice(2))
if (options) await bench(options, interrupted)
else console.log(usage)
