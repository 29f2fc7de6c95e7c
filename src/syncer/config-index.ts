import type { KubeObject, ObjectMeta } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { createInformer, type Informer } from '../kube/informer.ts'
import { isNewer } from '../kube/resource-version.ts'
import type { Log } from '../lib/log.ts'
import {
  isBerthKey,
  renewAtAnnotation,
  tenantLabel,
  tenantNameAnnotation,
  tenantNamespaceAnnotation,
  tenantObjectUidAnnotation,
  wantedHashAnnotation,
} from '../tenancy/marks.ts'

/** What is known of one ConfigMap or Secret in super: never its content. */
export interface ConfigRecord {
  readonly uid: string
  /** Empty when somebody else has written to it. */
  readonly hash: string
  readonly tenantNamespace: string
  readonly tenantName: string
  readonly objectUid: string
  /** Only token Secrets: milliseconds since the epoch. 0 when somebody else has written to it. */
  readonly renewAt?: number
}

export const configRecord = ({ uid, annotations }: ObjectMeta): ConfigRecord => {
  const renewAt = annotations?.[renewAtAnnotation]
  return {
    uid: uid ?? '',
    hash: annotations?.[wantedHashAnnotation] ?? '',
    tenantNamespace: annotations?.[tenantNamespaceAnnotation] ?? '',
    tenantName: annotations?.[tenantNameAnnotation] ?? '',
    objectUid: annotations?.[tenantObjectUidAnnotation] ?? '',
    ...(renewAt !== undefined && { renewAt: Date.parse(renewAt) || 0 }),
  }
}

/** The ConfigMaps and Secrets of one super namespace by `resource/name`. */
export type NamespaceRecords = ReadonlyMap<string, ConfigRecord>

/** Told when an object is not as this process left it: written to or deleted by somebody else. */
export type OnConfigDrift = (plural: string, record: ConfigRecord) => void

export interface ConfigIndexOptions {
  /** Super under the tenant's identity. */
  readonly superClient: KubeClient
  readonly tenantUid: string
  readonly log: Log
  readonly onDrift: OnConfigDrift
}

interface Entry {
  readonly records: Map<string, ConfigRecord>
  /** Newest resourceVersion of each that is known to be this process's own writing, or was there when it came. */
  readonly versions: Map<string, string>
  readonly informers: readonly Informer<KubeObject>[]
  /** Resolves when the namespace has been listed once. */
  readonly listed: Promise<void>
}

const kinds: readonly ResourceType[] = [resourceTypes.configMaps, resourceTypes.secrets]
const listDeadlineMs = 20_000

/** Only what tells whose it is: what is written comes by here with its content. */
const marksOnly = ({ metadata: { name, namespace, uid, resourceVersion, annotations = {} } }: KubeObject): KubeObject => ({
  metadata: {
    ...(name !== undefined && { name }),
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    annotations: Object.fromEntries(Object.entries(annotations).filter(([key]) => isBerthKey(key))),
  },
})

const listedAll = async (informers: readonly Informer<KubeObject>[]): Promise<void> => {
  await Promise.all(informers.map((informer) => informer.whenSynced({ deadlineMs: listDeadlineMs })))
}

/** As if it had never been written, so that the next sync writes it anew. */
const spoilt = (record: ConfigRecord): ConfigRecord => ({
  ...record,
  hash: '',
  ...(record.renewAt !== undefined && { renewAt: 0 }),
})

/**
 * Knows what lies in a tenant's super namespaces of the kinds that hold secrets: by metadata, namespace by namespace, under the tenant's identity. It follows
 * each namespace from its first use on, and tells of what somebody else does there; an own write is known by its resourceVersion.
 */
export class ConfigIndex {
  readonly #namespaces = new Map<string, Entry>()
  /** Super namespaces that were made just now: there is nothing in them to wait for. */
  readonly #fresh = new Set<string>()
  readonly #options: ConfigIndexOptions

  constructor(options: ConfigIndexOptions) {
    this.#options = options
  }

  /** Records of a super namespace, kept true from now on; the first call waits for them. Throws what the first list failed with. */
  async of(superNamespace: string): Promise<NamespaceRecords> {
    const known = this.#namespaces.get(superNamespace)
    const entry = known ?? this.#open(superNamespace)
    try {
      await entry.listed
    } catch (error) {
      // A failed list is tried anew by the next call.
      if (this.#namespaces.get(superNamespace) === entry) this.forget(superNamespace)
      throw error
    }
    return entry.records
  }

  /** What is known at this moment of one object, without waiting for a list. */
  find(superNamespace: string, plural: string, name: string): ConfigRecord | undefined {
    return this.#namespaces.get(superNamespace)?.records.get(`${plural}/${name}`)
  }

  /** The namespace was made just now: its first use need not wait for a list of nothing. */
  startEmpty(superNamespace: string): void {
    this.forget(superNamespace)
    this.#fresh.add(superNamespace)
  }

  /** The answer to an own write. */
  wrote({ plural }: ResourceType, { metadata }: KubeObject): void {
    const entry = this.#namespaces.get(metadata.namespace ?? '')
    if (!entry) return
    const key = `${plural}/${metadata.name}`
    const seen = entry.versions.get(key)
    // Somebody else's write may have come by already, while the answer was on its way.
    if (isNewer(seen, metadata.resourceVersion)) return
    entry.versions.set(key, metadata.resourceVersion ?? '')
    entry.records.set(key, configRecord(metadata))
  }

  /** An own deletion has been asked for. */
  deleted({ plural }: ResourceType, { name, namespace = '' }: { readonly name: string; readonly namespace?: string }): void {
    this.#namespaces.get(namespace)?.records.delete(`${plural}/${name}`)
  }

  /** The namespace is gone, or is to be read anew at the next use. */
  forget(superNamespace: string): void {
    const entry = this.#namespaces.get(superNamespace)
    this.#namespaces.delete(superNamespace)
    this.#fresh.delete(superNamespace)
    for (const informer of entry?.informers ?? []) void informer.stop()
  }

  async stop(): Promise<void> {
    const informers = [...this.#namespaces.values()].flatMap((entry) => entry.informers)
    this.#namespaces.clear()
    await Promise.all(informers.map((informer) => informer.stop()))
  }

  #open(namespace: string): Entry {
    const { superClient, tenantUid, log, onDrift } = this.#options
    const records = new Map<string, ConfigRecord>()
    const versions = new Map<string, string>()
    const informers = kinds.map((type) =>
      createInformer({
        client: superClient,
        type,
        log,
        namespace,
        metadataOnly: true,
        labelSelector: `${tenantLabel}=${tenantUid}`,
        keep: marksOnly,
        onEvent: (event, { metadata }) => {
          const key = `${type.plural}/${metadata.name}`
          const before = records.get(key)
          if (event === 'deleted') {
            // An own one that was made anew meanwhile is another object.
            if (before?.uid !== metadata.uid) return
            records.delete(key)
            versions.delete(key)
            if (before) onDrift(type.plural, before)
            return
          }
          const version = metadata.resourceVersion ?? ''
          const own = versions.get(key)
          if (own !== undefined && !isNewer(version, own)) return
          versions.set(key, version)
          const record = configRecord(metadata)
          if (own === undefined) {
            records.set(key, record)
            return
          }
          // Whose it is stands in what was known before: the marks themselves may be what was changed.
          const left = before ?? record
          records.set(key, { ...spoilt(left), uid: record.uid })
          onDrift(type.plural, left)
        },
      }),
    )
    const entry: Entry = {
      records,
      versions,
      informers,
      listed: this.#fresh.delete(namespace) ? Promise.resolve() : listedAll(informers),
    }
    this.#namespaces.set(namespace, entry)
    for (const informer of informers) informer.start()
    return entry
  }
}
