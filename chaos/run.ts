import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { commitOfSources, machineFacts } from '../bench/results.ts'
import { downCluster, ensureCluster } from '../hack/cluster/index.ts'
import { kubectlFor } from '../hack/cluster/kubectl.ts'
import { recordedPlan } from '../hack/cluster/state.ts'
import { clusterPrograms } from '../hack/cluster/up.ts'
import { commandLine } from '../hack/command-line.ts'
import { installBerth } from '../hack/install/index.ts'
import { printProgress } from '../hack/progress.ts'
import { untilInterrupted } from '../hack/until-interrupted.ts'
import { resourceTypes } from '../src/apis/resource-types.ts'
import { loadKubeconfig } from '../src/kube/kubeconfig.ts'
import { createKubeClient } from '../src/kube/undici-client.ts'
import { hasCode } from '../src/lib/errors.ts'
import { judge, type TenantVerdict, untilQuiet } from './check.ts'
import { carryOut, mendNodes } from './faults.ts'
import { runLanes } from './lanes.ts'
import { makeLoadNamespace, startLoad } from './load.ts'
import { type ChaosOptions, readOptions, usage } from './options.ts'
import { faultsOf } from './plan.ts'
import { podGroups } from './pod-groups.ts'
import { type ChaosResult, isClean, reportOf } from './report.ts'
import { makeSharedStore, removeSharedStore } from './shared-store.ts'
import { type ChaosTenant, makeTenant, mix, removeTenants, tenantsNamespace } from './tenants.ts'
import type { ChaosWorld } from './world.ts'

const resultsDir = join(import.meta.dirname, 'results')
/** The load goes on for so long before the first fault: what every pod uses is there then. */
const beforeMs = 15_000

/** A cluster with Berth in it and no tenants of before. */
const openWorld = async (options: ChaosOptions, signal: AbortSignal): Promise<ChaosWorld> => {
  const progress = printProgress()
  const cluster = await ensureCluster({ name: options.cluster, progress })
  const plan = await recordedPlan(options.cluster)
  if (!plan) throw new Error('faults are done to processes of this machine: use BERTH_CLUSTER=local')
  const superClient = createKubeClient(await loadKubeconfig(cluster.kubeconfigPath), { userAgent: 'berth-chaos' })
  const superKubectl = kubectlFor(cluster.binaries.kubectl, cluster.kubeconfigPath)
  const programs = await clusterPrograms(progress)
  const world = { cluster, plan, programs, superClient, superKubectl, tenants: [], progress, ended: signal }
  await mendNodes(world)
  await installBerth(cluster, progress)
  return world
}

/** Deletes what this program makes in super. */
const tidyUp = async ({ superClient, superKubectl, progress }: ChaosWorld): Promise<void> => {
  await removeTenants(superClient, progress)
  await removeSharedStore(superKubectl)
}

const makeTenants = async (world: ChaosWorld): Promise<ChaosTenant[]> => {
  const { superClient, superKubectl, progress, ended } = world
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: tenantsNamespace } }
  await superClient.create(resourceTypes.namespaces, namespace).catch((error: unknown) => {
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
  })
  await tidyUp(world)
  progress('an etcd for tenants to share')
  await makeSharedStore(superKubectl)
  const tenants: ChaosTenant[] = []
  // One after the other: control planes that start side by side on a small machine keep each other waiting.
  for (const mixed of mix) {
    ended.throwIfAborted()
    progress(`tenant ${mixed.name}: ${mixed.shape}`)
    tenants.push(await makeTenant(superClient, mixed))
  }
  return tenants
}

/** Load, faults, rest and checks. */
const chaos = async (empty: ChaosWorld, options: ChaosOptions): Promise<ChaosResult> => {
  const { progress, ended } = empty
  const date = new Date().toISOString()
  const machine = machineFacts()
  const tenants = await makeTenants(empty)
  const world = { ...empty, tenants }
  try {
    const start = await untilQuiet(world, [])
    if (start.gaps.length > 0) throw new Error(`the tenants do not come to rest:\n${start.gaps.join('\n')}`)
    const groups = await podGroups(world)
    for (const { client } of tenants) await makeLoadNamespace(client)
    const loads = tenants.map((tenant) => ({ tenant, load: startLoad(tenant.client, options.seed, tenant.name) }))
    progress(`load on ${tenants.length} tenants; faults for ${options.minutes} minutes, seed ${options.seed}`)
    const began = performance.now() + beforeMs
    try {
      await sleep(beforeMs, undefined, { signal: ended })
      const planned = { seed: options.seed, tenants, parts: options.parts }
      const faults = await runLanes(
        { faultsOf: (lane) => faultsOf(lane, planned), forMs: options.minutes * 60_000, ended, progress },
        (fault, stop) => carryOut(world, groups, fault, stop),
      )
      const seconds = (performance.now() - began) / 1000
      await Promise.all(loads.map(({ load }) => load.stop()))
      ended.throwIfAborted()
      progress('load and faults are over; waiting for rest')
      const quiet = await untilQuiet(world, groups)
      const verdicts: TenantVerdict[] = []
      for (const { tenant, load } of loads) {
        progress(`judging ${tenant.name}`)
        verdicts.push(await judge(world, tenant, load))
      }
      return {
        date,
        commit: await commitOfSources(),
        machine,
        options,
        seconds,
        tenants: loads.map(({ tenant: { name, shape }, load }) => ({ name, shape, load: load.figures() })),
        faults,
        quiet,
        verdicts,
      }
    } finally {
      await Promise.all(loads.map(({ load }) => load.stop()))
      await mendNodes(world)
    }
  } finally {
    await Promise.all(tenants.map(({ client }) => client.close()))
  }
}

/** Runs all, prints and keeps the result; true when nothing was found. */
const report = async (world: ChaosWorld, options: ChaosOptions): Promise<boolean> => {
  const result = await chaos(world, options)
  await mkdir(resultsDir, { recursive: true })
  const path = join(resultsDir, `${result.date.replaceAll(':', '')}.json`)
  await writeFile(path, `${JSON.stringify(result, undefined, 2)}\n`)
  console.log(`${reportOf(result)}\n\n${path}`)
  return isClean(result)
}

const ended = untilInterrupted('mending and tidying up')

const work = async (options: ChaosOptions): Promise<void> => {
  const world = await openWorld(options, ended)
  try {
    const clean = await report(world, options)
    if (!clean) {
      process.exitCode = 1
      console.error(
        `all is left as it is, to look at: KUBECONFIG=${world.cluster.kubeconfigPath}; then make cluster-down CLUSTER=${options.cluster}`,
      )
    } else if (!options.keep) {
      await tidyUp(world)
      await downCluster({ name: options.cluster, progress: world.progress })
    }
  } catch (error) {
    if (!ended.aborted) throw error
    process.exitCode = 130
    if (!options.keep) await downCluster({ name: options.cluster, progress: world.progress })
  } finally {
    await world.superClient.close()
  }
}

await commandLine(async () => {
  const options = readOptions(process.argv.slice(2), Math.floor(Math.random() * 1_000_000))
  if (options) await work(options)
  else console.log(usage)
})
