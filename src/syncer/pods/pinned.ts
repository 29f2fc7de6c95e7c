import type { SyncContext } from '../resource.ts'
import { sameJson } from '../resources/merge-patch.ts'
import { chosenNode, onNode } from './affinity.ts'
import type { V1NodeSelectorTerm, V1PodSpec } from './json-types.ts'
import { withinPool } from './node-pool.ts'
import type { Pod } from './pod.ts'

type Context = Pick<SyncContext, 'isolation' | 'nodes'>

/** Only this node, and that only as long as it is open to the tenant: who writes to the tenant's API may say of any pod that it was there. */
const pinTo = (node: string, ctx: Context) => {
  const { nodeSelector, nodeAffinity } = withinPool({ nodeSelector: undefined, nodeAffinity: undefined }, ctx)
  return { ...(nodeSelector && { nodeSelector }), nodeAffinity: onNode(nodeAffinity, node) }
}

/**
 * A pod that has its node is made nowhere else: the tenant could not be told. Only such a pod is made anew that was put to sleep. Where else it could have
 * gone, and beside whom, is past; labels of the tenant's own say nothing in super. Whom it may not be beside still holds.
 */
export const pinned = (superPod: Pod, tenantPod: Pod, ctx: Context): Pod => {
  const node = tenantPod.spec.nodeName
  // One that the user chose is in the translation already.
  if (!node || chosenNode(tenantPod)) return superPod
  const { nodeSelector: _selector, topologySpreadConstraints: _spread, affinity, ...spec } = superPod.spec
  const { podAntiAffinity } = affinity ?? {}
  const { nodeAffinity, ...rest } = pinTo(node, ctx)
  return { ...superPod, spec: { ...spec, ...rest, affinity: { ...(podAntiAffinity && { podAntiAffinity }), nodeAffinity } } }
}

const nodeFields = (affinity: V1PodSpec['affinity']): readonly (V1NodeSelectorTerm['matchFields'] | undefined)[] =>
  (affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []).map(
    ({ matchFields }) => matchFields,
  )

/** True for a super pod that was made for one node, and that by no wish of its user's. What pools it is held to beside that is in its mark. */
export const isPinned = (live: Pick<V1PodSpec, 'affinity'>, wanted: Pick<V1PodSpec, 'affinity'>): boolean => {
  const fields = nodeFields(live.affinity)
  const [first] = fields
  return (
    first?.length === 1 &&
    first[0]?.key === 'metadata.name' &&
    fields.every((others) => sameJson(others, first)) &&
    !live.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution &&
    nodeFields(wanted.affinity).every((others) => others === undefined)
  )
}
