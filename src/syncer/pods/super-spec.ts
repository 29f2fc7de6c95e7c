import { workloadServiceAccount } from '../../tenancy/names.ts'
import type { SyncContext } from '../resource.ts'
import { superAffinity, superSpread } from './affinity.ts'
import { podDns } from './dns.ts'
import { superContainer, superRef } from './env.ts'
import { passingFields } from './fields.ts'
import { fqdnHostname } from './hostname.ts'
import { nodeChoice } from './node-choice.ts'
import type { Pod } from './pod.ts'
import { superPriorityClass } from './priority.ts'
import { podSpecFields } from './spec-fields.ts'
import { superVolume } from './volumes.ts'

/** The spec of the super pod. Each line below is a row `translate` of the field tables. */
export const superSpec = (pod: Pod, ctx: SyncContext): Record<string, unknown> => {
  const { spec } = pod
  const choice = nodeChoice(pod, ctx.nodes)
  const affinity = superAffinity(pod, choice, ctx)
  const hostname = fqdnHostname(pod, ctx)
  const priorityClassName = superPriorityClass(pod, ctx)
  return {
    ...passingFields(spec, podSpecFields.fields),
    // The tenant's admission has made the token volumes explicit; super's must add none of its own.
    serviceAccountName: workloadServiceAccount,
    automountServiceAccountToken: false,
    ...podDns(pod, ctx),
    ...(choice.nodeSelector && { nodeSelector: choice.nodeSelector }),
    ...(affinity && { affinity }),
    ...(hostname && { hostnameOverride: hostname }),
    ...(priorityClassName && { priorityClassName }),
    // Another one than the tenant may use is refused.
    ...(spec.runtimeClassName && { runtimeClassName: spec.runtimeClassName }),
    ...(spec.initContainers && { initContainers: spec.initContainers.map((container) => superContainer(container, pod, ctx)) }),
    containers: spec.containers.map((container) => superContainer(container, pod, ctx)),
    ...(spec.volumes && { volumes: spec.volumes.map((volume) => superVolume(volume, pod)) }),
    ...(spec.imagePullSecrets && { imagePullSecrets: spec.imagePullSecrets.map(superRef) }),
    ...(spec.topologySpreadConstraints && { topologySpreadConstraints: superSpread(spec.topologySpreadConstraints, pod) }),
  }
}
