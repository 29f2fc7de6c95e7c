import { pass, passing, translate, typeTable } from './fields.ts'

export const labelSelectorFields = typeTable(
  'LabelSelector',
  { matchExpressions: pass(typeTable('LabelSelectorRequirement', passing('key', 'operator', 'values'))) },
  passing('matchLabels'),
)

const merged = 'merged into `labelSelector`, where the super would merge them a second time'

const requirement = typeTable('NodeSelectorRequirement', passing('key', 'operator', 'values'))
const nodeSelectorTerm = typeTable('NodeSelectorTerm', {
  matchExpressions: translate('labels that the tenant itself put on its Nodes become a choice of nodes by name', requirement),
  matchFields: pass(requirement),
})

const nodeAffinity = typeTable('NodeAffinity', {
  preferredDuringSchedulingIgnoredDuringExecution: pass(
    typeTable('PreferredSchedulingTerm', { preference: pass(nodeSelectorTerm), ...passing('weight') }),
  ),
  requiredDuringSchedulingIgnoredDuringExecution: pass(typeTable('NodeSelector', { nodeSelectorTerms: pass(nodeSelectorTerm) })),
})

const podAffinityTerm = typeTable('PodAffinityTerm', {
  labelSelector: pass(labelSelectorFields),
  matchLabelKeys: translate(merged),
  mismatchLabelKeys: translate(merged),
  namespaceSelector: translate('selects among the namespaces of this tenant only', labelSelectorFields),
  namespaces: translate("the tenant's namespaces, by the names they have in the super"),
  ...passing('topologyKey'),
})
const podTerms = {
  preferredDuringSchedulingIgnoredDuringExecution: pass(
    typeTable('WeightedPodAffinityTerm', { podAffinityTerm: pass(podAffinityTerm), ...passing('weight') }),
  ),
  requiredDuringSchedulingIgnoredDuringExecution: pass(podAffinityTerm),
}

export const affinityFields = typeTable('Affinity', {
  nodeAffinity: pass(nodeAffinity),
  podAffinity: pass(typeTable('PodAffinity', podTerms)),
  podAntiAffinity: pass(typeTable('PodAntiAffinity', podTerms)),
})

export const spreadFields = typeTable(
  'TopologySpreadConstraint',
  { labelSelector: pass(labelSelectorFields), matchLabelKeys: translate(merged) },
  passing('maxSkew', 'minDomains', 'nodeAffinityPolicy', 'nodeTaintsPolicy', 'topologyKey', 'whenUnsatisfiable'),
)
