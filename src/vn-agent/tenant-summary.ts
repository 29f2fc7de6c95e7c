import type { TenantView } from './tenant-metrics.ts'
import type { NodePod } from './tenant-pods.ts'

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isFields) : [])
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const numberOf = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0)
const pick = (object: Fields, fields: readonly string[]): Fields =>
  Object.fromEntries(fields.filter((field) => object[field] !== undefined).map((field) => [field, object[field]]))

const podFields = ['startTime', 'cpu', 'memory', 'io', 'network', 'ephemeral-storage', 'process_stats', 'swap']
const containerFields = ['name', 'startTime', 'cpu', 'memory', 'io', 'rootfs', 'logs', 'swap', 'accelerators']
const volumeFields = [
  'name',
  'time',
  'availableBytes',
  'capacityBytes',
  'usedBytes',
  'inodesFree',
  'inodes',
  'inodesUsed',
  'volumeHealthStats',
]

const volumeOf = (volume: Fields, { namespace, superNamespace }: NodePod): Fields => {
  const claim = isFields(volume['pvcRef']) ? volume['pvcRef'] : undefined
  const isOwn = claim !== undefined && claim['namespace'] === superNamespace
  return { ...pick(volume, volumeFields), ...(isOwn && { pvcRef: { name: claim['name'], namespace } }) }
}

const podOf = (stats: Fields, pod: NodePod): Fields => ({
  podRef: { name: pod.name, namespace: pod.namespace, uid: pod.uid },
  ...pick(stats, podFields),
  containers: listOf(stats['containers']).map((container) => pick(container, containerFields)),
  ...(Array.isArray(stats['volume']) && { volume: listOf(stats['volume']).map((volume) => volumeOf(volume, pod)) }),
})

/** Names of pods by super namespace, as the kubelet's summary has them. */
export const podsOfSummary = (summary: unknown): ReadonlyMap<string, ReadonlySet<string>> => {
  const names = new Map<string, Set<string>>()
  for (const { podRef } of listOf(isFields(summary) ? summary['pods'] : undefined)) {
    if (!isFields(podRef)) continue
    const namespace = textOf(podRef['namespace'])
    names.set(namespace, (names.get(namespace) ?? new Set()).add(textOf(podRef['name'])))
  }
  return names
}

/** Sums of one field of one group, `cpu` or `memory`. Undefined when no pod has it. */
const sumOf = (pods: readonly Fields[], group: 'cpu' | 'memory', fields: readonly string[]): Fields | undefined => {
  const groups = pods.flatMap((pod) => (isFields(pod[group]) ? [pod[group]] : []))
  if (groups.length === 0) return undefined
  const time = groups
    .map((one) => textOf(one['time']))
    .toSorted()
    .at(-1)
  const sums = fields.filter((field) => groups.some((one) => one[field] !== undefined))
  return { time, ...Object.fromEntries(sums.map((field) => [field, groups.reduce((sum, one) => sum + numberOf(one[field]), 0)])) }
}

/**
 * `/stats/summary` as the tenant sees it: its own pods, and a node that is used by them alone. `cpuTotal` makes a counter that never falls of the pods' own
 * (nanoseconds of core time by the tenant's UID of the pod).
 */
export const tenantSummary = (
  summary: unknown,
  view: TenantView,
  cpuTotal: (pods: ReadonlyMap<string, number>) => number,
): Fields => {
  const { node, pods: all } = isFields(summary) ? summary : { node: undefined, pods: undefined }
  const nanoseconds = new Map<string, number>()
  const pods = listOf(all).flatMap((stats) => {
    const podRef = isFields(stats['podRef']) ? stats['podRef'] : {}
    const pod = view.pod(textOf(podRef['namespace']), textOf(podRef['name']))
    if (!pod || pod.superUid !== podRef['uid']) return []
    const cpu = isFields(stats['cpu']) ? stats['cpu'] : {}
    nanoseconds.set(pod.uid, numberOf(cpu['usageCoreNanoSeconds']))
    return [podOf(stats, pod)]
  })
  const cpu = sumOf(pods, 'cpu', ['usageNanoCores'])
  const memory = sumOf(pods, 'memory', ['usageBytes', 'workingSetBytes', 'rssBytes', 'pageFaults', 'majorPageFaults'])
  const own = isFields(node) ? pick(node, ['nodeName', 'startTime']) : {}
  return {
    node: {
      ...own,
      ...(cpu && { cpu: { ...cpu, usageCoreNanoSeconds: Math.round(cpuTotal(nanoseconds)) } }),
      ...(memory && { memory }),
    },
    pods,
  }
}
