import type { LocalCluster } from '../hack/cluster/index.ts'
import type { KubeClient } from '../src/kube/client.ts'
import type { SyncContext } from '../src/syncer/resource.ts'

/** A tenant of the benchmark. */
export interface BenchTenant {
  readonly name: string
  /** As its administrator, with the published kubeconfig. */
  readonly client: KubeClient
  /** What translations of its objects know of it. */
  readonly ctx: SyncContext
}

/** All that is measured on. */
export interface Rig {
  readonly cluster: LocalCluster
  readonly superClient: KubeClient
  readonly kwokNodes: readonly string[]
  readonly tenants: readonly BenchTenant[]
  readonly inFlight: number
}

/** Pods are dealt out to the tenants in turn. */
export const tenantOf = <T>(tenants: readonly T[], index: number): T => {
  const tenant = tenants[index % tenants.length]
  if (tenant === undefined) throw new Error('there are no tenants')
  return tenant
}

/** A measurement that takes longer is broken. */
export const measureDeadlineMs = 300_000
