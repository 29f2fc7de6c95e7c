import { existsSync } from 'node:fs'
import { type Progress, silent } from '../progress.ts'
import { clusterGaps } from './addons.ts'
import { takeDown } from './down.ts'
import { kubectlFor } from './kubectl.ts'
import { machineInit } from './machine.ts'
import { containerdSocket } from './node.ts'
import { kubeconfigPath } from './pki.ts'
import type { ClusterPlan } from './plan.ts'
import type { LocalCluster, Provider } from './provider.ts'
import { loadOnNode } from './runtime.ts'
import { claimPlan, recordedPlan, withClusterLock } from './state.ts'
import { bringUp, clusterPrograms } from './up.ts'

const describe = async (plan: ClusterPlan, kubectl: string): Promise<LocalCluster> => ({
  provider: 'local',
  name: plan.name,
  kubeconfigPath: kubeconfigPath(plan),
  apiServer: plan.apiServer,
  nodes: await Promise.all(
    plan.nodes.map(async (node) => ({
      name: node.name,
      ip: node.ip,
      netnsPath: `/proc/${(await machineInit(plan, node))?.pid}/ns/net`,
      containerdSocket: containerdSocket(node),
    })),
  ),
  binaries: { kubectl },
})

const waiting = (name: string, progress: Progress) => (): void =>
  progress(`waiting for another command that works on cluster ${name}`)

/** Upstream programs as processes of this machine, each node in namespaces of its own. Needs Linux and root. */
export const local: Provider = {
  async ensure(name, nodes, progress) {
    if (process.platform !== 'linux' || process.getuid?.() !== 0)
      throw new Error('a cluster of local processes needs Linux and root: use sudo, or a Docker engine')
    const programs = await clusterPrograms(progress)
    const work = async (): Promise<LocalCluster> => {
      const plan = await claimPlan(name, nodes)
      await bringUp(plan, programs, progress)
      return describe(plan, programs.kubectl)
    }
    return withClusterLock(name, work, waiting(name, progress))
  },

  async down(name, progress) {
    const work = async (): Promise<void> => {
      const plan = await recordedPlan(name)
      if (!plan) return
      const ctr = await clusterPrograms(progress).then(
        (programs) => programs.ctr,
        () => undefined, // without it the pods are killed instead of stopped
      )
      await takeDown(plan, ctr, progress)
    }
    await withClusterLock(name, work, waiting(name, progress))
  },

  async status(name) {
    const plan = await recordedPlan(name)
    if (!plan) return { name, state: 'absent', gaps: [] }
    const path = kubeconfigPath(plan)
    if (!existsSync(path)) return { name, state: 'incomplete', gaps: ['it was never fully up'] }
    const { kubectl, ctr } = await clusterPrograms(silent)
    const gaps = await clusterGaps(plan, kubectlFor(kubectl, path), ctr).catch((error: unknown) => [
      `the API server does not answer: ${String(error)}`,
    ])
    return { name, state: gaps.length === 0 ? 'up' : 'incomplete', gaps, kubeconfigPath: path }
  },

  async load({ name }, archives) {
    const plan = await recordedPlan(name)
    if (!plan) throw new Error(`cluster ${name} is not up`)
    const { ctr } = await clusterPrograms(silent)
    await Promise.all(plan.nodes.map((node) => loadOnNode(ctr, containerdSocket(node), archives)))
  },
}
