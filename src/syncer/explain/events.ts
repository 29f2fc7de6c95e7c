import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'

/** A word about the object from an Event. */
export interface ObjectEvent {
  readonly side: 'tenant' | 'super'
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly count: number
  /** RFC 3339. */
  readonly lastSeen: string | undefined
}

const mostEvents = 10

const seenAt = ({ metadata, lastTimestamp, series, eventTime }: KubeObject): string | undefined =>
  series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp

/** Pure: Events of this very object as words, newest first. An object of its name before has said other things. */
export const eventWords = (
  side: ObjectEvent['side'],
  events: readonly KubeObject[],
  { metadata: { name, uid } }: Pick<KubeObject, 'metadata'>,
): readonly ObjectEvent[] =>
  events
    // A kubelet says its node's name for the UID.
    .filter(({ involvedObject }) => [undefined, '', uid, name].includes(involvedObject?.uid))
    .map((event) => ({
      side,
      type: String(event['type'] ?? ''),
      reason: String(event['reason'] ?? ''),
      message: String(event['message'] ?? ''),
      count: Number(event['series']?.count ?? event['count'] ?? 1),
      lastSeen: seenAt(event),
    }))
    .toSorted((a, b) => (b.lastSeen ?? '').localeCompare(a.lastSeen ?? ''))
    .slice(0, mostEvents)

/** What was said about an object on its side. Those of cluster-scoped objects lie in `default`. */
export const readEvents = async (
  side: ObjectEvent['side'],
  object: KubeObject,
  { client, signal }: { readonly client: Pick<KubeClient, 'list'>; readonly signal: AbortSignal },
): Promise<readonly ObjectEvent[]> => {
  const { name = '', namespace = 'default' } = object.metadata
  const fieldSelector = `involvedObject.name=${name},involvedObject.kind=${object.kind ?? ''}`
  const { items } = await client.list(resourceTypes.events, { namespace, fieldSelector, signal })
  return eventWords(side, items, object)
}

/** Both sides' words: of super's only the warnings that did not come up. */
export const joinedEvents = (tenant: readonly ObjectEvent[], above: readonly ObjectEvent[]): readonly ObjectEvent[] => {
  const told = new Set(tenant.map(({ reason, message }) => `${reason}\0${message}`))
  return [...tenant, ...above.filter(({ type, reason, message }) => type === 'Warning' && !told.has(`${reason}\0${message}`))]
}
