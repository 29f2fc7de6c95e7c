import { workloadServiceAccount } from '../../tenancy/names.ts'
import type { SyncContext } from '../resource.ts'
import { superAffinity, superSpread } from './affinity.ts'
import { demandsOn } from './demands.ts'
import { podDns } from './dns.ts'
import { superContainer, superRef } from './env.ts'
import { passingFields } from './fields.ts'
import { hardenedContainer, hardenedSpec, hardenedVolume } from './hardening.ts'
import { fqdnHostname } from './hostname.ts'
import type { V1Container, V1PodSpec } from './json-types.ts'
import { nodeChoice } from './node-choice.ts'
import { withinPool } from './node-pool.ts'
import type { Pod } from './pod.ts'
import { usablePriorityClass } from './priority.ts'
import { chosenRuntimeClass } from './runtime-class.ts'
import { podSpecFields } from './spec-fields.ts'
import { superTolerations } from './tolerations.ts'
import { superVolume } from './volumes.ts'

const hostNamespaces = ({ hostIPC, hostNetwork, hostPID }: V1PodSpec): Partial<V1PodSpec> => ({
  ...(hostIPC && { hostIPC }),
  ...(hostNetwork && { hostNetwork }),
  ...(hostPID && { hostPID }),
})

/** The spec of the super pod. Each line below is a row `translate` of the field tables. */
export const superSpec = (pod: Pod, ctx: SyncContext): Record<string, unknown> => {
  const { spec } = pod
  const choice = withinPool(nodeChoice(pod, ctx.nodes), ctx)
  const runtimeClassName = chosenRuntimeClass(pod, ctx)
  const tolerations = superTolerations(pod, ctx)
  const affinity = superAffinity(pod, choice, ctx)
  const hostname = fqdnHostname(pod, ctx)
  const priorityClassName = usablePriorityClass(pod, ctx)
  const demands = demandsOn(spec, ctx.isolation)
  const inSuper = (container: V1Container): V1Container => hardenedContainer(superContainer(container, pod, ctx), demands)
  return {
    ...passingFields(spec, podSpecFields.fields),
    // Refused where they may not be.
    ...hostNamespaces(spec),
    ...hardenedSpec(spec, demands),
    // The tenant's admission has made the token volumes explicit; super's must add none of its own.
    serviceAccountName: workloadServiceAccount,
    automountServiceAccountToken: false,
    ...podDns(pod, ctx),
    ...(choice.nodeSelector && { nodeSelector: choice.nodeSelector }),
    ...(affinity && { affinity }),
    ...(hostname && { hostnameOverride: hostname }),
    ...(priorityClassName && { priorityClassName: ctx.classes.superName('PriorityClass', priorityClassName) }),
    // Another one than the tenant may use is refused.
    ...(runtimeClassName && { runtimeClassName: ctx.classes.superName('RuntimeClass', runtimeClassName) }),
    ...(tolerations && { tolerations }),
    ...(spec.initContainers && { initContainers: spec.initContainers.map(inSuper) }),
    containers: spec.containers.map(inSuper),
    ...(spec.volumes && { volumes: spec.volumes.map((volume) => hardenedVolume(superVolume(volume, pod), demands)) }),
    ...(spec.imagePullSecrets && { imagePullSecrets: spec.imagePullSecrets.map(superRef) }),
    ...(spec.topologySpreadConstraints && { topologySpreadConstraints: superSpread(spec.topologySpreadConstraints, pod) }),
  }
}
