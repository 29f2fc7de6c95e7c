import type { KubeObject } from '../apis/kube-object.ts'
import { quantityValue } from '../apis/quantity.ts'
import type { TopOrder } from './top-orders.ts'

/** What pods use. */
export interface Usage {
  /** Cores. */
  readonly cpu: number
  /** Bytes. */
  readonly memory: number
}

/** What one tenant uses. Undefined is what nobody measures, or what could not be asked. */
export interface TenantFigures {
  readonly name: string
  readonly namespace: string
  readonly controlPlane: Usage | undefined
  /** Pods of the tenant in super. */
  readonly pods: number | undefined
  readonly workload: Usage | undefined
  /** Objects that its API stores. */
  readonly objects: number | undefined
}

const valueOf = (text: unknown): number => {
  const value = typeof text === 'string' ? quantityValue(text) : Number.NaN
  return Number.isFinite(value) ? value : 0
}

/** What a PodMetrics says of all containers together. */
export const usageOf = (metrics: KubeObject): Usage => {
  const containers: readonly { usage?: { cpu?: unknown; memory?: unknown } }[] = metrics['containers'] ?? []
  return {
    cpu: containers.reduce((sum, { usage }) => sum + valueOf(usage?.cpu), 0),
    memory: containers.reduce((sum, { usage }) => sum + valueOf(usage?.memory), 0),
  }
}

const none: Usage = { cpu: 0, memory: 0 }
export const sumOf = (all: readonly Usage[]): Usage =>
  all.reduce((sum, { cpu, memory }) => ({ cpu: sum.cpu + cpu, memory: sum.memory + memory }), none)

/** Usage by namespace. */
export const byNamespace = (metrics: readonly KubeObject[]): ReadonlyMap<string, Usage> => {
  const sums = new Map<string, Usage>()
  for (const each of metrics) {
    const { namespace = '' } = each.metadata
    sums.set(namespace, sumOf([sums.get(namespace) ?? none, usageOf(each)]))
  }
  return sums
}

const weightOf = ({ controlPlane, workload, pods, objects }: TenantFigures, by: Exclude<TopOrder, 'name'>): number => {
  switch (by) {
    case 'cpu':
    case 'memory':
      return (controlPlane?.[by] ?? 0) + (workload?.[by] ?? 0)
    case 'pods':
      return pods ?? -1
    case 'objects':
      return objects ?? -1
  }
}

const byName = (a: TenantFigures, b: TenantFigures): number =>
  a.namespace.localeCompare(b.namespace) || a.name.localeCompare(b.name)

/** The most first; the same by name. */
export const sortedFigures = (figures: readonly TenantFigures[], by: TopOrder): readonly TenantFigures[] =>
  figures.toSorted((a, b) => (by === 'name' ? 0 : weightOf(b, by) - weightOf(a, by)) || byName(a, b))

/** `250m`, as `kubectl top` has it. */
export const cpuText = (usage: Usage | undefined): string => (usage ? `${Math.ceil(usage.cpu * 1000)}m` : '-')
/** `120Mi`, as `kubectl top` has it. */
export const memoryText = (usage: Usage | undefined): string => (usage ? `${Math.ceil(usage.memory / 2 ** 20)}Mi` : '-')
