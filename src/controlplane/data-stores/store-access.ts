import type { DataStore } from '../../apis/data-store.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient } from '../../kube/client.ts'
import type { RemotePlace } from '../components/plane.ts'
import { peersOf, type StorePeer, serviceOf } from '../components/store-peers.ts'
import { storePrefix, storeUser } from '../names.ts'
import type { StoreTrust } from '../pki/keys.ts'
import type { StoreConnection } from './store-client.ts'
import { clientKeysOf, storeKeysOf } from './store-keys.ts'

type Reader = { readonly kube: KubeClient; readonly signal: AbortSignal }

/** How a tenant, and the manager for it, come to a data store that is not the tenant's own. */
export interface StoreAccess extends RemotePlace {
  readonly kind: 'shared' | 'external'
  /** As the manager: root of a shared one. */
  readonly connection: StoreConnection
  /** The API server's keys. */
  readonly trust: StoreTrust
  readonly peers: readonly StorePeer[]
}

/** Why there is nothing to be had of a data store, or why nobody should use it, and what to do. */
export interface StoreProblem {
  readonly reason: string
  readonly message: string
}

/** What is known of a data store that is not the tenant's own. */
export interface RemoteStore {
  readonly access?: StoreAccess
  readonly problem?: StoreProblem
  /** For people. */
  readonly name: string
}

const decoded = (secret: KubeObject | undefined): Record<string, string> | undefined =>
  secret &&
  Object.fromEntries(
    Object.entries((secret.data ?? {}) as Record<string, string>).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64').toString('utf8'),
    ]),
  )

const readSecret = async (ref: { namespace: string; name: string }, { kube, signal }: Reader) =>
  decoded(await kube.get(resourceTypes.secrets, ref, { signal }))

const readPeers = async (endpoints: readonly string[], { kube, signal }: Reader): Promise<readonly StorePeer[]> => {
  const names = endpoints.flatMap((endpoint) => serviceOf(endpoint) ?? [])
  const unique = [...new Map(names.map((each) => [`${each.namespace}/${each.name}`, each]))]
  const services = await Promise.all(
    unique.map(async ([key, ref]) => [key, await kube.get(resourceTypes.services, ref, { signal })] as const),
  )
  return peersOf(endpoints, new Map(services.flatMap(([key, service]) => (service ? [[key, service]] : []))))
}

/** Keys of a DataStore as the manager uses them, or what is wrong with its Secret. */
export const readStoreKeys = async ({ spec }: DataStore, reader: Reader): Promise<ReturnType<typeof storeKeysOf>> => {
  const { name, namespace } = spec.secretRef
  return storeKeysOf(`${namespace}/${name}`, await readSecret({ name, namespace }, reader))
}

/** Why a tenant may not use a DataStore now; undefined when it may. One that goes takes nobody in, and serves those who are there. */
const storeProblem = ({ metadata, status }: DataStore, isNew: boolean): StoreProblem | undefined => {
  if (isNew && metadata.deletionTimestamp)
    return {
      reason: 'DataStoreDeleting',
      message: `DataStore ${metadata.name} is being deleted: name another one in spec.dataStore`,
    }
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  if (!ready) return { reason: 'DataStoreUnchecked', message: `DataStore ${metadata.name} was not looked at yet` }
  if (ready.status === 'True') return undefined
  return { reason: ready.reason, message: `DataStore ${metadata.name} is not ready: ${ready.message}` }
}

const readShared = async (tenant: TenantControlPlane, reader: Reader): Promise<RemoteStore> => {
  const { name = '' } = tenant.spec.dataStore
  const uid = tenant.metadata.uid ?? ''
  const told = `DataStore ${name}`
  const store = await reader.kube.get<DataStore>(resourceTypes.dataStores, { name }, { signal: reader.signal })
  if (!store) {
    const message = `${told} is not there: create it, or name another one in spec.dataStore`
    return { name: told, problem: { reason: 'DataStoreMissing', message } }
  }
  const problem = storeProblem(store, tenant.status?.timings?.['DataStoreReady'] === undefined)
  const keys = await readStoreKeys(store, reader)
  if (keys.kind === 'bad')
    return { name: told, problem: { reason: 'SecretUnusable', message: `${keys.message}: it is what ${told} refers to` } }
  // Only what has answered as this etcd: others would be other data.
  const endpoints = store.status?.endpoints ?? []
  if (endpoints.length === 0) return { name: told, ...(problem && { problem }) }
  const { ca, cert, key, signer } = keys
  const access: StoreAccess = {
    kind: 'shared',
    endpoints,
    prefix: storePrefix(uid),
    connection: { endpoints, ca, cert, key },
    trust: { kind: 'shared', ca, authority: signer, user: storeUser(uid) },
    peers: await readPeers(endpoints, reader),
  }
  return { name: told, access, ...(problem && { problem }) }
}

const readExternal = async (tenant: TenantControlPlane, reader: Reader): Promise<RemoteStore> => {
  const { endpoints = [], secretName = '', prefix } = tenant.spec.dataStore
  const { namespace = '', uid = '' } = tenant.metadata
  const name = `etcd at ${endpoints.map((endpoint) => new URL(endpoint).host).join(', ')}`
  const keys = clientKeysOf(`${namespace}/${secretName}`, await readSecret({ namespace, name: secretName }, reader))
  if (keys.kind === 'bad') {
    const message = `${keys.message}: it is what spec.dataStore.secretName refers to`
    return { name, problem: { reason: 'SecretUnusable', message } }
  }
  const { ca, cert, key } = keys
  const access: StoreAccess = {
    kind: 'external',
    endpoints,
    prefix: prefix ?? storePrefix(uid),
    connection: { endpoints, ca, cert, key },
    trust: { kind: 'given', ca, cert, key },
    peers: await readPeers(endpoints, reader),
  }
  return { name, access }
}

/** What is known now of a tenant's data store; undefined for one of its own. */
export const readRemoteStore = async (tenant: TenantControlPlane, reader: Reader): Promise<RemoteStore | undefined> => {
  switch (tenant.spec.dataStore.kind) {
    case 'dedicated':
      return undefined
    case 'shared':
      return readShared(tenant, reader)
    case 'external':
      return readExternal(tenant, reader)
  }
}
