import type { Creation, SyncContext } from '../resource.ts'
import type { Pod } from './pod.ts'
import type { Refusal } from './refusal.ts'

type Context = Pick<SyncContext, 'classes' | 'isolation'>

/** The class that the pod runs in, as the tenant knows it: the forced one whatever it names, else what it names, else the tenant's default. */
export const chosenRuntimeClass = ({ spec }: Pod, { classes }: Pick<Context, 'classes'>): string | undefined =>
  classes.runtime.forced ?? (spec.runtimeClassName || classes.runtime.default)

/** A class that is there for certain is what keeps the tenant from the machine: a pod does not run without it. */
export const runtimeClassRefusal = (pod: Pod, { classes, isolation: { profile } }: Context): Refusal | undefined => {
  const { forced } = classes.runtime
  const name = chosenRuntimeClass(pod, { classes })
  if (profile === 'sandboxed' && forced === undefined) {
    const message = 'pods here are to run in a sandbox, and none is set up: the operator names it in sync.classes.runtime.forced'
    return { reason: 'RuntimeClassNeeded', message }
  }
  if (name === undefined || classes.allows('RuntimeClass', name)) return undefined
  if (name !== forced && name === pod.spec.runtimeClassName)
    return { reason: 'RuntimeClassNotAllowed', message: `spec.runtimeClassName: this tenant may not use ${name}` }
  const message = `pods here run in the runtime class ${name}, which the platform does not have: its operator has to make it`
  return { reason: 'RuntimeClassMissing', message }
}

/** The pod names a class and runs in another. */
export const runtimeClassNotes = ({ spec }: Pod, { classes }: Pick<Context, 'classes'>): Creation<Pod>['notes'] => {
  const { forced } = classes.runtime
  if (forced === undefined || !spec.runtimeClassName || spec.runtimeClassName === forced) return []
  const message = `spec.runtimeClassName: pods here run in ${forced}, not in ${spec.runtimeClassName}`
  return [{ reason: 'RuntimeClassForced', message }]
}
