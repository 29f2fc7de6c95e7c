import type { KubeObject } from '../../apis/kube-object.ts'
import { objectKey } from '../../apis/kube-object.ts'
import { isLive } from '../decide.ts'
import { referenceKey } from '../references.ts'
import type { SyncContext, SyncedResource } from '../resource.ts'
import { resourcesOf } from '../resources/index.ts'
import { compareNamespaceFittings, compareTokens, isTokenSecret } from './compare-fittings.ts'
import { compareMirrored, compareNodes, compareVolumes } from './compare-mirrored.ts'
import { comparePairs, type PairReport } from './compare-pairs.ts'
import { noRoomIn } from './no-room.ts'
import { objectsOf, type Snapshot } from './snapshot.ts'

export interface CompareInput {
  readonly ctx: SyncContext
  readonly nodeSelector: Readonly<Record<string, string>> | undefined
}

/** `resource/namespace/name` of all that something synced refers to. */
const referred = (snapshot: Snapshot, resources: readonly SyncedResource[]): ReadonlySet<string> =>
  new Set(
    resources.flatMap((resource) =>
      objectsOf(snapshot.tenant, resource.type)
        .filter(isLive)
        .flatMap((object) =>
          (resource.dependencies?.(object) ?? []).map((target) => referenceKey(target, object.metadata.namespace ?? '')),
        ),
    ),
  )

/** Everything in which the two sides differ. Pure: the same snapshot gives the same answer. */
export const compareSides = (snapshot: Snapshot, { ctx, nodeSelector }: CompareInput): PairReport => {
  const resources = resourcesOf(ctx)
  const references = referred(snapshot, resources)
  const noRoom = noRoomIn(snapshot, ctx)
  const pairs = resources.map((resource) =>
    comparePairs(resource, snapshot, ctx, {
      noRoom,
      ...(resource.byReference && {
        isWanted: (object: KubeObject) => references.has(`${resource.type.plural}/${objectKey(object)}`),
        isElsewhere: isTokenSecret,
      }),
    }),
  )
  return {
    differences: [
      ...pairs.flatMap(({ differences }) => differences),
      ...compareNamespaceFittings(snapshot, ctx),
      ...compareTokens(snapshot, ctx),
      ...compareNodes(snapshot, { ctx, nodeSelector }),
      ...compareVolumes(snapshot, ctx),
      ...compareMirrored(snapshot, ctx),
    ],
    refused: pairs.flatMap(({ refused }) => refused),
    compared: pairs.reduce((sum, { compared }) => sum + compared, 0),
  }
}
