import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { downCluster } from '../hack/cluster/index.ts'
import { recordedPlan } from '../hack/cluster/state.ts'
import { printProgress } from '../hack/progress.ts'
import { berthWay } from './berth.ts'
import { directWay } from './direct.ts'
import { idealWay } from './ideal.ts'
import { measure } from './measure.ts'
import { type BenchOptions, readOptions, usage } from './options.ts'
import { type CpuProfile, topSelfTime } from './profile.ts'
import { reportOf } from './report.ts'
import { type BenchResult, commitOfSources, type Measurement, machineFacts, timeRatio } from './results.ts'
import { setUp } from './set-up.ts'
import { rotated } from './stats.ts'
import { profiledSyncer, syncerPod } from './syncer.ts'

const resultsDir = join(import.meta.dirname, 'results')
const functionsListed = 30

const bench = async (options: BenchOptions): Promise<BenchResult> => {
  const progress = printProgress()
  const date = new Date().toISOString()
  const machine = machineFacts()
  const tag = Math.floor(Date.now() / 1000).toString(36)
  const rig = await setUp(options, progress)
  const plan = await recordedPlan(options.cluster)
  if (!plan) throw new Error(`cluster ${options.cluster} is gone`)
  const folder = join(resultsDir, `profile-${date.replaceAll(':', '')}`)
  let profile: CpuProfile | undefined
  const { superClient } = rig
  const syncer = options.profile
    ? profiledSyncer(superClient, {
        kubeconfigPath: rig.cluster.kubeconfigPath,
        folder,
        onProfile: (taken) => {
          profile = taken
        },
      })
    : syncerPod(superClient)
  const all = { direct: directWay(rig, options.tenants), ideal: idealWay(rig), berth: berthWay(rig) }
  const measurements: Measurement[] = []
  try {
    for (let round = 0; round < options.rounds; round += 1) {
      for (const name of rotated(options.ways, round)) {
        const measurement = await measure(all[name], round, { rig, plan, syncer, options, tag })
        measurements.push(measurement)
        progress(
          `round ${round + 1}, ${name}: ${measurement.seconds.toFixed(2)} s, ${measurement.podsPerSecond.toFixed(1)} pods/s`,
        )
      }
    }
  } finally {
    if (options.profile) await syncer.stop()
    await Promise.all([superClient, ...rig.tenants.map(({ client }) => client)].map((client) => client.close()))
  }
  if (profile) await writeFile(join(folder, 'syncer.cpuprofile'), JSON.stringify(profile))
  const berthToIdeal = timeRatio(measurements, 'berth', 'ideal')
  const berthToDirect = timeRatio(measurements, 'berth', 'direct')
  return {
    date,
    commit: await commitOfSources(),
    machine,
    options,
    measurements,
    ...(berthToIdeal !== undefined && { berthToIdeal }),
    ...(berthToDirect !== undefined && { berthToDirect }),
    ...(profile && { profile: topSelfTime(profile, functionsListed) }),
  }
}

const options = readOptions(process.argv.slice(2))
if (!options) {
  console.log(usage)
} else {
  try {
    const result = await bench(options)
    await mkdir(resultsDir, { recursive: true })
    const path = join(resultsDir, `${result.date.replaceAll(':', '')}.json`)
    await writeFile(path, `${JSON.stringify(result, undefined, 2)}\n`)
    console.log(`${reportOf(result)}\n\n${path}`)
  } finally {
    if (!options.keep) await downCluster({ name: options.cluster, progress: printProgress() })
  }
}
