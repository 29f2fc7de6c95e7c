import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { type FieldTable, passingFields, refusedField } from '../pods/fields.ts'
import type { V1LabelSelector } from '../pods/json-types.ts'
import { defineResource, type Translation } from '../resource.ts'
import { selectorRefusal } from './selectors.ts'

interface PodDisruptionBudget extends KubeObject {
  spec?: {
    selector?: V1LabelSelector
    minAvailable?: number | string
    maxUnavailable?: number | string
    unhealthyPodEvictionPolicy?: string
  }
  status?: { desiredHealthy?: number; expectedPods?: number; observedGeneration?: number }
}

/** Every field of a PodDisruptionBudgetSpec in the Kubernetes versions served. */
export const podDisruptionBudgetFields: FieldTable = {
  maxUnavailable: 'translate',
  minAvailable: 'translate',
  selector: 'pass',
  unhealthyPodEvictionPolicy: 'pass',
}

const refusal = ({ spec = {} }: PodDisruptionBudget): Translation | undefined => {
  const field = refusedField(spec, podDisruptionBudgetFields)
  return field
    ? { kind: 'refused', reason: 'FieldNotSupported', message: `spec.${field.field}: ${field.why}` }
    : selectorRefusal('spec.selector', spec.selector)
}

/**
 * How many pods have to stay, as a number. Percentages and `maxUnavailable` count from the scale of the workload that owns the pods, which only the
 * tenant's controllers know: super's would take it for none and never let a pod go. The tenant's have worked out the number in the status.
 */
const superAmount = ({ metadata, spec = {}, status }: PodDisruptionBudget): Record<string, unknown> => {
  if (typeof spec.minAvailable === 'number') return { minAvailable: spec.minAvailable }
  const isCounted = status?.expectedPods && status.observedGeneration === metadata.generation
  // Until the tenant has counted, no pod may go; nor when there was nothing to count from, as in any cluster.
  return isCounted ? { minAvailable: status.desiredHealthy } : { maxUnavailable: 0 }
}

/**
 * Budgets: a drain of a node in super heeds them, as evictions in the tenant do. Each side's controller keeps its own status, from the pods as that side
 * sees them: nothing comes up.
 */
export const podDisruptionBudgets = defineResource<PodDisruptionBudget>({
  type: resourceTypes.podDisruptionBudgets,
  superWatch: 'labelled',
  goneInSuper: 'recreate',
  exact: true,
  toSuper: (budget) =>
    refusal(budget) ?? {
      kind: 'object',
      body: {
        labels: {},
        annotations: {},
        fields: { spec: { ...passingFields(budget.spec ?? {}, podDisruptionBudgetFields), ...superAmount(budget) } },
      },
    },
})
