import { resourceTypes } from '../../apis/resource-types.ts'
import { isBerthKey } from '../../tenancy/marks.ts'
import { openMarks } from '../network/openness.ts'
import { annotationNotes, superAnnotations } from '../pods/annotations.ts'
import { autoscalerMarks } from '../pods/autoscaler-marks.ts'
import { withDefaultResources } from '../pods/default-resources.ts'
import { podDependencies } from '../pods/dependencies.ts'
import { downwardMarks } from '../pods/downward.ts'
import { withHostsFile } from '../pods/hosts-file.ts'
import { superLabels } from '../pods/labels.ts'
import { poolMarks } from '../pods/node-pool.ts'
import { pinned } from '../pods/pinned.ts'
import type { Pod } from '../pods/pod.ts'
import { priorityNotes } from '../pods/priority.ts'
import { podRefusal } from '../pods/refusal.ts'
import { runtimeClassNotes } from '../pods/runtime-class.ts'
import { podToTenant } from '../pods/status.ts'
import { superSpec } from '../pods/super-spec.ts'
import { podSuperWrites } from '../pods/super-writes.ts'
import { tolerationNotes } from '../pods/tolerations.ts'
import { updatePod } from '../pods/update.ts'
import { defineResource } from '../resource.ts'

export { trustSources } from '../pods/secret-sources.ts'
export { tokenSources } from '../pods/tokens.ts'

const berthKeysOnly = (map: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(map).filter(([key]) => isBerthKey(key)))

const sized = ({ name, resources, restartPolicy }: Pod['spec']['containers'][number]) => ({
  name,
  ...(resources && { resources }),
  // A sidecar's: it counts beside the main containers.
  ...(restartPolicy && { restartPolicy }),
})

/** Fields that settings of isolation rewrite and that no API server lets change in a pod that is there. */
const isMadeWith = (path: string): boolean =>
  /^spec\.(securityContext|hostUsers|(initContainers|containers)\[[^\]]*\]\.(securityContext|imagePullPolicy)|volumes\[[^\]]*\]\.image\.pullPolicy)(\.|\[|$)/.test(
    path,
  )

/** What is kept of a super pod: whose it is, where it runs, how it fares. Its spec is read anew before it is written. */
const keepSuper = ({ apiVersion, kind, metadata, spec, status }: Pod): Pod => ({
  ...(apiVersion !== undefined && { apiVersion }),
  ...(kind !== undefined && { kind }),
  metadata: { ...metadata, annotations: berthKeysOnly(metadata.annotations) },
  spec: {
    ...(spec.nodeName !== undefined && { nodeName: spec.nodeName }),
    ...(spec.terminationGracePeriodSeconds !== undefined && {
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds,
    }),
    ...(spec.resources && { resources: spec.resources }),
    ...(spec.overhead && { overhead: spec.overhead }),
    containers: spec.containers.map(sized),
    ...(spec.initContainers && { initContainers: spec.initContainers.map(sized) }),
    ...(spec.ephemeralContainers && { ephemeralContainers: spec.ephemeralContainers.map(({ name }) => ({ name })) }),
  },
  ...(status && { status }),
})

/** Pods: run in super, and told back. A pod has one life: gone in super, it is finalised in the tenant. */
export const pods = defineResource<Pod>({
  type: resourceTypes.pods,
  superWatch: 'labelled',
  goneInSuper: 'finalise',
  keepSuper,
  toSuper: (pod, ctx) => {
    const refusal = podRefusal(pod, ctx)
    if (refusal) return { kind: 'refused', ...refusal }
    const marks = { ...downwardMarks(pod), ...autoscalerMarks(pod), ...poolMarks(ctx) }
    return {
      kind: 'object',
      body: {
        labels: superLabels(pod.metadata.labels, ctx.policy.podLabels),
        labelMarks: openMarks(pod, ctx),
        annotations: superAnnotations(pod, ctx),
        ...(Object.keys(marks).length > 0 && { marks }),
        fields: { spec: superSpec(pod, ctx) },
      },
    }
  },
  atCreation: (superPod, tenantPod, { ctx, image }) => {
    const sized = withDefaultResources(superPod, ctx.isolation)
    return {
      object: pinned(image === undefined ? sized : withHostsFile(sized, tenantPod, { ctx, image }), tenantPod, ctx),
      notes: [priorityNotes, runtimeClassNotes, tolerationNotes, annotationNotes].flatMap((notes) => notes(tenantPod, ctx)),
    }
  },
  update: updatePod,
  // Where it may go, and in what, is past once it is somewhere: tolerations are added in their order then, and none is taken away. What it was made with by way
  // of security stays, whatever its tenant's settings are now.
  isSpent: ({ spec }, path) =>
    (Boolean(spec.nodeName) && /^spec\.(nodeSelector|tolerations|runtimeClassName|affinity(\.nodeAffinity|$))/.test(path)) ||
    isMadeWith(path),
  superWrites: podSuperWrites,
  toTenant: podToTenant,
  dependencies: podDependencies,
})
