import { superNamespace } from '../../tenancy/names.ts'
import type { SyncContext, TenantWrite } from '../resource.ts'
import { mergePatch } from '../resources/merge-patch.ts'
import { mapMessages, tenantText } from '../resources/tenant-text.ts'
import { comparableConditions, gateTypes, wantedConditions } from './conditions.ts'
import { fieldsWith, knownFields } from './fields.ts'
import type { V1PodCondition, V1PodStatus } from './json-types.ts'
import { addedContainers, keptEnds, knownStatuses, withoutContainers } from './known-containers.ts'
import type { Pod } from './pod.ts'
import { podConditionFields, podStatusFields } from './status-fields.ts'

/** The part of a status that has a rule; what is newer stays as the tenant's API server has it. */
const classified = (status: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(status).filter(([field]) => Object.hasOwn(podStatusFields.fields, field)))

/** A generation that super's kubelet has observed, told in the tenant's count. Undefined as long as super has none to tell. */
const tenantGeneration = (
  observed: number | undefined,
  superPod: Pod,
  tenantPod: Pod,
  before: number | undefined,
): number | undefined => {
  if (observed === undefined) return before
  return observed >= (superPod.metadata.generation ?? 0) ? (tenantPod.metadata.generation ?? before) : before
}

const withGeneration = (condition: V1PodCondition, superPod: Pod, tenantPod: Pod): V1PodCondition => {
  if (condition.observedGeneration === undefined) return condition
  const { observedGeneration, ...rest } = condition
  const before = tenantPod.status?.conditions?.find(({ type }) => type === condition.type)?.observedGeneration
  const generation = tenantGeneration(observedGeneration, superPod, tenantPod, before)
  return { ...rest, ...(generation !== undefined && { observedGeneration: generation }) }
}

/** The status that the tenant's pod should have: super's, in the tenant's words, of the tenant's containers. */
export const wantedStatus = (superPod: Pod, tenantPod: Pod, ctx: SyncContext): V1PodStatus => {
  const { namespace = '', uid = '' } = tenantPod.metadata
  const text = tenantText({
    namespace,
    superNamespaceName: superPod.metadata.namespace ?? superNamespace(ctx.tenant, namespace),
    uids: [[superPod.metadata.uid ?? '', uid]],
  })
  const superStatus: V1PodStatus = superPod.status ?? {}
  const tenantStatus: V1PodStatus = tenantPod.status ?? {}
  const { spec } = tenantPod
  const observedGeneration = tenantGeneration(
    superStatus.observedGeneration,
    superPod,
    tenantPod,
    tenantStatus.observedGeneration,
  )
  // A pod on its node has no nomination any more, and the API server takes none.
  const nominatedNodeName = superPod.spec.nodeName ? undefined : superStatus.nominatedNodeName
  const hasInit = (spec.initContainers ?? []).length > 0
  const containerStatuses = keptEnds(
    knownStatuses(superStatus.containerStatuses, spec.containers, { hasInit }),
    tenantStatus.containerStatuses,
    tenantPod,
  )
  const initContainerStatuses = keptEnds(
    knownStatuses(superStatus.initContainerStatuses, spec.initContainers, { hasInit }),
    tenantStatus.initContainerStatuses,
    tenantPod,
  )
  const ephemeralContainerStatuses = knownStatuses(superStatus.ephemeralContainerStatuses, spec.ephemeralContainers, { hasInit })
  const added = addedContainers(superPod, tenantPod)
  const conditions = wantedConditions(
    (superStatus.conditions ?? []).map((condition) =>
      withGeneration(withoutContainers(knownFields(condition, podConditionFields.fields), added), superPod, tenantPod),
    ),
    tenantStatus.conditions ?? [],
    { gates: gateTypes(tenantPod), staysScheduled: Boolean(spec.nodeName) && !superPod.spec.nodeName },
  )
  return mapMessages(
    {
      ...fieldsWith(tenantStatus, podStatusFields.fields, 'drop'),
      ...fieldsWith(superStatus, podStatusFields.fields, 'pass'),
      ...(superStatus.message && { message: superStatus.message }),
      ...(observedGeneration !== undefined && { observedGeneration }),
      ...(nominatedNodeName && { nominatedNodeName }),
      ...(conditions.length > 0 && { conditions: [...conditions] }),
      ...(containerStatuses && { containerStatuses }),
      ...(initContainerStatuses && { initContainerStatuses }),
      ...(ephemeralContainerStatuses && { ephemeralContainerStatuses }),
    },
    text,
  )
}

const byType = (conditions: readonly V1PodCondition[]): V1PodCondition[] =>
  conditions.toSorted((a, b) => (a.type < b.type ? -1 : 1))

/**
 * The writes by which the tenant sees where its pod runs and how it fares: a Binding once super has a node, a status patch when something differs beyond
 * what the Binding itself sets.
 */
export const podToTenant = (superPod: Pod, tenantPod: Pod, ctx: SyncContext): readonly TenantWrite[] => {
  const node = superPod.spec.nodeName
  const binding = Boolean(node) && !tenantPod.spec.nodeName
  // The API server binds no pod that is being deleted.
  const bind: readonly TenantWrite[] =
    node && binding && tenantPod.metadata.deletionTimestamp === undefined ? [{ kind: 'bind', node }] : []

  const wanted = wantedStatus(superPod, tenantPod, ctx)
  const wantedList = wanted.conditions ?? []
  const status: V1PodStatus = tenantPod.status ?? {}
  const present = comparableConditions(status.conditions ?? [], wantedList, { binding: bind.length > 0 })
  const patch = mergePatch(
    { ...classified(status), conditions: byType(present) },
    { ...wanted, conditions: byType(wantedList) },
  ) as Record<string, unknown> | undefined
  return patch
    ? [...bind, { kind: 'status', status: { ...patch, ...('conditions' in patch && { conditions: wantedList }) } }]
    : bind
}
