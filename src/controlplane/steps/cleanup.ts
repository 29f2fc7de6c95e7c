import type { Condition } from '../../apis/conditions.ts'
import { setCondition } from '../../apis/conditions.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient } from '../../kube/client.ts'
import { explainError } from '../../lib/errors.ts'
import type { Outcome } from '../../runtime/controller.ts'
import { agentRecordRef } from '../../tenancy/agent-record.ts'
import { controlPlaneLabel, orphanSuperAnnotation, tenantFinalizer, tenantLabel } from '../../tenancy/marks.ts'
import { kubeconfigSecretName, superDoorName, tenantIdentityNamespace } from '../../tenancy/names.ts'
import { allOf } from '../apply.ts'
import type { Deps } from '../deps.ts'
import { refOf } from '../observe.ts'
import { isSameStatus } from '../status.ts'
import { superOfTenant } from '../super-cluster.ts'
import { removeStoreData } from './remove-store-data.ts'
import { releaseSlices } from './slice-claims.ts'

/** How long a namespace may take to go before the deletion goes on without it: it goes on by itself, and nobody can make a new one of its name. */
const namespaceDeadlineMs = 120_000

type Waiting = { readonly reason: string; readonly message: string }

const names = (all: readonly string[]): string =>
  all.length > 3 ? `${all.slice(0, 3).join(', ')} and ${all.length - 3} more` : all.join(', ')

/** Namespaces of a cluster, by label, that are still there. Deletes them; those beyond their deadline are told and no longer waited for. */
const removeNamespaces = async (
  labelSelector: string,
  { tenant, kube }: { readonly tenant: TenantControlPlane; readonly kube: KubeClient },
  { signal, now, tell }: Deps,
): Promise<readonly string[]> => {
  const { items } = await kube.list(resourceTypes.namespaces, { labelSelector, metadataOnly: true, signal })
  const left: string[] = []
  for (const { metadata } of items) {
    const name = metadata.name ?? ''
    if (!metadata.deletionTimestamp) {
      await kube.delete(resourceTypes.namespaces, { name }, { ...(metadata.uid && { uid: metadata.uid }), signal })
    } else if (now().getTime() - Date.parse(metadata.deletionTimestamp) > namespaceDeadlineMs) {
      const message = `namespace ${name} is still being deleted after ${namespaceDeadlineMs / 1000} s; the deletion goes on without waiting. Look at its status`
      tell(tenant, { type: 'Warning', reason: 'NamespaceSlow', message })
      continue
    }
    left.push(name)
  }
  return left
}

/** A pod that is this much beyond its grace period is on a node that does not answer. */
const overdueMs = 15_000
/** However long pods ask to be given: from then on their namespaces wait for them, within a limit of their own. */
const podsFirstMs = 45_000
/** A control plane that goes has nothing to bring to an end. Not zero, which would take pods off the books while they still run. */
const planeGraceSeconds = 1

const isOnItsWay = ({ metadata }: KubeObject, now: number): boolean =>
  metadata.deletionTimestamp === undefined || now < Date.parse(metadata.deletionTimestamp) + overdueMs

const namespacesOf = (objects: readonly KubeObject[]): readonly string[] => [
  ...new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? [])),
]

/** The longest time, in seconds, that a pod of the tenant has to end: as long as Kubernetes gives one that asks for nothing. */
const podGraceSeconds = 30

/**
 * Tells all pods to go and gives those that are still to be waited for. A namespace with pods would wait by super's clock, which looks again after half of
 * the longest grace period among them; without, it goes at once. Only what is in namespaces of the tenant is touched, whatever labels others write.
 */
const removePods = async (
  tenant: TenantControlPlane,
  superKube: KubeClient | undefined,
  { kube, signal, now }: Deps,
): Promise<readonly KubeObject[]> => {
  const { uid = '' } = tenant.metadata
  const podsWith = async (label: string, of: KubeClient): Promise<readonly KubeObject[]> => {
    const labelled = { labelSelector: `${label}=${uid}`, metadataOnly: true, signal }
    const [pods, namespaces] = await Promise.all([
      of.list(resourceTypes.pods, labelled),
      of.list(resourceTypes.namespaces, labelled),
    ])
    const names = new Set(namespaces.items.map(({ metadata }) => metadata.name))
    return pods.items.filter(({ metadata }) => names.has(metadata.namespace))
  }
  const [own, plane] = await Promise.all([superKube ? podsWith(tenantLabel, superKube) : [], podsWith(controlPlaneLabel, kube)])
  const graceOf = ({ metadata }: KubeObject): number =>
    metadata.deletionTimestamp === undefined ? Infinity : (metadata.deletionGracePeriodSeconds ?? 0)
  const untold = own.filter((pod) => graceOf(pod) === Infinity)
  // The API server only ever shortens what a pod has left: those that ask for less keep it.
  const tooLong = own.filter((pod) => graceOf(pod) > podGraceSeconds && graceOf(pod) < Infinity)
  const ownLabel = { labelSelector: `${tenantLabel}=${uid}`, signal }
  const planeLabel = { labelSelector: `${controlPlaneLabel}=${uid}`, signal }
  await allOf([
    ...namespacesOf(untold).map(async (namespace) => {
      await superKube?.deleteCollection(resourceTypes.pods, { namespace, ...ownLabel })
      // They go with the last pod that uses them.
      await superKube?.deleteCollection(resourceTypes.persistentVolumeClaims, { namespace, ...ownLabel })
    }),
    ...namespacesOf(tooLong).map(async (namespace) => {
      await superKube?.deleteCollection(resourceTypes.pods, { namespace, ...ownLabel, gracePeriodSeconds: podGraceSeconds })
    }),
    ...namespacesOf(plane.filter((pod) => graceOf(pod) > planeGraceSeconds)).map(async (namespace) => {
      // Whoever would make them anew first.
      await allOf(
        [resourceTypes.deployments, resourceTypes.replicaSets, resourceTypes.statefulSets].map((type) =>
          kube.deleteCollection(type, { namespace, ...planeLabel }),
        ),
      )
      await kube.deleteCollection(resourceTypes.pods, { namespace, ...planeLabel, gracePeriodSeconds: planeGraceSeconds })
      // etcd's; nothing else is in this namespace that has any.
      await kube.deleteCollection(resourceTypes.persistentVolumeClaims, { namespace, signal })
    }),
  ])
  return [...own, ...plane].filter((pod) => isOnItsWay(pod, now().getTime()))
}

/** The pods to wait for, if there is still time to. What super refuses then holds up the namespaces no longer, which have a limit of their own. */
const podsToWaitFor = async (
  tenant: TenantControlPlane,
  superKube: KubeClient | undefined,
  deps: Deps,
): Promise<readonly KubeObject[]> => {
  const isLate = deps.now().getTime() > Date.parse(tenant.metadata.deletionTimestamp ?? '') + podsFirstMs
  try {
    const pods = await removePods(tenant, superKube, deps)
    return isLate ? [] : pods
  } catch (error) {
    if (!isLate) throw error
    const message = `pods cannot be told to end: ${explainError(error)}`
    deps.tell(tenant, { type: 'Warning', reason: 'PodsNotRemoved', message })
    return []
  }
}

/** The operator's word: the tenant goes, and what super has of it stays there. */
const isOrphaned = ({ metadata }: TenantControlPlane): boolean => metadata.annotations?.[orphanSuperAnnotation] === 'true'

/** What a person has to do in a super cluster that could not be asked. */
const leftText = ({ metadata }: TenantControlPlane): string => {
  const label = `${tenantLabel}=${metadata.uid}`
  const plane = `${controlPlaneLabel}=${metadata.uid}`
  return `the tenant is gone, and its super cluster could not be asked to remove what it has: pods, volumes and addresses stay. When it is back, there: kubectl delete namespaces -l ${label}; kubectl delete ipaddresses -l ${plane}; kubectl delete services,endpointslices,configmaps -n ${tenantIdentityNamespace} -l ${plane}`
}

type SuperForRemoval =
  /** `unused`: away, and nothing but perhaps a claim of addresses is there. */
  { readonly kind: 'here' | 'unused' } | { readonly kind: 'away'; readonly waiting: Waiting }

/** Whether super can be asked to remove what it has. Addresses are claimed there before anything is recorded. */
const superForRemoval = async (tenant: TenantControlPlane, { superCluster, signal }: Deps): Promise<SuperForRemoval> => {
  const { status = {} } = tenant
  const found = superOfTenant(status, await superCluster.look(signal), superCluster.isApart)
  const trouble = found.kind === 'refused' ? found.error.message : found.trouble
  if (trouble === undefined) return { kind: 'here' }
  if (status.serviceSlice === undefined) return { kind: 'unused' }
  const reason = found.kind === 'refused' && found.error.code === 'SUPER_MISMATCH' ? 'SuperMismatch' : 'SuperUnreachable'
  return away(tenant, reason, trouble)
}

const away = ({ metadata }: TenantControlPlane, reason: string, trouble: string): Extract<SuperForRemoval, { kind: 'away' }> => {
  const word = `kubectl annotate tenantcontrolplane ${metadata.name} -n ${metadata.namespace} ${orphanSuperAnnotation}=true`
  const message = `${trouble}. The deletion waits with what the tenant has there. To let the tenant go and leave that behind: ${word}`
  return { kind: 'away', waiting: { reason, message } }
}

/** The last things that say in super whose it was. */
const removeMarks = async ({ metadata }: TenantControlPlane, superKube: KubeClient, deps: Deps): Promise<void> => {
  const { superCluster, signal } = deps
  const uid = metadata.uid ?? ''
  if (superCluster.isApart) {
    const door = { namespace: tenantIdentityNamespace, name: superDoorName(uid) }
    await superKube.delete(resourceTypes.services, door, { signal })
    await superKube.delete(resourceTypes.endpointSlices, door, { signal })
  }
  await releaseSlices(uid, deps)
  // vn-agent believes no token of the tenant from here on.
  await superKube.delete(resourceTypes.configMaps, agentRecordRef(uid), { signal })
}

/**
 * What is removed in super, by `work`. A super cluster apart that refuses or does not answer keeps nothing in management from going: `onRefusal` is told, and the
 * deletion waits with that part, or goes without it on a word.
 */
const inSuperCluster = async <T>(
  work: () => Promise<T>,
  otherwise: T,
  { superCluster, onRefusal }: Pick<Deps, 'superCluster'> & { readonly onRefusal: (why: string) => void },
): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    if (!superCluster.isApart) throw error
    onRefusal(explainError(error))
    return otherwise
  }
}

/** What the deletion waits for; undefined when nothing is left. In this order: what runs, then where it ran, then the way in. */
const removeAll = async (tenant: TenantControlPlane, deps: Deps): Promise<Waiting | undefined> => {
  const ref = refOf(tenant)
  let inSuper = await superForRemoval(tenant, deps)
  const superKube = inSuper.kind === 'here' ? deps.superCluster.kube : undefined
  const guard = {
    superCluster: deps.superCluster,
    onRefusal: (why: string): void => {
      inSuper = away(tenant, 'SuperRefuses', `the super cluster does not let what the tenant has there be removed: ${why}`)
    },
  }
  const pods = await podsToWaitFor(tenant, superKube, deps)
  if (pods.length > 0) {
    const left = pods.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
    return { reason: 'RemovingWorkloads', message: `waits for pods to end: ${names(left)}` }
  }
  const [superNamespaces, planes, data] = await Promise.all([
    superKube
      ? inSuperCluster(() => removeNamespaces(`${tenantLabel}=${ref.uid}`, { tenant, kube: superKube }, deps), [], guard)
      : [],
    removeNamespaces(`${controlPlaneLabel}=${ref.uid}`, { tenant, kube: deps.kube }, deps),
    // Nobody writes there any more.
    removeStoreData(tenant, deps),
  ])
  if (superNamespaces.length > 0) {
    return { reason: 'RemovingWorkloads', message: `waits for namespaces of the tenant's pods to go: ${names(superNamespaces)}` }
  }
  if (planes.length > 0) return { reason: 'RemovingControlPlane', message: `waits for namespace ${names(planes)} to go` }
  if (data) return data

  if (superKube && inSuper.kind === 'here') await inSuperCluster(() => removeMarks(tenant, superKube, deps), undefined, guard)
  if (inSuper.kind === 'away') {
    if (!isOrphaned(tenant)) return inSuper.waiting
    deps.tell(tenant, { type: 'Warning', reason: 'SuperLeft', message: leftText(tenant) })
  }
  const secret = { name: kubeconfigSecretName(ref.name), namespace: ref.namespace }
  const published = await deps.kube.get(resourceTypes.secrets, secret, { signal: deps.signal })
  if (published?.metadata.labels?.[controlPlaneLabel] === ref.uid) {
    await deps.kube.delete(resourceTypes.secrets, secret, {
      ...(published.metadata.uid && { uid: published.metadata.uid }),
      signal: deps.signal,
    })
  }
  return undefined
}

const deletingStatus = (tenant: TenantControlPlane, { reason, message }: Waiting, now: Date) => {
  const observedGeneration = tenant.metadata.generation ?? 0
  const deleting = { type: 'Deleting', status: 'True', reason, message, observedGeneration } as const
  const notReady = { type: 'Ready', status: 'False', reason: 'Deleting', message, observedGeneration } as const
  const conditions: readonly Condition[] = setCondition(
    setCondition(tenant.status?.conditions ?? [], deleting, now),
    notReady,
    now,
  )
  return { ...tenant.status, observedGeneration, conditions: [...conditions] }
}

/** Takes a tenant away. The tenant's own API server is not asked: a dead one stops nothing. The syncer stops at the deletionTimestamp. */
export const removeTenant = async (tenant: TenantControlPlane, deps: Deps): Promise<Outcome> => {
  const { kube, signal, now, tell, tenantClients } = deps
  if (!tenant.metadata.finalizers?.includes(tenantFinalizer)) return { kind: 'done' }
  await tenantClients.forget(tenant.metadata.uid ?? '')
  const waiting = await removeAll(tenant, deps)
  if (waiting) {
    const status = deletingStatus(tenant, waiting, now())
    if (!isSameStatus(tenant.status, status)) {
      await kube.replace(resourceTypes.tenantControlPlanes, { ...tenant, status }, { subresource: 'status', signal })
      const told = tenant.status?.conditions?.find(({ type }) => type === 'Deleting')?.reason
      if (told !== waiting.reason) tell(tenant, { type: 'Normal', reason: waiting.reason, message: waiting.message })
    }
    // That super is back is told by no watch.
    return { kind: 'wait', ...waiting, retryAfterMs: waiting.reason.startsWith('Super') ? 5000 : 500 }
  }
  const finalizers = tenant.metadata.finalizers.filter((name) => name !== tenantFinalizer)
  const body = { metadata: { finalizers, resourceVersion: tenant.metadata.resourceVersion } }
  await kube.patch(resourceTypes.tenantControlPlanes, { name: '', ...tenant.metadata }, body, { type: 'merge', signal })
  return { kind: 'done' }
}
