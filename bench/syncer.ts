import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemNamespace } from '../hack/install/index.ts'
import { resourceTypes } from '../src/apis/resource-types.ts'
import type { KubeClient } from '../src/kube/client.ts'
import { freePorts } from '../src/testing/ports.ts'
import { until } from './namespaces.ts'

/** What the syncer says of itself. */
export interface SyncerSample {
  readonly cpuSeconds: number
  readonly residentBytes: number
  readonly heapBytes: number
}

/** The syncer under test, on and off. */
export interface SyncerControl {
  start(): Promise<void>
  stop(): Promise<void>
  sample(): Promise<SyncerSample>
}

const deployment = { name: 'berth-syncer', namespace: systemNamespace }
const podSelector = 'app.kubernetes.io/name=berth-syncer'
const healthPort = 8081

const metric = (text: string, name: string): number => {
  const value = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]
  if (value === undefined) throw new Error(`the syncer has no metric ${name}`)
  return Number(value)
}

/** Reads the default metrics of a Node process. */
export const parseSample = (text: string): SyncerSample => ({
  cpuSeconds: metric(text, 'process_cpu_seconds_total'),
  residentBytes: metric(text, 'process_resident_memory_bytes'),
  heapBytes: metric(text, 'nodejs_heap_size_used_bytes'),
})

const scale = (client: KubeClient, replicas: number): Promise<unknown> =>
  client.patch(resourceTypes.deployments, deployment, { spec: { replicas } }, { type: 'merge' })

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
  await scale(client, 0)
  await until('syncer stopped', 60_000, async () => (await syncerPods(client)).all.length === 0)
}

/** The syncer as it is installed: a pod. One replica, so that what is read of it is all of it. */
export const syncerPod = (client: KubeClient): SyncerControl => ({
  start: async () => {
    await scale(client, 1)
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
})

/** The syncer from the sources, as a process of this machine under Node's CPU profiler. Each stop leaves a profile in `folder`. */
export const profiledSyncer = (
  client: KubeClient,
  { kubeconfigPath, folder }: { kubeconfigPath: string; folder: string },
): SyncerControl => {
  let running: { child: ReturnType<typeof spawn>; exited: Promise<unknown>; port: number } | undefined
  return {
    start: async () => {
      if (running) return
      await stopPods(client)
      await mkdir(folder, { recursive: true })
      const [port = 0] = await freePorts(1)
      const log = await open(join(folder, 'syncer.log'), 'a')
      const door = join(import.meta.dirname, '../src/bin/syncer.ts')
      const child = spawn(
        process.execPath,
        ['--cpu-prof', `--cpu-prof-dir=${folder}`, door, '--kubeconfig', kubeconfigPath, '--health-port', String(port)],
        { stdio: ['ignore', log.fd, log.fd], env: { ...process.env, KUBERNETES_SERVICE_HOST: '' } },
      )
      await log.close()
      running = { child, exited: once(child, 'exit'), port }
      await until(
        'syncer ready',
        60_000,
        async () => {
          if (child.exitCode !== null)
            throw new Error(`the syncer ended: ${(await readFile(join(folder, 'syncer.log'), 'utf8')).slice(-2000)}`)
          return fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(
            ({ ok }) => ok,
            () => false,
          )
        },
        () => `its log is in ${folder}`,
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
      const response = await fetch(`http://127.0.0.1:${running?.port}/metrics`, { signal: AbortSignal.timeout(5_000) })
      return parseSample(await response.text())
    },
  }
}
