import type { KubeClient } from '../kube/client.ts'

/** An object as people write it: `pods/shop/web`. */
export interface ObjectWords {
  /** Plural, singular, short name or kind, with the group for declared kinds. */
  readonly kind: string
  /** Undefined: not said. */
  readonly namespace: string | undefined
  readonly name: string
}

export interface ObjectInput {
  readonly subject:
    | {
        readonly side: 'tenant'
        readonly tenant: { readonly name: string; readonly namespace: string }
        readonly object: ObjectWords
      }
    | { readonly side: 'super'; readonly object: ObjectWords }
  readonly signal: AbortSignal
}

export interface ObjectClients {
  readonly management: KubeClient
  readonly superClient: KubeClient
  readonly connect: (kubeconfig: string) => KubeClient
}

/** One side of an object. */
export interface ObjectSide {
  /** `pods/shop/web`, in the words of its side. */
  readonly place: string
  /** Undefined: it is not there. */
  readonly uid: string | undefined
  readonly resourceVersion: string | undefined
  readonly deletionTimestamp: string | undefined
}

/** Who wrote which fields, as the API server of one side keeps it. */
export interface FieldOwner {
  readonly side: 'tenant' | 'super'
  readonly manager: string
  readonly operation: string
  readonly subresource: string
  /** RFC 3339. */
  readonly time: string | undefined
  /** `spec.containers[name=main].image`; those below a field that is owned whole are not listed. */
  readonly fields: readonly string[]
}

/** Something that the syncer has still to do, or will not do. */
export interface PendingChange {
  /** `down`: to super; `up`: to the tenant. */
  readonly direction: 'down' | 'up'
  readonly kind: string
  readonly detail: string
}

/** A word about the object from an Event. */
export interface ObjectEvent {
  readonly side: 'tenant' | 'super'
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly count: number
  /** RFC 3339. */
  readonly lastSeen: string | undefined
}

export interface ExplainedObject {
  readonly tenant: { readonly name: string; readonly namespace: string; readonly uid: string }
  /** Undefined for what stands for no object of the tenant. */
  readonly tenantObject: ObjectSide | undefined
  /** Undefined for what has no counterpart. */
  readonly superObject: ObjectSide | undefined
  /** How it stands, in a sentence. */
  readonly verdict: string
  readonly pending: readonly PendingChange[]
  /** Why it may not go down: what its user was told. */
  readonly refusal: string | undefined
  /** Objects of the tenant that make it go down, for what goes down by reference only. */
  readonly referredBy: readonly string[] | undefined
  /** Newest first. */
  readonly events: readonly ObjectEvent[]
  readonly owners: readonly FieldOwner[]
  /** Why the syncer has stopped for this tenant, if it has. */
  readonly frozen: string | undefined
}

export type ObjectPort = (input: ObjectInput, clients: ObjectClients) => Promise<ExplainedObject>
