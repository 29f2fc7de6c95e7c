import { sameJson } from '../resources/merge-patch.ts'
import { chosenNode, onNode } from './affinity.ts'
import type { V1PodSpec } from './json-types.ts'
import type { Pod } from './pod.ts'

const pinTo = (node: string) => onNode(undefined, node)

/**
 * A pod that has its node is made nowhere else: the tenant could not be told. Only such a pod is made anew that was put to sleep. Where else it could have
 * gone, and beside whom, is past; labels of the tenant's own say nothing in super. Whom it may not be beside still holds.
 */
export const pinned = (superPod: Pod, tenantPod: Pod): Pod => {
  const node = tenantPod.spec.nodeName
  // One that the user chose is in the translation already.
  if (!node || chosenNode(tenantPod)) return superPod
  const { nodeSelector: _selector, topologySpreadConstraints: _spread, affinity, ...spec } = superPod.spec
  const { podAntiAffinity } = affinity ?? {}
  return { ...superPod, spec: { ...spec, affinity: { ...(podAntiAffinity && { podAntiAffinity }), nodeAffinity: pinTo(node) } } }
}

/** True for a super pod that was made for one node and nothing else. */
export const isPinned = ({ nodeSelector, affinity }: Pick<V1PodSpec, 'nodeSelector' | 'affinity'>): boolean => {
  const node =
    affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0]
  return nodeSelector === undefined && node !== undefined && sameJson(affinity?.nodeAffinity, pinTo(node))
}
