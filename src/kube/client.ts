import type { KubeList, KubeObject } from '../apis/kube-object.ts'
import type { ResourceType } from '../apis/resource-types.ts'

/** Options of every call. Without a `timeoutMs` the client's own deadline (10 s) holds: no call can hang. */
export interface CallOptions {
  signal?: AbortSignal
  timeoutMs?: number
  /** Largest answer to take into memory; a larger one is KUBE_TOO_LARGE. Default 256 MiB. */
  maxAnswerBytes?: number
}

export interface ObjectRef {
  name: string
  namespace?: string
}

export interface ListOptions extends CallOptions {
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
  /** Objects come without spec and data: only `metadata` (PartialObjectMetadata). */
  metadataOnly?: boolean
  limit?: number
  continueToken?: string
  /** `'0'` allows an answer from the watch cache. */
  resourceVersion?: string
}

export interface WatchOptions {
  signal: AbortSignal
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
  metadataOnly?: boolean
  resourceVersion: string
  /** After this the server ends the stream in good order. Default 300 to 600, by chance. */
  timeoutSeconds?: number
}

export type WatchEvent<T extends KubeObject = KubeObject> =
  /** `bytes`: length of its JSON. */
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; object: T; bytes?: number }
  | { type: 'ERROR'; object: { code?: number; reason?: string; message?: string } }

export interface DeleteOptions extends CallOptions {
  /** Precondition: delete only this very object. */
  uid?: string
  resourceVersion?: string
  gracePeriodSeconds?: number
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan'
  /** All is checked and answered as if it were so, and nothing goes. */
  dryRun?: boolean
}

export interface ApplyOptions extends CallOptions {
  fieldManager: string
  force?: boolean
  subresource?: 'status'
}

export type PatchType = 'merge' | 'json' | 'strategic'

export interface PatchOptions extends CallOptions {
  type?: PatchType
  /** For example `status`, `binding`, `scale`. */
  subresource?: string
  fieldManager?: string
  dryRun?: boolean
}

/** The port to one API server. Answers are plain JSON without `managedFields`; API errors become AppError (`KUBE_…`) with the server's message. */
export interface KubeClient {
  /** `https://host:port` of the API server, for messages. */
  readonly server: string
  /** The object, or undefined when it is not there. */
  get<T extends KubeObject>(type: ResourceType, ref: ObjectRef, options?: CallOptions): Promise<T | undefined>
  /** One page (all objects when no `limit` is given). */
  list<T extends KubeObject>(type: ResourceType, options?: ListOptions): Promise<KubeList<T>>
  /**
   * POST of the object; `subresource` posts to it (`token`, `binding`, `eviction`) of `metadata.name`. With `dryRun` all is checked and answered as if it were
   * so, and nothing is stored. With `strict` a field that the schema does not know is refused; else it is dropped.
   */
  create<T extends KubeObject>(
    type: ResourceType,
    object: T,
    options?: CallOptions & { subresource?: string; dryRun?: boolean; strict?: boolean },
  ): Promise<T>
  /** PUT of the whole object, guarded by its resourceVersion if it has one. */
  replace<T extends KubeObject>(type: ResourceType, object: T, options?: CallOptions & { subresource?: string }): Promise<T>
  /** Server-side apply. */
  apply<T extends KubeObject>(type: ResourceType, object: T, options: ApplyOptions): Promise<T>
  patch<T extends KubeObject>(type: ResourceType, ref: ObjectRef, body: unknown, options?: PatchOptions): Promise<T>
  /** False when the object was not there (any more). A failed UID precondition is KUBE_CONFLICT. */
  delete(type: ResourceType, ref: ObjectRef, options?: DeleteOptions): Promise<boolean>
  /** All objects of a namespace, or those with the labels. Resolves when they have been told to go. */
  deleteCollection(
    type: ResourceType,
    options: CallOptions & { namespace: string; labelSelector?: string; gracePeriodSeconds?: number },
  ): Promise<void>
  /** Events from `resourceVersion` on, until the server ends the stream or `signal` aborts. Throws on a broken or silent connection. */
  watch<T extends KubeObject>(type: ResourceType, options: WatchOptions): AsyncIterable<WatchEvent<T>>
  /** GET of a raw path, for example `/readyz`; the body as text. `isText`: it is no JSON, as metrics are not. */
  raw(path: string, options?: CallOptions & { isText?: boolean }): Promise<{ status: number; body: string }>
  /** The same connections under another user name (Impersonate-User). */
  as(user: string): KubeClient
  /** Ends the connections. Clients made by `as` share them. */
  close(): Promise<void>
}

/** Where an API server is and how to come in. PEM texts; `token` is asked for each request, so that rotation is seen. */
export interface KubeConnection {
  readonly server: string
  readonly ca?: string
  readonly clientCert?: string
  readonly clientKey?: string
  readonly token?: () => Promise<string> | string
  /** Name to verify the server certificate against when it differs from the URL's host. */
  readonly tlsServerName?: string
}
