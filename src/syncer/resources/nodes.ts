import type { KubeObject } from '../../apis/kube-object.ts'
import { isBerthKey } from '../../tenancy/marks.ts'
import type { V1NodeCondition } from '../pods/json-types.ts'

/** Kinds of address that go up. The tenant's API server reaches "the kubelet", which is vn-agent, at the first. */
const addressTypes: ReadonlySet<string> = new Set(['InternalIP', 'Hostname'])

const pick = (object: Readonly<Record<string, unknown>>, fields: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    fields.filter((field) => object[field] !== undefined && object[field] !== null).map((field) => [field, object[field]]),
  )

/**
 * Heartbeats would be a write per node, tenant and five minutes to say what the node's Lease says already (KEP-589): the time of the last change stands for
 * them.
 */
const quiet = (condition: V1NodeCondition): V1NodeCondition => ({
  ...condition,
  ...(condition.lastTransitionTime !== undefined && { lastHeartbeatTime: condition.lastTransitionTime }),
})

/** A super Node as the tenant sees it: true to its size, health, taints and versions, with vn-agent at `agentPort` for its kubelet. */
export const tenantNode = (
  { metadata, spec = {}, status = {} }: KubeObject,
  { agentPort }: { readonly agentPort: number },
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: metadata.name ?? '',
    labels: Object.fromEntries(Object.entries(metadata.labels ?? {}).filter(([key]) => !isBerthKey(key))),
  },
  spec: pick(spec, ['taints', 'unschedulable']),
  status: {
    ...pick(status, ['capacity', 'allocatable', 'nodeInfo', 'features', 'declaredFeatures', 'runtimeHandlers']),
    addresses: (status.addresses ?? []).filter(({ type }: { type: string }) => addressTypes.has(type)),
    conditions: (status.conditions ?? []).map(quiet),
    daemonEndpoints: { kubeletEndpoint: { Port: agentPort } },
  },
})
