import type { ImageArchive } from '../images/oci-image.ts'
import { type Progress, silent } from '../progress.ts'
import { existing } from './existing.ts'
import { kind } from './kind.ts'
import { local } from './local.ts'
import { plugCable, pullCable } from './network.ts'
import type { ClusterPlan } from './plan.ts'
import { type ClusterStatus, chooseProvider, type LocalCluster, type Provider, type ProviderName } from './provider.ts'
import { recordedPlan } from './state.ts'

export type { ClusterNode, ClusterStatus, LocalCluster } from './provider.ts'

const providers: Readonly<Record<ProviderName, Provider>> = { local, kind, existing }

/** Brings the cluster up, or repairs it, or finds it complete; gives what is needed to use it. A cluster that is up keeps its size. */
export const ensureCluster = async ({
  name,
  nodes = 2,
  progress = silent,
}: {
  name: string
  nodes?: number
  progress?: Progress
}): Promise<LocalCluster> => providers[await chooseProvider()].ensure(name, nodes, progress)

/** Takes the cluster away and all it left, also when it is half up. Nothing happens when there is none. */
export const downCluster = async ({ name, progress = silent }: { name: string; progress?: Progress }): Promise<void> =>
  providers[await chooseProvider()].down(name, progress)

/** One look, which changes nothing. */
export const statusCluster = async ({ name }: { name: string }): Promise<ClusterStatus> =>
  providers[await chooseProvider()].status(name)

const plansOf = async (names: readonly [string, string]): Promise<[ClusterPlan, ClusterPlan]> => {
  const [one, other] = await Promise.all(names.map(recordedPlan))
  if (one && other) return [one, other]
  throw new Error(`clusters ${names.join(' and ')} have to be up, and of local processes`)
}

/** Lets the machines and pods of two clusters of local processes reach each other. */
export const joinClusters = async (...names: readonly [string, string]): Promise<void> => plugCable(...(await plansOf(names)))

/** The opposite: packets between them go nowhere, without a word. */
export const partClusters = async (...names: readonly [string, string]): Promise<void> => pullCable(...(await plansOf(names)))

/** Pods' addresses of a cluster of local processes. */
export const podCidrOf = async (name: string): Promise<string> => {
  const plan = await recordedPlan(name)
  if (plan) return plan.podCidr
  throw new Error(`cluster ${name} has to be up, and of local processes`)
}

/** Puts images on every node that has not got them. */
export const loadImages = (cluster: LocalCluster, archives: readonly ImageArchive[]): Promise<void> =>
  providers[cluster.provider].load(cluster, archives)
