import type { KubeObject } from '../apis/kube-object.ts'
import { superNamespace } from '../tenancy/names.ts'
import { keyOf, storeKey } from './keys.ts'
import type { SyncedResource } from './resource.ts'
import type { SyncDeps } from './sides.ts'
import { isNamespaceReady } from './sync-namespace.ts'

/** The key of what has to be in super before this object, if something has. */
export const missingBefore = (resource: SyncedResource, tenantObject: KubeObject, deps: SyncDeps): string | undefined => {
  const namespace = tenantObject.metadata.namespace
  if (namespace === undefined) return undefined
  if (!isNamespaceReady(namespace, deps)) return keyOf('namespaces', '', namespace)
  const superNs = superNamespace(deps.tenant.ctx.tenant, namespace)
  for (const dependency of resource.dependencies?.(tenantObject) ?? []) {
    const inTenant = deps.tenant.informers.get(dependency.resource)?.get(storeKey(namespace, dependency.name))
    const key = keyOf(dependency.resource, namespace, dependency.name)
    // What is not in the tenant either, or fails, is not waited for: the pod then says so itself, as in any cluster.
    if (!inTenant || deps.isFailing(key)) continue
    const superCache = deps.superSide.informers.get(dependency.resource)
    const inSuper = superCache
      ? superCache.get(storeKey(superNs, dependency.name)) !== undefined
      : deps.tenant.writtenConfig.has(key)
    if (!inSuper) return key
  }
  return undefined
}
