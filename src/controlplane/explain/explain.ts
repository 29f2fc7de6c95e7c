import type { RotationSpec } from '../../apis/certificates.ts'
import type { DataStore } from '../../apis/data-store.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import { inForce } from '../../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient } from '../../kube/client.ts'
import { explainError, hasCode } from '../../lib/errors.ts'
import { controlPlaneLabel } from '../../tenancy/marks.ts'
import { controlPlaneNamespace } from '../../tenancy/names.ts'
import { firstSliceOf, slicesOf } from '../../tenancy/slices.ts'
import { flagsRefusal } from '../components/extra-args.ts'
import { type Plane, type RemotePlace, type RootsHashes, rootsHashOf } from '../components/plane.ts'
import { type Disk, disksIn, sizeRefusal } from '../data-stores/disk-plan.ts'
import { foundingPlan } from '../data-stores/members.ts'
import { notedPlan } from '../data-stores/store-plan.ts'
import { componentNames, etcdMembersConfig, storePrefix } from '../names.ts'
import { objectId, refOf } from '../observe.ts'
import { readClasses } from '../steps/disks.ts'
import { storageOf } from '../steps/foundation.ts'
import { pauseRefusalOf } from '../steps/pause.ts'
import { defaultRegistry } from '../versions.ts'
import { appliedChange, sizesOf } from './class-change.ts'
import { applyPatch, lastAppliedSpec, type Written, writtenIn } from './documents.ts'
import { type Effect, effectsOf, endsPods } from './effects.ts'

/** What a change of one tenant would do. */
export interface Explained {
  readonly namespace: string
  readonly name: string
  readonly isNew: boolean
  /** Why the API server, or the manager after it, would not do it, or not all of it. */
  readonly refusals: readonly string[]
  readonly effects: readonly Effect[]
}

interface Access {
  readonly client: KubeClient
  readonly signal: AbortSignal
}

const type = resourceTypes.tenantControlPlanes

/** The kinds that say how a control plane is at present. No Secret is among them. */
const read: readonly ResourceType[] = [
  resourceTypes.configMaps,
  resourceTypes.deployments,
  resourceTypes.persistentVolumeClaims,
  resourceTypes.statefulSets,
]

/** Addresses of documentation, for a tenant that has none yet: no answer shows them. */
const someSlice = '192.0.2.0/24'

const registryOf = (apiServer: KubeObject | undefined): string => {
  const image: unknown = apiServer?.spec?.template?.spec?.containers?.[0]?.image
  return typeof image === 'string' ? image.replace(/\/kube-apiserver:[^/]*$/, '') : defaultRegistry
}

const rootsHashesOf = (objects: ReadonlyMap<string, KubeObject>): RootsHashes => {
  const { etcd, kubeApiServer, kubeControllerManager } = componentNames
  const hashOf = (id: string): string => rootsHashOf(objects.get(id)) ?? ''
  return {
    [etcd]: hashOf(`StatefulSet/${etcd}`),
    [kubeApiServer]: hashOf(`Deployment/${kubeApiServer}`),
    [kubeControllerManager]: hashOf(`Deployment/${kubeControllerManager}`),
  }
}

/** A rotation of keys is under way: the API server writes down who comes. */
const watchesClients = (apiServer: KubeObject | undefined): boolean =>
  ((apiServer?.spec?.template?.spec?.containers?.[0]?.command ?? []) as readonly string[]).some((flag) =>
    flag.startsWith('--audit-policy-file='),
  )

/** Where a data store is that is not the tenant's own, without its keys. */
const remoteOf = async (
  { metadata, spec: { dataStore } }: TenantControlPlane,
  { client, signal }: Access,
): Promise<RemotePlace | undefined> => {
  const prefix = dataStore.prefix ?? storePrefix(metadata.uid ?? '')
  switch (dataStore.kind) {
    case 'dedicated':
      return undefined
    case 'external':
      return { endpoints: dataStore.endpoints ?? [], prefix }
    case 'shared': {
      const store = await client.get<DataStore>(resourceTypes.dataStores, { name: dataStore.name ?? '' }, { signal })
      return { endpoints: store?.status?.endpoints ?? store?.spec.endpoints ?? [], prefix }
    }
  }
}

/** The tenant with the size that its disks have: what could not be carried out is not how it is. */
const withNotedSize = (tenant: TenantControlPlane): TenantControlPlane => {
  const { kind, storageSize } = tenant.status?.dataStore ?? {}
  const { dataStore } = tenant.spec
  return kind === 'dedicated' && dataStore.kind === 'dedicated' && storageSize !== undefined
    ? { ...tenant, spec: { ...tenant.spec, dataStore: { ...dataStore, storageSize } } }
    : tenant
}

interface Present {
  readonly plane: Plane
  readonly disks: readonly Disk[]
}

/** The plane that a tenant has, as its objects in management say it: without its keys. */
const presentOf = async (tenant: TenantControlPlane, { client, signal }: Access): Promise<Present> => {
  const ref = refOf(tenant)
  const namespace = controlPlaneNamespace(ref)
  const labelSelector = `${controlPlaneLabel}=${ref.uid}`
  const [classes, ...lists] = await Promise.all([
    client.list(resourceTypes.storageClasses, { signal }),
    ...read.map(async (each) => (await client.list(each, { namespace, labelSelector, signal })).items),
  ])
  const objects = new Map(lists.flat().map((object) => [objectId(object), object]))
  const apiServer = objects.get(`Deployment/${componentNames.kubeApiServer}`)
  const slices = slicesOf(tenant.status)
  const ipv6Slice = firstSliceOf(slices, 'IPv6')
  const remote = await remoteOf(tenant, { client, signal })
  const plane: Plane = {
    tenant: ref,
    spec: tenant.spec,
    ...sizesOf(tenant),
    namespace,
    ...(tenant.status?.superCluster?.isApart && { isApart: true }),
    slice: tenant.status?.serviceSlice ?? tenant.spec.network.serviceSlice ?? someSlice,
    ...(ipv6Slice !== undefined && { ipv6Slice }),
    ...(remote && { remote }),
    storage: storageOf(tenant, { objects, storageClasses: classes.items }),
    store: notedPlan(tenant.spec, {
      config: objects.get(`ConfigMap/${etcdMembersConfig}`),
      workload: objects.get(`StatefulSet/${componentNames.etcd}`),
      claims: [...objects.values()].filter(({ kind }) => kind === 'PersistentVolumeClaim').length,
    }),
    registry: registryOf(apiServer),
    hasServed: true,
    rootsHashes: rootsHashesOf(objects),
    watchesClients: watchesClients(apiServer),
  }
  return { plane, disks: disksIn(objects.values()) }
}

/** True when the generation of keys before is to go. What reads them when it starts is started anew for that, and for another generation. */
const isCut = (before: RotationSpec, after: RotationSpec): boolean => before.old !== after.old && after.old !== 'Trust'

/** What is not known beforehand is another hash than before. */
const rotated = ({ rootsHashes, watchesClients: isRotating, spec }: Plane, { certificates }: Plane['spec']): RootsHashes => {
  const [before, after] = [spec.certificates, certificates]
  const authorities =
    before.authorities.generation !== after.authorities.generation || (isRotating && isCut(before.authorities, after.authorities))
  const tokenKeys = before.serviceAccountKeys.generation !== after.serviceAccountKeys.generation
  const next = (component: keyof RootsHashes, isOther: boolean): string =>
    isOther ? `${rootsHashes[component]} rotated` : rootsHashes[component]
  return {
    etcd: next('etcd', authorities),
    'kube-apiserver': next(
      'kube-apiserver',
      authorities || tokenKeys || isCut(before.serviceAccountKeys, after.serviceAccountKeys),
    ),
    'kube-controller-manager': next('kube-controller-manager', authorities || tokenKeys),
  }
}

/** The plane after a change: the same tenant with another spec, and as many members as that asks for. */
const changed = (before: Plane, spec: Plane['spec']): Plane => {
  const { replicas } = spec.dataStore
  const store = before.store.members.length === replicas ? before.store : { members: foundingPlan(replicas), isHeld: false }
  // Of disks that grow there is nothing left of the size before.
  const { storage } = before
  const grows = storage.kind === 'claim' && before.spec.dataStore.storageSize !== spec.dataStore.storageSize
  const { template: _, smallest: __, ...as } = storage.kind === 'claim' ? storage : {}
  return {
    ...before,
    spec,
    store,
    ...(grows && { storage: { ...as, kind: 'claim' as const } }),
    rootsHashes: rotated(before, spec),
  }
}

/** Why the disks do not get the size that is wanted. */
const sizeRefusalOf = async (
  { plane, disks }: Present,
  { dataStore }: Plane['spec'],
  { client, signal }: Access,
): Promise<string | undefined> => {
  const noted = plane.spec.dataStore
  if (dataStore.kind !== 'dedicated' || noted.kind !== 'dedicated' || dataStore.storageSize === noted.storageSize)
    return undefined
  const classes = await readClasses(disks, { kube: client, signal })
  return sizeRefusal({
    wanted: dataStore.storageSize,
    noted: noted.storageSize,
    storage: plane.storage.kind,
    disks,
    classes,
  })
}

/** Flags that are refused change nothing. */
const withoutRefused = (spec: Plane['spec'], before: Plane['spec']): Plane['spec'] => ({
  ...spec,
  ...(flagsRefusal.apiServer(spec) && { apiServer: { ...spec.apiServer, extraArgs: before.apiServer.extraArgs } }),
  ...(flagsRefusal.controllerManager(spec) && {
    controllerManager: { ...spec.controllerManager, extraArgs: before.controllerManager.extraArgs },
  }),
})

const withSizeOf = (spec: Plane['spec'], { dataStore: { storageSize } }: Plane['spec']): Plane['spec'] => ({
  ...spec,
  dataStore: { ...spec.dataStore, storageSize },
})

/** What the API server would store, or its words when it would not. Nothing is stored. */
const dryRun = async (
  { name, namespace, spec }: Written,
  live: TenantControlPlane | undefined,
  { client, signal }: Access,
): Promise<TenantControlPlane | string> => {
  try {
    if (!live) {
      const object = { apiVersion: 'berth.dev/v1alpha1', kind: type.kind, metadata: { name, namespace }, spec }
      return (await client.create<KubeObject>(type, object, { dryRun: true, signal })) as TenantControlPlane
    }
    const body = { spec: applyPatch(spec, lastAppliedSpec(live.metadata.annotations)) }
    return await client.patch<TenantControlPlane>(type, { name, namespace }, body, { type: 'merge', dryRun: true, signal })
  } catch (error) {
    if (hasCode(error, 'KUBE_INVALID', 'KUBE_BAD_REQUEST', 'KUBE_FORBIDDEN')) return explainError(error)
    throw error
  }
}

/** What `kubectl apply` of one document would do. Reads, and tries the change in the API server without its being stored. */
export const explainChange = async (written: Written, access: Access): Promise<Explained> => {
  const { name, namespace } = written
  const stored = await access.client.get<TenantControlPlane>(type, { name, namespace }, { signal: access.signal })
  const answer = await dryRun(written, stored, access)
  const about = { namespace, name, isNew: stored === undefined }
  if (typeof answer === 'string') return { ...about, refusals: [answer], effects: [] }
  const applied = await appliedChange(answer, stored, access)
  const classRefusal = applied.kind !== 'none' && applied.condition.status === 'False' ? applied.condition.message : undefined
  if (applied.kind === 'refused') return { ...about, refusals: [applied.condition.message], effects: [] }
  const wanted = applied.tenant
  const isMade = stored?.status?.serviceSlice !== undefined
  const present = await presentOf(stored ? withNotedSize(inForce(stored)) : wanted, access)
  const before = present.plane
  const diskRefusal = isMade ? await sizeRefusalOf(present, wanted.spec, access) : undefined
  let after = changed(
    { ...before, ...sizesOf(wanted) },
    diskRefusal === undefined ? wanted.spec : withSizeOf(wanted.spec, before.spec),
  )
  const pauseRefusal = isMade ? pauseRefusalOf({ tenant: { ...wanted, status: stored.status }, plane: after }) : undefined
  if (pauseRefusal !== undefined) after = { ...after, spec: { ...after.spec, state: 'Running' } }
  const refusals = [
    classRefusal,
    flagsRefusal.apiServer(after.spec),
    flagsRefusal.controllerManager(after.spec),
    pauseRefusal,
    diskRefusal,
  ]
  after = { ...after, spec: withoutRefused(after.spec, before.spec) }
  return {
    ...about,
    refusals: refusals.filter((refusal) => refusal !== undefined),
    effects: effectsOf(isMade ? before : undefined, after),
  }
}

/** The same for all documents of a text, in their order. Throws CONFIG_INVALID for a text that is not of TenantControlPlanes. */
export const explainChanges = async (
  { text, namespace, isForced, signal }: { text: string; namespace: string; isForced: boolean; signal: AbortSignal },
  client: KubeClient,
): Promise<(Explained & { effects: (Effect & { endsPods: boolean })[] })[]> => {
  const explained: Explained[] = []
  for (const written of writtenIn(text, { namespace, isForced })) explained.push(await explainChange(written, { client, signal }))
  return explained.map((each) => ({
    ...each,
    effects: each.effects.map((effect) => ({ ...effect, endsPods: endsPods(effect) })),
  }))
}
