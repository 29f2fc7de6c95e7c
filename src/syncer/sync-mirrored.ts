import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { hasCode } from '../lib/errors.ts'
import { type ClassKind, classKinds } from '../tenancy/classes.ts'
import { mirroredLabel } from '../tenancy/marks.ts'
import { gatewaysKey } from './gateways/kinds.ts'
import { keyOf, type ObjectKey } from './keys.ts'
import { sameJson } from './resources/merge-patch.ts'
import { driversOf, isMirrored, type MirroredKind, type MirrorView } from './resources/mirrored.ts'
import { snapshotDefinition } from './resources/volume-snapshots.ts'
import { done, informerOf, type SyncDeps, type SyncResult } from './sides.ts'
import { contains } from './super-object.ts'

/** When a kind that a tenant does not serve is looked at again. */
const unservedAgainMs = 60_000

/** Who may name a class of each kind: what was refused for its class is looked at again when the tenant gets it. */
const namedBy: Readonly<Record<ClassKind, string>> = {
  StorageClass: 'persistentvolumeclaims',
  VolumeAttributesClass: 'persistentvolumeclaims',
  VolumeSnapshotClass: snapshotDefinition,
  GatewayClass: gatewaysKey,
  IngressClass: 'ingresses',
  RuntimeClass: 'pods',
  PriorityClass: 'pods',
}

const viewOf = ({ tenant, superSide }: Pick<SyncDeps, 'tenant' | 'superSide'>): MirrorView => {
  const { classes } = tenant.ctx
  return {
    classes,
    hasNode: (name) => informerOf(tenant.informers, 'nodes').get(name) !== undefined,
    drivers: () => driversOf(informerOf(superSide.informers, 'storageclasses').list(), classes),
    hasOwnDefaultPriority: () =>
      informerOf(tenant.informers, 'priorityclasses')
        .list()
        .some((live) => live.globalDefault === true && !isMirrored(live)),
  }
}

/** True when nothing is said in `live` that `wanted` does not say; what is false or empty is not said. */
const saysNoMore = (live: unknown, wanted: unknown): boolean => {
  if (live === null || typeof live !== 'object' || Array.isArray(live)) return sameJson(live, wanted) || !live
  return Object.entries(live).every(([key, value]) => saysNoMore(value, (wanted as Record<string, unknown> | undefined)?.[key]))
}

/** True when the copy is as wanted, with no more in its fields than super's object has; labels and annotations may have more. */
export const isFaithful = ({ fields }: Pick<MirroredKind, 'fields'>, live: KubeObject, wanted: KubeObject): boolean =>
  contains(live, { ...wanted, apiVersion: undefined, kind: undefined }) &&
  fields.every((field) => saysNoMore(live[field], wanted[field]))

const marked = ({ metadata, ...object }: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...metadata, labels: { ...metadata.labels, [mirroredLabel]: 'true' } },
})

/** The name in the tenant of what super has under a name, and the name in super of what the tenant has under it. */
const namesOf = ({ type }: MirroredKind, name: string, { classes }: Pick<SyncDeps['tenant']['ctx'], 'classes'>) => {
  const kind = type.kind as ClassKind
  return Object.hasOwn(classKinds, kind)
    ? { here: classes.tenantName(kind, name), below: classes.superName(kind, name) }
    : { here: name, below: name }
}

/** An object of super as the tenant sees it. What the tenant made itself under that name is left alone, and told of. */
export const syncMirrored = async (kind: MirroredKind, { name }: ObjectKey, deps: SyncDeps): Promise<SyncResult> => {
  const { tenant, superSide, enqueue } = deps
  const { type } = kind
  const cache = informerOf(tenant.informers, type.plural)
  if (!cache.isServed) return { kind: 'done', againAfterMs: unservedAgainMs }
  const live = cache.get(name)
  const { here, below } = namesOf(kind, name, tenant.ctx)
  // Heard of in super, where it has another name than here.
  if (here !== undefined && here !== name) enqueue(keyOf(type.plural, '', here))
  const superObject = below === undefined ? undefined : informerOf(superSide.informers, type.plural).get(below)
  const copy = superObject && kind.toTenant(superObject, viewOf(deps))
  const wanted = copy && marked(copy)
  if (live?.metadata.deletionTimestamp !== undefined) return done

  if (!wanted) {
    if (!live || !isMirrored(live)) return done
    await tenant.tenantClient.delete(type, { name }, { ...(live.metadata.uid !== undefined && { uid: live.metadata.uid }) })
  } else if (!live) {
    cache.observe(await tenant.tenantClient.create(type, wanted))
  } else if (!isMirrored(live) && !isFaithful(kind, live, copy)) {
    const message = `the cluster below offers a ${type.kind} ${name} that differs; objects that name it get that one`
    tenant.recorder.record(
      { ...live, apiVersion: wanted.apiVersion ?? '', kind: type.kind },
      { type: 'Warning', reason: 'ClassDiffers', message },
    )
    return done
  } else if (!isFaithful(kind, live, wanted)) {
    await repair({ type, fields: kind.fields }, { live, wanted }, deps)
  } else {
    return done
  }
  if (type === resourceTypes.storageClasses) {
    for (const plural of ['csidrivers', 'csinodes']) {
      for (const { metadata } of informerOf(superSide.informers, plural).list()) enqueue(keyOf(plural, '', metadata.name ?? ''))
    }
  }
  const plural = namedBy[type.kind as ClassKind] as string | undefined
  if (plural !== undefined) {
    for (const { metadata } of tenant.informers.get(plural)?.list() ?? [])
      enqueue(keyOf(plural, metadata.namespace ?? '', metadata.name ?? ''))
  }
  return done
}

/** Writes over what differs. Much of these kinds is immutable: then the changed one is another object. */
const repair = async (
  { type, fields }: Pick<MirroredKind, 'type' | 'fields'>,
  { live, wanted }: { readonly live: KubeObject; readonly wanted: KubeObject },
  { tenant }: Pick<SyncDeps, 'tenant'>,
): Promise<void> => {
  const cache = informerOf(tenant.informers, type.plural)
  const { name = '', uid } = live.metadata
  const kept = Object.fromEntries(Object.entries(live).filter(([field]) => !fields.includes(field)))
  const metadata = {
    ...live.metadata,
    labels: { ...live.metadata.labels, ...wanted.metadata.labels },
    annotations: { ...live.metadata.annotations, ...wanted.metadata.annotations },
  }
  try {
    cache.observe(await tenant.tenantClient.replace(type, { ...kept, ...wanted, metadata }))
  } catch (error) {
    if (!hasCode(error, 'KUBE_INVALID')) throw error
    await tenant.tenantClient.delete(type, { name }, { ...(uid !== undefined && { uid }) })
    cache.observe(await tenant.tenantClient.create(type, wanted))
  }
}
