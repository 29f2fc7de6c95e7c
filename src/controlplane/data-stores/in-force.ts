import type { DataStoreRecord } from '../../apis/store-move.ts'
import type { TenantControlPlane, TenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import { storePrefix } from '../names.ts'

type StoreSpec = TenantControlPlaneSpec['dataStore']

/** What of a data store makes it this one: the rest of a spec may change where it is. */
const identityOf = ({ kind, name, endpoints = [], prefix }: DataStoreRecord): string => {
  switch (kind) {
    case 'dedicated':
      return kind
    case 'shared':
      return JSON.stringify([kind, name])
    case 'external':
      return JSON.stringify([kind, [...endpoints].sort(), prefix ?? ''])
  }
}

/** True when both are the same data store. */
export const isSameStore = (a: DataStoreRecord, b: DataStoreRecord): boolean => identityOf(a) === identityOf(b)

/** A data store for people. */
export const storeText = ({ kind, name, endpoints = [] }: DataStoreRecord): string => {
  switch (kind) {
    case 'dedicated':
      return 'an etcd of its own'
    case 'shared':
      return `DataStore ${name}`
    case 'external':
      return `etcd at ${endpoints.map((endpoint) => new URL(endpoint).host).join(', ')}`
  }
}

/** What is written down of a data store. */
export const recordOf = (store: StoreSpec): DataStoreRecord => {
  const { kind, name, endpoints, secretName, prefix, storageClassName, storageSize } = store
  return {
    kind,
    ...(name !== undefined && { name }),
    ...(endpoints !== undefined && { endpoints: [...endpoints] }),
    ...(secretName !== undefined && { secretName }),
    ...(prefix !== undefined && { prefix }),
    ...(kind === 'dedicated' && storageClassName !== undefined && { storageClassName }),
    ...(kind === 'dedicated' && { storageSize }),
  }
}

/** A recorded data store as a spec would have it, with what of the wanted one is no part of where the data are. */
export const specOfRecord = (record: DataStoreRecord, { replicas, storageSize }: StoreSpec): StoreSpec => ({
  kind: record.kind,
  ...(record.name !== undefined && { name: record.name }),
  ...(record.endpoints !== undefined && { endpoints: record.endpoints }),
  ...(record.secretName !== undefined && { secretName: record.secretName }),
  ...(record.prefix !== undefined && { prefix: record.prefix }),
  ...(record.storageClassName !== undefined && { storageClassName: record.storageClassName }),
  replicas,
  storageSize: record.storageSize ?? storageSize,
})

/** The data store that a tenant's API server uses now: that of the spec, but while it is to be moved there. */
export const storeInForce = ({ spec, status }: Pick<TenantControlPlane, 'spec' | 'status'>): StoreSpec => {
  const record = status?.dataStore
  const wanted = spec.dataStore
  if (!record) return wanted
  // Keys of an external one may be others; volumes never change.
  if (isSameStore(record, wanted) && record.kind !== 'dedicated') return wanted
  return specOfRecord(record, wanted)
}

/** The tenant as its control plane is to be for now. */
export const withStoreInForce = (tenant: TenantControlPlane): TenantControlPlane => ({
  ...tenant,
  spec: { ...tenant.spec, dataStore: storeInForce(tenant) },
})

/** Every data store in which a tenant has, or may have, data. */
export const storesOf = ({ spec, status }: Pick<TenantControlPlane, 'spec' | 'status'>): readonly DataStoreRecord[] => {
  const { dataStore, move } = status ?? {}
  const isOver = move === undefined || move.phase === 'Done' || move.phase === 'Failed'
  // Objects stored before a field came to be lack its default.
  const wanted = (spec.dataStore as StoreSpec | undefined) ?? ({ kind: 'dedicated' } as const)
  // Before it was found to be clear, the target holds nothing of the tenant, and perhaps what is somebody else's.
  const targets = isOver || move.phase === 'Checking' ? [] : [move.to]
  const all: readonly DataStoreRecord[] = [dataStore ?? wanted, ...(isOver ? [] : [move.from]), ...targets]
  return all.filter((store, at) => all.findIndex((each) => isSameStore(each, store)) === at)
}

/** Where the keys of a tenant are in a data store: with a slash at both ends. An API server without a prefix of its own has `/registry/`. */
export const prefixIn = ({ kind, prefix }: DataStoreRecord, uid: string): string => {
  switch (kind) {
    case 'dedicated':
      return '/registry/'
    case 'shared':
      return storePrefix(uid)
    case 'external':
      return prefix ?? storePrefix(uid)
  }
}
