import type { ImageArchive } from '../images/oci-image.ts'
import { type Progress, silent } from '../progress.ts'
import { existing } from './existing.ts'
import { kind } from './kind.ts'
import { local } from './local.ts'
import { type ClusterStatus, chooseProvider, type LocalCluster, type Provider, type ProviderName } from './provider.ts'

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

/** Puts images on every node that has not got them. */
export const loadImages = (cluster: LocalCluster, archives: readonly ImageArchive[]): Promise<void> =>
  providers[cluster.provider].load(cluster, archives)
