import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { endProcesses, processesWithEnv } from '../processes.ts'
import type { Progress } from '../progress.ts'
import { attempt } from '../run.ts'
import { removeCgroups } from './cgroups.ts'
import { restoreLimits } from './limits.ts'
import { clusterMark, running } from './machine.ts'
import { removeNetwork } from './network.ts'
import { containerdSocket } from './node.ts'
import type { ClusterPlan, NodeMachine } from './plan.ts'
import { forget } from './state.ts'

/** Ends the pods of a node through its runtime, which then removes their mounts, cgroups and shims itself. */
const stopPods = async (plan: ClusterPlan, node: NodeMachine, ctr: string): Promise<void> => {
  if (!(await running(plan, `containerd-${node.name}`))) return
  const client = ['--address', containerdSocket(node), '--namespace', 'k8s.io']
  const listed = await attempt(ctr, [...client, 'tasks', 'list', '--quiet'], { timeoutMs: 10_000 })
  const tasks = listed.ok ? listed.output.split('\n').filter(Boolean) : []
  if (tasks.length > 0) await attempt(ctr, [...client, 'tasks', 'delete', '--force', ...tasks], { timeoutMs: 60_000 })
}

const endComponents = async (plan: ClusterPlan, wanted: (id: string) => boolean, graceMs: number): Promise<void> => {
  const dir = join(plan.stateDir, 'run')
  const ids = existsSync(dir)
    ? (await readdir(dir)).filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length))
    : []
  const records = await Promise.all(ids.filter(wanted).map((id) => running(plan, id)))
  await endProcesses(
    records.filter((record) => record !== undefined),
    graceMs,
  )
}

/** Mounts below the cluster's folder in this machine's own namespace: there are none, unless something else made one. */
const removeMounts = async (plan: ClusterPlan): Promise<void> => {
  const points = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .flatMap((line) => line.split(' ')[1] ?? [])
    .filter((point) => point.startsWith(`${plan.stateDir}/`))
  for (const point of points.sort().toReversed()) await attempt('umount', ['--lazy', point])
}

/**
 * Takes a cluster away whole, whatever state it is in: the kubelets first, so that nothing starts again, then the pods through the
 * runtime, then all else. Ending a machine's first process makes the kernel end the rest and drop its mounts and network.
 */
export const takeDown = async (plan: ClusterPlan, ctr: string | undefined, progress: Progress): Promise<void> => {
  progress(`taking cluster ${plan.name} down`)
  await endComponents(plan, (id) => /^(kubelet|kube-|kwok)/.test(id), 2_000)
  if (ctr) await Promise.all(plan.nodes.map((node) => stopPods(plan, node, ctr)))
  await endComponents(plan, (id) => !id.startsWith('machine-'), 2_000)
  await endComponents(plan, (id) => id.startsWith('machine-'), 0)
  await endProcesses(processesWithEnv(clusterMark, plan.stateDir), 0)
  await removeCgroups(plan)
  await removeNetwork(plan)
  await removeMounts(plan)
  await forget(plan, restoreLimits)
}
