import type { NodePool } from '../apis/isolation.ts'
import { foreignPools } from '../tenancy/node-pools.ts'
import { keyOf } from './keys.ts'
import { taintKeysOf } from './own-nodes.ts'
import { informerOf, type SuperSide } from './sides.ts'
import type { RunningTenant } from './tenant.ts'

/** Tells a tenant of super's nodes as they are, and returns how to tell it of other pools: which it may not enter, and whose nodes it does not see. */
export const hearNodes = (
  side: Pick<RunningTenant, 'ctx' | 'hearNodes'>,
  pools: readonly NodePool[],
  { superSide, enqueue }: { readonly superSide: SuperSide; readonly enqueue: (key: string) => void },
): ((pools: readonly NodePool[]) => void) => {
  const nodes = informerOf(superSide.informers, 'nodes')
  const { nodePool } = side.ctx.isolation
  let known = pools
  side.hearNodes({ foreignPools: foreignPools(nodePool, pools), taintKeys: taintKeysOf(nodes.list()) })
  return (now) => {
    if (now === known) return
    known = now
    side.hearNodes({ foreignPools: foreignPools(nodePool, now) })
    for (const { metadata } of nodes.list()) enqueue(keyOf('nodes', '', metadata.name ?? ''))
  }
}
