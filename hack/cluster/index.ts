import { existsSync } from 'node:fs'
import type { ImageArchive } from '../images/oci-image.ts'
import { type Progress, silent } from '../progress.ts'
import { clusterGaps } from './addons.ts'
import { takeDown } from './down.ts'
import { kubectlFor } from './kubectl.ts'
import { machineInit } from './machine.ts'
import { containerdSocket } from './node.ts'
import { kubeconfigPath } from './pki.ts'
import type { ClusterPlan } from './plan.ts'
import { loadOnNode } from './runtime.ts'
import { claimPlan, recordedPlan, withClusterLock } from './state.ts'
import { bringUp, type ClusterPrograms, clusterPrograms } from './up.ts'

export interface ClusterNode {
  readonly name: string
  readonly ip: string
  /** A path to give to `nsenter --net=`. Another one after the node was started anew. */
  readonly netnsPath: string
  readonly containerdSocket: string
}

/** A cluster that is up. */
export interface LocalCluster {
  readonly name: string
  readonly kubeconfigPath: string
  readonly apiServer: string
  readonly podCidr: string
  readonly serviceCidr: string
  readonly nodes: readonly ClusterNode[]
  readonly binaries: ClusterPrograms
}

const describe = async (plan: ClusterPlan, binaries: ClusterPrograms): Promise<LocalCluster> => ({
  name: plan.name,
  kubeconfigPath: kubeconfigPath(plan),
  apiServer: plan.apiServer,
  podCidr: plan.podCidr,
  serviceCidr: plan.serviceCidr,
  nodes: await Promise.all(
    plan.nodes.map(async (node) => ({
      name: node.name,
      ip: node.ip,
      netnsPath: `/proc/${(await machineInit(plan, node))?.pid}/ns/net`,
      containerdSocket: containerdSocket(node),
    })),
  ),
  binaries,
})

const waiting = (name: string, progress: Progress) => (): void =>
  progress(`waiting for another command that works on cluster ${name}`)

/** Brings the cluster up, or repairs it, or finds it complete; gives what is needed to use it. */
export const ensureCluster = async ({
  name,
  nodes = 2,
  progress = silent,
}: {
  name: string
  nodes?: number
  progress?: Progress
}): Promise<LocalCluster> => {
  const binaries = await clusterPrograms(progress)
  return withClusterLock(
    name,
    async () => {
      const plan = await claimPlan(name, nodes)
      await bringUp(plan, binaries, progress)
      return describe(plan, binaries)
    },
    waiting(name, progress),
  )
}

/** Takes the cluster away and all it left, also when it is half up. Nothing happens when there is none. */
export const downCluster = async ({ name, progress = silent }: { name: string; progress?: Progress }): Promise<void> => {
  await withClusterLock(
    name,
    async () => {
      const plan = await recordedPlan(name)
      if (!plan) return
      const ctr = await clusterPrograms(progress).then(
        (programs) => programs.ctr,
        () => undefined,
      )
      await takeDown(plan, ctr, progress)
    },
    waiting(name, progress),
  )
}

export interface ClusterStatus {
  readonly name: string
  readonly state: 'absent' | 'incomplete' | 'up'
  /** What is missing, in words. */
  readonly gaps: readonly string[]
  readonly kubeconfigPath?: string
}

/** One look, which changes nothing. */
export const statusCluster = async ({ name }: { name: string }): Promise<ClusterStatus> => {
  const plan = await recordedPlan(name)
  if (!plan) return { name, state: 'absent', gaps: [] }
  const path = kubeconfigPath(plan)
  if (!existsSync(path)) return { name, state: 'incomplete', gaps: ['it was never fully up'] }
  const { kubectl, ctr } = await clusterPrograms(silent)
  const gaps = await clusterGaps(plan, kubectlFor(kubectl, path), ctr).catch((error: unknown) => [
    `the API server does not answer: ${String(error)}`,
  ])
  return { name, state: gaps.length === 0 ? 'up' : 'incomplete', gaps, kubeconfigPath: path }
}

/** Puts images on every node that has not got them. */
export const loadImages = async (cluster: LocalCluster, archives: readonly ImageArchive[]): Promise<void> => {
  await Promise.all(cluster.nodes.map((node) => loadOnNode(cluster.binaries.ctr, node.containerdSocket, archives)))
}

export { addKwokNodes } from './kwok.ts'
