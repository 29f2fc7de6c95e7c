import type { SyncContext } from '../resource.ts'
import type { V1Container } from './json-types.ts'
import type { Pod } from './pod.ts'
import { bytesOf } from './quantity.ts'

type Quantities = Readonly<Record<string, string>>
type Defaults = Pick<SyncContext['isolation']['quota'], 'containerRequests' | 'containerLimits'>

const larger = (a: string, b: string | undefined): string => (b !== undefined && bytesOf(b) > bytesOf(a) ? b : a)

/** What a container says stays as it is. A limit is never below what is asked for, and what has a limit of its own asks for as much, as everywhere. */
const withDefaults = (container: V1Container, { containerRequests, containerLimits }: Defaults): V1Container => {
  const { requests = {}, limits = {} } = (container.resources ?? {}) as { requests?: Quantities; limits?: Quantities }
  const asked = { ...containerLimits, ...containerRequests, ...limits, ...requests }
  const limited = {
    ...Object.fromEntries(Object.entries(containerLimits).map(([name, limit]) => [name, larger(limit, asked[name])])),
    ...limits,
  }
  return {
    ...container,
    resources: {
      ...container.resources,
      ...(Object.keys(asked).length > 0 && { requests: asked }),
      ...(Object.keys(limited).length > 0 && { limits: limited }),
    },
  }
}

/**
 * A super pod whose containers have the requests and limits that they do not say, as with a LimitRange. Only at its creation: another default changes no
 * pod that is there, and no size is drift. What is said of the whole pod (KEP-2837) is its size already.
 */
export const withDefaultResources = (superPod: Pod, { quota }: Pick<SyncContext['isolation'], 'quota'>): Pod => {
  const { spec } = superPod
  const none = Object.keys(quota.containerRequests).length + Object.keys(quota.containerLimits).length === 0
  if (none || spec.resources) return superPod
  const sized = (container: V1Container): V1Container => withDefaults(container, quota)
  return {
    ...superPod,
    spec: {
      ...spec,
      containers: spec.containers.map(sized),
      ...(spec.initContainers && { initContainers: spec.initContainers.map(sized) }),
    },
  }
}
