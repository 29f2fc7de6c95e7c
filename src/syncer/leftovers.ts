import { superNamespace } from '../tenancy/names.ts'
import type { NamespaceRecords } from './config-index.ts'
import { keyOf, type ObjectKey, storeKey, tokensKey } from './keys.ts'
import { done, informerOf, type SyncDeps, type SyncResult } from './sides.ts'
import { ownerOf } from './super-object.ts'
import { isNamespaceReady } from './sync-namespace.ts'

interface Present {
  /** A ConfigMap or Secret of the tenant that something synced refers to. */
  readonly isReferred: (plural: string, name: string) => boolean
  /** On either side. */
  readonly hasPod: (name: string, uid: string) => boolean
}

/**
 * Keys to queue for what lies in a super namespace and stands for nothing any more. Its kinds are not watched in super, so no event tells of what the
 * tenant removed while no process was there to see it.
 */
export const leftoverKeys = (namespace: string, records: NamespaceRecords, { isReferred, hasPod }: Present): readonly string[] =>
  [...records].flatMap(([recordKey, { tenantName, objectUid, renewAt }]) => {
    const plural = recordKey.slice(0, recordKey.indexOf('/'))
    if (renewAt !== undefined) {
      return hasPod(tenantName, objectUid) ? [] : [tokensKey({ namespace, name: tenantName, uid: objectUid })]
    }
    return isReferred(plural, tenantName) ? [] : [keyOf(plural, namespace, tenantName)]
  })

/** True while the tenant's pod of this UID is on either side: what goes with it in super is still needed. */
export const hasPod = (
  { namespace, name, uid }: { readonly namespace: string; readonly name: string; readonly uid: string },
  { tenant, superSide }: Pick<SyncDeps, 'tenant' | 'superSide'>,
): boolean => {
  const superNs = superNamespace(tenant.ctx.tenant, namespace)
  const superPod = informerOf(superSide.informers, 'pods').get(storeKey(superNs, name))
  const tenantPod = informerOf(tenant.informers, 'pods').get(storeKey(namespace, name))
  return tenantPod?.metadata.uid === uid || (superPod !== undefined && ownerOf(superPod)?.objectUid === uid)
}

/** Looks once through what lies in the super namespace of a tenant namespace, and queues what nobody needs. */
export const queueLeftovers = async (
  { namespace }: Pick<ObjectKey, 'namespace'>,
  { tenant, superSide, enqueue, ...deps }: SyncDeps,
): Promise<SyncResult> => {
  if (!tenant.informers.get('namespaces')?.get(namespace)) return done
  if (!isNamespaceReady(namespace, { tenant, superSide, ...deps })) {
    return { kind: 'wait-for', key: keyOf('namespaces', '', namespace) }
  }
  const superNs = superNamespace(tenant.ctx.tenant, namespace)
  const keys = leftoverKeys(namespace, await tenant.config.of(superNs), {
    isReferred: (plural, name) =>
      informerOf(tenant.informers, plural).get(storeKey(namespace, name)) !== undefined &&
      tenant.references.isReferred(keyOf(plural, namespace, name)),
    hasPod: (name, uid) => hasPod({ namespace, name, uid }, { tenant, superSide }),
  })
  for (const key of keys) enqueue(key)
  return done
}
