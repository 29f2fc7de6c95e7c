import { sameJson } from '../resources/merge-patch.ts'
import type { V1Container, V1PodSpec, V1Toleration } from './json-types.ts'
import { poolMarkOf } from './node-pool.ts'
import { isPinned } from './pinned.ts'
import type { Pod } from './pod.ts'
import { isLifecycleKey } from './tolerations.ts'

const withImages = (live: readonly V1Container[], wanted: readonly V1Container[]): V1Container[] => {
  const images = new Map(wanted.map(({ name, image }) => [name, image]))
  return live.map((container) => {
    const image = images.get(container.name)
    return image === undefined ? container : { ...container, image }
  })
}

const sameToleration = (a: V1Toleration, b: V1Toleration): boolean =>
  sameJson({ ...a, tolerationSeconds: undefined }, { ...b, tolerationSeconds: undefined })

/** Live tolerations with the wanted seconds, then those that are new: the API server lets none be taken away. */
const withTolerations = (live: readonly V1Toleration[], wanted: readonly V1Toleration[]): V1Toleration[] => [
  ...live.map((toleration) => wanted.find((other) => sameToleration(other, toleration)) ?? toleration),
  ...wanted.filter((toleration) => !live.some((other) => sameToleration(other, toleration))),
]

/** A deadline can be set and brought forward, never lifted or put off. */
const deadline = (live: number | undefined, wanted: number | undefined): number | undefined =>
  wanted !== undefined && (live === undefined || wanted < live) ? wanted : live

/** Tolerations that are no longer to be had, which no API server takes away from a pod. Super adds those of how a node fares itself. */
const toleratesMore = (live: V1PodSpec, wanted: V1PodSpec): boolean =>
  (live.tolerations ?? []).some(
    (toleration) => !isLifecycleKey(toleration.key) && !wanted.tolerations?.some((other) => sameToleration(other, toleration)),
  )

/** A class that is wanted now keeps the pod from the machine: one that has not begun begins with it. */
const boxedAlike = (live: V1PodSpec, { runtimeClassName }: V1PodSpec): boolean =>
  runtimeClassName === undefined || live.runtimeClassName === runtimeClassName

const choosesAlike = (live: V1PodSpec, wanted: V1PodSpec): boolean =>
  // Made anew for a node that it has in the tenant: where it may go is settled.
  isPinned(live, wanted) ||
  (sameJson(live.nodeSelector, wanted.nodeSelector) && sameJson(live.affinity?.nodeAffinity, wanted.affinity?.nodeAffinity))

/**
 * The live super pod with all that Kubernetes lets change in place: images, deadline, tolerations, gates. Everything else stays live, what super's
 * webhooks added included. Where it may go cannot change in place (but narrow, while it is gated): as long as it has no node it is made anew.
 */
export const updatePod = (
  live: Pod,
  wanted: Pod,
): { readonly kind: 'replace'; readonly object: Pod } | { readonly kind: 'recreate' } => {
  const { nodeName } = live.spec
  const isElsewhere = !choosesAlike(live.spec, wanted.spec) || poolMarkOf(live) !== poolMarkOf(wanted)
  if (!nodeName && (isElsewhere || toleratesMore(live.spec, wanted.spec) || !boxedAlike(live.spec, wanted.spec)))
    return { kind: 'recreate' }
  const { initContainers, tolerations, schedulingGates, activeDeadlineSeconds, terminationGracePeriodSeconds } = live.spec
  const gates = schedulingGates?.filter(({ name }) => wanted.spec.schedulingGates?.some((gate) => gate.name === name))
  const activeDeadline = deadline(activeDeadlineSeconds, wanted.spec.activeDeadlineSeconds)
  // The one change that is allowed: a negative period means one second.
  const gracePeriod =
    (terminationGracePeriodSeconds ?? 0) < 0 && wanted.spec.terminationGracePeriodSeconds === 1
      ? 1
      : terminationGracePeriodSeconds
  const spec: V1PodSpec = {
    ...live.spec,
    containers: withImages(live.spec.containers, wanted.spec.containers),
    ...(initContainers && { initContainers: withImages(initContainers, wanted.spec.initContainers ?? []) }),
    ...(activeDeadline !== undefined && { activeDeadlineSeconds: activeDeadline }),
    ...(gracePeriod !== undefined && { terminationGracePeriodSeconds: gracePeriod }),
    ...((tolerations || wanted.spec.tolerations) && {
      tolerations: withTolerations(tolerations ?? [], wanted.spec.tolerations ?? []),
    }),
    ...(gates && { schedulingGates: gates }),
  }
  return { kind: 'replace', object: { ...live, spec } }
}
