import { parseSample, type Sample } from './exposition.ts'
import type { MetricRule } from './metric-rules.ts'

/** Series of one name, with the comment lines before them. */
export interface MetricFamily {
  readonly comments: readonly string[]
  readonly byNamespace: ReadonlyMap<string, readonly Sample[]>
}

/** What is kept of one page: the series of tenants, by super namespace. */
export interface MetricsSnapshot {
  readonly families: readonly MetricFamily[]
  readonly node: readonly Sample[]
  /** Names of pods (or claims) by super namespace. */
  readonly owners: ReadonlyMap<string, ReadonlySet<string>>
}

/**
 * Takes a page in line by line and keeps what any tenant may see of it. The rest of the page, most of it on a node of others, is never held.
 * `isTenants` says whether a namespace of super is some tenant's.
 */
export const collectMetrics = (
  rule: MetricRule,
  isTenants: (superNamespace: string) => boolean,
): { readonly line: (text: string) => void; readonly snapshot: () => MetricsSnapshot } => {
  const families: { comments: string[]; byNamespace: Map<string, Sample[]> }[] = []
  const node: Sample[] = []
  const owners = new Map<string, Set<string>>()
  let comments: string[] = []
  let inComments = false
  let current: (typeof families)[number] | undefined

  const line = (text: string): void => {
    if (text.startsWith('#')) {
      if (!inComments) comments = []
      inComments = true
      current = undefined
      comments.push(text)
      return
    }
    inComments = false
    const sample = parseSample(text)
    if (!sample) return
    if (sample.labels.size === 0 && rule.node.has(sample.name)) return void node.push(sample)
    const namespace = sample.labels.get('namespace')
    const owner = sample.labels.get(rule.owner)
    if (!namespace || !owner || !rule.families.test(sample.name) || !isTenants(namespace)) return
    for (const key of sample.labels.keys()) if (!rule.labels.has(key)) return
    if (!current) families.push((current = { comments, byNamespace: new Map() }))
    const samples = current.byNamespace.get(namespace)
    if (samples) samples.push(sample)
    else current.byNamespace.set(namespace, [sample])
    const names = owners.get(namespace)
    if (names) names.add(owner)
    else owners.set(namespace, new Set([owner]))
  }
  return { line, snapshot: () => ({ families, node, owners }) }
}
