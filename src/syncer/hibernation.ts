import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { explainError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { type Hibernation, hibernationText } from '../tenancy/hibernation.ts'
import { tenantLabel } from '../tenancy/marks.ts'
import { isLive, type Pair, seenInSuper } from './decide.ts'
import { keyOf, parseKey, storeKey } from './keys.ts'
import type { SyncedResource } from './resource.ts'
import { informerOf, type SuperSide, type TenantSide } from './sides.ts'
import { ownerOf, superRefOf } from './super-object.ts'

/** How the pods of a tenant that falls asleep or wakes are taken. In neither case does a pod that is not in super count as ended. */
export type PodRest =
  /** They end in super. `ended`: UIDs of super pods that were told to end, by UID in the tenant. */
  | { readonly kind: 'ending'; readonly ended: Map<string, string> }
  /** `left`: pods that are not known to be back, by UID in the tenant; undefined until that could be looked at, and so all of them. */
  | { readonly kind: 'waking'; readonly ended: ReadonlyMap<string, string>; left: Map<string, PodToMake> | undefined }

interface PodToMake {
  /** In the queue. */
  readonly key: string
  /** It is in super and waits for its node to have room: no more can be done for it. */
  readonly isMade: boolean
}

const lookAgainMs = 500
const podType = resourceTypes.pods

/** What `decide` has to know of a tenant object; undefined: nothing beside what it is. */
export const restOf = ({ kind, metadata }: KubeObject, { rest }: Pick<TenantSide, 'rest'>): Pair['rest'] => {
  if (kind !== 'Pod' || metadata.deletionTimestamp !== undefined || !rest) return undefined
  if (rest.kind === 'ending') return 'ending'
  // Until it is known what is left, nothing is made, and nothing has ended.
  if (!rest.left) return 'held'
  return rest.left.has(metadata.uid ?? '') ? 'waking' : undefined
}

export interface HibernationOptions {
  readonly tenant: TenantSide
  readonly superSide: SuperSide
  /** What the Lease says. */
  readonly noted: () => Hibernation | undefined
  /** Writes it into the Lease; it counts when this has resolved. */
  readonly note: (hibernation: Hibernation | undefined) => Promise<void>
  readonly enqueue: (key: string) => void
  /** Resolves when all that was being done for the tenant at the moment of the call is done. */
  readonly settled: () => Promise<void>
  readonly log: Log
  readonly signal: AbortSignal
}

/** Takes a tenant's pods to sleep and wakes them. */
export interface Hibernator {
  /** Tells what is wanted. Resolves when what that means for pods holds; it is then carried on with by itself. */
  want(hibernates: boolean): Promise<void>
}

/**
 * That pods are to end is noted in the Lease before the first one does: whoever serves the tenant next, after whatever end of this process, takes a pod
 * that is not in super for one that was put to sleep, and not for one that has ended. The note goes when every pod is back.
 */
export const createHibernator = (options: HibernationOptions): Hibernator => {
  const { tenant, superSide, noted, note, enqueue, settled, log, signal } = options
  let wanted = false
  let turning = false

  const tenantPods = () => informerOf(tenant.informers, podType.plural)
  const superPods = () => informerOf(superSide.informers, podType.plural)
  const resource = (): SyncedResource => {
    const found = tenant.resources.get(podType.plural)
    if (!found) throw new Error('pods are not synced')
    return found
  }

  const isRunning = (pod: KubeObject): boolean =>
    ownerOf(pod)?.tenantUid === tenant.ctx.tenant.uid && isLive({ kind: podType.kind, ...pod })

  /** All pods come to be looked at, also those that are left over in super. */
  const enqueuePods = (): void => {
    for (const { metadata } of tenantPods().list()) enqueue(keyOf(podType.plural, metadata.namespace ?? '', metadata.name ?? ''))
    for (const pod of superPods().list()) {
      const owner = ownerOf(pod)
      if (owner?.tenantUid === tenant.ctx.tenant.uid) enqueue(keyOf(podType.plural, owner.namespace, owner.name))
    }
  }

  /** Pods that hold something of a node. Before it is said that there are none, super itself is asked: a cache may be late. */
  const countRunning = async (): Promise<number> => {
    const cached = superPods().list().filter(isRunning).length
    if (cached > 0 || noted()?.phase === 'ended') return cached
    const labelSelector = `${tenantLabel}=${tenant.ctx.tenant.uid}`
    return (await superSide.client.list<KubeObject>(podType, { labelSelector })).items.filter(isRunning).length
  }

  const noteIfNew = async (next: Hibernation | undefined): Promise<void> => {
    const [before, after] = [noted(), next].map((each) => each && hibernationText(each))
    // Whoever serves the tenant next may have noted something already.
    if (before !== after && !signal.aborted) await note(next)
  }

  const fallAsleep = async (): Promise<void> => {
    if (tenant.rest?.kind !== 'ending') {
      await noteIfNew({ phase: 'ending', left: superPods().list().filter(isRunning).length })
      // Nobody may have told them to end: another word came meanwhile.
      if (!wanted) return
      tenant.rest = { kind: 'ending', ended: new Map() }
      enqueuePods()
      // What is just being made in super counts as well.
      await settled()
    }
    const left = await countRunning()
    await noteIfNew({ phase: left === 0 ? 'ended' : 'ending', left })
  }

  /** True when the very pod that was told to end is still in super and not on its way out: it was never told, whatever became of the word. */
  const wasSpared = async (superPod: KubeObject): Promise<boolean> => {
    const { name = '', namespace = '', uid } = superPod.metadata
    const live = await tenant.superClient.get(podType, { name, namespace })
    return live?.metadata.uid === uid && live?.metadata.deletionTimestamp === undefined
  }

  /** What is still to be done for a pod of a waking tenant; undefined when it is back, or has ended with its node. */
  const toMake = async (pod: KubeObject, ended: ReadonlyMap<string, string>): Promise<PodToMake | undefined> => {
    const { namespace = '', name = '', uid = '' } = pod.metadata
    const { nodeName } = pod.spec ?? {}
    const ref = superRefOf(resource(), tenant.ctx.tenant, { namespace, name })
    const found = superPods().get(storeKey(ref.namespace ?? '', ref.name))
    const key = keyOf(podType.plural, namespace, name)
    const own = found && ownerOf(found)?.objectUid === uid ? found : undefined
    if (own && own.metadata.deletionTimestamp === undefined && (ended.get(uid) !== own.metadata.uid || (await wasSpared(own)))) {
      // One that has no node yet is not made elsewhere, should it be lost.
      return !nodeName || own.spec?.nodeName ? undefined : { key, isMade: true }
    }
    if (own) return { key, isMade: false }
    // Without a node it is made as any new one is; with its node it has ended.
    const isOnNode = seenInSuper(pod) && informerOf(superSide.informers, resourceTypes.nodes.plural).get(nodeName ?? '')
    return isOnNode ? { key, isMade: false } : undefined
  }

  /** What cannot be made in super holds up nobody: the tenant is told at the pod. */
  const isHopeless = (key: string): boolean => {
    const { namespace, name } = parseKey(key)
    const pod = tenantPods().get(storeKey(namespace, name))
    return tenant.refusedKeys.has(key) || (pod !== undefined && resource().toSuper(pod, tenant.ctx).kind === 'refused')
  }

  const wake = async (): Promise<void> => {
    if (tenant.rest?.kind !== 'waking') {
      if (noted() === undefined) return
      // From here on none is told to end, none is made and none is taken for ended; what was begun before is waited for.
      tenant.rest = { kind: 'waking', ended: tenant.rest?.ended ?? new Map(), left: undefined }
      await settled()
    }
    if (!tenant.rest.left) await noteIfNew({ phase: 'waking', left: tenantPods().list().length })
    const { rest } = tenant
    const left = new Map<string, PodToMake>()
    for (const pod of tenantPods().list()) {
      const { uid = '', deletionTimestamp } = pod.metadata
      if (!isLive({ kind: podType.kind, ...pod }) || deletionTimestamp !== undefined) continue
      if (rest.left && !rest.left.has(uid)) continue
      const todo = await toMake(pod, rest.ended)
      if (todo) left.set(uid, todo)
    }
    const isFirst = !rest.left
    rest.left = left
    if (isFirst) enqueuePods()
    if (left.size === 0) {
      await noteIfNew(undefined)
      tenant.rest = undefined
      return
    }
    const waited = [...left.values()].filter(({ key, isMade }) => !isMade && !isHopeless(key))
    await noteIfNew({ phase: 'waking', left: waited.length })
  }

  /** Until what is wanted holds: management or super may be away just now. */
  const step = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await (wanted ? fallAsleep() : wake())
        if (wanted ? tenant.rest?.kind === 'ending' : tenant.rest?.kind !== 'ending') return
      } catch (error) {
        if (signal.aborted) return
        log.warn({ error: explainError(error) }, 'hibernation cannot go on yet')
        await sleep(lookAgainMs, undefined, { signal }).catch(() => {})
      }
    }
  }

  const isAtRest = (): boolean => !wanted && noted() === undefined && tenant.rest === undefined

  const turn = async (): Promise<void> => {
    while (!isAtRest() && !signal.aborted) {
      await sleep(lookAgainMs, undefined, { signal, ref: false }).catch(() => {})
      await step()
    }
    turning = false
  }

  return {
    want: async (hibernates) => {
      wanted = hibernates
      if (turning || isAtRest()) return
      turning = true
      await step()
      void turn()
    },
  }
}
