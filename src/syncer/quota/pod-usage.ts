import type { KubeObject } from '../../apis/kube-object.ts'
import { type Amounts, add, amountsOf, largest, one } from './amounts.ts'

type Quantities = Readonly<Record<string, string>> | undefined
interface Resources {
  readonly requests?: Quantities
  readonly limits?: Quantities
}
interface Container {
  readonly name: string
  readonly resources?: Resources
  readonly restartPolicy?: string
}
interface Status {
  readonly name: string
  readonly resources?: Resources
  readonly allocatedResources?: Quantities
}

/** What is read of a pod: what the cache of super keeps has all of it. */
interface Sized {
  readonly containers?: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly resources?: Resources
  readonly overhead?: Quantities
}

/**
 * What all containers come to at the moment that takes the most: main containers and sidecars run together; an init container runs beside the sidecars
 * that stand before it (k8s.io/component-helpers, resource/helpers.go).
 */
const together = (spec: Sized, of: (container: Container) => Quantities): Map<string, bigint> => {
  const sum = new Map<string, bigint>()
  for (const container of spec.containers ?? []) add(sum, amountsOf(of(container)))
  const sidecars = new Map<string, bigint>()
  let init: Amounts = new Map()
  for (const container of spec.initContainers ?? []) {
    const amounts = amountsOf(of(container))
    if (container.restartPolicy === 'Always') {
      add(sum, amounts)
      add(sidecars, amounts)
      init = largest(init, sidecars)
    } else {
      add(amounts, sidecars)
      init = largest(init, amounts)
    }
  }
  return largest(sum, init)
}

/** Names that can be said of a pod as a whole (KEP-2837). */
const isPodLevel = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')

const setPodLevel = (sum: Map<string, bigint>, level: Quantities): void => {
  for (const [name, amount] of amountsOf(level)) if (isPodLevel(name)) sum.set(name, amount)
}

/** Requests and limits of a whole pod as the API counts them. While it is resized the larger of what it has and what it asks for. */
const podResources = ({ spec = {}, status = {} }: KubeObject): { readonly requests: Amounts; readonly limits: Amounts } => {
  const sized = spec as Sized
  const statuses = new Map(
    [...((status.containerStatuses ?? []) as Status[]), ...((status.initContainerStatuses ?? []) as Status[])].map((each) => [
      each.name,
      each,
    ]),
  )
  const conditions = (status.conditions ?? []) as readonly { readonly type: string; readonly reason?: string }[]
  const cannotBe = conditions.find(({ type }) => type === 'PodResizePending')?.reason === 'Infeasible'
  const asked = (resources: Resources | undefined, what: keyof Resources): Quantities => resources?.[what]
  const without = (resources: Resources | undefined, what: keyof Resources): Quantities =>
    cannotBe ? undefined : resources?.[what]
  const requests = largest(
    cannotBe ? new Map() : together(sized, ({ resources }) => asked(resources, 'requests')),
    together(sized, ({ name, resources }) => statuses.get(name)?.allocatedResources ?? without(resources, 'requests')),
    together(
      sized,
      ({ name, resources }) =>
        statuses.get(name)?.resources?.requests ?? statuses.get(name)?.allocatedResources ?? without(resources, 'requests'),
    ),
  )
  const limits = largest(
    cannotBe ? new Map() : together(sized, ({ resources }) => asked(resources, 'limits')),
    together(sized, ({ name, resources }) => statuses.get(name)?.resources?.limits ?? without(resources, 'limits')),
  )
  setPodLevel(requests, sized.resources?.requests)
  setPodLevel(limits, sized.resources?.limits)
  const overhead = amountsOf(sized.overhead)
  add(requests, overhead)
  for (const [name, amount] of overhead) {
    const limit = limits.get(name)
    if (limit) limits.set(name, limit + amount)
  }
  return { requests, limits }
}

const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/')

/** Milliseconds since the epoch from which a pod that should have ended counts no more, as when its node is lost; undefined: it counts. */
export const podCountsUntil = ({ metadata }: KubeObject): number | undefined =>
  metadata.deletionTimestamp === undefined
    ? undefined
    : Date.parse(metadata.deletionTimestamp) + (metadata.deletionGracePeriodSeconds ?? 0) * 1000

/** What a pod counts for (kubernetes pkg/quota/v1/evaluator/core/pods.go). One that has ended is counted as an object and nothing else. */
export const podUsage = (pod: KubeObject, now: number): Map<string, bigint> => {
  const usage = new Map([['count/pods', one]])
  if (['Succeeded', 'Failed'].includes(pod.status?.phase) || now > (podCountsUntil(pod) ?? Number.POSITIVE_INFINITY)) return usage
  const { requests, limits } = podResources(pod)
  usage.set('pods', one)
  for (const name of ['cpu', 'memory', 'ephemeral-storage']) {
    const [request, limit] = [requests.get(name), limits.get(name)]
    if (request !== undefined) usage.set(name, request).set(`requests.${name}`, request)
    if (limit !== undefined) usage.set(`limits.${name}`, limit)
  }
  for (const [name, request] of requests) {
    if (name.startsWith('hugepages-')) usage.set(name, request).set(`requests.${name}`, request)
    else if (!isNative(name) || name.startsWith('deviceclass.resource.kubernetes.io/')) usage.set(`requests.${name}`, request)
  }
  return usage
}
