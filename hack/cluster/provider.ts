import type { ImageArchive } from '../images/oci-image.ts'
import type { Progress } from '../progress.ts'
import { attempt } from '../run.ts'

/** Where a cluster comes from: processes on this machine, containers of a Docker engine, or somebody else. */
export type ProviderName = 'local' | 'kind' | 'existing'

export interface ClusterNode {
  readonly name: string
  readonly ip: string
  /** Only with `local`: a path to give to `nsenter --net=`. Another one after the node was started anew. */
  readonly netnsPath?: string
  /** Only with `local`. */
  readonly containerdSocket?: string
}

/** A cluster that is up. */
export interface LocalCluster {
  readonly provider: ProviderName
  readonly name: string
  readonly kubeconfigPath: string
  readonly apiServer: string
  readonly nodes: readonly ClusterNode[]
  readonly binaries: { readonly kubectl: string }
}

export interface ClusterStatus {
  readonly name: string
  readonly state: 'absent' | 'incomplete' | 'up'
  /** What is missing, in words. */
  readonly gaps: readonly string[]
  readonly kubeconfigPath?: string
}

/** How one kind of cluster is brought up, looked at and taken away. */
export interface Provider {
  /** Brings the cluster up, or repairs it, or finds it complete. */
  ensure(name: string, nodes: number, progress: Progress): Promise<LocalCluster>
  /** Takes the cluster away and all it left. Nothing happens when there is none. */
  down(name: string, progress: Progress): Promise<void>
  /** One look, which changes nothing. */
  status(name: string): Promise<ClusterStatus>
  /** Puts images on every node that has not got them. */
  load(cluster: LocalCluster, archives: readonly ImageArchive[]): Promise<void>
}

/** What `BERTH_CLUSTER` says; without it kind when a Docker engine answers, else processes on this machine. */
export const chooseProvider = async (): Promise<ProviderName> => {
  const wanted = process.env['BERTH_CLUSTER']
  if (wanted === 'local' || wanted === 'kind' || wanted === 'existing') return wanted
  if (wanted) throw new Error(`BERTH_CLUSTER is "${wanted}": it may be local, kind or existing`)
  const docker = await attempt('docker', ['info'], { timeoutMs: 10_000 })
  return docker.ok ? 'kind' : 'local'
}
