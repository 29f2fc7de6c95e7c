import { z } from 'zod'
import type { KubeObject } from '../apis/kube-object.ts'
import type { ResourceType } from '../apis/resource-types.ts'
import { detourAnnotation } from '../tenancy/marks.ts'
import { informerOf, type TenantSide } from './sides.ts'
import { contains } from './super-object.ts'

type Fields = Readonly<Record<string, unknown>>

/** A change of an object's spec that the API takes in two steps only. Noted at the object before the first, so that a crash between them loses nothing. */
interface Detour {
  readonly over: Fields
  readonly to: Fields
}

const fields = z.record(z.string(), z.unknown())
const detour = z.object({ over: fields, to: fields })

/** The detour that the object is on; undefined when it is on none, or when its note is none of ours. */
export const detourOf = ({ metadata }: KubeObject): Detour | undefined => {
  const text = metadata.annotations?.[detourAnnotation]
  if (text === undefined) return undefined
  try {
    return detour.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

const patchOf = async (
  type: ResourceType,
  object: KubeObject,
  { spec, note }: { readonly spec: Fields; readonly note: string | null },
  tenant: Pick<TenantSide, 'tenantClient' | 'informers'>,
): Promise<KubeObject> => {
  const { name = '', namespace, uid, resourceVersion } = object.metadata
  // Guarded by its version: what was read is what changes.
  const metadata = { uid, resourceVersion, annotations: { [detourAnnotation]: note } }
  const ref = { name, ...(namespace !== undefined && { namespace }) }
  const patched = await tenant.tenantClient.patch<KubeObject>(type, ref, { metadata, spec }, { type: 'merge' })
  informerOf(tenant.informers, type.plural).observe(patched)
  return patched
}

/** The first step. */
export const beginDetour = (
  type: ResourceType,
  object: KubeObject,
  way: Detour,
  tenant: Pick<TenantSide, 'tenantClient' | 'informers'>,
): Promise<KubeObject> => patchOf(type, object, { spec: way.over, note: JSON.stringify(way) }, tenant)

/** The second step, unless somebody has led the object elsewhere meanwhile: then the note only goes. */
export const endDetour = (
  type: ResourceType,
  object: KubeObject,
  tenant: Pick<TenantSide, 'tenantClient' | 'informers'>,
): Promise<KubeObject> => {
  const way = detourOf(object)
  const isOnIt =
    way !== undefined && Object.entries(way.over).every(([key, value]) => value === null || contains(object.spec?.[key], value))
  return patchOf(type, object, { spec: isOnIt ? way.to : {}, note: null }, tenant)
}
