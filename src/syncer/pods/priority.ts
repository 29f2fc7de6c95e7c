import type { Creation, SyncContext } from '../resource.ts'
import type { Pod } from './pod.ts'

/** Classes of what a cluster itself cannot do without: no list of classes gives them to a tenant. */
const systemClasses: ReadonlySet<string> = new Set(['system-cluster-critical', 'system-node-critical'])

/** The pod's priority class, when it is one of super's that the tenant may use. */
export const usablePriorityClass = (
  { spec: { priorityClassName } }: Pod,
  { classes }: Pick<SyncContext, 'classes'>,
): string | undefined =>
  priorityClassName && !systemClasses.has(priorityClassName) && classes.allows('PriorityClass', priorityClassName)
    ? priorityClassName
    : undefined

/** Its class counts for nothing where it runs. */
export const priorityNotes = (pod: Pod, ctx: Pick<SyncContext, 'classes'>): Creation<Pod>['notes'] => {
  const { priorityClassName } = pod.spec
  if (!priorityClassName || usablePriorityClass(pod, ctx) !== undefined) return []
  const message = `spec.priorityClassName: ${priorityClassName} counts in this cluster only; where the pod runs it has the usual priority`
  return [{ reason: 'PriorityNotInSuper', message }]
}
