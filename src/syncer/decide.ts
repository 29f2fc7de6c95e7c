import type { KubeObject } from '../apis/kube-object.ts'
import type { SyncedResource } from './resource.ts'
import { contains, isExactly, isUnlabelled, ownerOf, type Wanted, wantedHashOf } from './super-object.ts'

export interface Pair {
  readonly tenantUid: string
  readonly tenantObject: KubeObject | undefined
  readonly superObject: KubeObject | undefined
  /**
   * Translation of the tenant object; undefined when there is none, or when nothing refers to a by-reference object. `settled`: this very tenant object was
   * translated before, to what the super object was made from.
   */
  readonly wanted: Wanted | { readonly kind: 'settled' } | undefined
  /** A pod of a tenant that falls asleep; that nothing is done for just now; that is to be made anew, and so has not ended though super has none. */
  readonly rest?: 'ending' | 'held' | 'waking' | undefined
  /** The tenant is falling asleep: none of its pods in super may take long to end. */
  readonly tenantSleeps?: boolean
}

/** What to do about one pair. Exactly one action; the event that it causes brings the next. */
export type Action =
  | { readonly kind: 'none' }
  | { readonly kind: 'create'; readonly object: KubeObject }
  | { readonly kind: 'update'; readonly live: KubeObject; readonly object: KubeObject }
  | { readonly kind: 'delete-super'; readonly superObject: KubeObject; readonly gracePeriodSeconds?: number }
  /** The pod is being deleted in super, not on our word: let the tenant's controllers know in time. */
  | { readonly kind: 'delete-tenant'; readonly tenantObject: KubeObject; readonly gracePeriodSeconds: number }
  /** Gone in super: the tenant object ends now. `checked`: the tenant asked for it; else a live read must confirm that super has none. */
  | { readonly kind: 'finalise'; readonly tenantObject: KubeObject; readonly checked: boolean }
  | { readonly kind: 'foreign'; readonly superObject: KubeObject }
  | { readonly kind: 'refused'; readonly reason: string; readonly message: string }

const none: Action = { kind: 'none' }

/** A pod that was bound through the syncer has PodScheduled=True; one whose user only wrote `nodeName` has not. */
export const seenInSuper = ({ spec, status }: KubeObject): boolean =>
  Boolean(spec?.nodeName) &&
  (status?.conditions ?? []).some(
    (condition: { type: string; status: string }) => condition.type === 'PodScheduled' && condition.status === 'True',
  )

/** False for a pod that has ended: it mounts nothing any more and holds nothing of a node; what it referred to need not stay in super for it. */
export const isLive = ({ kind, status }: KubeObject): boolean =>
  kind !== 'Pod' || (status?.phase !== 'Succeeded' && status?.phase !== 'Failed')

const deleteSuper = (superObject: KubeObject, gracePeriodSeconds?: number): Action => {
  const already = superObject.metadata.deletionTimestamp !== undefined
  const shorter = gracePeriodSeconds !== undefined && gracePeriodSeconds < (superObject.metadata.deletionGracePeriodSeconds ?? 0)
  if (already && !shorter) return none
  return { kind: 'delete-super', superObject, ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }) }
}

/** The longest time, in seconds, that a pod has to end when its tenant is put to sleep. One that asks for years would keep its platform waiting. */
export const maxSleepGraceSeconds = 600

/** The same action with a limit on the time that a pod has to end, also where it was told before and has too much left. */
const inLimitedTime = (action: Action, { tenantUid, superObject }: Pair): Action => {
  if (action.kind === 'delete-super') {
    const asked = action.gracePeriodSeconds ?? Number(action.superObject.spec?.terminationGracePeriodSeconds ?? 30)
    return asked > maxSleepGraceSeconds ? { ...action, gracePeriodSeconds: maxSleepGraceSeconds } : action
  }
  const isLong = (superObject?.metadata.deletionGracePeriodSeconds ?? 0) > maxSleepGraceSeconds
  return superObject && isLong && action.kind === 'none' && ownerOf(superObject)?.tenantUid === tenantUid
    ? { kind: 'delete-super', superObject, gracePeriodSeconds: maxSleepGraceSeconds }
    : action
}

/** Pure: from what both sides have to the one next step. */
export const decide = (resource: SyncedResource, pair: Pair): Action => {
  const action = decideFreely(resource, pair)
  return pair.tenantSleeps && resource.goneInSuper === 'finalise' ? inLimitedTime(action, pair) : action
}

/** The order of the questions is the meaning. */
const decideFreely = (resource: SyncedResource, { tenantUid, tenantObject, superObject, wanted, rest }: Pair): Action => {
  const owner = superObject && ownerOf(superObject)
  const unlabelled = superObject !== undefined && tenantObject !== undefined && isUnlabelled(superObject, tenantObject)
  if (superObject && owner?.tenantUid !== tenantUid && !unlabelled) return tenantObject ? { kind: 'foreign', superObject } : none
  if (!tenantObject) return superObject ? deleteSuper(superObject) : none

  const finalises = resource.goneInSuper === 'finalise'
  const sameObject = unlabelled || owner?.objectUid === tenantObject.metadata.uid
  if (superObject && !sameObject) return deleteSuper(superObject)

  if (tenantObject.metadata.deletionTimestamp !== undefined && finalises) {
    if (superObject) return deleteSuper(superObject, tenantObject.metadata.deletionGracePeriodSeconds)
    // Zero already: only finalizers of the tenant's own hold it now.
    return tenantObject.metadata.deletionGracePeriodSeconds === 0 ? none : { kind: 'finalise', tenantObject, checked: true }
  }
  if (tenantObject.metadata.deletionTimestamp !== undefined && resource.isLeaving?.(tenantObject))
    return superObject ? deleteSuper(superObject) : none
  // What has ended holds nothing of a node and is still there to be looked at.
  if (rest === 'ending') return superObject && isLive(superObject) ? deleteSuper(superObject) : none
  if (rest === 'held') return none
  if (!wanted || wanted.kind === 'tenant-only') return superObject ? deleteSuper(superObject) : none
  // As with an update that admission refuses: what is in super stays as it was last allowed. Deleting it would end pods and lose data.
  if (wanted.kind === 'refused') return superObject && wanted.withdrawn ? deleteSuper(superObject) : wanted
  if (!superObject) {
    if (wanted.kind === 'settled') return none
    return finalises && seenInSuper(tenantObject) && rest === undefined
      ? { kind: 'finalise', tenantObject, checked: false }
      : { kind: 'create', object: wanted.object }
  }
  if (superObject.metadata.deletionTimestamp !== undefined) {
    // A pod that never had a node has not lived: it is made anew when this one is gone, which may be our own doing.
    return finalises && superObject.spec?.nodeName && rest === undefined
      ? { kind: 'delete-tenant', tenantObject, gracePeriodSeconds: superObject.metadata.deletionGracePeriodSeconds ?? 0 }
      : none
  }
  if (wanted.kind === 'settled') return none
  if (wantedHashOf(superObject) !== wantedHashOf(wanted.object))
    return { kind: 'update', live: superObject, object: wanted.object }
  // Of a pod only a projection is kept here: super refuses changes of all but a few fields of its spec, but Services select it by its labels.
  if (finalises && !contains(superObject.metadata.labels, wanted.object.metadata.labels)) {
    return { kind: 'update', live: superObject, object: wanted.object }
  }
  if (!finalises && !resource.byReference && !contains(superObject, wanted.object)) {
    return { kind: 'update', live: superObject, object: wanted.object }
  }
  if (resource.exact && !isExactly(superObject, wanted.object)) {
    return { kind: 'update', live: superObject, object: wanted.object }
  }
  return none
}
