import type { KubeObject } from '../../apis/kube-object.ts'
import { type LabelSelector, selectorHolds } from '../../tenancy/label-selector.ts'
import { openEgressLabel, openIngressLabel } from '../../tenancy/marks.ts'
import type { PolicyView, SyncContext } from '../resource.ts'
import { type Direction, policyTypeOf } from './peers.ts'

export const directions = ['ingress', 'egress'] as const satisfies readonly Direction[]

export const openLabels: Readonly<Record<Direction, string>> = { ingress: openIngressLabel, egress: openEgressLabel }

type Labels = Readonly<Record<string, string>>

/** True when a label selector, empty or not, selects these labels. What it says and nobody understands selects: it then closes. */
export const selects = (selector: LabelSelector, labels: Labels): boolean => selectorHolds(selector, labels, true)

interface Closing {
  readonly selector: LabelSelector
  readonly directions: readonly Direction[]
}

const closingOf = ({ spec = {} }: KubeObject): Closing => {
  const types = (spec.policyTypes ?? ['Ingress', ...(spec.egress ? ['Egress'] : [])]) as string[]
  return {
    selector: (spec.podSelector ?? {}) as LabelSelector,
    directions: directions.filter((each) => types.includes(policyTypeOf[each])),
  }
}

/** A tenant's policies by namespace, kept from its watch: whether they speak of a pod. */
export class OwnPolicies implements PolicyView {
  readonly #byNamespace = new Map<string, Map<string, Closing>>()
  #revision = 0

  get revision(): number {
    return this.#revision
  }

  /** Records a policy (undefined: gone). True when the pods of its namespace have to be looked at. */
  set(namespace: string, name: string, policy: KubeObject | undefined): boolean {
    const known = this.#byNamespace.get(namespace)
    const before = known?.get(name)
    const now = policy && closingOf(policy)
    if (JSON.stringify(before) === JSON.stringify(now)) return false
    if (now) this.#byNamespace.set(namespace, (known ?? new Map<string, Closing>()).set(name, now))
    else if (known?.delete(name) && known.size === 0) this.#byNamespace.delete(namespace)
    this.#revision += 1
    return true
  }

  closed(namespace: string, labels: Labels): ReadonlySet<Direction> {
    const closed = new Set<Direction>()
    for (const { selector, directions: shut } of this.#byNamespace.get(namespace)?.values() ?? []) {
      if (shut.every((each) => closed.has(each)) || !selects(selector, labels)) continue
      for (const each of shut) closed.add(each)
    }
    return closed
  }
}

/** The same of a list that was read once. */
export const policiesOf = (policies: readonly KubeObject[]): PolicyView => {
  const view = new OwnPolicies()
  for (const policy of policies) view.set(policy.metadata.namespace ?? '', policy.metadata.name ?? '', policy)
  return view
}

/** Labels of Berth's own on a super pod: in which directions Berth's policies may open it. Without them nothing is open. */
export const openMarks = ({ metadata }: KubeObject, ctx: Pick<SyncContext, 'isolation' | 'policies'>): Labels => {
  if (!ctx.isolation.network.apart) return {}
  const closed = ctx.policies.closed(metadata.namespace ?? '', metadata.labels ?? {})
  return Object.fromEntries(directions.map((each) => [openLabels[each], String(!closed.has(each))]))
}
