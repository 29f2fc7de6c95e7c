import { hash } from 'node:crypto'
import type { KubeObject } from '../apis/kube-object.ts'
import { apiVersionOf } from '../apis/resource-types.ts'
import {
  isBerthKey,
  tenantLabel,
  tenantNameAnnotation,
  tenantNamespaceAnnotation,
  tenantObjectUidAnnotation,
  wantedHashAnnotation,
  writtenKeysAnnotation,
} from '../tenancy/marks.ts'
import { superConfigName, superNamespace } from '../tenancy/names.ts'
import type { Note, SyncContext, SyncedResource, Translation } from './resource.ts'
import { sameJson } from './resources/merge-patch.ts'

/** Which tenant object a super object stands for, as its marks say. Marks are written by Berth alone: tenants have no account in super. */
export interface SuperOwner {
  readonly tenantUid: string
  readonly namespace: string
  readonly name: string
  readonly objectUid: string
}

/** Undefined for an object that Berth did not make. */
export const ownerOf = ({ metadata }: KubeObject): SuperOwner | undefined => {
  const tenantUid = metadata.labels?.[tenantLabel]
  const name = metadata.annotations?.[tenantNameAnnotation]
  const objectUid = metadata.annotations?.[tenantObjectUidAnnotation]
  if (tenantUid === undefined || name === undefined || objectUid === undefined) return undefined
  return { tenantUid, name, objectUid, namespace: metadata.annotations?.[tenantNamespaceAnnotation] ?? '' }
}

/**
 * True for an object of this very tenant object from which somebody took our label: the annotations still say so. Only meant for objects in the tenant's own
 * super namespaces, where no tenant can write annotations of Berth's.
 */
export const isUnlabelled = (live: KubeObject, tenantObject: Pick<KubeObject, 'metadata'>): boolean =>
  bearsName(live, tenantObject) && live.metadata.annotations?.[tenantObjectUidAnnotation] === tenantObject.metadata.uid

/** True for one that was made for an earlier tenant object of the same name, and is left because our label was taken from it. Meant for the same places. */
export const isUnlabelledRelic = (live: KubeObject, tenantObject: Pick<KubeObject, 'metadata'>): boolean =>
  bearsName(live, tenantObject) &&
  ![undefined, tenantObject.metadata.uid].includes(live.metadata.annotations?.[tenantObjectUidAnnotation])

const bearsName = ({ metadata: { labels, annotations } }: KubeObject, { metadata }: Pick<KubeObject, 'metadata'>): boolean =>
  labels?.[tenantLabel] === undefined &&
  annotations?.[tenantNameAnnotation] === metadata.name &&
  annotations?.[tenantNamespaceAnnotation] === metadata.namespace

/** kubectl's copy of the last manifest may hold a Secret's data and is of no use in super. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

const passingKeys = (map: Readonly<Record<string, string>> | undefined): [string, string][] =>
  Object.entries(map ?? {}).filter(([key]) => !isBerthKey(key) && key !== lastApplied)

/** Keys that came from the tenant, so that one it removes later can be told from one that super added: `label,label;annotation`. */
const writtenKeys = (labels: readonly [string, string][], annotations: readonly [string, string][]): string =>
  `${labels.map(([key]) => key).join(',')};${annotations.map(([key]) => key).join(',')}`

export type Wanted =
  | { readonly kind: 'object'; readonly object: KubeObject; readonly notes?: readonly Note[] }
  | Exclude<Translation, { kind: 'object' }>

/** The whole super object that a tenant object asks for: its translation plus identity, owner marks and the hash of all of it. */
export const wantedObject = (resource: SyncedResource, tenantObject: KubeObject, ctx: SyncContext): Wanted => {
  const translation = resource.toSuper(tenantObject, ctx)
  if (translation.kind !== 'object') return translation
  const { body } = translation
  const { metadata } = tenantObject
  const labels = passingKeys(body.labels ?? metadata.labels)
  const annotations = passingKeys(body.annotations ?? metadata.annotations)
  const object = {
    apiVersion: apiVersionOf(resource.type),
    kind: resource.type.kind,
    metadata: {
      name: body.name ?? metadata.name,
      ...(metadata.namespace !== undefined && { namespace: superNamespace(ctx.tenant, metadata.namespace) }),
      labels: { ...Object.fromEntries(labels), ...body.labelMarks, [tenantLabel]: ctx.tenant.uid },
      annotations: {
        ...Object.fromEntries(annotations),
        ...body.marks,
        ...(labels.length + annotations.length > 0 && { [writtenKeysAnnotation]: writtenKeys(labels, annotations) }),
        ...(metadata.namespace !== undefined && { [tenantNamespaceAnnotation]: metadata.namespace }),
        [tenantNameAnnotation]: metadata.name ?? '',
        [tenantObjectUidAnnotation]: metadata.uid ?? '',
      } as Record<string, string>,
    },
    ...body.fields,
  }
  // What goes down by reference may be secret: its hash must say nothing of the content to those who read metadata only.
  object.metadata.annotations[wantedHashAnnotation] = resource.byReference
    ? referenceHash(tenantObject)
    : hash('sha256', JSON.stringify(object), 'base64url').slice(0, 22)
  return { kind: 'object', object, ...(translation.notes && { notes: translation.notes }) }
}

/** Version of a ConfigMap or Secret, without its content. */
export const referenceHash = ({ metadata }: KubeObject): string =>
  hash('sha256', `${metadata.uid}\0${metadata.resourceVersion}`, 'base64url').slice(0, 22)

export const wantedHashOf = ({ metadata }: KubeObject): string | undefined => metadata.annotations?.[wantedHashAnnotation]

const mergeKeys = (
  live: Readonly<Record<string, string>> | undefined,
  wanted: Readonly<Record<string, string>> | undefined,
  formerly: readonly string[],
): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(live ?? {}).filter(([key]) => !isBerthKey(key) && !formerly.includes(key))),
  ...wanted,
})

/** Live metadata with the wanted labels and annotations: what super added stays, what the tenant removed goes. */
const mergeMetadata = (live: KubeObject, wanted: KubeObject): KubeObject['metadata'] => {
  const [labels = '', annotations = ''] = (live.metadata.annotations?.[writtenKeysAnnotation] ?? ';').split(';')
  return {
    ...live.metadata,
    labels: mergeKeys(live.metadata.labels, wanted.metadata.labels, labels.split(',')),
    annotations: mergeKeys(live.metadata.annotations, wanted.metadata.annotations, annotations.split(',')),
  }
}

/** The object to PUT over `live`, or that it has to be made anew. */
export const updatedObject = (
  resource: SyncedResource,
  live: KubeObject,
  wanted: KubeObject,
): { readonly kind: 'replace'; readonly object: KubeObject } | { readonly kind: 'recreate' } => {
  const update = resource.update?.(live, wanted) ?? { kind: 'replace', object: { ...live, ...wanted } }
  return update.kind === 'recreate'
    ? update
    : { kind: 'replace', object: { ...update.object, metadata: mergeMetadata(live, wanted) } }
}

/** True when all that is wanted stands in the live object; what the server or super's webhooks added does not count. */
export const contains = (live: unknown, wanted: unknown): boolean => {
  if (Array.isArray(wanted)) {
    return Array.isArray(live) && live.length >= wanted.length && wanted.every((item, index) => contains(live[index], item))
  }
  if (wanted !== null && typeof wanted === 'object') {
    if (live === null || typeof live !== 'object') return Object.keys(wanted).length === 0
    return Object.entries(wanted).every(
      ([key, value]) => value === undefined || contains((live as Record<string, unknown>)[key], value),
    )
  }
  return live === wanted || (live === undefined && (wanted === '' || wanted === false || wanted === 0))
}

/** True when the wanted fields stand in the live object and nothing else does: spec and the like, not metadata. */
export const isExactly = (
  live: KubeObject,
  { apiVersion: _version, kind: _kind, metadata: _metadata, ...wanted }: KubeObject,
): boolean => Object.entries(wanted).every(([field, value]) => sameJson(live[field], value))

/** Where in super a tenant object's counterpart lies, whether or not the tenant object is still there. */
export const superRefOf = (
  resource: Pick<SyncedResource, 'type' | 'byReference'>,
  tenant: Pick<SyncContext['tenant'], 'uid' | 'name'>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): { readonly name: string; readonly namespace?: string } => {
  if (resource.type.kind === 'Namespace') return { name: superNamespace(tenant, name) }
  return { namespace: superNamespace(tenant, namespace), name: resource.byReference ? superConfigName(name) : name }
}
