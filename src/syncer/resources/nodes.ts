import type { KubeObject } from '../../apis/kube-object.ts'
import { isBerthKey, lastAppliedAnnotation, mirroredLabel } from '../../tenancy/marks.ts'
import type { V1NodeCondition, V1Taint } from '../pods/json-types.ts'

/** Kinds of address that go up. The tenant's API server reaches "the kubelet", which is vn-agent, at the first. */
const addressTypes: ReadonlySet<string> = new Set(['InternalIP', 'Hostname'])

const pick = (object: Readonly<Record<string, unknown>>, fields: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    fields.filter((field) => object[field] !== undefined && object[field] !== null).map((field) => [field, object[field]]),
  )

/** Fields of a status that say what the machine is. */
const machineFields = ['capacity', 'allocatable', 'nodeInfo', 'features', 'declaredFeatures', 'runtimeHandlers']

/**
 * What a Node says of its software, as far as every Kubernetes version served knows it: a tenant that is older than super drops what it does not know, and
 * would be told again for ever. A test compares these and all that is copied whole with the schema of each version.
 */
export const nodeInfoFields: readonly string[] = [
  'architecture',
  'bootID',
  'containerRuntimeVersion',
  'kernelVersion',
  'kubeProxyVersion',
  'kubeletVersion',
  'machineID',
  'operatingSystem',
  'osImage',
  'swap',
  'systemUUID',
]

/** What a tenant's Node says in the fields that come from super. */
export const statusWords = ({ status = {} }: KubeObject): Record<string, unknown> =>
  pick(status, [...machineFields, 'addresses', 'conditions', 'daemonEndpoints'])

/**
 * Heartbeats would be a write per node, tenant and five minutes to say what the node's Lease says already (KEP-589): the time of the last change stands for
 * them.
 */
const quiet = (condition: V1NodeCondition): V1NodeCondition => ({
  ...condition,
  ...(condition.lastTransitionTime !== undefined && { lastHeartbeatTime: condition.lastTransitionTime }),
})

/** Taint of a cordoned node; the node lifecycle controller, which would set it, does not run in a tenant. */
const cordonTaint: V1Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

/** What a tenant's Node says. */
interface Words {
  readonly labels: Readonly<Record<string, string>>
  readonly taints: readonly V1Taint[]
  readonly unschedulable: boolean
}

/** What of a Node came from super when the syncer wrote it last: keys of labels, identities of taints. */
interface Applied {
  readonly labels: readonly string[]
  readonly taints: readonly string[]
  readonly unschedulable: boolean
}

const taintId = ({ key, effect }: V1Taint): string => `${key}:${effect}`

const allWords = ({ metadata, spec }: KubeObject): Words => ({
  labels: Object.fromEntries(Object.entries(metadata.labels ?? {}).filter(([key]) => !isBerthKey(key))),
  taints: spec?.taints ?? [],
  unschedulable: spec?.unschedulable ?? false,
})

const appliedOf = ({ labels, taints, unschedulable }: Words): Applied => ({
  labels: Object.keys(labels).toSorted(),
  taints: taints.map(taintId),
  unschedulable,
})

const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string')

/** The record on a Node, which its tenant may have edited: undefined when it is no record. */
const recordOf = ({ metadata }: KubeObject): Applied | undefined => {
  try {
    const record: unknown = JSON.parse(metadata.annotations?.[lastAppliedAnnotation] ?? 'null')
    if (typeof record !== 'object' || record === null) return undefined
    const { labels, taints, unschedulable } = record as Record<string, unknown>
    return isTexts(labels) && isTexts(taints) && typeof unschedulable === 'boolean'
      ? { labels, taints, unschedulable }
      : undefined
  } catch {
    return undefined
  }
}

const minus = ({ labels, taints, unschedulable }: Words, applied: Applied): Words => ({
  labels: Object.fromEntries(Object.entries(labels).filter(([key]) => !applied.labels.includes(key))),
  taints: taints.filter((taint) => !applied.taints.includes(taintId(taint))),
  unschedulable: unschedulable && !applied.unschedulable,
})

/** What a tenant itself has said of one of its Nodes. A Node without the syncer's record says nothing yet. */
export const ownWords = (node: KubeObject): Words => {
  const record = recordOf(node)
  const own = record ? minus(allWords(node), record) : { labels: {}, taints: [], unschedulable: false }
  return own.unschedulable ? { ...own, taints: [...own.taints, cordonTaint] } : own
}

export interface MergedNode {
  readonly node: KubeObject
  /** Keys of labels that the live Node has from super, which has them no longer. */
  readonly gone: readonly string[]
}

/**
 * The Node to have in the tenant: super's word, and beside it the labels, taints and cordon that the tenant has put on its `live` Node. Where both speak, super's
 * holds: its machines are not the tenant's to describe.
 */
export const mergedNode = (superWord: KubeObject, live: KubeObject | undefined): MergedNode => {
  const words = allWords(superWord)
  const record = (live && recordOf(live)) ?? appliedOf(words)
  const own = live ? minus(allWords(live), record) : { labels: {}, taints: [], unschedulable: false }
  const cordoned = own.unschedulable && !words.unschedulable
  const fromSuper = [...words.taints, ...(cordoned ? [cordonTaint] : [])]
  const ids = new Set(fromSuper.map(taintId))
  const taints = [...fromSuper, ...own.taints.filter((taint) => !ids.has(taintId(taint)))]
  const applied = appliedOf({ ...words, taints: fromSuper })
  return {
    node: {
      ...superWord,
      metadata: {
        ...superWord.metadata,
        labels: { ...own.labels, ...words.labels, [mirroredLabel]: 'true' },
        annotations: { [lastAppliedAnnotation]: JSON.stringify(applied) },
      },
      spec: {
        ...(taints.length > 0 && { taints }),
        ...((words.unschedulable || own.unschedulable) && { unschedulable: true }),
      },
    },
    gone: record.labels.filter((key) => !Object.hasOwn(words.labels, key) && Object.hasOwn(live?.metadata.labels ?? {}, key)),
  }
}

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
    ...pick({ ...status, nodeInfo: status.nodeInfo && pick(status.nodeInfo, nodeInfoFields) }, machineFields),
    addresses: (status.addresses ?? []).filter(({ type }: { type: string }) => addressTypes.has(type)),
    conditions: (status.conditions ?? []).map(quiet),
    daemonEndpoints: { kubeletEndpoint: { Port: agentPort } },
  },
})
