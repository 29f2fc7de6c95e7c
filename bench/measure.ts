import type { ClusterPlan } from '../hack/cluster/plan.ts'
import { addedUp, readWrites, writesBetween } from './api-writes.ts'
import { clusterCpu, cpuPerPod } from './cpu.ts'
import type { BenchOptions } from './options.ts'
import type { Measurement } from './results.ts'
import type { Rig } from './rig.ts'
import { percentile } from './stats.ts'
import type { ProcessSample, SyncerControl } from './syncer.ts'
import type { Way } from './way.ts'

const perPod = (counts: ReadonlyMap<string, number>, pods: number): Record<string, number> =>
  Object.fromEntries([...counts].map(([name, count]) => [name, count / pods]))

const kilobytes = (before: number, after: number, pods: number): number => (after - before) / 1024 / pods

const syncerFigures = (before: ProcessSample, after: ProcessSample, pods: number): NonNullable<Measurement['syncer']> => ({
  cpuMsPerPod: ((after.cpuSeconds - before.cpuSeconds) * 1000) / pods,
  residentKbPerPod: kilobytes(before.residentBytes, after.residentBytes, pods),
  heapKbPerPod: kilobytes(before.heapBytes, after.heapBytes, pods),
  residentMb: after.residentBytes / 2 ** 20,
})

export interface MeasureDeps {
  readonly rig: Rig
  readonly plan: ClusterPlan
  readonly syncer: SyncerControl
  readonly options: BenchOptions
  /** Start of all names: another one for each start of the benchmark, so that what a broken one left is in nobody's way. */
  readonly tag: string
}

/** Measures one way once: namespaces, warm-up, the run itself with readings before and after, and all taken away again. */
export const measure = async (
  way: Way,
  round: number,
  { rig, plan, syncer, options, tag }: MeasureDeps,
): Promise<Measurement> => {
  const { pods, warmUp } = options
  const name = `${tag}r${round}`
  const servers = [rig.superClient, ...rig.tenants.map(({ client }) => client)]
  const readAll = () => Promise.all(servers.map(readWrites))

  if (rig.tenants.length > 0) await (way.syncer ? syncer.start() : syncer.stop())
  await way.prepare(name)
  await way.make(warmUp, { round: name, run: `${name}-${way.name}-warm` })
  await way.removePods(`${name}-${way.name}-warm`)

  const run = `${name}-${way.name}`
  const writesBefore = await readAll()
  const syncerBefore = way.syncer ? await syncer.sample() : undefined
  const cpuBefore = clusterCpu(plan)
  const { seconds, latenciesMs } = await (way.syncer
    ? syncer.profiled(() => way.make(pods, { round: name, run }))
    : way.make(pods, { round: name, run }))
  const cpuAfter = clusterCpu(plan)
  const syncerAfter = way.syncer ? await syncer.sample() : undefined
  const [superWrites = new Map<string, number>(), ...tenantWrites] = (await readAll()).map((after, index) =>
    writesBetween(writesBefore[index] ?? new Map(), after),
  )
  await way.removePods(run)
  await way.finish(name)
  return {
    way: way.name,
    round,
    seconds,
    podsPerSecond: pods / seconds,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    cpuMsPerPod: cpuPerPod(cpuBefore, cpuAfter, pods),
    superWrites: perPod(superWrites, pods),
    tenantWrites: perPod(addedUp(tenantWrites), pods),
    ...(syncerBefore && syncerAfter && { syncer: syncerFigures(syncerBefore, syncerAfter, pods) }),
  }
}
