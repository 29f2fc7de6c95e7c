import type { KubeObject } from '../../apis/kube-object.ts'
import { tenantText } from './tenant-text.ts'

const passing = [
  'type',
  'reason',
  'action',
  'count',
  'eventTime',
  'firstTimestamp',
  'lastTimestamp',
  'series',
  'source',
  'reportingComponent',
  'reportingInstance',
]

/** Kubernetes keeps an Event for an hour. */
const lifeMs = 3_600_000

/** When it happened last, in either form of Event; milliseconds since the epoch. */
const lastSeen = ({ metadata, series, lastTimestamp, eventTime }: KubeObject): number =>
  Date.parse(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '') || 0

/** How often it happened, in either form of Event. */
const timesSeen = ({ series, count }: KubeObject): number => Math.max(series?.count ?? 0, count ?? 0, 1)

/**
 * True when an Event is still news of the tenant's object: not older than Events get and, if it may be about one that had its name before, not older than
 * the object, which was in the tenant before it was in super. Only then: the clocks of nodes may differ. `now`: milliseconds since the epoch.
 */
export const isNews = (
  superEvent: KubeObject,
  { involved, isCertain }: { readonly involved: Pick<KubeObject, 'metadata'>; readonly isCertain: boolean },
  now: number,
): boolean => {
  const seen = lastSeen(superEvent)
  return now - seen < lifeMs && (isCertain || seen >= (Date.parse(involved.metadata.creationTimestamp ?? '') || 0))
}

/** True when `event` tells of more than `told` does. */
export const tellsMore = (event: KubeObject, told: KubeObject): boolean =>
  timesSeen(event) > timesSeen(told) || lastSeen(event) > lastSeen(told)

/** Text that says when and how often, to know an Event that was told by. */
export const sightingOf = (event: KubeObject): string => `${timesSeen(event)} ${lastSeen(event)}`

/**
 * An Event of super about an object of super, told about the tenant's object, which is `involved`. Kind and version come from the Event, since objects out of
 * a list do not say theirs; its name stays, so that it is told once only. What else it relates to is left out: that may be another tenant's.
 */
export const tenantEvent = (
  superEvent: KubeObject,
  {
    involved,
    superNamespaceName,
    isSuperNamespace,
  }: {
    readonly involved: Pick<KubeObject, 'metadata'>
    readonly superNamespaceName: string
    /** True for a namespace that some tenant has in super. */
    readonly isSuperNamespace: (text: string) => boolean
  },
): KubeObject => {
  const { namespace, name = '', uid = '' } = involved.metadata
  const { kind, apiVersion, uid: superUid = '', fieldPath } = superEvent.involvedObject ?? {}
  // A Namespace's own Events name it as those inside do; those of nodes and volumes name none.
  const text = tenantText({ namespace: namespace ?? name, superNamespaceName, uids: [[superUid, uid]] })
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: superEvent.metadata.name ?? '', namespace: namespace ?? 'default' },
    involvedObject: {
      apiVersion,
      kind,
      ...(namespace !== undefined && { namespace }),
      name,
      uid,
      ...(fieldPath !== undefined && { fieldPath }),
    },
    ...Object.fromEntries(
      passing
        .filter((field) => superEvent[field] !== undefined && superEvent[field] !== null)
        .map((field) => [field, superEvent[field]]),
    ),
    ...(superEvent.message !== undefined && { message: withoutStrangers(text(superEvent.message), isSuperNamespace) }),
  }
}

/** A name as super namespaces have them. The tenant's own is translated before: one that is left is another tenant's. */
const nameLike = /\b[a-z0-9][a-z0-9-]*-[a-z2-7]{16}\b/g

const withoutStrangers = (message: string, isSuperNamespace: (text: string) => boolean): string =>
  message.replace(nameLike, (name) => (isSuperNamespace(name) ? 'another-namespace' : name))
