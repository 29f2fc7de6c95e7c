import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { hasCode } from '../lib/errors.ts'
import { mirroredLabel, tenantLabel, tenantNameAnnotation } from '../tenancy/marks.ts'
import { type ObjectKey, storeKey } from './keys.ts'
import { tenantPersistentVolume } from './resources/persistent-volumes.ts'
import { done, informerOf, type SyncDeps, type SyncResult } from './sides.ts'
import { contains, ownerOf } from './super-object.ts'

const type = resourceTypes.persistentVolumes

/** The tenant's claim that a super volume is bound to, when both sides say so. */
const claimOf = (superVolume: KubeObject, { tenant, superSide }: SyncDeps): KubeObject | undefined => {
  const claimRef = superVolume.spec?.claimRef
  if (!claimRef) return undefined
  const superNs = informerOf(superSide.informers, 'namespaces').get(claimRef.namespace)
  if (superNs?.metadata.labels?.[tenantLabel] !== tenant.ctx.tenant.uid) return undefined
  const superClaim = informerOf(superSide.informers, 'persistentvolumeclaims').get(storeKey(claimRef.namespace, claimRef.name))
  const namespace = superNs.metadata.annotations?.[tenantNameAnnotation] ?? ''
  const claim = informerOf(tenant.informers, 'persistentvolumeclaims').get(storeKey(namespace, claimRef.name))
  return claim && superClaim && claimRef.uid === superClaim.metadata.uid && ownerOf(superClaim)?.objectUid === claim.metadata.uid
    ? claim
    : undefined
}

/** A PersistentVolume of the tenant: there while super's one of that name is bound to a claim of the tenant. */
export const syncVolume = async ({ name }: ObjectKey, deps: SyncDeps): Promise<SyncResult> => {
  const { tenant, superSide } = deps
  const cache = informerOf(tenant.informers, type.plural)
  const live = cache.get(name)
  const superVolume = informerOf(superSide.informers, type.plural).get(name)
  const claim = superVolume && claimOf(superVolume, deps)
  if (superVolume && claim) {
    const { metadata, ...wanted } = tenantPersistentVolume(superVolume, { tenantClaim: claim, ctx: tenant.ctx })
    const object: KubeObject = { ...wanted, metadata: { ...metadata, labels: { ...metadata.labels, [mirroredLabel]: 'true' } } }
    let present = live
    if (!present) {
      present = await tenant.tenantClient.create(type, object).catch(async (error: unknown) => {
        if (hasCode(error, 'KUBE_ALREADY_EXISTS')) return tenant.tenantClient.get(type, { name })
        throw error
      })
    } else if (!contains(present, { spec: object.spec, metadata: { labels: object.metadata.labels } })) {
      const { labels } = object.metadata
      present = await tenant.tenantClient.patch(type, { name }, { metadata: { labels }, spec: object.spec }, { type: 'merge' })
    }
    if (present && !contains(present.status, superVolume.status?.phase ? { phase: superVolume.status.phase } : {})) {
      const status = { phase: superVolume.status.phase }
      present = await tenant.tenantClient.patch(type, { name }, { status }, { type: 'merge', subresource: 'status' })
    }
    if (present) cache.observe(present)
    return done
  }
  if (live?.metadata.labels?.[mirroredLabel] === undefined || live.metadata.deletionTimestamp !== undefined) return done
  // Bound volumes are protected from deletion; this one is no longer bound.
  await tenant.tenantClient.patch(type, { name }, { status: { phase: 'Released' } }, { type: 'merge', subresource: 'status' })
  await tenant.tenantClient.delete(type, { name }, { ...(live.metadata.uid !== undefined && { uid: live.metadata.uid }) })
  return done
}
