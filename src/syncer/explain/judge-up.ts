import type { KubeObject } from '../../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import { tenantLabel } from '../../tenancy/marks.ts'
import type { SyncContext } from '../resource.ts'
import { isMirrored, mirroredKinds } from '../resources/mirrored.ts'
import { compareMirrored, compareNodes, compareVolumes } from '../verify/compare-mirrored.ts'
import type { Difference } from '../verify/difference.ts'
import { type ListedKind, readAll, type Snapshot } from '../verify/snapshot.ts'
import type { ContextClients } from './context.ts'
import { type Judgement, pendingOf } from './judge.ts'

/** What the comparison of a kind that comes up goes by. */
export interface UpDeps extends ContextClients {
  readonly ctx: SyncContext
  readonly nodeSelector: Readonly<Record<string, string>> | undefined
}

/** The lists that the comparison of one kind reads on each side. */
const listsFor = (type: ResourceType, { tenant }: SyncContext): { own: readonly ListedKind[]; above: readonly ListedKind[] } => {
  switch (type.plural) {
    case 'nodes':
      return { own: [{ type }, { type: resourceTypes.leases, namespace: 'kube-node-lease' }], above: [{ type }] }
    case 'persistentvolumes': {
      const claims = resourceTypes.persistentVolumeClaims
      return {
        own: [{ type }, { type: claims }],
        above: [{ type }, { type: claims, labelSelector: `${tenantLabel}=${tenant.uid}` }],
      }
    }
    default: {
      const own = [{ type, optional: true }, { type: resourceTypes.nodes }]
      const priorities = resourceTypes.priorityClasses
      return { own: type.plural === priorities.plural ? own : [...own, { type: priorities }], above: mirroredKinds }
    }
  }
}

const compare = (type: ResourceType, snapshot: Snapshot, { ctx, nodeSelector }: UpDeps): readonly Difference[] => {
  switch (type.plural) {
    case 'nodes':
      return compareNodes(snapshot, { ctx, nodeSelector })
    case 'persistentvolumes':
      return compareVolumes(snapshot, ctx)
    default:
      return compareMirrored(snapshot, ctx)
  }
}

/** How an object of a kind stands that a tenant has as a copy of super's, by the rules that `berth verify` goes by. */
export const judgeUp = async (
  type: ResourceType,
  {
    name,
    tenantObject,
    superObject,
  }: { name: string; tenantObject: KubeObject | undefined; superObject: KubeObject | undefined },
  deps: UpDeps,
): Promise<Judgement> => {
  const { own, above } = listsFor(type, deps.ctx)
  const [tenant, superSide] = await Promise.all([
    readAll(deps.tenantClient, own, deps.signal),
    readAll(deps.superClient, above, deps.signal),
  ])
  const pending = compare(type, { tenant, superSide, takenAt: Date.now() }, deps)
    .filter((difference) => difference.resource === type.plural && difference.name === name)
    .map(({ kind, detail }) => pendingOf([kind, detail]))
  const verdict = (): string => {
    if (tenantObject && !isMirrored(tenantObject)) return "the tenant made it itself: it is no copy of super's"
    if (pending.length > 0) return 'the copy in the tenant is not as super has it'
    return tenantObject ? "it is a copy of super's, and true to it" : 'super has it, and the tenant is not to see it'
  }
  // Super's own is nobody's counterpart unless the tenant has a copy of it.
  return { verdict: superObject || tenantObject ? verdict() : 'it is on neither side', pending, refusal: undefined }
}
