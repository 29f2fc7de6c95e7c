import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { secondsOfBareStart } from '../e2e/support/bare-start.ts'
import { downCluster, ensureCluster } from '../hack/cluster/index.ts'
import { installBerth } from '../hack/install/index.ts'
import { printProgress } from '../hack/progress.ts'
import { untilInterrupted } from '../hack/until-interrupted.ts'
import { resourceTypes } from '../src/apis/resource-types.ts'
import { loadKubeconfig } from '../src/kube/kubeconfig.ts'
import { createKubeClient } from '../src/kube/undici-client.ts'
import { makeNamespace, removeNamespaces } from './namespaces.ts'
import { alone, atOnce, oneByOne } from './planes/creations.ts'
import { type PlanesOptions, readOptions, type StageName, usage } from './planes/options.ts'
import { reportOf } from './planes/report.ts'
import type { PlanesResult } from './planes/results.ts'
import { sizes } from './planes/sizes.ts'
import type { Stage } from './planes/stage.ts'
import { planesNamespace, removePlanes } from './planes/tenants.ts'
import { upgrade } from './planes/upgrade.ts'
import { wake } from './planes/wake.ts'
import { commitOfSources, machineFacts } from './results.ts'
import { median } from './stats.ts'

const resultsDir = join(import.meta.dirname, 'results')

/** Each gives its part of the result. */
const stages: Readonly<Record<StageName, (stage: Stage) => Promise<Partial<PlanesResult>>>> = {
  alone: async (stage) => ({ alone: await alone(stage) }),
  'one-by-one': async (stage) => {
    const { rests, ...made } = await oneByOne(stage)
    return { oneByOne: made, rests }
  },
  'at-once': async (stage) => ({ atOnce: await atOnce(stage) }),
  wake: async (stage) => ({ wake: await wake(stage) }),
  upgrade: async (stage) => ({ upgrade: await upgrade(stage) }),
  sizes: async (stage) => ({ sizes: await sizes(stage) }),
}

const bareStart = async (times: number): Promise<number> => {
  const seconds: number[] = []
  while (seconds.length < times) seconds.push(await secondsOfBareStart())
  return median(seconds)
}

/** All stages that are wanted; one that breaks off is told in the result and holds up no other. `keep` is given the result after each. */
const measure = async (stage: Stage, keep: (result: PlanesResult) => Promise<void>): Promise<PlanesResult> => {
  const { options, progress, signal } = stage
  const date = new Date().toISOString()
  const machine = machineFacts()
  progress('starting a bare etcd and kube-apiserver')
  let result: PlanesResult = {
    date,
    commit: await commitOfSources(),
    machine,
    options,
    bareStartSeconds: await bareStart(3),
    failures: [],
  }
  for (const name of options.stages) {
    progress(`stage ${name}`)
    try {
      result = { ...result, ...(await stages[name](stage)) }
    } catch (error) {
      if (signal.aborted) throw error
      progress(`stage ${name} broke off: ${String(error)}`)
      result = { ...result, failures: [...result.failures, { stage: name, message: String(error) }] }
      await removePlanes(stage)
    }
    await keep(result)
  }
  return result
}

const bench = async (options: PlanesOptions, signal: AbortSignal): Promise<void> => {
  const progress = printProgress()
  // Each tenant asks for a tenth of a core: twenty do not fit on one node of two.
  const cluster = await ensureCluster({ name: options.cluster, nodes: 2, progress })
  signal.throwIfAborted()
  await installBerth(cluster, progress)
  const superClient = createKubeClient(await loadKubeconfig(cluster.kubeconfigPath), {
    userAgent: 'berth-bench',
    timeoutMs: 60_000,
  })
  const stage = { superClient, options, progress, signal }
  await mkdir(resultsDir, { recursive: true })
  let path = ''
  const keep = async (result: PlanesResult): Promise<void> => {
    path = join(resultsDir, `planes-${result.date.replaceAll(':', '')}.json`)
    await writeFile(path, `${JSON.stringify(result, undefined, 2)}\n`)
  }
  try {
    await makeNamespace(superClient, planesNamespace)
    await removePlanes(stage)
    const result = await measure(stage, keep)
    console.log(`${reportOf(result)}\n\n${path}`)
    if (result.failures.length > 0) process.exitCode = 1
  } finally {
    await removePlanes(stage)
    if (await superClient.get(resourceTypes.namespaces, { name: planesNamespace }))
      await removeNamespaces(superClient, [planesNamespace])
    await superClient.close()
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
