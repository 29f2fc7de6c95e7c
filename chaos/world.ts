import type { LocalCluster } from '../hack/cluster/index.ts'
import type { Kubectl } from '../hack/cluster/kubectl.ts'
import type { ClusterPlan } from '../hack/cluster/plan.ts'
import type { ClusterPrograms } from '../hack/cluster/up.ts'
import type { Progress } from '../hack/progress.ts'
import type { KubeClient } from '../src/kube/client.ts'
import type { PartName } from './plan.ts'
import type { ChaosTenant } from './tenants.ts'

/** All that faults are done to, and that is checked. */
export interface ChaosWorld {
  readonly cluster: LocalCluster
  readonly plan: ClusterPlan
  readonly programs: ClusterPrograms
  /** As the administrator of super. */
  readonly superClient: KubeClient
  readonly superKubectl: Kubectl
  readonly tenants: readonly ChaosTenant[]
  readonly progress: Progress
  /** Ends every wait: somebody does not want to know any more. */
  readonly ended: AbortSignal
}

/** A group of pods that do the same. */
export interface PodGroup {
  readonly part: PartName
  readonly tenant?: ChaosTenant
  readonly namespace: string
  readonly selector: string
  /** How many there are when nothing is wrong. */
  readonly count: number
}
