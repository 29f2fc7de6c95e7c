import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { hasCode } from '../lib/errors.ts'
import { eventSubject } from './event-subject.ts'
import { type ObjectKey, storeKey } from './keys.ts'
import { isAboutAddedContainer } from './pods/known-containers.ts'
import type { Pod } from './pods/pod.ts'
import { isNews, sightingOf, tellsMore, tenantEvent } from './resources/events.ts'
import { done, informerOf, type SyncDeps, type SyncResult } from './sides.ts'

/** Events of one tenant whose last telling is remembered, to save a look at the tenant; past that the oldest are forgotten. */
const rememberedEvents = 4_096

const type = resourceTypes.events

/** An Event of super about something the tenant sees, told again in the tenant about the tenant's object. The key's namespace is super's. */
export const syncEvent = async ({ namespace, name }: ObjectKey, deps: SyncDeps): Promise<SyncResult> => {
  const { tenant, superSide, now } = deps
  const pendingKey = storeKey(namespace, name)
  const superEvent = tenant.pendingEvents.get(pendingKey)
  const subject = superEvent && eventSubject(superEvent, deps)
  if (superEvent && subject && isNews(superEvent, subject, now())) {
    const { involved } = subject
    const { kind, fieldPath, name: superName = '' } = superEvent.involvedObject
    const added = kind === 'Pod' && isAboutAddedContainer(fieldPath, involved as Pod)
    const superNamespaceName = kind === 'Namespace' ? superName : namespace
    const isSuperNamespace = (text: string): boolean => informerOf(superSide.informers, 'namespaces').get(text) !== undefined
    if (!added) await tell(tenantEvent(superEvent, { involved, superNamespaceName, isSuperNamespace }), pendingKey, deps)
  }
  // A newer state of it that came in meanwhile is still to be told.
  if (tenant.pendingEvents.get(pendingKey) === superEvent) tenant.pendingEvents.delete(pendingKey)
  return done
}

/** Makes the Event, or brings it up to what happened since. Its name says whether it was told before, by whatever process. */
const tell = async (event: KubeObject, key: string, { tenant }: Pick<SyncDeps, 'tenant'>): Promise<void> => {
  const { tenantClient, toldEvents } = tenant
  const { name = '', namespace = '' } = event.metadata
  const ref = { name, namespace }
  const sighting = sightingOf(event)
  const known = toldEvents.get(key)
  if (known === sighting) return
  const bringUp = async (): Promise<void> => {
    const { count, lastTimestamp, series, message } = event
    await tenantClient.patch(type, ref, { count, lastTimestamp, series, message }, { type: 'merge' })
  }
  const create = async (): Promise<void> => {
    try {
      await tenantClient.create(type, event)
    } catch (error) {
      if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
      const told = await tenantClient.get(type, ref)
      if (told && tellsMore(event, told)) await bringUp()
    }
  }
  if (known === undefined) await create()
  else {
    await bringUp().catch(async (error: unknown) => {
      if (!hasCode(error, 'KUBE_NOT_FOUND')) throw error
      await create()
    })
  }
  toldEvents.delete(key)
  toldEvents.set(key, sighting)
  const [oldest] = toldEvents.keys()
  if (toldEvents.size > rememberedEvents && oldest !== undefined) toldEvents.delete(oldest)
}
