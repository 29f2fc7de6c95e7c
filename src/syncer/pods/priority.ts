import type { Creation, SyncContext } from '../resource.ts'
import type { Pod } from './pod.ts'

/** The pod's priority class, when it is one of super's that the tenant may use. */
export const superPriorityClass = (
  { spec: { priorityClassName } }: Pod,
  { classes }: Pick<SyncContext, 'classes'>,
): string | undefined => (priorityClassName && classes.allows('PriorityClass', priorityClassName) ? priorityClassName : undefined)

/** What the tenant's user should know of a pod that goes down all the same. */
export const podNotes = (pod: Pod, ctx: Pick<SyncContext, 'classes'>): Creation<Pod>['notes'] => {
  const { priorityClassName } = pod.spec
  if (!priorityClassName || superPriorityClass(pod, ctx) !== undefined) return []
  const message = `spec.priorityClassName: ${priorityClassName} counts in this cluster only; where the pod runs it has the usual priority`
  return [{ reason: 'PriorityNotInSuper', message }]
}
