import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemNamespace } from '../hack/install/index.ts'
import { resourceTypes } from '../src/apis/resource-types.ts'
import type { KubeClient } from '../src/kube/client.ts'
import { freePorts } from '../src/testing/ports.ts'
import { openInspector } from './inspector.ts'
import { until } from './namespaces.ts'
import type { CpuProfile } from './profile.ts'

/** What a process of Berth says of itself. */
export interface ProcessSample {
  readonly cpuSeconds: number
  readonly residentBytes: number
  readonly heapBytes: number
}

/** The syncer under test, on and off. */
export interface SyncerControl {
  start(): Promise<void>
  stop(): Promise<void>
  sample(): Promise<ProcessSample>
  /** Runs `work` under the CPU profiler, where there is one. */
  profiled<T>(work: () => Promise<T>): Promise<T>
}

const podSelector = 'app.kubernetes.io/name=berth-syncer'
const healthPort = 8081

const metric = (text: string, name: string): number => {
  const value = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]
  if (value === undefined) throw new Error(`there is no metric ${name}`)
  return Number(value)
}

/** Reads the default metrics of a Node process. */
export const parseSample = (text: string): ProcessSample => ({
  cpuSeconds: metric(text, 'process_cpu_seconds_total'),
  residentBytes: metric(text, 'process_resident_memory_bytes'),
  heapBytes: metric(text, 'nodejs_heap_size_used_bytes'),
})

/**
 * Berth on or off. Without a syncer the manager is off as well: it would have a lot to say about tenants that nobody serves, which no ideal client has to
 * pay for.
 */
export const scaleBerth = async (
  client: KubeClient,
  replicas: { readonly syncer: number; readonly manager: number },
): Promise<void> => {
  for (const [name, count] of Object.entries(replicas)) {
    const ref = { name: `berth-${name}`, namespace: systemNamespace }
    await client.patch(resourceTypes.deployments, ref, { spec: { replicas: count } }, { type: 'merge' })
  }
}

/** Ready pods of the syncer, or all of them. */
const syncerPods = async (client: KubeClient): Promise<{ all: string[]; ready: string[] }> => {
  const { items } = await client.list(resourceTypes.pods, { namespace: systemNamespace, labelSelector: podSelector })
  const isReady = (pod: (typeof items)[number]): boolean =>
    pod.status?.conditions?.some(
      (condition: { type: string; status: string }) => condition.type === 'Ready' && condition.status === 'True',
    )
  return {
    all: items.map(({ metadata }) => metadata.name ?? ''),
    ready: items.filter(isReady).map(({ metadata }) => metadata.name ?? ''),
  }
}

const stopPods = async (client: KubeClient): Promise<void> => {
  await scaleBerth(client, { syncer: 0, manager: 0 })
  await until('syncer stopped', 60_000, async () => (await syncerPods(client)).all.length === 0)
}

/** The syncer as it is installed: a pod. One replica, so that what is read of it is all of it. */
export const syncerPod = (client: KubeClient): SyncerControl => ({
  start: async () => {
    await scaleBerth(client, { syncer: 1, manager: 1 })
    await until('syncer ready', 120_000, async () => {
      const { all, ready } = await syncerPods(client)
      return all.length === 1 && ready.length === 1
    })
  },
  stop: () => stopPods(client),
  sample: async () => {
    const { ready } = await syncerPods(client)
    const path = `/api/v1/namespaces/${systemNamespace}/pods/${ready[0]}:${healthPort}/proxy/metrics`
    const { status, body } = await client.raw(path)
    if (status !== 200) throw new Error(`the syncer's metrics: ${status} ${body.slice(0, 300)}`)
    return parseSample(body)
  },
  profiled: (work) => work(),
})

interface LocalSyncer {
  readonly child: ReturnType<typeof spawn>
  readonly exited: Promise<unknown>
  readonly healthPort: number
  readonly inspectPort: number
}

/** The syncer from the sources, as a process of this machine that the profiler can look into. `onProfile` is given what each measurement took. */
export const profiledSyncer = (
  client: KubeClient,
  { kubeconfigPath, folder, onProfile }: { kubeconfigPath: string; folder: string; onProfile: (profile: CpuProfile) => void },
): SyncerControl => {
  let running: LocalSyncer | undefined
  const logPath = join(folder, 'syncer.log')

  const launch = async (): Promise<LocalSyncer> => {
    await mkdir(folder, { recursive: true })
    const [health = 0, inspectPort = 0] = await freePorts(2)
    const log = await open(logPath, 'a')
    const door = join(import.meta.dirname, '../src/bin/syncer.ts')
    const child = spawn(
      process.execPath,
      [`--inspect=127.0.0.1:${inspectPort}`, door, '--kubeconfig', kubeconfigPath, '--health-port', String(health)],
      { stdio: ['ignore', log.fd, log.fd], env: { ...process.env, KUBERNETES_SERVICE_HOST: '' } },
    )
    await log.close()
    return { child, exited: once(child, 'exit'), healthPort: health, inspectPort }
  }
  const isReady = async ({ child, healthPort: port }: LocalSyncer): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`the syncer ended: ${(await readFile(logPath, 'utf8')).slice(-2000)}`)
    return fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(
      ({ ok }) => ok,
      () => false,
    )
  }
  const local = (): LocalSyncer => {
    if (!running) throw new Error('the syncer was not started')
    return running
  }

  return {
    start: async () => {
      if (running) return
      await stopPods(client)
      await scaleBerth(client, { syncer: 0, manager: 1 })
      const started = await launch()
      running = started
      await until(
        'syncer ready',
        60_000,
        () => isReady(started),
        () => `its log is ${logPath}`,
      )
    },
    stop: async () => {
      if (!running) return stopPods(client)
      const { child, exited } = running
      child.kill('SIGTERM')
      const hard = setTimeout(() => child.kill('SIGKILL'), 40_000)
      await exited
      clearTimeout(hard)
      running = undefined
    },
    sample: async () => {
      const response = await fetch(`http://127.0.0.1:${local().healthPort}/metrics`, { signal: AbortSignal.timeout(30_000) })
      return parseSample(await response.text())
    },
    profiled: async (work) => {
      const inspector = await openInspector(local().inspectPort)
      try {
        await inspector.call('Profiler.enable')
        await inspector.call('Profiler.start')
        const result = await work()
        const { profile } = (await inspector.call('Profiler.stop')) as { profile: CpuProfile }
        onProfile(profile)
        return result
      } finally {
        inspector.close()
      }
    },
  }
}
