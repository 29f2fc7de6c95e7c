import { setCondition } from '../../apis/conditions.ts'
import type { DataStore, DataStoreStatus, StoreTenant } from '../../apis/data-store.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { inForce } from '../../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { timestamp } from '../../apis/timestamp.ts'
import { explainError, hasCode } from '../../lib/errors.ts'
import type { Outcome } from '../../runtime/controller.ts'
import { dataStoreFinalizer } from '../../tenancy/marks.ts'
import { hashOf } from '../apply.ts'
import type { Deps } from '../deps.ts'
import { storePrefix } from '../names.ts'
import { storesOf } from './in-force.ts'
import { readStoreKeys } from './store-access.ts'
import { withStore } from './store-client.ts'
import type { storeKeysOf } from './store-keys.ts'
import type { Measure } from './store-meter.ts'
import { rangeOfPrefix } from './store-range.ts'
import type { Stranger } from './store-stranger.ts'
import { type StoreEndpointFinding, type StoreFindings, type StoreVerdict, storeVerdict } from './store-verdict.ts'

export type StoreDeps = Pick<Deps, 'kube' | 'signal' | 'now' | 'connectStore' | 'storeMeter' | 'log'> & {
  /** All tenants, perhaps as they were a moment ago. */
  readonly tenants: () => readonly TenantControlPlane[]
  readonly stranger: Stranger
  /** Tells people about a DataStore, as a Kubernetes Event. */
  readonly tell: (store: DataStore, event: { type: 'Normal' | 'Warning'; reason: string; message: string }) => void
}

/** How often a DataStore is looked at: when it is well, and when it is not. */
const checkMs = { well: 30_000, unwell: 5_000 }

const usersOf = (tenants: readonly TenantControlPlane[], name: string): readonly TenantControlPlane[] =>
  tenants
    .filter((tenant) => storesOf(inForce(tenant)).some((store) => store.kind === 'shared' && store.name === name))
    .toSorted((a, b) => ((a.metadata.uid ?? '') < (b.metadata.uid ?? '') ? -1 : 1))

type GoodKeys = Extract<ReturnType<typeof storeKeysOf>, { kind: 'good' }>

/** In whole MiB: the file of an etcd that is in use grows a little all the time, which is no news. */
const fileText = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`

const lookAtEndpoint = async (endpoint: string, keys: GoodKeys, deps: StoreDeps): Promise<StoreEndpointFinding> => {
  try {
    return { endpoint, ...(await withStore({ ...keys, endpoints: [endpoint] }, deps, (client) => client.status())) }
  } catch (error) {
    return { endpoint, message: explainError(error) }
  }
}

const lookAsStranger = async (
  endpoints: readonly string[],
  { ca, signer }: GoodKeys,
  deps: StoreDeps,
): Promise<StoreFindings['strangers']> => {
  try {
    const { cert, key } = await deps.stranger(signer, deps.now())
    const reads = await withStore({ endpoints, ca, cert, key }, deps, (client) => client.canRead('/'))
    return { kind: reads ? 'read' : 'refused' }
  } catch (error) {
    return { kind: 'failed', message: explainError(error) }
  }
}

const findOut = async (store: DataStore, keys: GoodKeys, deps: StoreDeps): Promise<StoreFindings> => {
  const endpoints = await Promise.all(store.spec.endpoints.map((endpoint) => lookAtEndpoint(endpoint, keys, deps)))
  const answering = endpoints.flatMap((each) => ('clusterId' in each ? [each.endpoint] : []))
  if (answering.length === 0) return { endpoints, alarms: [], rootReads: false, strangers: { kind: 'refused' } }
  const [strangers, [rootReads, alarms]] = await Promise.all([
    lookAsStranger(answering, keys, deps),
    withStore({ ...keys, endpoints: answering }, deps, (client) => Promise.all([client.canRead('/'), client.alarms()])),
  ])
  return { endpoints, alarms, rootReads, strangers }
}

const judge = async (store: DataStore, deps: StoreDeps): Promise<{ verdict: StoreVerdict; keys?: GoodKeys }> => {
  const keys = await readStoreKeys(store, deps)
  if (keys.kind === 'bad') return { verdict: { status: 'False', reason: 'SecretUnusable', message: keys.message } }
  try {
    return { verdict: storeVerdict(await findOut(store, keys, deps), store.status?.clusterID), keys }
  } catch (error) {
    return { verdict: { status: 'False', reason: 'DataStoreUnreachable', message: explainError(error) } }
  }
}

const lastMeasure = ({ keys, sizeBytes, measuredAt }: StoreTenant): Measure | undefined =>
  keys === undefined || sizeBytes === undefined || measuredAt === undefined
    ? undefined
    : { keys, bytes: sizeBytes, at: new Date(measuredAt) }

/** The tenants of a DataStore with their sizes, as new as they are to be had. */
const tenantsWithSizes = async (
  store: DataStore,
  users: readonly TenantControlPlane[],
  keys: GoodKeys | undefined,
  deps: StoreDeps,
): Promise<StoreTenant[]> => {
  const before = new Map((store.status?.tenants ?? []).map((each) => [each.uid, each]))
  const listed = users.map(({ metadata: { namespace = '', name = '', uid = '' } }) => ({
    ...before.get(uid),
    namespace,
    name,
    uid,
  }))
  if (!keys) return listed
  return withStore({ ...keys, endpoints: store.spec.endpoints }, deps, async (client) => {
    const measured: StoreTenant[] = []
    let isAway = false
    for (const tenant of listed) {
      if (isAway || deps.signal.aborted) {
        measured.push(tenant)
        continue
      }
      const last = lastMeasure(tenant)
      if (last) deps.storeMeter.recall(tenant.uid, last)
      try {
        const made = await deps.storeMeter.measured(tenant.uid, rangeOfPrefix(storePrefix(tenant.uid)), client, deps.now())
        const measuredAt = timestamp(made.at)
        measured.push({ ...tenant, keys: made.keys, sizeBytes: made.bytes, measuredAt })
      } catch (error) {
        deps.log.warn(
          { tenant: tenant.name, error: explainError(error) },
          'the size of a tenant in its data store could not be read',
        )
        measured.push(tenant)
        isAway = hasCode(error, 'DATA_STORE_UNREACHABLE')
      }
    }
    return measured
  })
}

const deletingCondition = (store: DataStore, users: readonly TenantControlPlane[]) => {
  const names = users.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  const some = names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
  const message = `not deleted while tenants have their data here: ${some}. Delete them first`
  const observedGeneration = store.metadata.generation ?? 0
  return { type: 'Deleting', status: 'True', reason: 'InUse', message, observedGeneration } as const
}

const writeStatus = async (store: DataStore, status: DataStoreStatus, { kube, signal }: StoreDeps): Promise<void> => {
  if (hashOf(store.status ?? {}) === hashOf(status)) return
  await kube.replace(resourceTypes.dataStores, { ...store, status }, { subresource: 'status', signal })
}

const withoutFinalizer = async (store: DataStore, { kube, signal }: StoreDeps): Promise<void> => {
  const { finalizers = [], resourceVersion, name = '' } = store.metadata
  if (!finalizers.includes(dataStoreFinalizer)) return
  const left = finalizers.filter((each) => each !== dataStoreFinalizer)
  const body = { metadata: { finalizers: left, resourceVersion } }
  await kube.patch(resourceTypes.dataStores, { name }, body, { type: 'merge', signal })
}

const withFinalizer = async (store: DataStore, { kube, signal }: StoreDeps): Promise<DataStore> => {
  const { finalizers = [], resourceVersion, name = '' } = store.metadata
  if (store.metadata.deletionTimestamp || finalizers.includes(dataStoreFinalizer)) return store
  const body = { metadata: { finalizers: [...finalizers, dataStoreFinalizer], resourceVersion } }
  return kube.patch<DataStore>(resourceTypes.dataStores, { name }, body, { type: 'merge', signal })
}

/** Looks at one DataStore: whether it is safe to share, who has data in it and how much, and that it is not deleted meanwhile. Can be cut off anywhere. */
export const keepDataStore = async (name: string, deps: StoreDeps): Promise<Outcome> => {
  const { kube, signal } = deps
  const stored = await kube.get<DataStore>(resourceTypes.dataStores, { name }, { signal })
  if (!stored) return { kind: 'done' }
  const isDeleted = stored.metadata.deletionTimestamp !== undefined
  // Nobody is forgotten: what is removed now is not from memory.
  const all = isDeleted
    ? (await kube.list<TenantControlPlane>(resourceTypes.tenantControlPlanes, { signal })).items
    : deps.tenants()
  const users = usersOf(all, name)
  if (isDeleted && users.length === 0) {
    await withoutFinalizer(stored, deps)
    return { kind: 'done' }
  }
  const store = await withFinalizer(stored, deps)
  const { verdict, keys } = await judge(store, deps)
  const isReady = verdict.status === 'True'
  const tenants = await tenantsWithSizes(store, users, isReady ? keys : undefined, deps)
  const { status: truth, reason, message } = verdict
  const observedGeneration = store.metadata.generation ?? 0
  const ready = { type: 'Ready', status: truth, reason, message, observedGeneration } as const
  const before = (store.status?.conditions ?? []).filter(({ type }) => type !== 'Deleting') as Parameters<typeof setCondition>[0]
  const conditions = setCondition(before, ready, deps.now())
  const old = (store.status?.conditions ?? []).filter(({ type }) => type === 'Deleting') as Parameters<typeof setCondition>[0]
  const deleting = isDeleted ? setCondition(old, deletingCondition(store, users), deps.now()) : []
  const told = store.status?.conditions?.find(({ type }) => type === 'Ready')
  if (told?.reason !== reason) deps.tell(store, { type: isReady ? 'Normal' : 'Warning', reason, message })
  const [inUse] = deleting
  if (inUse && old.length === 0) deps.tell(store, { type: 'Warning', reason: inUse.reason, message: inUse.message })
  const size = verdict.sizeBytes === undefined ? store.status?.size : fileText(verdict.sizeBytes)
  const clusterID = store.status?.clusterID ?? (isReady ? verdict.clusterId : undefined)
  const endpoints = isReady ? store.spec.endpoints : store.status?.endpoints
  await writeStatus(
    store,
    {
      observedGeneration,
      conditions: [...conditions, ...deleting],
      ...(clusterID !== undefined && { clusterID }),
      ...(endpoints && { endpoints: [...endpoints] }),
      tenants,
      tenantCount: tenants.length,
      ...(size !== undefined && { size }),
    },
    deps,
  )
  return { kind: 'wait', reason, message, retryAfterMs: isReady ? checkMs.well : checkMs.unwell }
}
