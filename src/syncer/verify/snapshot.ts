import type { KubeObject } from '../../apis/kube-object.ts'
import { kindKey, type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { hasCode } from '../../lib/errors.ts'
import { tenantLabel } from '../../tenancy/marks.ts'
import type { SyncContext } from '../resource.ts'
import { resourcesOf } from '../resources/index.ts'
import { mirroredKinds } from '../resources/mirrored.ts'

/** Whole objects of one side by plural of the resource. */
export type Objects = ReadonlyMap<string, readonly KubeObject[]>

/** Both sides as they were read within one round; two reads are never of the same moment. */
export interface Snapshot {
  readonly tenant: Objects
  /** Super's objects under the tenant's label, and all of the kinds that belong to nobody: nodes, volumes, storage classes. */
  readonly superSide: Objects
  /** Milliseconds since the epoch. */
  readonly takenAt: number
}

/** One list of one side. */
export interface ListedKind {
  readonly type: ResourceType
  readonly namespace?: string
  readonly labelSelector?: string
  /** An API server may not serve it. */
  readonly optional?: boolean
}

/** Kinds that come up from super whole. */
const shared: readonly ListedKind[] = [{ type: resourceTypes.nodes }, { type: resourceTypes.persistentVolumes }, ...mirroredKinds]
/** What each super namespace holds besides. */
const fittings: readonly ResourceType[] = [resourceTypes.roleBindings, resourceTypes.serviceAccounts]

const listMs = 60_000

/** Lists of one API server, by kind. */
export const readAll = async (
  client: Pick<KubeClient, 'list'>,
  kinds: readonly ListedKind[],
  signal: AbortSignal,
): Promise<Objects> =>
  new Map(
    await Promise.all(
      kinds.map(async ({ type, namespace, labelSelector, optional }): Promise<[string, readonly KubeObject[]]> => {
        const selection = { ...(namespace !== undefined && { namespace }), ...(labelSelector !== undefined && { labelSelector }) }
        const answer = await client.list(type, { ...selection, signal, timeoutMs: listMs }).catch((error: unknown) => {
          if (optional && hasCode(error, 'KUBE_NOT_FOUND')) return undefined
          throw error
        })
        return [kindKey(type), answer?.items ?? []]
      }),
    ),
  )

export interface SnapshotDeps {
  readonly tenantClient: Pick<KubeClient, 'list'>
  readonly superClient: Pick<KubeClient, 'list'>
  readonly signal: AbortSignal
  readonly now: () => number
}

/** Reads all that is compared, from both API servers anew. */
export const takeSnapshot = async (
  { tenant, customKinds }: Pick<SyncContext, 'tenant' | 'customKinds'>,
  { tenantClient, superClient, signal, now }: SnapshotDeps,
): Promise<Snapshot> => {
  const synced = resourcesOf({ customKinds }).map(({ type }) => ({ type, optional: type.custom ?? false }))
  const labelSelector = `${tenantLabel}=${tenant.uid}`
  const labelled = [...synced, ...fittings.map((type) => ({ type }))].map((kind) => ({ ...kind, labelSelector }))
  const [tenantObjects, superObjects] = await Promise.all([
    readAll(tenantClient, [...synced, ...shared, { type: resourceTypes.leases, namespace: 'kube-node-lease' }], signal),
    readAll(superClient, [...labelled, ...shared], signal),
  ])
  return { tenant: tenantObjects, superSide: superObjects, takenAt: now() }
}

export const objectsOf = (objects: Objects, type: ResourceType): readonly KubeObject[] => objects.get(kindKey(type)) ?? []
