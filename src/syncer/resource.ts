import type { CustomKind } from '../apis/custom-kind.ts'
import type { NodePool } from '../apis/isolation.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import type { ResourceType } from '../apis/resource-types.ts'
import type { AppError } from '../lib/errors.ts'
import type { TenantClasses } from '../tenancy/classes.ts'
import type { IsolationSettings } from '../tenancy/isolation.ts'
import type { TenantRef } from '../tenancy/names.ts'
import type { HostClaimant, HostStanding } from './ingress-hosts.ts'
import type { V1Taint } from './pods/json-types.ts'

/** What the operator lets a tenant say to controllers and drivers of super. */
export interface SyncPolicy {
  /** Keys of Ingress annotations that go down with any value; `*` at the end stands for all that begin so. */
  readonly ingressAnnotations: readonly string[]
  /** Keys of Service annotations that go down with any value, likewise. */
  readonly serviceAnnotations: readonly string[]
  /** Hosts that Ingresses, Gateways and routes may claim, `*.` before a domain for all below it; undefined: any. */
  readonly ingressHosts: readonly string[] | undefined
  /** Keys of annotations of pods and of claims that go down with any value, likewise. */
  readonly podAnnotations: readonly string[]
  readonly claimAnnotations: readonly string[]
  /** Keys of labels of pods that go down although they steer controllers of super, likewise. */
  readonly podLabels: readonly string[]
  /** CSI drivers that pods may use for inline volumes. */
  readonly inlineCSIDrivers: readonly string[]
  /** Load balancer classes of super that Services may name. */
  readonly loadBalancerClasses: readonly string[]
}

/** A Node as its tenant sees it. */
export interface SeenNode {
  /** Value of `kubernetes.io/hostname`, the same on both sides. */
  readonly hostname: string
  /** All labels, super's and the tenant's. */
  readonly labels: Readonly<Record<string, string>>
  /** Keys of the labels that the tenant put there. */
  readonly ownKeys: readonly string[]
  /** Taints that the tenant put there; cordoned by the tenant, it has the taint `node.kubernetes.io/unschedulable`. */
  readonly taints: readonly V1Taint[]
}

/** What pods go by of nodes: what the tenant's Nodes say that super's do not, and what of super's is not the tenant's. */
export interface NodeView {
  /** Another one when something has changed that pods without a node go by. */
  readonly revision: number
  /** Every Node of the tenant; none when the tenant has said nothing of any. */
  readonly nodes: readonly SeenNode[]
  /** Pools of nodes that are other tenants'. */
  readonly foreignPools: readonly NodePool[]
  /** Keys of the taints on super's nodes. */
  readonly taintKeys: readonly string[]
}

/** What a tenant's own NetworkPolicies say of its pods. */
export interface PolicyView {
  /** Another one when some pod may be closed or open that was not. */
  readonly revision: number
  /** In which directions a policy of the namespace selects a pod with these labels. */
  closed(namespace: string, labels: Readonly<Record<string, string>>): ReadonlySet<'ingress' | 'egress'>
}

/** What a translation may know of the tenant: it does no I/O of its own. */
export interface SyncContext {
  readonly tenant: TenantRef
  readonly clusterDomain: string
  /** First address of the slice: the tenant's API server, port 443. */
  readonly apiServerAddress: string
  /** Tenth address of the slice: the tenant's DNS, port 53. */
  readonly dnsAddress: string
  /** Every CIDR of the tenant's Service range. */
  readonly serviceSlices: readonly string[]
  /** The tenant's own pod in super that has this address; undefined: none has, or another tenant's says that it has it too. */
  readonly podAt: (address: string) => { readonly node: string | undefined } | undefined
  /** How an Ingress of the tenant, or a Gateway or route of it, stands to a host that it wants: those of all tenants share super's controllers. */
  readonly hostStanding: (host: string, claimant: HostClaimant) => HostStanding
  /** How far the tenant is kept from the machines, from super and from others. */
  readonly isolation: IsolationSettings
  /** CIDRs of super's own networks: pods, Services, nodes, API servers, and what the operator names. */
  readonly superRanges: readonly string[]
  /** Of these the pods'. */
  readonly superPodRanges: readonly string[]
  /** CIDRs with the addresses of its nodes, as tenants see them. */
  readonly superNodeRanges: readonly string[]
  /** Addresses by which super reaches the tenant's API server where that runs in another cluster; undefined: it runs in super. */
  readonly apiServerDoor: readonly string[] | undefined
  readonly policies: PolicyView
  /** Super's classes that the tenant may use. */
  readonly classes: TenantClasses
  readonly policy: SyncPolicy
  readonly nodes: NodeView
  /** Kinds that go down by declaration. */
  readonly customKinds: readonly CustomKind[]
}

/** A tenant object that another one needs in super before itself. */
export interface ObjectDependency {
  readonly resource: 'configmaps' | 'secrets' | 'persistentvolumeclaims'
  readonly name: string
}

/** A service-account token that a pod's super Secret carries: one projected source of one volume. */
export interface TokenSource {
  /** Key in the pod's token Secret. */
  readonly key: string
  readonly audience: string | undefined
  readonly expirationSeconds: number
}

/** The super object that a tenant object asks for, without what the engine adds: identity, owner marks and hash. */
export interface SuperBody {
  /** Default: the tenant object's name. */
  readonly name?: string
  /** Whole label map; default: the tenant's labels. Keys of Berth's own domain are dropped by the engine. */
  readonly labels?: Readonly<Record<string, string>>
  /** Labels of Berth's own, added as they are. */
  readonly labelMarks?: Readonly<Record<string, string>>
  /** Whole annotation map; default: the tenant's annotations. */
  readonly annotations?: Readonly<Record<string, string>>
  /** Annotations of Berth's own, added as they are. */
  readonly marks?: Readonly<Record<string, string>>
  /** All top-level fields but apiVersion, kind, metadata and status. */
  readonly fields: Readonly<Record<string, unknown>>
}

export type Translation =
  /** `notes`: told whenever it is written, of what does not go down with it. */
  | { readonly kind: 'object'; readonly body: SuperBody; readonly notes?: readonly Note[] }
  /** Lives in the tenant only, by design (for example `default/kubernetes`). */
  | { readonly kind: 'tenant-only' }
  /** Not allowed, or not possible, in super: told to the tenant as an Event with this CamelCase reason and message. */
  | {
      readonly kind: 'refused'
      readonly reason: string
      readonly message: string
      /** What stands in super goes as well, since it is at the cost of somebody else. Default: it stays as it was last allowed. */
      readonly withdrawn?: true
    }

/** What a tenant is told as an Event: a CamelCase reason and a message. */
export interface Note {
  readonly reason: string
  readonly message: string
}

/** One write to the tenant. */
export type TenantWrite =
  /** Merge patch on the status subresource, of annotations too. */
  | {
      readonly kind: 'status'
      readonly status: Readonly<Record<string, unknown>>
      readonly annotations?: Readonly<Record<string, string | null>>
    }
  /** Merge patch on the object itself, with what the tenant is told of it. */
  | {
      readonly kind: 'patch'
      readonly body: Readonly<Record<string, unknown>>
      readonly note?: { readonly reason: string; readonly message: string }
    }
  /** Two merge patches of the spec, `over` and then `to`, for a change that the API takes on no straight way. */
  | {
      readonly kind: 'detour'
      readonly over: Readonly<Record<string, unknown>>
      readonly to: Readonly<Record<string, unknown>>
    }
  /** Binding of a pod; the Node is there before. */
  | { readonly kind: 'bind'; readonly node: string }

/** One write to a subresource of the super object: a strategic merge patch. */
export interface SuperWrite {
  readonly subresource: string
  readonly patch: Readonly<Record<string, unknown>>
  /** What the tenant is told of it, once it is written. */
  readonly note?: { readonly reason: string; readonly message: string }
}

/** What an object is finished with when it is made in super, and only then. */
export interface Creation<T> {
  readonly object: T
  /** Told to the tenant as Events: what it asked for and does not get. */
  readonly notes: readonly { readonly reason: string; readonly message: string }[]
}

/** One synced kind: pure functions, no I/O. The engine owns existence, owner checks, UID guards, deletion, retries and order. */
export interface SyncedResource<T extends KubeObject = KubeObject> {
  readonly type: ResourceType
  /** True: goes down only while something synced refers to it. */
  readonly byReference?: true
  /** How super is observed: a label-filtered watch for all tenants, or not at all (what goes down only and holds secrets). */
  readonly superWatch: 'labelled' | 'none'
  /** Gone in super though seen there before: create it again, or finalise it in the tenant (a pod has had its life). */
  readonly goneInSuper: 'recreate' | 'finalise'
  /**
   * True for an object that is to go and that the tenant still holds: it is deleted in super now, where what holds it there goes by the same rules. Else an
   * object goes in super when it has gone in the tenant.
   */
  readonly isLeaving?: (tenantObject: T) => boolean
  /**
   * True: what stands in super beside the wanted fields is drift as well, since it would change their meaning (one more peer in a NetworkPolicy). Only for
   * kinds to which super's API server adds no more than the tenant's has added already.
   */
  readonly exact?: true
  /** Cuts an object to what this kind's rules read, before it is kept in memory. */
  readonly keepTenant?: (object: T) => T
  readonly keepSuper?: (object: T) => T
  toSuper(tenantObject: T, ctx: SyncContext): Translation
  /** Finishes the wanted object. What this adds belongs to super and stays out of all comparisons. `image` is Berth's own, if known. */
  readonly atCreation?: (
    wanted: T,
    tenantObject: T,
    options: { readonly ctx: SyncContext; readonly image: string | undefined },
  ) => Creation<T>
  /**
   * The object to PUT when the wanted one differs from the live one. Default: the live object with the wanted fields. Only kinds with immutable or
   * super-owned fields need their own. `recreate`: the difference cannot be written in place.
   */
  readonly update?: (live: T, wanted: T) => { readonly kind: 'replace'; readonly object: T } | { readonly kind: 'recreate' }
  /** True for a path whose wanted value no longer counts in this super object, since it has done its work. */
  readonly isSpent?: (superObject: T, path: string) => boolean
  /** What to ask for instead when super says that a wish cannot be had, for example a node port that is taken; undefined: nothing less will do. */
  readonly relaxed?: (wanted: KubeObject, error: AppError) => KubeObject | undefined
  /** What goes down to a live super object beside the object itself; empty when it is there already. */
  readonly superWrites?: (superObject: T, tenantObject: T, ctx: SyncContext) => readonly SuperWrite[]
  /** Writes that make the tenant see what super says; empty when it does already. */
  readonly toTenant?: (superObject: T, tenantObject: T, ctx: SyncContext) => readonly TenantWrite[]
  /** What has to be in super first, in the same namespace. */
  readonly dependencies?: (tenantObject: T) => readonly ObjectDependency[]
}

/** Checks a kind against the shape of its objects, then forgets that shape: the engine gives each kind only what came from that kind's caches. */
export const defineResource = <T extends KubeObject>(resource: SyncedResource<T>): SyncedResource =>
  resource as unknown as SyncedResource
