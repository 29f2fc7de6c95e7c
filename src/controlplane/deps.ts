import type { ControlPlaneSnapshot } from '../apis/control-plane-snapshot.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import type { S3Access } from '../apis/snapshot-task.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { KubeClient } from '../kube/client.ts'
import type { Log } from '../lib/log.ts'
import type { Tracing } from '../lib/tracing.ts'
import type { ObjectStore } from '../snapshots/object-store.ts'
import type { ConnectCopy } from './data-stores/copy-client.ts'
import type { ConnectEtcd } from './data-stores/etcd-client.ts'
import type { ConnectStore } from './data-stores/store-client.ts'
import type { StoreMeter } from './data-stores/store-meter.ts'
import type { ShowsName } from './exposure/certificate-shown.ts'
import type { RunTrouble } from './isolation-runs/plan.ts'
import type { MoveTasks } from './moves/move-tasks.ts'
import type { Enforcement } from './network-probe/plan.ts'
import type { AgentAuthorities } from './pki/keys.ts'
import type { RotationTimes } from './pki/rotation.ts'
import type { AskCertificate } from './served-certificate.ts'
import type { SuperCluster } from './super-cluster.ts'
import type { TenantClients } from './tenant-clients.ts'

/** Tells people about a TenantControlPlane, as a Kubernetes Event. */
export type TellEvent = (
  tenant: TenantControlPlane,
  event: { type: 'Normal' | 'Warning'; reason: string; message: string },
) => void

/** Places that are free or taken: whoever gets none goes on without. */
export interface Places {
  /** Gives it back; undefined: all are taken. */
  take(): (() => void) | undefined
}

export const createPlaces = (count: number): Places => {
  let free = count
  return {
    take: () => {
      if (free === 0) return undefined
      free -= 1
      return () => {
        free += 1
      }
    },
  }
}

/** What a reconcile uses of the world. */
export interface Deps {
  /** The management cluster. */
  readonly kube: KubeClient
  readonly superCluster: SuperCluster
  readonly tenantClients: TenantClients
  readonly connectEtcd: ConnectEtcd
  /** Asks a pod of a control plane which certificate it serves with. */
  readonly askCertificate: AskCertificate
  readonly rotationTimes: RotationTimes
  /** To an etcd that is not a tenant's own. */
  readonly connectStore: ConnectStore
  readonly storeMeter: StoreMeter
  /** To either end of a move, beside the rounds. */
  readonly connectCopy: ConnectCopy
  readonly moveTasks: MoveTasks
  /** Berth's authorities for vn-agent; made once by the leader. */
  readonly agentAuthorities: () => AgentAuthorities
  /** Berth's own image, in which pods save and load snapshots; undefined: the manager was not told. */
  readonly image: string | undefined
  readonly openStore: (access: S3Access, signal: AbortSignal) => ObjectStore
  /** Nodes of management, as far as their names, addresses and readiness go. */
  readonly nodes: () => readonly KubeObject[]
  /** All snapshots of the management cluster; undefined while they are not known. */
  readonly snapshots: () => readonly ControlPlaneSnapshot[] | undefined
  /** Whether super enforces NetworkPolicies; undefined while it has not been tried. */
  readonly enforcement: () => Enforcement | undefined
  /** Why the isolation checks of a tenant do not run by its schedule; undefined: they do, or there is none. */
  readonly runTrouble: (tenant: TenantControlPlane) => RunTrouble | undefined
  readonly showsName: ShowsName
  /** Rounds that may stay with an API server that starts for the first time. */
  readonly firstStarts: Places
  readonly tell: TellEvent
  readonly now: () => Date
  readonly log: Log
  readonly tracing?: Tracing | undefined
  /** `registry.k8s.io`, or what takes its place. */
  readonly registry: string
  readonly signal: AbortSignal
}
