import { knownFields } from './fields.ts'
import type { V1ContainerStatus, V1PodCondition } from './json-types.ts'
import { type AnyContainer, allContainers, type Pod } from './pod.ts'
import { containerStatusFields } from './status-fields.ts'

/** A container that waits for init containers that its tenant does not know of is just being created. */
const waitingState = ({ waiting, ...state }: NonNullable<V1ContainerStatus['state']>, hasInit: boolean): typeof state => ({
  ...state,
  ...(waiting && {
    waiting: waiting.reason === 'PodInitializing' && !hasInit ? { ...waiting, reason: 'ContainerCreating' } : waiting,
  }),
})

/** Statuses of containers that the tenant knows of, with mounts that it knows of; what was added in super stays out. */
export const knownStatuses = (
  statuses: readonly V1ContainerStatus[] | undefined,
  containers: readonly AnyContainer[] | undefined,
  { hasInit }: { readonly hasInit: boolean },
): V1ContainerStatus[] | undefined => {
  const byName = new Map(containers?.map((container) => [container.name, container]))
  const known = statuses?.flatMap((status) => {
    const container = byName.get(status.name)
    if (!container) return []
    const { volumeMounts, state, ...rest } = knownFields(status, containerStatusFields.fields)
    const own = volumeMounts?.filter(({ mountPath }) => container.volumeMounts?.some((mount) => mount.mountPath === mountPath))
    return [{ ...rest, ...(state && { state: waitingState(state, hasInit) }), ...(own && { volumeMounts: own }) }]
  })
  return known && known.length > 0 ? known : undefined
}

/** True for a container that has ended for good: no restart policy brings it back (`ContainerShouldRestart` in k8s.io/kubernetes/pkg/api/v1/pod). */
const hasEndedForGood = (
  { state }: V1ContainerStatus,
  container: AnyContainer | undefined,
  podPolicy: string | undefined,
): boolean => {
  const exitCode = state?.terminated?.exitCode
  if (exitCode === undefined || !container) return false
  const policy = ('restartPolicy' in container ? container.restartPolicy : undefined) ?? podPolicy
  return policy === 'Never' || (policy === 'OnFailure' && exitCode === 0)
}

/**
 * What ended for good runs once more in a pod that was put to sleep and made anew. The API server takes no status that says so: until it has ended
 * again, the tenant keeps what it knows.
 */
export const keptEnds = (
  statuses: V1ContainerStatus[] | undefined,
  before: readonly V1ContainerStatus[] | undefined,
  { spec }: Pick<Pod, 'spec'>,
): V1ContainerStatus[] | undefined => {
  const containers = allContainers(spec)
  // Rules restart also what has ended well, in other containers than their own too (KEP-5307, KEP-5532).
  if (containers.some((container) => 'restartPolicyRules' in container && container.restartPolicyRules)) return statuses
  return statuses?.map((status) => {
    const old = before?.find(({ name }) => name === status.name)
    const container = containers.find(({ name }) => name === status.name)
    return old && !status.state?.terminated && hasEndedForGood(old, container, spec.restartPolicy) ? old : status
  })
}

/** Names of containers that were added in super: by its webhooks, or by the syncer itself. */
export const addedContainers = (superPod: Pod, tenantPod: Pod): ReadonlySet<string> => {
  const own = new Set(allContainers(tenantPod.spec).map(({ name }) => name))
  return new Set(
    allContainers(superPod.spec)
      .map(({ name }) => name)
      .filter((name) => !own.has(name)),
  )
}

/** As the kubelet lists containers in the messages of conditions: `containers with unready status: [a b]`. */
const listed = /containers with [a-z]+ status: \[([^\]]*)\]/g

/** A condition that names none of these containers. Initialized holds when all that it waits for is unknown to the tenant. */
export const withoutContainers = (condition: V1PodCondition, added: ReadonlySet<string>): V1PodCondition => {
  if (added.size === 0 || !condition.message) return condition
  const message = condition.message
    .split(', ')
    .map((clause) =>
      clause.replace(listed, (whole: string, names: string) => {
        const left = names.split(' ').filter((name) => !added.has(name))
        return left.length > 0 ? whole.replace(`[${names}]`, `[${left.join(' ')}]`) : ''
      }),
    )
    .filter((clause) => clause !== '')
    .join(', ')
  if (message === condition.message) return condition
  const { message: _told, ...rest } = condition
  if (message !== '') return { ...rest, message }
  if (condition.type !== 'Initialized') return rest
  const { reason: _reason, ...fulfilled } = rest
  return { ...fulfilled, status: 'True' }
}

/** True for an Event about a container that was added in super: the tenant has none of that name. */
export const isAboutAddedContainer = (fieldPath: string | undefined, tenantPod: Pod): boolean => {
  const [, name] = /^spec\.(?:initContainers|containers|ephemeralContainers)\{([^}]*)\}$/.exec(fieldPath ?? '') ?? []
  return name !== undefined && !allContainers(tenantPod.spec).some((container) => container.name === name)
}
