import { resourceTypes } from '../../apis/resource-types.ts'
import { managedByBerth, managedByLabel } from '../../tenancy/marks.ts'
import { superNamespace, tenantIdentity } from '../../tenancy/names.ts'
import { type Bench, type Check, failed, passed, unknown, type Verdict } from '../check.ts'
import { answered } from '../refusal.ts'
import { compliantPod } from '../specimens.ts'

/** Kinds of objects in a super namespace that hold a tenant in its bounds. */
const bounds = [
  resourceTypes.roleBindings,
  resourceTypes.resourceQuotas,
  resourceTypes.networkPolicies,
  resourceTypes.serviceAccounts,
] as const

/**
 * What Berth itself keeps for a tenant stands in super, not among the tenant's own objects: the identity that is the tenant there must not be able to take it away.
 */
const guarded = async ({ superSide, tenant, namespace, control, image, settings, signal }: Bench): Promise<Verdict> => {
  if (!superSide) return unknown('where super is was not said: --super-kubeconfig')
  const below = superNamespace(tenant, namespace)
  const identity = superSide.client.as(tenantIdentity(tenant.uid))
  const pod = compliantPod({ name: 'guarded', namespace, image, args: ['pause'], pullAlways: settings.pods.pullAlways })
  const { superObject } = await control(resourceTypes.pods, pod)
  const { name = '' } = superObject?.metadata ?? {}
  const own = await answered(
    () => identity.delete(resourceTypes.pods, { name, namespace: below }, { dryRun: true, signal }),
    signal,
  )
  if (own.kind !== 'taken') return unknown(`the identity of the tenant may not even delete its own pod in super: ${own.message}`)
  const lists = await Promise.all(
    bounds.map(async (type) => {
      const labelSelector = `${managedByLabel}=${managedByBerth}`
      const { items } = await superSide.client.list(type, { namespace: below, labelSelector, signal })
      return items.map(({ metadata }) => ({ type, ref: { name: metadata.name ?? '', namespace: below } }))
    }),
  )
  const found = [...lists.flat(), { type: resourceTypes.namespaces, ref: { name: below } }]
  const taken: string[] = []
  for (const { type, ref } of found) {
    const answer = await answered(() => identity.delete(type, ref, { dryRun: true, signal }), signal)
    if (answer.kind === 'taken') taken.push(`${type.plural}/${ref.name}`)
    if (answer.kind === 'unknown') return unknown(`deleting ${type.plural}/${ref.name} in super: ${answer.message}`)
  }
  const evidence = [{ layer: 'super', saw: `${found.length} objects of Berth's, ${taken.length} may be deleted` }] as const
  return taken.length > 0
    ? failed(`the identity of the tenant in super may delete ${taken.join(', ')}`, evidence)
    : passed(`none of ${found.length} objects that hold the tenant in super can be deleted by its identity`, evidence)
}

export const guardedChecks: readonly Check[] = [
  {
    id: 'MTB-PL1-BC-CPI-2',
    title: 'Block access to multi-tenant resources',
    category: 'Control Plane Isolation',
    origin: 'published',
    run: guarded,
  },
]
