import type { KubeObject } from '../apis/kube-object.ts'
import { AppError, hasCode } from '../lib/errors.ts'
import { superNamespace } from '../tenancy/names.ts'
import { keyOf, type ObjectKey, storeKey } from './keys.ts'
import { hasRoom } from './quota/over-quota.ts'
import type { SyncedResource } from './resource.ts'
import { done, informerOf, type SyncDeps, type SyncResult } from './sides.ts'
import { isUnlabelled, ownerOf, referenceHash, superRefOf, wantedObject } from './super-object.ts'
import { isNamespaceReady } from './sync-namespace.ts'

/**
 * A ConfigMap or Secret: in super only while something synced refers to it. Content is read from the tenant only when it has to be written, kept nowhere,
 * and never read from super.
 */
export const syncConfig = async (resource: SyncedResource, key: ObjectKey, deps: SyncDeps): Promise<SyncResult> => {
  const { quota, ctx } = deps.tenant
  const kind = resource.type.plural
  if (!quota) return syncWhole(resource, key, deps)
  const place = { kind, namespace: '', ...superRefOf(resource, ctx.tenant, key) }
  return quota.during(place, keyOf(kind, key.namespace, key.name), () => syncWhole(resource, key, deps))
}

const syncWhole = async (resource: SyncedResource, key: ObjectKey, deps: SyncDeps): Promise<SyncResult> => {
  const { tenant } = deps
  const { type } = resource
  const writtenKey = keyOf(type.plural, key.namespace, key.name)
  const metadata = informerOf(tenant.informers, type.plural).get(storeKey(key.namespace, key.name))?.metadata
  const wanted = metadata !== undefined && tenant.references.isReferred(writtenKey)

  if (!isNamespaceReady(key.namespace, deps)) {
    tenant.writtenConfig.delete(writtenKey)
    // With its namespace gone from the tenant the super namespace goes as a whole.
    return wanted ? { kind: 'wait-for', key: keyOf('namespaces', '', key.namespace) } : done
  }
  const ref = superRefOf(resource, tenant.ctx.tenant, key)
  const records = await tenant.config.of(superNamespace(tenant.ctx.tenant, key.namespace))
  const record = records.get(`${type.plural}/${ref.name}`)

  if (!wanted || (record && record.objectUid !== metadata.uid)) {
    tenant.writtenConfig.delete(writtenKey)
    if (record) {
      await tenant.superClient.delete(type, ref, { uid: record.uid })
      tenant.config.deleted(type, ref)
    }
    return wanted ? { kind: 'done', againAfterMs: 0 } : done
  }
  if (record?.hash === referenceHash({ metadata })) {
    tenant.writtenConfig.add(writtenKey)
    return done
  }
  const tenantObject = await tenant.tenantClient.get(type, key)
  if (!tenantObject) return done
  const translation = wantedObject(resource, tenantObject, tenant.ctx)
  if (translation.kind === 'refused')
    tenant.recorder.record(tenantObject, { type: 'Warning', reason: translation.reason, message: translation.message })
  if (translation.kind !== 'object') return done
  if (!record && !(await hasRoom(resource, translation.object, { tenantObject }, deps))) return done
  const written = await write(translation.object, { resource, ref, liveUid: record?.uid, metadata }, deps)
  tenant.config.wrote(type, written)
  tenant.writtenConfig.add(writtenKey)
  return done
}

const write = async (
  object: KubeObject,
  {
    resource: { type },
    ref,
    liveUid,
    metadata,
  }: {
    readonly resource: SyncedResource
    readonly ref: { readonly name: string; readonly namespace?: string }
    readonly liveUid: string | undefined
    readonly metadata: KubeObject['metadata']
  },
  { tenant }: SyncDeps,
): Promise<KubeObject> => {
  // The UID in the body is a precondition: only the very object that was recorded as ours is written over.
  const over = (uid: string | undefined): KubeObject => ({
    ...object,
    metadata: { ...object.metadata, ...(uid !== undefined && { uid }) },
  })
  const replace = liveUid !== undefined
  try {
    return await (replace ? tenant.superClient.replace(type, over(liveUid)) : tenant.superClient.create(type, object))
  } catch (error) {
    if (replace && hasCode(error, 'KUBE_INVALID')) {
      // An immutable one, or another type of Secret: only a new object can hold the new content.
      await tenant.superClient.delete(type, ref)
      return tenant.superClient.create(type, object)
    }
    if (replace && hasCode(error, 'KUBE_NOT_FOUND')) return tenant.superClient.create(type, object)
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
    const [live] = (
      await tenant.superClient.list(type, {
        namespace: ref.namespace ?? '',
        metadataOnly: true,
        fieldSelector: `metadata.name=${ref.name}`,
      })
    ).items
    if (live && ownerOf(live)?.tenantUid !== tenant.ctx.tenant.uid && !isUnlabelled(live, { metadata })) {
      throw new AppError(
        'SUPER_OBJECT_FOREIGN',
        `a ${type.kind} of this name that is not the tenant's own is in the way; choose another name`,
        {
          kind: type.kind,
          name: object.metadata.name,
          cause: error,
        },
      )
    }
    return tenant.superClient.replace(type, over(live?.metadata.uid))
  }
}
