import type { NodePool } from '../../apis/isolation.ts'
import { nodePoolsAnnotation } from '../../tenancy/marks.ts'
import { shortHash } from '../../tenancy/names.ts'
import type { SyncContext } from '../resource.ts'
import type { V1NodeAffinity, V1NodeSelectorRequirement, V1NodeSelectorTerm } from './json-types.ts'
import type { NodeChoice } from './node-choice.ts'
import type { Pod } from './pod.ts'
import type { Refusal } from './refusal.ts'

type Context = Pick<SyncContext, 'isolation' | 'nodes'>
type Requirement = V1NodeSelectorRequirement

/** Values that one requirement lists at most: with more pools than that, nodes with the label at all are left alone. */
const maxValues = 256
/** Terms that a pod's affinity may come to: above it whole groups of pools are left out by one label each, and so more nodes than need be. */
const maxTerms = 64

/** Pools that differ in the value of one label only: what they have in common, and those values. */
interface PoolGroup {
  readonly common: readonly (readonly [key: string, value: string])[]
  readonly key: string
  readonly values: readonly string[]
}

const byKey = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : 1)

/** Groups pools with the same keys by all labels but that of `key`. */
const groupedBy = (key: string, selectors: readonly (readonly (readonly [string, string])[])[]): PoolGroup[] => {
  const groups = new Map<string, { common: PoolGroup['common']; values: string[] }>()
  for (const labels of selectors) {
    const common = labels.filter(([other]) => other !== key)
    const id = JSON.stringify(common)
    const group = groups.get(id) ?? { common, values: [] }
    group.values.push(labels.find(([other]) => other === key)?.[1] ?? '')
    groups.set(id, group)
  }
  return [...groups.values()].map(({ common, values }) => ({ key, common, values: values.toSorted() }))
}

const groupsOf = (pools: readonly NodePool[]): PoolGroup[] => {
  const byKeys = new Map<string, (readonly (readonly [string, string])[])[]>()
  for (const { nodeSelector } of pools) {
    const labels = Object.entries(nodeSelector).toSorted(byKey)
    const id = JSON.stringify(labels.map(([key]) => key))
    byKeys.set(id, [...(byKeys.get(id) ?? []), labels])
  }
  return [...byKeys.values()].flatMap((selectors) =>
    (selectors[0] ?? [])
      .map(([key]) => groupedBy(key, selectors))
      .reduce((fewest, groups) => (groups.length < fewest.length ? groups : fewest)),
  )
}

const without = ({ key, values }: PoolGroup): Requirement =>
  values.length > maxValues ? { key, operator: 'DoesNotExist' } : { key, operator: 'NotIn', values: [...values] }

/** Ways for a node to be in no pool of the group: it lacks one of its labels. */
const waysOut = (group: PoolGroup): Requirement[] => [
  without(group),
  ...group.common.map(([key, value]) => ({ key, operator: 'NotIn', values: [value] })),
]

/**
 * Alternatives of which a node fulfils one exactly when it is in none of the pools, at most `most` of them; none when there are no pools. What
 * cannot be said in so few is said of one label of each pool alone: that keeps the pod away from more nodes, never from fewer.
 */
export const outside = (pools: readonly NodePool[], most: number): readonly (readonly Requirement[])[] => {
  if (pools.length === 0) return []
  const groups = groupsOf(pools)
  const ways = groups.map(waysOut)
  if (ways.reduce((product, { length }) => product * length, 1) > most) return [groups.map(without)]
  return ways.reduce<readonly (readonly Requirement[])[]>(
    (alternatives, more) => alternatives.flatMap((one) => more.map((way) => [...one, way])),
    [[]],
  )
}

const isEmpty = ({ matchExpressions, matchFields }: V1NodeSelectorTerm): boolean =>
  !matchExpressions?.length && !matchFields?.length

/** Node affinity that demands one of the alternatives as well. An empty term selects nothing, and stays so. */
const demanding = (
  affinity: V1NodeAffinity | undefined,
  alternatives: readonly (readonly Requirement[])[],
): V1NodeAffinity | undefined => {
  if (alternatives.length === 0) return affinity
  const terms = affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const demanded = (term: V1NodeSelectorTerm): V1NodeSelectorTerm[] =>
    alternatives.map((alternative) => ({ ...term, matchExpressions: [...(term.matchExpressions ?? []), ...alternative] }))
  return {
    ...affinity,
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: terms ? terms.flatMap((term) => (isEmpty(term) ? [term] : demanded(term))) : demanded({}),
    },
  }
}

/**
 * A choice of nodes that stays within the tenant's: with a pool of its own in that, else outside of all that are others'. Both are demands on labels of super's
 * nodes that hold beside whatever the pod asks for, also by `nodeName`.
 */
export const withinPool = (
  { nodeSelector, nodeAffinity }: NodeChoice,
  { isolation: { nodePool }, nodes }: Context,
): NodeChoice => {
  if (nodePool) return { nodeSelector: { ...nodeSelector, ...nodePool.nodeSelector }, nodeAffinity }
  const terms = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms.length ?? 1
  const most = Math.max(1, Math.floor(maxTerms / Math.max(1, terms)))
  return { nodeSelector, nodeAffinity: demanding(nodeAffinity, outside(nodes.foreignPools, most)) }
}

/** Marks by which a pod that waits for a node is known to have been made for other pools than there are now. */
export const poolMarks = ({ isolation: { nodePool }, nodes: { foreignPools } }: Context): Record<string, string> => {
  const heeded = nodePool ? [nodePool] : foreignPools
  if (heeded.length === 0) return {}
  return {
    [nodePoolsAnnotation]: shortHash([
      String(nodePool !== undefined),
      JSON.stringify(heeded.map(({ nodeSelector }) => nodeSelector)),
    ]),
  }
}

export const poolMarkOf = ({ metadata }: Pick<Pod, 'metadata'>): string | undefined => metadata.annotations?.[nodePoolsAnnotation]

/** Why a pod can be on none of its tenant's nodes. What its affinity says against them shows when it is not scheduled. */
export const poolRefusal = ({ spec }: Pod, { isolation: { profile, nodePool } }: Context): Refusal | undefined => {
  if (!nodePool) {
    const message = 'this cluster is to have nodes of its own and has none yet: the operator names them in isolation.nodePool'
    return profile === 'dedicated' ? { reason: 'NodePoolNeeded', message } : undefined
  }
  const [key, value] =
    Object.entries(spec.nodeSelector ?? {}).find(
      ([name, wanted]) => Object.hasOwn(nodePool.nodeSelector, name) && nodePool.nodeSelector[name] !== wanted,
    ) ?? []
  if (key === undefined) return undefined
  const message = `spec.nodeSelector: the nodes of this cluster have ${key}=${nodePool.nodeSelector[key]}; a pod that wants ${key}=${value} has none to be on`
  return { reason: 'OutsideNodePool', message }
}
