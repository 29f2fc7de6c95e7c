import type { NodePool } from '../apis/isolation.ts'
import { specInForce } from '../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'

type Labels = Readonly<Record<string, string>>

/** True when `labels` has all of `selector`; `{}` is every node. */
export const selects = (selector: Labels | undefined, labels: Labels = {}): boolean =>
  selector !== undefined && Object.entries(selector).every(([key, value]) => labels[key] === value)

/** Pools are told apart by the labels of their nodes: tenants with the same ones share a pool. */
const idOf = ({ nodeSelector }: NodePool): string =>
  JSON.stringify(Object.entries(nodeSelector).toSorted(([a], [b]) => (a < b ? -1 : 1)))

const inOrder = <T>(map: ReadonlyMap<string, T>): T[] =>
  [...map].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)

/** The pools out of `pools` that a tenant with the pool `own` has no part in: each once, with all taints that are said of it, in an order that lasts. */
export const foreignPools = (own: NodePool | undefined, pools: readonly NodePool[]): readonly NodePool[] => {
  const ownId = own && idOf(own)
  const byId = new Map<string, NodePool>()
  for (const pool of pools) {
    const id = idOf(pool)
    if (id === ownId) continue
    const known = byId.get(id)
    const taints = [...(known?.taints ?? []), ...pool.taints]
    const unique = new Map(taints.map((taint) => [JSON.stringify([taint.key, taint.value, taint.effect]), taint]))
    byId.set(id, { nodeSelector: pool.nodeSelector, taints: inOrder(unique) })
  }
  return inOrder(byId)
}

/** The pools of tenants: also of those that sleep, are being made, or are on their way out, since their nodes are theirs until then. */
export const poolsOf = (planes: readonly TenantControlPlane[]): readonly NodePool[] =>
  foreignPools(
    undefined,
    planes.flatMap((plane) => specInForce(plane).isolation.nodePool ?? []),
  )

export const samePools = (some: readonly NodePool[], others: readonly NodePool[]): boolean =>
  JSON.stringify(some) === JSON.stringify(others)

/** Whose nodes a tenant may have: `selector` is its operator's choice of those that it sees, undefined for none but those with its pods. */
export interface NodeScope {
  readonly selector: Labels | undefined
  readonly pool: NodePool | undefined
  /** True when it is to have nodes of its own only: without a pool then none. */
  readonly onlyPool: boolean
  readonly foreignPools: readonly NodePool[]
}

/** True for a node that the tenant's pods may be on: of its pool, or, without one, of nobody's. */
export const isOpen = ({ pool, onlyPool, foreignPools: others }: Omit<NodeScope, 'selector'>, labels: Labels = {}): boolean => {
  if (pool) return selects(pool.nodeSelector, labels)
  return !onlyPool && !others.some(({ nodeSelector }) => selects(nodeSelector, labels))
}

/** True for a node that the tenant sees before it has pods there. */
export const sees = (scope: NodeScope, labels: Labels = {}): boolean => selects(scope.selector, labels) && isOpen(scope, labels)
