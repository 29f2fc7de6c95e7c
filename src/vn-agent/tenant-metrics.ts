import { formatSample, type Sample } from './exposition.ts'
import type { MetricRule } from './metric-rules.ts'
import type { MetricsSnapshot } from './metrics-snapshot.ts'
import type { NodePod } from './tenant-pods.ts'

/** What one tenant has on this node. */
export interface TenantView {
  /** Super namespace -> the tenant's own; undefined for one that is not the tenant's. */
  readonly namespaceOf: (superNamespace: string) => string | undefined
  /** By super namespace and name. */
  readonly pod: (superNamespace: string, name: string) => NodePod | undefined
}

/**
 * cAdvisor's `id` is the control group's path on the node, with super's UID of the pod in it: told in one shape for all drivers of control groups, with the
 * tenant's UID. Undefined when the series is of another pod, one that had the same name before.
 */
const idOf = ({ labels }: Sample, pod: NodePod): string | undefined => {
  const id = labels.get('id') ?? ''
  if (!id.includes(pod.superUid) && !id.includes(pod.superUid.replaceAll('-', '_'))) return undefined
  const name = labels.get('name') ?? ''
  return `/kubepods/pod${pod.uid}${name === '' ? '' : `/${name}`}`
}

const inTenantsWords = (sample: Sample, namespace: string, pod: NodePod | undefined): Sample | undefined => {
  const labels = new Map(sample.labels).set('namespace', namespace)
  if (pod && labels.has('id')) {
    const id = idOf(sample, pod)
    if (id === undefined) return undefined
    labels.set('id', id)
  }
  if (pod && labels.has('pod_uid')) {
    if (labels.get('pod_uid') !== pod.superUid) return undefined
    labels.set('pod_uid', pod.uid)
  }
  return { ...sample, labels }
}

/** The page as the tenant sees it: its own series alone, in its own words. */
export const tenantMetrics = (snapshot: MetricsSnapshot, rule: MetricRule, view: TenantView): readonly string[] => {
  const lines: string[] = []
  for (const { comments, byNamespace } of snapshot.families) {
    const samples: string[] = []
    for (const [superNamespace, all] of byNamespace) {
      const namespace = view.namespaceOf(superNamespace)
      if (namespace === undefined) continue
      for (const sample of all) {
        const pod = rule.owner === 'pod' ? view.pod(superNamespace, sample.labels.get('pod') ?? '') : undefined
        if (rule.owner === 'pod' && !pod) continue
        const own = inTenantsWords(sample, namespace, pod)
        if (own) samples.push(formatSample(own))
      }
    }
    if (samples.length > 0) lines.push(...comments, ...samples)
  }
  return lines
}

/** What a tenant's pods use on a node, from `/metrics/resource`. */
export interface NodeUse {
  /** Core-seconds of each pod since it started, by the tenant's UID of the pod. */
  readonly cpuSeconds: ReadonlyMap<string, number>
  readonly memoryBytes: number
  readonly swapBytes: number
  /** Newest measurement, in milliseconds since the epoch; undefined without pods. */
  readonly timestamp: number | undefined
}

/** Sums up the pods of one tenant. */
export const nodeUse = (snapshot: MetricsSnapshot, view: TenantView): NodeUse => {
  const cpuSeconds = new Map<string, number>()
  let [memoryBytes, swapBytes] = [0, 0]
  let timestamp: number | undefined
  const ofPods = snapshot.families.flatMap(({ byNamespace }) =>
    [...byNamespace].flatMap(([superNamespace, samples]) =>
      view.namespaceOf(superNamespace) === undefined
        ? []
        : samples.flatMap((sample) => {
            const pod = sample.name.startsWith('pod_') ? view.pod(superNamespace, sample.labels.get('pod') ?? '') : undefined
            return pod ? [{ sample, pod }] : []
          }),
    ),
  )
  for (const { sample, pod } of ofPods) {
    const value = Number(sample.value)
    if (!Number.isFinite(value)) continue
    if (sample.name === 'pod_cpu_usage_seconds_total') cpuSeconds.set(pod.uid, value)
    if (sample.name === 'pod_memory_working_set_bytes') memoryBytes += value
    if (sample.name === 'pod_swap_usage_bytes') swapBytes += value
    if (sample.timestamp !== undefined) timestamp = Math.max(timestamp ?? 0, Number(sample.timestamp))
  }
  return { cpuSeconds, memoryBytes, swapBytes, timestamp }
}

/** Lines of `/metrics/resource` about the node: to a tenant, a node is used by the tenant's own pods. */
export const nodeLines = (use: NodeUse, cpuSecondsTotal: number, node: readonly Sample[]): readonly string[] => {
  const gauge = (name: string, help: string, type: string, value: number): string[] => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    `${name} ${value}${use.timestamp === undefined ? '' : ` ${use.timestamp}`}`,
  ]
  const cpu = Number(cpuSecondsTotal.toFixed(9))
  return [
    ...gauge('node_cpu_usage_seconds_total', 'CPU time used by your pods on the node in core-seconds', 'counter', cpu),
    ...gauge('node_memory_working_set_bytes', 'Working set of your pods on the node in bytes', 'gauge', use.memoryBytes),
    ...gauge('node_swap_usage_bytes', 'Swap used by your pods on the node in bytes', 'gauge', use.swapBytes),
    ...node.flatMap((sample) => [`# TYPE ${sample.name} gauge`, formatSample(sample)]),
  ]
}
