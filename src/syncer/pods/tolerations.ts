import type { Creation, SyncContext } from '../resource.ts'
import { sameJson } from '../resources/merge-patch.ts'
import type { V1Toleration } from './json-types.ts'
import type { Pod } from './pod.ts'

type Context = Pick<SyncContext, 'isolation' | 'nodes'>

/** Taints that say how a node fares: every pod may bear them for as long as it says, as those of DaemonSets do without being asked. */
const lifecycleKeys: readonly string[] = [
  'node.kubernetes.io/disk-pressure',
  'node.kubernetes.io/memory-pressure',
  'node.kubernetes.io/network-unavailable',
  'node.kubernetes.io/not-ready',
  'node.kubernetes.io/pid-pressure',
  'node.kubernetes.io/unreachable',
  'node.kubernetes.io/unschedulable',
]

/** True for a taint that says how a node fares, and nothing of whom it is for. */
export const isLifecycleKey = (key: string | undefined): boolean => key !== undefined && lifecycleKeys.includes(key)

/** Taints of control planes and the like, which no word of a tenant's operator opens. */
const rolePrefix = 'node-role.kubernetes.io/'

const everyKey = '*'

/** Keys by which pools are kept: what a tenant tolerates of them is said by its own pool alone. */
const poolKeys = ({ isolation, nodes }: Context): ReadonlySet<string> =>
  new Set(
    [...nodes.foreignPools, ...(isolation.nodePool ? [isolation.nodePool] : [])].flatMap(({ taints }) =>
      taints.map(({ key }) => key),
    ),
  )

/** Whether the tenant's pods may tolerate taints of super's with a key. */
const tolerable = (ctx: Context): ((key: string) => boolean) => {
  const { tolerations: allowed } = ctx.isolation.pods
  const closed = poolKeys(ctx)
  return (key) =>
    isLifecycleKey(key) ||
    (!closed.has(key) && !key.startsWith(rolePrefix) && (allowed.includes(everyKey) || allowed.includes(key)))
}

const poolTolerations = ({ isolation }: Context): readonly V1Toleration[] =>
  (isolation.nodePool?.taints ?? []).map(({ key, value, effect }) => ({
    key,
    ...(value === undefined ? { operator: 'Exists' } : { operator: 'Equal', value }),
    ...(effect && { effect }),
  }))

/**
 * The taints of super's that the pod tolerates: of those that it asks for what its tenant may, and all of the tenant's pool. A toleration without a key, which
 * means all taints, becomes one of each that there is and that it may have. Taints of the tenant's own are unknown in super: `nodeChoice` heeds them.
 */
export const superTolerations = ({ spec }: Pod, ctx: Context): V1Toleration[] | undefined => {
  const ofPool = poolTolerations(ctx)
  if (!spec.tolerations && ofPool.length === 0) return undefined
  const may = tolerable(ctx)
  const { tolerations: allowed } = ctx.isolation.pods
  const every = (): string[] => [
    ...lifecycleKeys,
    ...[...new Set([...(allowed.includes(everyKey) ? ctx.nodes.taintKeys : []), ...allowed])]
      .filter((key) => key !== everyKey && !isLifecycleKey(key) && may(key))
      .toSorted(),
  ]
  const asked = (spec.tolerations ?? []).flatMap((toleration): V1Toleration[] => {
    if (toleration.key) return may(toleration.key) ? [toleration] : []
    const { value: _none, ...rest } = toleration
    return every().map((key) => ({ ...rest, key, operator: 'Exists' }))
  })
  return [...asked, ...ofPool.filter((toleration) => !asked.some((other) => sameJson(other, toleration)))]
}

/** Tolerations that were left out and that would have counted: of a taint that super's nodes have. Of other tenants' pools nothing is said. */
export const tolerationNotes = ({ spec }: Pod, ctx: Context): Creation<Pod>['notes'] => {
  const may = tolerable(ctx)
  const closed = poolKeys(ctx)
  const keys = new Set((spec.tolerations ?? []).flatMap(({ key }) => (key ? [key] : [])))
  const left = [...keys].filter((key) => !may(key) && !closed.has(key) && ctx.nodes.taintKeys.includes(key))
  if (left.length === 0) return []
  const message = `spec.tolerations: ${left.toSorted().join(', ')} is not for this tenant to tolerate; the pod does not go to nodes with it`
  return [{ reason: 'TolerationNotAllowed', message }]
}
