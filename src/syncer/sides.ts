import type { CustomKind } from '../apis/custom-kind.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import type { KubeClient } from '../kube/client.ts'
import type { EventRecorder } from '../kube/events.ts'
import type { Informer } from '../kube/informer.ts'
import type { Log } from '../lib/log.ts'
import type { Claims } from './claims.ts'
import type { ConfigIndex } from './config-index.ts'
import type { HeldUp } from './held-up.ts'
import type { PodRest } from './hibernation.ts'
import type { PendingCertificate } from './pod-certificates.ts'
import type { PodsByNode } from './pods-by-node.ts'
import type { TenantQuota } from './quota/tenant-quota.ts'
import type { ReferenceIndex } from './references.ts'
import type { Refusals } from './refusals.ts'
import type { SyncContext, SyncedResource } from './resource.ts'
import type { WritePace } from './write-pace.ts'

/** Caches by key of the kind: its plural, with the group for declared kinds. */
export type Informers = ReadonlyMap<string, Informer<KubeObject>>

/** Super as the syncer's own account sees it: all tenants' objects, by label. */
export interface SuperSide {
  readonly client: KubeClient
  readonly informers: Informers
  /** What objects there lay claim to. */
  readonly claims: Claims
  /** CustomResourceDefinitions of declared kinds, by name, as far as super has them. */
  readonly definitions: ReadonlyMap<string, KubeObject>
  /** Watches the objects of a declared kind from now on. */
  watchCustom(declared: CustomKind): void
}

/** One tenant in this process: its clients, caches and what was learnt since it was started. Nothing here outlives the process. */
export interface TenantSide {
  readonly ctx: SyncContext
  /** The tenant's API server, as `berth:syncer`. */
  readonly tenantClient: KubeClient
  /** Super under this tenant's identity: RBAC lets it into the tenant's super namespaces only. */
  readonly superClient: KubeClient
  readonly informers: Informers
  /** Kinds that go down, by key. */
  readonly resources: ReadonlyMap<string, SyncedResource>
  /** Watches the objects of a declared kind from now on. */
  watchCustom(declared: CustomKind): void
  readonly references: ReferenceIndex
  readonly config: ConfigIndex
  /** Tenant namespaces whose super namespace has its RoleBinding and ServiceAccount, with the UID of the tenant's Namespace. */
  readonly readyNamespaces: Map<string, string>
  readonly podsByNode: PodsByNode
  /** Keys of ConfigMaps and Secrets that are in super as wanted, as far as this process knows. */
  readonly writtenConfig: Set<string>
  /** Wanted hash of pods as they stand in the cache, and what they went by: they come by several times between two changes. */
  readonly translated: WeakMap<KubeObject, { readonly hash: string; readonly nodes: number; readonly policies: number }>
  /** Certificates asked for and not issued yet, by pod UID and source: their keys are nowhere else. */
  readonly pendingCertificates: Map<string, PendingCertificate>
  /** The size that was last asked of super for a pod, by UID, and when (milliseconds since the epoch). */
  readonly resizes: Map<string, { readonly text: string; readonly at: number }>
  /** How its pods are taken while it falls asleep or wakes; undefined: as always. */
  rest: PodRest | undefined
  readonly refusals: Refusals
  /** Keys whose object super will not have, as it said several times in a row. */
  readonly refusedKeys: Set<string>
  /** UIDs of pods that were bound just now, until the tenant's watch shows it. */
  readonly justBound: Set<string>
  /** Nodes of the tenant that nothing needs any more, with the time that was first seen (milliseconds since the epoch). */
  readonly idleNodes: Map<string, number>
  /** Nodes being made in the tenant just now. */
  readonly nodesInMaking: Map<string, Promise<void>>
  /** Events of super that wait for their turn, by `namespace/name` in super. */
  readonly pendingEvents: Map<string, KubeObject>
  /** When and how often what the Events of super that were told last say it happened, by `namespace/name` in super. */
  readonly toldEvents: Map<string, string>
  /** Labels of super nodes that the tenant sees also without pods there; undefined: none. */
  readonly nodeSelector: Readonly<Record<string, string>> | undefined
  /** Services that wait for an address which super still holds. */
  readonly heldUp: HeldUp
  readonly recorder: EventRecorder
  /** Its limits over all namespaces; undefined: none. */
  readonly quota: TenantQuota | undefined
  /** How fast it may change what is in super; undefined: as fast as it can. */
  readonly pace: WritePace | undefined
}

/** What each sync function gets beside its key. */
export interface SyncDeps {
  readonly tenant: TenantSide
  readonly superSide: SuperSide
  readonly log: Log
  /** Berth's own image, which all nodes have; undefined: not known. */
  readonly image: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** True when the key failed at its last try: nobody should wait for it. */
  readonly isFailing: (key: string) => boolean
  /** Puts another key of this tenant into the queue. */
  readonly enqueue: (key: string) => void
}

/** How a key goes on. Failures are thrown. */
export type SyncResult =
  | { readonly kind: 'done'; readonly againAfterMs?: number }
  /** Another key has to be done first; this one comes again after it. */
  | { readonly kind: 'wait-for'; readonly key: string }

export const done: SyncResult = { kind: 'done' }

/** The cache of a kind that is watched for certain. */
export const informerOf = (informers: Informers, resource: string): Informer<KubeObject> => {
  const informer = informers.get(resource)
  if (!informer) throw new Error(`no cache of ${resource}`)
  return informer
}
