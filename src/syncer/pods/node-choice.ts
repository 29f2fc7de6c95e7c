import { requirementHolds } from '../../tenancy/label-selector.ts'
import type { NodeView, SeenNode } from '../resource.ts'
import type { V1NodeAffinity, V1NodeSelectorRequirement, V1NodeSelectorTerm, V1Taint, V1Toleration } from './json-types.ts'
import type { Pod } from './pod.ts'

type Requirement = V1NodeSelectorRequirement
type Expressions = readonly Requirement[]

/** The kubelet's own label: super's scheduler knows it of every node, and a tenant's Node has super's value of it. */
const hostname = 'kubernetes.io/hostname'

/** Weight of a node that a tenant would rather not have used (1 to 100). */
const avoidanceWeight = 100

const integer = (text: string | undefined): number | undefined =>
  text !== undefined && /^[+-]?\d+$/.test(text) ? Number(text) : undefined

/** `Gt` and `Lt`; what is no number is neither. */
const isBeyond = (operator: string | undefined, text: string | undefined, boundText: string | undefined): boolean => {
  const [is, bound] = [integer(text), integer(boundText)]
  if (is === undefined || bound === undefined) return false
  return (operator === 'Gt' && is > bound) || (operator === 'Lt' && is < bound)
}

/** True when labels fulfil a requirement (k8s.io/component-helpers/scheduling/corev1/nodeaffinity). */
const fulfils = (labels: Readonly<Record<string, string>>, requirement: Requirement): boolean => {
  const { key, operator, values } = requirement
  return (
    requirementHolds(requirement, labels) ?? isBeyond(operator, Object.hasOwn(labels, key) ? labels[key] : undefined, values?.[0])
  )
}

/** True when a pod with this toleration may be on a node with this taint (KEP-5471 for the numeric operators). */
const tolerates = ({ key, operator, value, effect }: V1Toleration, taint: V1Taint): boolean => {
  if (effect && effect !== taint.effect) return false
  if (key && key !== taint.key) return false
  switch (operator || 'Equal') {
    case 'Exists':
      return true
    case 'Equal':
      return Boolean(key) && (value ?? '') === (taint.value ?? '')
    default:
      return isBeyond(operator, taint.value, value)
  }
}

const namesOf = (nodes: readonly SeenNode[]): string[] => [...new Set(nodes.map((node) => node.hostname))].toSorted()

/** No node is both. */
const nowhere: Expressions = [
  { key: hostname, operator: 'Exists' },
  { key: hostname, operator: 'DoesNotExist' },
]

const allBut = (nodes: readonly SeenNode[]): Expressions =>
  nodes.length > 0 ? [{ key: hostname, operator: 'NotIn', values: namesOf(nodes) }] : []

/**
 * A requirement on a label of the tenant's own, as one on names of nodes. What a node without the label fulfils is said as an exclusion, so that it holds for
 * nodes that the tenant does not see as well.
 */
const byName = (requirement: Requirement, nodes: readonly SeenNode[]): Expressions => {
  if (fulfils({}, requirement)) return allBut(nodes.filter(({ labels }) => !fulfils(labels, requirement)))
  const names = namesOf(nodes.filter(({ labels }) => fulfils(labels, requirement)))
  return names.length > 0 ? [{ key: hostname, operator: 'In', values: names }] : nowhere
}

/** The nodes with a taint of the tenant's that keeps the pod away, by whether it only would rather not be there. */
const tainted = (pod: Pod, nodes: readonly SeenNode[], effects: readonly string[]): readonly SeenNode[] =>
  nodes.filter(({ taints }) =>
    taints.some(
      (taint) => effects.includes(taint.effect) && !pod.spec.tolerations?.some((toleration) => tolerates(toleration, taint)),
    ),
  )

/** Where a pod may go, in words that super's scheduler understands. */
export interface NodeChoice {
  readonly nodeSelector: Readonly<Record<string, string>> | undefined
  readonly nodeAffinity: V1NodeAffinity | undefined
}

/**
 * A pod's choice of nodes: labels and taints that its tenant has put on Nodes are unknown to super, so they become a choice by name. For a pod that
 * has its node the question is past.
 *
 * An empty term selects nothing, and stays so (NodeSelectorTerm in k8s.io/api/core/v1).
 */
export const nodeChoice = (pod: Pod, { nodes }: NodeView): NodeChoice => {
  const { nodeSelector, affinity, nodeName } = pod.spec
  const nodeAffinity = affinity?.nodeAffinity
  if (nodes.length === 0 || nodeName) return { nodeSelector, nodeAffinity }
  const ownKeys = new Set(nodes.flatMap((node) => node.ownKeys))
  const translated = (expressions: Expressions): Requirement[] =>
    expressions.flatMap((requirement) => (ownKeys.has(requirement.key) ? byName(requirement, nodes) : [requirement]))
  const selected = Object.entries(nodeSelector ?? {})
  const kept = selected.filter(([key]) => !ownKeys.has(key))
  const demanded = [
    ...translated(selected.filter(([key]) => ownKeys.has(key)).map(([key, value]) => ({ key, operator: 'In', values: [value] }))),
    ...allBut(tainted(pod, nodes, ['NoSchedule', 'NoExecute'])),
  ]
  const isEmpty = ({ matchExpressions, matchFields }: V1NodeSelectorTerm): boolean =>
    !matchExpressions?.length && !matchFields?.length
  const withDemands = (term: V1NodeSelectorTerm): V1NodeSelectorTerm => {
    const expressions = [...translated(term.matchExpressions ?? []), ...demanded]
    // What it asked for is fulfilled everywhere: it must not become the empty term.
    const nonEmpty = expressions.length > 0 || term.matchFields?.length ? expressions : [{ key: hostname, operator: 'Exists' }]
    return { ...term, ...(nonEmpty.length > 0 && { matchExpressions: nonEmpty }) }
  }
  const terms = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const required = terms
    ? terms.map((term) => (isEmpty(term) ? term : withDemands(term)))
    : demanded.length > 0
      ? [{ matchExpressions: demanded }]
      : undefined
  const avoided = tainted(pod, nodes, ['PreferNoSchedule'])
  const preferred = [
    ...(nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ preference, weight }) => ({
      weight,
      preference: isEmpty(preference)
        ? preference
        : { ...preference, ...(preference.matchExpressions && { matchExpressions: translated(preference.matchExpressions) }) },
    })),
    ...(avoided.length > 0 ? [{ weight: avoidanceWeight, preference: { matchExpressions: [...allBut(avoided)] } }] : []),
  ]
  return {
    nodeSelector: kept.length > 0 || selected.length === 0 ? nodeSelector && Object.fromEntries(kept) : undefined,
    nodeAffinity:
      required || preferred.length > 0 || nodeAffinity
        ? {
            ...(required && { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: required } }),
            ...(preferred.length > 0 && { preferredDuringSchedulingIgnoredDuringExecution: preferred }),
          }
        : undefined,
  }
}
