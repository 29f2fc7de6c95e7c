import type { KubeObject } from '../apis/kube-object.ts'
import type { ResourceType } from '../apis/resource-types.ts'
import type { ClassRules } from '../apis/tenant-control-plane.ts'
import type { KubeClient, KubeConnection } from '../kube/client.ts'
import type { IsolationSettings } from '../tenancy/isolation.ts'
import type { TenantRef } from '../tenancy/names.ts'

/** `error`: the check could not be carried out, so nothing is known. */
export const results = ['pass', 'fail', 'error', 'not-applicable'] as const
export type Result = (typeof results)[number]

/** Who refused: the tenant's own API server, the syncer, super's API server, or the network of super. */
export type Layer = 'tenant' | 'syncer' | 'super' | 'agent' | 'network'

/** What one layer was seen to do. */
export interface Evidence {
  readonly layer: Layer
  readonly saw: string
}

export interface Verdict {
  readonly result: Result
  /** One line for people. */
  readonly message: string
  readonly evidence: readonly Evidence[]
}

/** What the compliant twin came to in super: the ground on which attempts are made there. */
export interface Control {
  readonly tenantObject: KubeObject
  /** Undefined: super is not looked at. */
  readonly superObject: KubeObject | undefined
}

/** Another tenant, as far as the probes need it. */
export interface Neighbour {
  readonly name: string
  readonly uid: string
  readonly controlPlaneNamespace: string
  /** Without credentials. */
  readonly connection: Pick<KubeConnection, 'server' | 'ca' | 'tlsServerName'>
}

/** A place in a tenant where checks are made, and who makes them. */
export interface Bench {
  readonly tenant: TenantRef
  readonly controlPlaneNamespace: string
  readonly settings: IsolationSettings
  /** Which classes of super the tenant has, and by which names; undefined: nothing is said. */
  readonly classRules: ClassRules | undefined
  /** The tenant's administrator: cluster-admin there. */
  readonly admin: KubeClient
  readonly adminConnection: KubeConnection
  /** The benchmark's tenant admin: a ServiceAccount with ClusterRole `admin` in `namespace` and nothing else. */
  readonly user: KubeClient
  readonly userToken: string
  readonly namespace: string
  /** Another namespace of the tenant, in which `user` has no rights. */
  readonly second: string
  readonly management: KubeClient
  /** Undefined: nobody said where super is, and it is another cluster. */
  readonly superSide: { readonly client: KubeClient; readonly connection: KubeConnection } | undefined
  /** Undefined: no other tenant is up. */
  readonly neighbour: Neighbour | undefined
  /** Of the pods, with agnhost's commands. */
  readonly image: string
  /** Longest wait for a layer to have its say, ms. */
  readonly waitMs: number
  readonly signal: AbortSignal
  /** A namespace of super that is no tenant's; made with the first call. */
  readonly foreignNamespace: () => Promise<string>
  /** The compliant object of this kind, seen in super; made with the first call. Throws when it does not get there. */
  readonly control: (type: ResourceType, object: KubeObject) => Promise<Control>
  readonly connect: (connection: KubeConnection) => KubeClient
}

export interface Check {
  /** Of the Multi-Tenancy Benchmarks, or our own with BERTH in front. Unlike those of the benchmarks, no ID stands for two. */
  readonly id: string
  readonly title: string
  readonly category: string
  /** `published` and `pending` in the Multi-Tenancy Benchmarks; `berth`: ours. */
  readonly origin: 'published' | 'pending' | 'berth'
  /** Why the settings of a tenant allow on purpose what this forbids; undefined: they do not. */
  readonly excused?: (settings: IsolationSettings) => string | undefined
  readonly run: (bench: Bench) => Promise<Verdict>
}

export interface CheckResult extends Verdict {
  readonly id: string
  readonly title: string
  readonly category: string
  readonly origin: Check['origin']
  readonly seconds: number
}

export const passed = (message: string, evidence: readonly Evidence[] = []): Verdict => ({ result: 'pass', message, evidence })
export const failed = (message: string, evidence: readonly Evidence[] = []): Verdict => ({ result: 'fail', message, evidence })
export const unknown = (message: string, evidence: readonly Evidence[] = []): Verdict => ({ result: 'error', message, evidence })
export const notApplicable = (message: string): Verdict => ({ result: 'not-applicable', message, evidence: [] })
