import type { Pod } from './pod.ts'

const safeToEvict = 'cluster-autoscaler.kubernetes.io/safe-to-evict'
const daemonSetPod = 'cluster-autoscaler.kubernetes.io/daemonset-pod'

/**
 * A super pod has no controller, and an autoscaler of super would keep a node for it. What it would have read from the tenant's owner references is said in
 * its own annotations (cluster-autoscaler FAQ: "What types of pods can prevent CA from removing a node?"); a word of the tenant's own holds.
 */
export const autoscalerMarks = ({ metadata }: Pod): Record<string, string> => {
  const controller = metadata.ownerReferences?.find((owner) => owner.controller)
  if (!controller || metadata.annotations?.[safeToEvict] !== undefined) return {}
  return { [safeToEvict]: 'true', ...(controller.kind === 'DaemonSet' && { [daemonSetPod]: 'true' }) }
}
