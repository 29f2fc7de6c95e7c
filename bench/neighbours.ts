import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { downCluster } from '../hack/cluster/index.ts'
import { recordedPlan } from '../hack/cluster/state.ts'
import { type Progress, printProgress } from '../hack/progress.ts'
import { untilInterrupted } from '../hack/until-interrupted.ts'
import { type Ground, groundOf, measureDay } from './neighbours/day.ts'
import { type NeighboursOptions, readOptions, usage } from './neighbours/options.ts'
import { reportOf } from './neighbours/report.ts'
import { type Day, type DayName, figuresOf, goalRatio, type NeighboursResult } from './neighbours/results.ts'
import { trialClass } from './neighbours/trial-class.ts'
import { commitOfSources, machineFacts } from './results.ts'
import { setUp } from './set-up.ts'
import { rotated } from './stats.ts'

const resultsDir = join(import.meta.dirname, 'results')

const measure = async (ground: Ground, options: NeighboursOptions, progress: Progress): Promise<Day[]> => {
  const names: readonly DayName[] = ['quiet', ...options.troubles]
  const days: Day[] = []
  for (let round = 0; round < options.rounds && !ground.signal.aborted; round += 1) {
    for (const name of rotated(names, round)) {
      progress(`round ${round + 1}, ${name}`)
      const day = await measureDay(name, round, ground, options)
      const [figures] = figuresOf([day])
      days.push(day)
      progress(`round ${round + 1}, ${name}: p50 ${figures?.ready.p50.toFixed(0)} ms, p99 ${figures?.ready.p99.toFixed(0)} ms`)
    }
  }
  return days
}

const bench = async (options: NeighboursOptions, signal: AbortSignal): Promise<void> => {
  const progress = printProgress()
  const date = new Date().toISOString()
  const machine = machineFacts()
  const { cluster, tenants, rate, seconds } = options
  const rig = await setUp(
    {
      cluster,
      tenants: tenants + 1,
      pods: rate * seconds + 1_000,
      warmUp: 0,
      inFlight: 32,
      ways: ['berth'],
      rounds: 1,
      profile: false,
      keep: true,
    },
    progress,
    trialClass(options),
  )
  const plan = await recordedPlan(cluster)
  if (!plan) throw new Error(`cluster ${cluster} is gone`)
  try {
    const days = await measure(await groundOf(rig, plan, signal), options, progress)
    const result: NeighboursResult = { date, commit: await commitOfSources(), machine, options, days }
    await mkdir(resultsDir, { recursive: true })
    const path = join(resultsDir, `neighbours-${date.replaceAll(':', '')}.json`)
    await writeFile(path, `${JSON.stringify(result, undefined, 2)}\n`)
    console.log(`${reportOf(result)}\n\n${path}`)
    if (figuresOf(days).some(({ readyRatio }) => readyRatio > goalRatio)) process.exitCode = 1
  } finally {
    await Promise.all([rig.superClient, ...rig.tenants.map(({ client }) => client)].map((client) => client.close()))
  }
}

const interrupted = untilInterrupted()

const options = readOptions(process.argv.slice(2))
if (!options) {
  console.log(usage)
} else {
  try {
    await bench(options, interrupted)
  } catch (error) {
    if (!interrupted.aborted) throw error
    process.exitCode = 130
  } finally {
    if (!options.keep) await downCluster({ name: options.cluster, progress: printProgress() })
  }
}
