import type { V1PodCondition } from './json-types.ts'
import type { Pod } from './pod.ts'

/** Conditions that only super's scheduler and kubelets set: without one in super there is none in the tenant. */
const superConditions: ReadonlySet<string> = new Set([
  'AllContainersRestarting',
  'ContainersReady',
  'Initialized',
  'PodReadyToStartContainers',
  'PodResizeInProgress',
  'PodResizePending',
  'PodScheduled',
  'Ready',
])

/** Condition types that somebody in the tenant owns: those of the pod's readiness gates. */
export const gateTypes = ({ spec }: Pick<Pod, 'spec'>): ReadonlySet<string> =>
  new Set((spec.readinessGates ?? []).map(({ conditionType }) => conditionType).filter((type) => !superConditions.has(type)))

const isScheduled = ({ type, status }: V1PodCondition): boolean => type === 'PodScheduled' && status === 'True'

/**
 * The tenant's conditions as a comparison takes them: a PodScheduled=True on both sides is the same, whichever API server noted the time, and one that a
 * Binding is about to set is there already.
 */
export const comparableConditions = (
  tenantConditions: readonly V1PodCondition[],
  wanted: readonly V1PodCondition[],
  { binding }: { readonly binding: boolean },
): readonly V1PodCondition[] => {
  const scheduled = wanted.find(isScheduled)
  if (!scheduled) return tenantConditions
  if (binding && !tenantConditions.some(({ type }) => type === 'PodScheduled')) return [...tenantConditions, scheduled]
  return tenantConditions.map((condition) =>
    condition.type === 'PodScheduled' && (binding || isScheduled(condition)) ? scheduled : condition,
  )
}

/**
 * Super's conditions, and beside them those that belong to the tenant. `staysScheduled`: the pod is made anew and has no node yet in super; in the tenant it
 * has kept its own.
 */
export const wantedConditions = (
  superConditionList: readonly V1PodCondition[],
  tenantConditions: readonly V1PodCondition[],
  { gates, staysScheduled }: { readonly gates: ReadonlySet<string>; readonly staysScheduled: boolean },
): readonly V1PodCondition[] => {
  const scheduled = staysScheduled ? tenantConditions.filter(isScheduled) : []
  const fromSuper = [
    ...scheduled,
    ...superConditionList.filter(({ type }) => !gates.has(type) && !(type === 'PodScheduled' && scheduled.length > 0)),
  ]
  const known = new Set(fromSuper.map(({ type }) => type))
  return [...fromSuper, ...tenantConditions.filter(({ type }) => !known.has(type) && !superConditions.has(type))]
}
