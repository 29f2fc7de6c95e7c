import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { hasCode } from '../lib/errors.ts'
import { type Hibernation, hibernationText, readHibernation } from '../tenancy/hibernation.ts'
import {
  frozenAnnotation,
  hibernationAnnotation,
  overfullAnnotation,
  quotaUsedAnnotation,
  refusedAnnotation,
  restoredAnnotation,
  resumeSyncAnnotation,
  serviceAddressesAnnotation,
  storeIdentityAnnotation,
} from '../tenancy/marks.ts'
import { type UsedAddresses, usedAddressesText } from '../tenancy/slices.ts'

/** Name of the Lease in each control-plane namespace by which the syncer says that it serves the tenant. */
export const syncerLeaseName = 'berth-syncer'
/** A tenant whose Lease is older than this is not being synced. */
export const syncerLeaseSeconds = 30

/** What the Lease remembers over restarts of the syncer. */
export interface SyncRecord {
  /** UID of the tenant's kube-system: the identity of its data store. */
  readonly store: string | undefined
  /** Why syncing is frozen. */
  readonly frozen: string | undefined
  /** Frozen since its objects are more than may be kept here: they are not even listed before the operator's word. */
  readonly overfull: boolean
  /** The operator's last word that was heard. */
  readonly resumed: string | undefined
  /** The last restore of its data that was let through to super. */
  readonly restored: string | undefined
  /** How far its pods are with going to sleep or waking; undefined: they run. */
  readonly hibernation: Hibernation | undefined
}

const recordOf = ({ metadata }: KubeObject): SyncRecord => ({
  store: metadata.annotations?.[storeIdentityAnnotation],
  frozen: metadata.annotations?.[frozenAnnotation],
  overfull: metadata.annotations?.[overfullAnnotation] === 'true',
  resumed: metadata.annotations?.[resumeSyncAnnotation],
  restored: metadata.annotations?.[restoredAnnotation],
  hibernation: readHibernation(metadata.annotations?.[hibernationAnnotation]),
})

export const readSyncRecord = async (client: KubeClient, namespace: string): Promise<SyncRecord> => {
  const lease = await client.get(resourceTypes.leases, { name: syncerLeaseName, namespace })
  return recordOf(lease ?? { metadata: {} })
}

interface LeaseNews {
  readonly record: SyncRecord
  /** What the record says of the tenant's sleep is new. */
  readonly hibernates: boolean
  readonly holder: string
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Addresses of its slices that the tenant has given out: the manager gives it another slice in time. Unset: as it was. */
  readonly serviceAddresses?: UsedAddresses
  /** What the tenant keeps the syncer from doing, for people. */
  readonly refused?: string | undefined
  /** What the tenant has used of its limits, as text; undefined: it has none. */
  readonly quota?: string | undefined
}

/** Renews the Lease and writes the record with it. Returns the Lease as it is then. */
const writeSyncRecord = async (
  client: KubeClient,
  namespace: string,
  { record, hibernates, holder, now, serviceAddresses, refused, quota }: LeaseNews,
): Promise<KubeObject> => {
  const metadata = {
    annotations: {
      [storeIdentityAnnotation]: record.store ?? null,
      [frozenAnnotation]: record.frozen ?? null,
      [overfullAnnotation]: record.overfull ? 'true' : null,
      [resumeSyncAnnotation]: record.resumed ?? null,
      [restoredAnnotation]: record.restored ?? null,
      [refusedAnnotation]: refused ?? null,
      [quotaUsedAnnotation]: quota ?? null,
      // Only when it changes: a process that no longer serves the tenant, and does not know it yet, must not undo it.
      ...(hibernates && { [hibernationAnnotation]: record.hibernation ? hibernationText(record.hibernation) : null }),
      ...(serviceAddresses !== undefined && { [serviceAddressesAnnotation]: usedAddressesText(serviceAddresses) }),
    },
  }
  const spec = {
    holderIdentity: holder,
    leaseDurationSeconds: syncerLeaseSeconds,
    renewTime: new Date(now).toISOString().replace('Z', '000Z'),
  }
  const ref = { name: syncerLeaseName, namespace }
  return client.patch(resourceTypes.leases, ref, { metadata, spec }, { type: 'merge' }).catch(async (error: unknown) => {
    if (!hasCode(error, 'KUBE_NOT_FOUND')) throw error
    const all = {
      ...metadata.annotations,
      [hibernationAnnotation]: record.hibernation ? hibernationText(record.hibernation) : null,
    }
    const annotations = Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null))
    return client.create<KubeObject>(resourceTypes.leases, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...ref, annotations },
      spec,
    })
  })
}

/** The record of one tenant as this process knows it. */
export interface OpenSyncRecord {
  /** As last read or written. */
  readonly current: SyncRecord
  /** Renews the Lease with what is new. It counts when it is written; of two at once the second one waits for the first, so none is undone by an older one. */
  write(news?: Partial<SyncRecord>, serviceAddresses?: UsedAddresses): Promise<void>
}

/** Who writes a record, and what it says with each renewal of the Lease. */
export interface RecordWriter {
  readonly holder: string
  readonly now: () => number
  readonly refused: () => string | undefined
  readonly quota?: () => string | undefined
}

export const openSyncRecord = async (
  client: KubeClient,
  namespace: string,
  { holder, now, refused, quota }: RecordWriter,
): Promise<OpenSyncRecord> => {
  let record = await readSyncRecord(client, namespace)
  let last: Promise<void> = Promise.resolve()
  return {
    get current() {
      return record
    },
    write: (news = {}, serviceAddresses) => {
      const turn = last.then(async () => {
        const next = { ...record, ...news }
        const lease = await writeSyncRecord(client, namespace, {
          record: next,
          hibernates: 'hibernation' in news,
          holder,
          now: now(),
          refused: refused(),
          quota: quota?.(),
          ...(serviceAddresses !== undefined && { serviceAddresses }),
        })
        // A note that somebody else left is taken up: whoever served the tenant before may have written it late.
        record = { ...next, hibernation: recordOf(lease).hibernation }
      })
      last = turn.catch(() => {})
      return turn
    },
  }
}
