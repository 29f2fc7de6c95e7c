import { resourceTypes } from '../apis/resource-types.ts'
import { mirroredLabel } from '../tenancy/marks.ts'
import type { ObjectKey } from './keys.ts'
import { tenantStorageClass } from './resources/storage-classes.ts'
import { done, informerOf, type SyncDeps, type SyncResult } from './sides.ts'
import { contains } from './super-object.ts'

const type = resourceTypes.storageClasses

/** A StorageClass of super as the tenant sees it. A class that the tenant made itself is left alone. */
export const syncStorageClass = async ({ name }: ObjectKey, { tenant, superSide }: SyncDeps): Promise<SyncResult> => {
  const cache = informerOf(tenant.informers, type.plural)
  const live = cache.get(name)
  if (live && live.metadata.labels?.[mirroredLabel] === undefined) return done
  const superClass = informerOf(superSide.informers, type.plural).get(name)
  if (!superClass) {
    if (live)
      await tenant.tenantClient.delete(type, { name }, { ...(live.metadata.uid !== undefined && { uid: live.metadata.uid }) })
    return done
  }
  const { metadata, ...fields } = tenantStorageClass(superClass)
  const wanted = { ...fields, metadata: { ...metadata, labels: { ...metadata.labels, [mirroredLabel]: 'true' } } }
  if (!live) {
    cache.observe(await tenant.tenantClient.create(type, wanted))
  } else if (!contains(live, wanted)) {
    // Most of a class is immutable: a changed one is another one.
    await tenant.tenantClient.delete(type, { name }, { ...(live.metadata.uid !== undefined && { uid: live.metadata.uid }) })
    cache.observe(await tenant.tenantClient.create(type, wanted))
  }
  return done
}
