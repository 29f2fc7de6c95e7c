import { tenantLabel } from '../../tenancy/marks.ts'
import { namespaceLabelKey, superNamespace } from '../../tenancy/names.ts'
import type { SyncContext } from '../resource.ts'
import type {
  V1Affinity,
  V1LabelSelector,
  V1LabelSelectorRequirement,
  V1NodeAffinity,
  V1NodeSelectorTerm,
  V1PodAffinityTerm,
  V1TopologySpreadConstraint,
} from './json-types.ts'
import type { NodeChoice } from './node-choice.ts'
import type { Pod } from './pod.ts'

/** The label that API servers put on every namespace. */
const namespaceNameLabel = 'kubernetes.io/metadata.name'

/**
 * A selector of tenant namespaces as one of super namespaces: the tenant's labels stand there under hashed keys. Whatever it says, it selects only
 * namespaces that carry this tenant's label and back one of its namespaces: no NotIn, DoesNotExist or empty selector reaches further.
 */
export const superNamespaceSelector = (
  { matchLabels, matchExpressions }: V1LabelSelector,
  ctx: SyncContext,
): V1LabelSelector => ({
  matchLabels: {
    ...Object.fromEntries(Object.entries(matchLabels ?? {}).map(([key, value]) => [namespaceLabelKey(key), value])),
    [tenantLabel]: ctx.tenant.uid,
  },
  matchExpressions: [
    ...(matchExpressions ?? []).map((expression) => ({ ...expression, key: namespaceLabelKey(expression.key) })),
    { key: namespaceLabelKey(namespaceNameLabel), operator: 'Exists' },
  ],
})

/**
 * `matchLabelKeys` and `mismatchLabelKeys` as plain expressions (KEP-3633, KEP-3243). The tenant's API server has merged them already; super's would do it
 * a second time and then refuse the pod.
 */
const mergedSelector = (
  selector: V1LabelSelector | undefined,
  keys: { readonly matchLabelKeys?: string[]; readonly mismatchLabelKeys?: string[] },
  labels: Readonly<Record<string, string>>,
): V1LabelSelector | undefined => {
  if (!selector) return undefined
  const present = selector.matchExpressions ?? []
  const missing = (list: readonly string[] | undefined, operator: string): V1LabelSelectorRequirement[] =>
    (list ?? [])
      .filter((key) => Object.hasOwn(labels, key))
      .map((key) => ({ key, operator, values: [labels[key] ?? ''] }))
      .filter(
        (wanted) =>
          !present.some(
            ({ key, operator: has, values }) => key === wanted.key && has === operator && values?.[0] === wanted.values[0],
          ),
      )
  const added = [...missing(keys.matchLabelKeys, 'In'), ...missing(keys.mismatchLabelKeys, 'NotIn')]
  return added.length > 0 ? { ...selector, matchExpressions: [...present, ...added] } : selector
}

const superTerm = (
  { matchLabelKeys, mismatchLabelKeys, namespaceSelector, namespaces, labelSelector, ...rest }: V1PodAffinityTerm,
  pod: Pod,
  ctx: SyncContext,
): V1PodAffinityTerm => {
  const selector = mergedSelector(
    labelSelector,
    { ...(matchLabelKeys && { matchLabelKeys }), ...(mismatchLabelKeys && { mismatchLabelKeys }) },
    pod.metadata.labels ?? {},
  )
  return {
    ...rest,
    ...(selector && { labelSelector: selector }),
    ...(namespaces && { namespaces: namespaces.map((namespace) => superNamespace(ctx.tenant, namespace)) }),
    ...(namespaceSelector && { namespaceSelector: superNamespaceSelector(namespaceSelector, ctx) }),
  }
}

type PodTerms = NonNullable<V1Affinity['podAffinity']>

const superPodTerms = (
  {
    requiredDuringSchedulingIgnoredDuringExecution: required,
    preferredDuringSchedulingIgnoredDuringExecution: preferred,
    ...rest
  }: PodTerms,
  pod: Pod,
  ctx: SyncContext,
): PodTerms => ({
  ...rest,
  ...(required && { requiredDuringSchedulingIgnoredDuringExecution: required.map((term) => superTerm(term, pod, ctx)) }),
  ...(preferred && {
    preferredDuringSchedulingIgnoredDuringExecution: preferred.map((weighted) => ({
      ...weighted,
      podAffinityTerm: superTerm(weighted.podAffinityTerm, pod, ctx),
    })),
  }),
})

/** Node affinity that leaves `node` as the only choice, on top of what the pod asks for. */
export const onNode = (affinity: V1NodeAffinity | undefined, node: string): V1NodeAffinity => {
  const wanted = { key: 'metadata.name', operator: 'In', values: [node] }
  const terms: V1NodeSelectorTerm[] = affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [{}]
  return {
    ...affinity,
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: terms.map((term) => ({ ...term, matchFields: [...(term.matchFields ?? []), wanted] })),
    },
  }
}

/**
 * The node that the pod's user chose by writing `spec.nodeName`, past any scheduler. A pod bound through the syncer has PodScheduled=True from the moment
 * it has a node, so its translation stays what it was.
 */
export const chosenNode = ({ spec, status }: Pod): string | undefined =>
  spec.nodeName && !status?.conditions?.some(({ type, status: value }) => type === 'PodScheduled' && value === 'True')
    ? spec.nodeName
    : undefined

/** Affinity in super: namespaces by super's names, nodes as `choice` says, a chosen one as a requirement for super's scheduler. */
export const superAffinity = (
  pod: Pod,
  { nodeAffinity: choice }: Pick<NodeChoice, 'nodeAffinity'>,
  ctx: SyncContext,
): V1Affinity | undefined => {
  const { affinity } = pod.spec
  const node = chosenNode(pod)
  if (!affinity && !node && !choice) return undefined
  const nodeAffinity = node ? onNode(choice, node) : choice
  return {
    ...affinity,
    ...(nodeAffinity && { nodeAffinity }),
    ...(affinity?.podAffinity && { podAffinity: superPodTerms(affinity.podAffinity, pod, ctx) }),
    ...(affinity?.podAntiAffinity && { podAntiAffinity: superPodTerms(affinity.podAntiAffinity, pod, ctx) }),
  }
}

/** Spread constraints count pods of the pod's own namespace only, so just the keys are merged. */
export const superSpread = (constraints: readonly V1TopologySpreadConstraint[], pod: Pod): V1TopologySpreadConstraint[] =>
  constraints.map(({ matchLabelKeys, labelSelector, ...rest }) => {
    const selector = mergedSelector(labelSelector, { ...(matchLabelKeys && { matchLabelKeys }) }, pod.metadata.labels ?? {})
    return { ...rest, ...(selector && { labelSelector: selector }) }
  })
