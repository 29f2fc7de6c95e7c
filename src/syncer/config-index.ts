import type { ObjectMeta } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import {
  renewAtAnnotation,
  tenantLabel,
  tenantNameAnnotation,
  tenantObjectUidAnnotation,
  wantedHashAnnotation,
} from '../tenancy/marks.ts'

/** What is known of one ConfigMap or Secret in super: never its content. */
export interface ConfigRecord {
  readonly uid: string
  readonly hash: string
  readonly tenantName: string
  readonly objectUid: string
  /** Only token Secrets: milliseconds since the epoch. */
  readonly renewAt?: number
}

export const configRecord = ({ uid, annotations }: ObjectMeta): ConfigRecord => {
  const renewAt = annotations?.[renewAtAnnotation]
  return {
    uid: uid ?? '',
    hash: annotations?.[wantedHashAnnotation] ?? '',
    tenantName: annotations?.[tenantNameAnnotation] ?? '',
    objectUid: annotations?.[tenantObjectUidAnnotation] ?? '',
    ...(renewAt !== undefined && { renewAt: Date.parse(renewAt) || 0 }),
  }
}

/** The ConfigMaps and Secrets of one super namespace by `resource/name`: read once as metadata through the tenant's identity, then kept by what is written. */
export type NamespaceRecords = Map<string, ConfigRecord>

/** Knows what lies in a tenant's super namespaces of the kinds that are not watched, without reading any content. */
export class ConfigIndex {
  readonly #namespaces = new Map<string, Promise<NamespaceRecords>>()
  readonly #superClient: KubeClient
  readonly #tenantUid: string

  constructor({ superClient, tenantUid }: { superClient: KubeClient; tenantUid: string }) {
    this.#superClient = superClient
    this.#tenantUid = tenantUid
  }

  /** Records of a super namespace; the first call reads them. A failed read is tried anew by the next call. */
  of(superNamespace: string): Promise<NamespaceRecords> {
    const known = this.#namespaces.get(superNamespace)
    if (known) return known
    const reading = this.#read(superNamespace)
    this.#namespaces.set(superNamespace, reading)
    reading.catch(() => {
      if (this.#namespaces.get(superNamespace) === reading) this.#namespaces.delete(superNamespace)
    })
    return reading
  }

  /** The namespace was made just now: there is nothing in it to read. */
  startEmpty(superNamespace: string): void {
    this.#namespaces.set(superNamespace, Promise.resolve(new Map()))
  }

  /** Reads anew at the next use. */
  forget(superNamespace: string): void {
    this.#namespaces.delete(superNamespace)
  }

  async #read(namespace: string): Promise<NamespaceRecords> {
    const options = { namespace, metadataOnly: true, labelSelector: `${tenantLabel}=${this.#tenantUid}` }
    const records: NamespaceRecords = new Map()
    for (const type of [resourceTypes.configMaps, resourceTypes.secrets]) {
      const { items } = await this.#superClient.list(type, options)
      for (const { metadata } of items) records.set(`${type.plural}/${metadata.name}`, configRecord(metadata))
    }
    return records
  }
}
