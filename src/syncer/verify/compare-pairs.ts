import { type KubeObject, objectKey } from '../../apis/kube-object.ts'
import { kindKey } from '../../apis/resource-types.ts'
import { wantedHashAnnotation } from '../../tenancy/marks.ts'
import { decide } from '../decide.ts'
import { storeKey } from '../keys.ts'
import { isFence } from '../network/fences.ts'
import type { SyncContext, SyncedResource, TenantWrite } from '../resource.ts'
import { isExactly, ownerOf, superRefOf, type Wanted, wantedHashOf, wantedObject } from '../super-object.ts'
import type { Difference, DifferenceKind } from './difference.ts'
import { describeDrift, fieldDrift } from './field-drift.ts'
import type { NoRoom } from './no-room.ts'
import { objectsOf, type Snapshot } from './snapshot.ts'

/** What is on its way out may take this long past its time before it counts. */
const deletionSlackMs = 60_000

export interface PairReport {
  readonly differences: readonly Difference[]
  /** Tenant objects that super is not to have, with the reason their users were told. */
  readonly refused: readonly Difference[]
  /** Tenant objects looked at. */
  readonly compared: number
}

const keyOfRef = ({ namespace = '', name }: { readonly namespace?: string; readonly name: string }): string =>
  storeKey(namespace, name)

/** True for an object whose deletion was asked for and should not have been carried out long ago. */
export const isLeaving = ({ metadata }: KubeObject, takenAt: number): boolean =>
  metadata.deletionTimestamp !== undefined && Date.parse(metadata.deletionTimestamp) + deletionSlackMs > takenAt

/** Made by a controller of super from one of ours, whose labels it copied: EndpointSlices of a Service. */
const isDerived = ({ metadata }: KubeObject): boolean => metadata.ownerReferences?.some(({ controller }) => controller) ?? false

const describeWrite = (write: TenantWrite): string => {
  switch (write.kind) {
    case 'bind':
      return `not bound to ${write.node} yet`
    case 'status':
      return `status: ${cut(JSON.stringify(write.status))}`
    case 'patch':
      return `fields: ${cut(JSON.stringify(write.body))}`
    case 'detour':
      return `fields: ${cut(JSON.stringify(write.to))}`
  }
}
const cut = (text: string): string => (text.length > 200 ? `${text.slice(0, 197)}...` : text)

const isDown = ([kind]: readonly [DifferenceKind, ...unknown[]]): boolean => kind.endsWith('-in-super')

/** The wanted object without the hash, which is compared by itself. */
const comparable = ({ metadata, ...fields }: KubeObject): Readonly<Record<string, unknown>> => {
  const { name, namespace, labels, annotations } = metadata
  return { ...fields, metadata: { name, namespace, labels, annotations: withoutHash(annotations) } }
}
const withoutHash = (annotations: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => key !== wantedHashAnnotation))

/** Keys that only super has: in a ConfigMap or Secret, which pods read whole, they are as wrong as a changed one. */
const extraKeys = (superObject: KubeObject, wanted: KubeObject): string[] =>
  ['data', 'binaryData'].flatMap((field) =>
    Object.keys(superObject[field] ?? {})
      .filter((key) => !Object.hasOwn(wanted[field] ?? {}, key))
      .map((key) => `${field} has ${key}, which the tenant's has not`),
  )

/** Compares one pair: existence and owner as the syncer decides, then hash, every wanted field and every write that is due in the tenant. */
export const comparePair = (
  resource: SyncedResource,
  {
    tenantObject,
    superObject,
    wanted,
  }: { tenantObject: KubeObject; superObject: KubeObject | undefined; wanted: Wanted | undefined },
  ctx: SyncContext,
): readonly (readonly [DifferenceKind, string])[] => {
  const action = decide(resource, { tenantUid: ctx.tenant.uid, tenantObject, superObject, wanted })
  switch (action.kind) {
    case 'create':
      return [['missing-in-super', 'not made yet, or gone']]
    case 'foreign':
      return [['not-owned', 'another object of this name is in the way']]
    case 'delete-super':
      return [['extra-in-super', 'an object that stands for nothing in the tenant is not deleted']]
    case 'delete-tenant':
      return [['stale-in-tenant', 'its deletion in super is not told in the tenant']]
    case 'finalise':
      return [['extra-in-tenant', 'gone in super, still in the tenant']]
    case 'refused':
      return []
    case 'none':
    case 'update':
  }
  if (!superObject || ownerOf(superObject)?.objectUid !== tenantObject.metadata.uid) return []
  const found: [DifferenceKind, string][] = []
  if (wanted?.kind === 'object' && superObject.metadata.deletionTimestamp === undefined) {
    const secret = resource.byReference ?? false
    if (wantedHashOf(superObject) !== wantedHashOf(wanted.object))
      found.push(['stale-in-super', 'the hash of what is wanted differs'])
    if (secret) for (const detail of extraKeys(superObject, wanted.object)) found.push(['field-in-super', detail])
    for (const drift of fieldDrift(superObject, comparable(wanted.object)).filter(
      ({ path }) => !resource.isSpent?.(superObject, path),
    ))
      found.push(['field-in-super', describeDrift(drift, { secret })])
    if (resource.exact && found.length === 0 && !isExactly(superObject, wanted.object))
      found.push(['field-in-super', 'more stands in super than is wanted'])
  }
  for (const write of resource.toTenant?.(superObject, tenantObject, ctx) ?? [])
    found.push(['stale-in-tenant', describeWrite(write)])
  return found
}

/** What a super object that no tenant object asks for is, if it counts. */
const describeExtra = (
  superObject: KubeObject,
  resource: SyncedResource,
  ctx: SyncContext,
): readonly [DifferenceKind, string] | undefined => {
  const owner = ownerOf(superObject)
  const place = objectKey(superObject)
  if (!owner)
    return isDerived(superObject) || isFence(superObject)
      ? undefined
      : ['not-owned', `${place} has the tenant's label and no owner marks`]
  const ref = superRefOf(resource, ctx.tenant, owner)
  if (keyOfRef(ref) !== keyOfRef({ ...superObject.metadata, name: superObject.metadata.name ?? '' })) {
    return ['not-owned', `${place} is marked as ${owner.namespace}/${owner.name}, which belongs at ${keyOfRef(ref)}`]
  }
  return ['extra-in-super', `${place} stands for nothing in the tenant`]
}

/**
 * Compares all objects of one kind. `isWanted` says which tenant objects super is to have at all (by-reference kinds); `isElsewhere` which super objects
 * are looked at by another comparison.
 */
export const comparePairs = (
  resource: SyncedResource,
  snapshot: Snapshot,
  ctx: SyncContext,
  {
    isWanted = () => true,
    isElsewhere = () => false,
    noRoom = () => undefined,
  }: {
    isWanted?: (tenantObject: KubeObject) => boolean
    isElsewhere?: (superObject: KubeObject) => boolean
    noRoom?: NoRoom
  } = {},
): PairReport => {
  const plural = kindKey(resource.type)
  const left = new Map(objectsOf(snapshot.superSide, resource.type).map((object) => [objectKey(object), object]))
  const tenantObjects = objectsOf(snapshot.tenant, resource.type)
  const differences: Difference[] = []
  const refused: Difference[] = []

  for (const tenantObject of tenantObjects) {
    const { namespace = '', name = '' } = tenantObject.metadata
    const key = keyOfRef(superRefOf(resource, ctx.tenant, { namespace, name }))
    const superObject = left.get(key)
    left.delete(key)
    const wanted = isWanted(tenantObject) ? wantedObject(resource, tenantObject, ctx) : undefined
    const place = { resource: plural, namespace, name }
    if (wanted?.kind === 'refused')
      refused.push({ ...place, kind: 'missing-in-super', detail: `${wanted.reason}: ${wanted.message}` })
    const found = comparePair(resource, { tenantObject, superObject, wanted }, ctx)
    // What is told of it in the tenant counts all the same.
    const waits = found.some(isDown) && wanted?.kind === 'object'
    const why = waits ? noRoom(resource, { tenantObject, superObject, wanted: wanted.object }) : undefined
    if (why !== undefined) refused.push({ ...place, kind: 'missing-in-super', detail: `QuotaExceeded: ${why}` })
    for (const [kind, detail] of found) {
      if (why !== undefined && isDown([kind])) continue
      if (kind === 'extra-in-tenant' || !superObject || !isLeaving(superObject, snapshot.takenAt))
        differences.push({ ...place, kind, detail })
    }
  }
  for (const superObject of left.values()) {
    if (isElsewhere(superObject) || isLeaving(superObject, snapshot.takenAt)) continue
    const extra = describeExtra(superObject, resource, ctx)
    if (!extra) continue
    const owner = ownerOf(superObject)
    const { namespace, name } = owner ?? { namespace: '', name: objectKey(superObject) }
    differences.push({ kind: extra[0], resource: plural, namespace, name, detail: extra[1] })
  }
  return { differences, refused, compared: tenantObjects.length }
}
