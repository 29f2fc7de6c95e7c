import type { KubeObject } from '../apis/kube-object.ts'
import { quantityValue } from '../apis/quantity.ts'

/** What a pod has reserved on its node. */
export interface Reserved {
  /** Milli-cores. */
  readonly cpu: number
  /** Bytes. */
  readonly memory: number
}

interface WithResources {
  readonly restartPolicy?: unknown
  readonly resources?: { readonly requests?: Readonly<Record<string, unknown>> }
}

const none: Reserved = { cpu: 0, memory: 0 }

/** A quantity in whole units; what cannot be read is none. */
const whole = (text: unknown, units: number): number => {
  const value = typeof text === 'string' || typeof text === 'number' ? quantityValue(String(text)) * units : Number.NaN
  return Number.isFinite(value) && value > 0 ? Math.min(Math.round(value), Number.MAX_SAFE_INTEGER) : 0
}

const reservedBy = (list: Readonly<Record<string, unknown>> | undefined): Reserved => ({
  cpu: whole(list?.['cpu'], 1000),
  memory: whole(list?.['memory'], 1),
})

const sum = (a: Reserved, b: Reserved): Reserved => ({ cpu: a.cpu + b.cpu, memory: a.memory + b.memory })
const most = (a: Reserved, b: Reserved): Reserved => ({ cpu: Math.max(a.cpu, b.cpu), memory: Math.max(a.memory, b.memory) })

/**
 * As the scheduler counts it (component-helpers, resource.PodRequests): all containers and sidecars together, or what an init container asks for with the sidecars
 * before it, whichever is more; what the pod as a whole asks for instead, where it does; and the overhead of its runtime class.
 */
export const podRequests = ({ spec = {} }: KubeObject): Reserved => {
  const requestsOf = ({ resources }: WithResources) => reservedBy(resources?.requests)
  const inits: readonly WithResources[] = spec.initContainers ?? []
  let sidecars = none
  let starting = none
  for (const each of inits) {
    if (each.restartPolicy === 'Always') sidecars = sum(sidecars, requestsOf(each))
    starting = most(starting, each.restartPolicy === 'Always' ? sidecars : sum(sidecars, requestsOf(each)))
  }
  const containers: readonly WithResources[] = spec.containers ?? []
  const running = containers.reduce((total, each) => sum(total, requestsOf(each)), sidecars)
  const ofContainers = most(running, starting)
  const asWhole: Readonly<Record<string, unknown>> = spec.resources?.requests ?? {}
  const ofPod = reservedBy(asWhole)
  const own = {
    cpu: 'cpu' in asWhole ? ofPod.cpu : ofContainers.cpu,
    memory: 'memory' in asWhole ? ofPod.memory : ofContainers.memory,
  }
  return sum(own, reservedBy(spec.overhead))
}

/** True while a pod has its place on a node. */
export const holdsPlace = ({ spec, status }: KubeObject): boolean =>
  typeof spec?.nodeName === 'string' && spec.nodeName !== '' && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'

/** Bytes of a claim, once it is bound. */
export const claimBytes = ({ status }: KubeObject): number =>
  status?.phase === 'Bound' ? whole(status.capacity?.['storage'], 1) : 0
