import { resourceTypes } from '../../apis/resource-types.ts'
import { isBerthKey } from '../../tenancy/marks.ts'
import { autoscalerMarks } from '../pods/autoscaler-marks.ts'
import { podDependencies } from '../pods/dependencies.ts'
import { downwardMarks } from '../pods/downward.ts'
import { withHostsFile } from '../pods/hosts-file.ts'
import { pinned } from '../pods/pinned.ts'
import type { Pod } from '../pods/pod.ts'
import { podNotes } from '../pods/priority.ts'
import { podRefusal } from '../pods/refusal.ts'
import { podToTenant } from '../pods/status.ts'
import { superSpec } from '../pods/super-spec.ts'
import { podSuperWrites } from '../pods/super-writes.ts'
import { updatePod } from '../pods/update.ts'
import { defineResource } from '../resource.ts'

export { trustSources } from '../pods/secret-sources.ts'
export { tokenSources } from '../pods/tokens.ts'

/**
 * Labels that every API server copies from the node onto a pod it binds (KEP-4742). Super's does so itself; if they went down as well, each pod would be
 * written once more just after its binding.
 */
const boundLabels: ReadonlySet<string> = new Set(['topology.kubernetes.io/region', 'topology.kubernetes.io/zone'])

const superLabels = (labels: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).filter(([key]) => !isBerthKey(key) && !boundLabels.has(key)))

const berthKeysOnly = (map: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(map).filter(([key]) => isBerthKey(key)))

const named = ({ name, resources }: Pod['spec']['containers'][number]) => ({ name, ...(resources && { resources }) })

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
    containers: spec.containers.map(named),
    ...(spec.initContainers && { initContainers: spec.initContainers.map(named) }),
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
    const marks = { ...downwardMarks(pod), ...autoscalerMarks(pod) }
    return {
      kind: 'object',
      body: {
        labels: superLabels(pod.metadata.labels),
        ...(Object.keys(marks).length > 0 && { marks }),
        fields: { spec: superSpec(pod, ctx) },
      },
    }
  },
  atCreation: (superPod, tenantPod, { ctx, image }) => ({
    object: pinned(image === undefined ? superPod : withHostsFile(superPod, tenantPod, { ctx, image }), tenantPod),
    notes: podNotes(tenantPod, ctx),
  }),
  update: updatePod,
  // Where it may go is past once it is somewhere.
  isSpent: ({ spec }, path) => Boolean(spec.nodeName) && /^spec\.(nodeSelector|affinity(\.nodeAffinity|$))/.test(path),
  superWrites: podSuperWrites,
  toTenant: podToTenant,
  dependencies: podDependencies,
})
