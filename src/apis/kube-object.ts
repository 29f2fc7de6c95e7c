/** What Berth needs of any Kubernetes object. Objects are plain JSON, never generated model classes, which drop fields they do not know. */
export interface KubeObject {
  apiVersion?: string
  kind?: string
  metadata: ObjectMeta
  // oxlint-disable-next-line typescript/no-explicit-any -- the shape below metadata belongs to each kind
  [field: string]: any
}

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

export interface ObjectMeta {
  name?: string
  generateName?: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerReference[]
  finalizers?: string[]
  managedFields?: unknown
}

export interface KubeList<T extends KubeObject = KubeObject> {
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number }
  items: T[]
  /** Length of the JSON that it came as. */
  bytes?: number
  /** Objects of the list that hold too much to be read, by name as far as it can be told. */
  unread?: string[]
}

/** `namespace/name`, or `name` for a cluster-scoped object. */
export const objectKey = (object: { metadata: ObjectMeta }): string =>
  object.metadata.namespace ? `${object.metadata.namespace}/${object.metadata.name}` : `${object.metadata.name}`
