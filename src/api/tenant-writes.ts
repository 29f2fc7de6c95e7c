import { resourceTypes } from '../apis/resource-types.ts'
import { type TenantControlPlane, tenantControlPlaneSpec } from '../apis/tenant-control-plane.ts'
import { AppError, hasCode } from '../lib/errors.ts'
import { lastOperationAnnotation, madeByOperationAnnotation } from '../tenancy/marks.ts'
import type { ApiDeps } from './deps.ts'
import { matches } from './etag.ts'
import { type Fault, faultsOf, unknownFields } from './faults.ts'
import { mergePatched } from './merge-patch.ts'
import { isName } from './names.ts'
import type { OperationRecord, OperationTarget } from './operation-record.ts'
import type { Reserver } from './reserve.ts'

const type = resourceTypes.tenantControlPlanes

export interface TenantPlace {
  readonly name: string
  readonly organization: string
}

const targetOf = ({ metadata: { name = '', uid = '', generation = 0 } }: TenantControlPlane): OperationTarget => ({
  name,
  uid,
  generation,
})

export const noTenant = ({ name, organization }: TenantPlace): AppError =>
  new AppError('TENANT_NOT_FOUND', `organisation ${organization} has no tenant ${JSON.stringify(name.slice(0, 100))}`, {})

/** The tenant as it is now, not as a cache has it. Throws TENANT_NOT_FOUND. */
export const readTenant = async (
  { name, organization }: TenantPlace,
  { kube }: Pick<ApiDeps, 'kube'>,
): Promise<TenantControlPlane> => {
  const plane = isName(name) ? await kube.get<TenantControlPlane>(type, { name, namespace: organization }) : undefined
  if (plane) return plane
  throw noTenant({ name, organization })
}

/** Throws PRECONDITION_FAILED when the tenant is no longer as If-Match says. */
export const requireMatch = (plane: TenantControlPlane, ifMatch: string | undefined): void => {
  if (ifMatch === undefined || matches(ifMatch, plane.metadata)) return
  throw new AppError('PRECONDITION_FAILED', `tenant ${plane.metadata.name} is no longer as If-Match says: read it again`, {})
}

const refuse = (errors: readonly Fault[]): void => {
  if (errors.length > 0)
    throw new AppError('REQUEST_INVALID', `wrong: ${errors.map(({ pointer }) => pointer).join(', ')}`, { errors })
}

const faultsOfSpec = (spec: unknown): readonly Fault[] => {
  const parsed = tenantControlPlaneSpec.safeParse(spec)
  const unknown = unknownFields(spec, tenantControlPlaneSpec).map(({ pointer, detail }) => ({
    pointer: `/spec${pointer}`,
    detail,
  }))
  return [...(parsed.success ? [] : faultsOf(parsed.error, ['spec'])), ...unknown]
}

/** Throws REQUEST_INVALID with every field that a change makes wrong. What was wrong before, as a version that is served no more, is no matter of the change. */
const checkChange = (before: unknown, after: unknown): void => {
  const known = new Set(faultsOfSpec(before).map(({ pointer }) => pointer))
  refuse(faultsOfSpec(after).filter(({ pointer }) => !known.has(pointer)))
}

export interface NewTenant {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly spec?: unknown
}

/** Makes a tenant in a place under the quota. One of the same operation that is there already is the one that was to be made. */
export const createTenant = async (
  { name, labels = {}, spec = {} }: NewTenant,
  organization: string,
  record: OperationRecord,
  { deps: { kube, caches }, reserver }: { readonly deps: ApiDeps; readonly reserver: Reserver },
): Promise<{ readonly target: OperationTarget; readonly tenant: TenantControlPlane }> => {
  await reserver.reserve(organization, name)
  try {
    const made = await kube.create<TenantControlPlane>(type, {
      apiVersion: `${type.group}/${type.version}`,
      kind: type.kind,
      metadata: { name, namespace: organization, labels: { ...labels }, annotations: { [madeByOperationAnnotation]: record.id } },
      spec: spec as TenantControlPlane['spec'],
    })
    caches.observe.tenant(made)
    return { target: targetOf(made), tenant: made }
  } catch (error) {
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) {
      // Not when nobody knows whether it was made: its place is then its own.
      if (hasCode(error, 'KUBE_INVALID', 'KUBE_BAD_REQUEST', 'KUBE_FORBIDDEN')) await reserver.release(organization, name)
      throw error
    }
  }
  const there = await readTenant({ name, organization }, { kube })
  if (there.metadata.annotations?.[madeByOperationAnnotation] === record.id) return { target: targetOf(there), tenant: there }
  throw new AppError(
    'ALREADY_EXISTS',
    `organisation ${organization} has a tenant ${name}: take another name, or change that one`,
    {},
  )
}

/** What a write changes of a tenant: nothing when it is undefined. */
export interface TenantChange {
  readonly labels?: unknown
  readonly spec?: unknown
}

/**
 * Changes a tenant by a merge patch that `changeOf` makes of it. A tenant that this operation has changed already is left alone. Throws
 * PRECONDITION_FAILED, also when it is changed by others in the same moment.
 */
export const changeTenant = async (
  place: TenantPlace,
  changeOf: (plane: TenantControlPlane) => TenantChange,
  { record, ifMatch }: { readonly record: OperationRecord; readonly ifMatch: string | undefined },
  { kube, caches }: ApiDeps,
): Promise<{ readonly target: OperationTarget; readonly before: TenantControlPlane }> => {
  const before = await readTenant(place, { kube })
  if (before.metadata.annotations?.[lastOperationAnnotation] === record.id) return { target: targetOf(before), before }
  requireMatch(before, ifMatch)
  const { labels, spec } = changeOf(before)
  if (spec !== undefined) checkChange(before.spec, mergePatched(before.spec, spec))
  const metadata = {
    uid: before.metadata.uid,
    ...(ifMatch !== undefined && { resourceVersion: before.metadata.resourceVersion }),
    ...(labels !== undefined && { labels }),
    annotations: { [lastOperationAnnotation]: record.id },
  }
  try {
    const ref = { name: place.name, namespace: place.organization }
    const after = await kube.patch<TenantControlPlane>(
      type,
      ref,
      { metadata, ...(spec !== undefined && { spec }) },
      { type: 'merge' },
    )
    caches.observe.tenant(after)
    return { target: targetOf(after), before }
  } catch (error) {
    if (ifMatch !== undefined && hasCode(error, 'KUBE_CONFLICT'))
      throw new AppError('PRECONDITION_FAILED', `tenant ${place.name} was changed in the same moment: read it again`, {
        cause: error,
      })
    throw error
  }
}

/** What the record of a deletion keeps, so that whoever asks again knows which tenant was meant. */
export const deletionOf = async ({ name, organization }: TenantPlace, { kube }: ApiDeps): Promise<Record<string, unknown>> => {
  const plane = isName(name) ? await kube.get<TenantControlPlane>(type, { name, namespace: organization }) : undefined
  return plane ? { target: targetOf(plane) } : {}
}

/** Tells the tenant of the record to go. One that is gone by now, or has been told before, is as it was to be. */
export const deleteTenant = async (
  place: TenantPlace,
  { record, ifMatch }: { readonly record: OperationRecord; readonly ifMatch: string | undefined },
  { kube }: ApiDeps,
): Promise<OperationTarget> => {
  const target = record.wanted['target'] as OperationTarget | undefined
  if (!target) await readTenant(place, { kube })
  const ref = { name: place.name, namespace: place.organization }
  const plane = await kube.get<TenantControlPlane>(type, ref)
  if (target && (!plane || plane.metadata.uid !== target.uid || plane.metadata.deletionTimestamp)) return target
  if (!plane) throw new AppError('STATE_CONFLICT', `tenant ${place.name} was made and deleted in the same moment`, {})
  requireMatch(plane, ifMatch)
  const { uid = '', resourceVersion = '' } = plane.metadata
  try {
    await kube.delete(type, ref, { uid, ...(ifMatch !== undefined && { resourceVersion }) })
  } catch (error) {
    if (ifMatch !== undefined && hasCode(error, 'KUBE_CONFLICT'))
      throw new AppError('PRECONDITION_FAILED', `tenant ${place.name} was changed in the same moment: read it again`, {
        cause: error,
      })
    throw error
  }
  return target ?? targetOf(plane)
}
