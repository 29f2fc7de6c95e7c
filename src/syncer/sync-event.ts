import { resourceTypes } from '../apis/resource-types.ts'
import { hasCode } from '../lib/errors.ts'
import { tenantNameAnnotation } from '../tenancy/marks.ts'
import { type ObjectKey, storeKey } from './keys.ts'
import { isAboutAddedContainer } from './pods/known-containers.ts'
import type { Pod } from './pods/pod.ts'
import { tenantEvent } from './resources/events.ts'
import { done, informerOf, type SyncDeps, type SyncResult } from './sides.ts'

/** Kinds that keep their name in super and whose events a tenant is to see. */
const involvedCaches: Readonly<Record<string, string>> = {
  Pod: 'pods',
  PersistentVolumeClaim: 'persistentvolumeclaims',
  Service: 'services',
}

/** An Event of super about a synced object, told again in the tenant about the tenant's object. The key's namespace is super's. */
export const syncEvent = async ({ namespace, name }: ObjectKey, { tenant, superSide }: SyncDeps): Promise<SyncResult> => {
  const pendingKey = storeKey(namespace, name)
  const superEvent = tenant.pendingEvents.get(pendingKey)
  const tenantNamespace = informerOf(superSide.informers, 'namespaces').get(namespace)?.metadata.annotations?.[
    tenantNameAnnotation
  ]
  const plural = involvedCaches[superEvent?.involvedObject?.kind ?? '']
  if (!superEvent || tenantNamespace === undefined || plural === undefined) {
    tenant.pendingEvents.delete(pendingKey)
    return done
  }
  const involved = tenant.informers.get(plural)?.get(storeKey(tenantNamespace, superEvent.involvedObject.name))
  const added = involved && plural === 'pods' && isAboutAddedContainer(superEvent.involvedObject.fieldPath, involved as Pod)
  if (involved && !added) {
    const event = tenantEvent(superEvent, { involved, superNamespaceName: namespace, ctx: tenant.ctx })
    await tenant.tenantClient.create(resourceTypes.events, event).catch(async (error: unknown) => {
      if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
      const { count, lastTimestamp, series, message } = event
      const ref = { name, namespace: tenantNamespace }
      await tenant.tenantClient.patch(resourceTypes.events, ref, { count, lastTimestamp, series, message }, { type: 'merge' })
    })
  }
  // A newer state of it that came in meanwhile is still to be told.
  if (tenant.pendingEvents.get(pendingKey) === superEvent) tenant.pendingEvents.delete(pendingKey)
  return done
}
