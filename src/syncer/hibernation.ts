import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { explainError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { type Hibernation, hibernationText } from '../tenancy/hibernation.ts'
import { type Action, isLive, type Pair, seenInSuper } from './decide.ts'
import { storeKey } from './keys.ts'
import { informerOf, type SuperSide, type TenantSide } from './sides.ts'
import { ownerOf, superRefOf } from './super-object.ts'

/** How the pods of a tenant that falls asleep or wakes are taken. */
export type PodRest =
  /** They end in super without a word to the tenant. `ended`: UIDs of super pods that were told to end, by UID in the tenant. */
  | { readonly kind: 'ending'; readonly ended: Map<string, string> }
  /** `left`: pods to be made anew, by UID in the tenant, with the UID of the super pod that is none of theirs any more. */
  | { readonly kind: 'waking'; readonly left: Map<string, string | undefined> }

const lookAgainMs = 500

type Sides = { readonly tenant: TenantSide; readonly superSide: Pick<SuperSide, 'informers'> }

const podsIn = (informers: TenantSide['informers']): readonly KubeObject[] =>
  informerOf(informers, resourceTypes.pods.plural).list()

/** The tenant's pods that hold something of a node. */
const runningInSuper = ({ tenant, superSide }: Sides): readonly KubeObject[] =>
  podsIn(superSide.informers).filter((pod) => ownerOf(pod)?.tenantUid === tenant.ctx.tenant.uid && isLive(pod))

const superPodOf = (pod: KubeObject, { tenant, superSide }: Sides): KubeObject | undefined => {
  const resource = tenant.resources.get(resourceTypes.pods.plural)
  const { namespace = '', name = '', uid } = pod.metadata
  if (!resource) return undefined
  const ref = superRefOf(resource, tenant.ctx.tenant, { namespace, name })
  const found = informerOf(superSide.informers, resourceTypes.pods.plural).get(storeKey(ref.namespace ?? '', ref.name))
  return found && ownerOf(found)?.objectUid === uid ? found : undefined
}

const isBack = (superPod: KubeObject | undefined, ended: string | undefined): boolean =>
  superPod !== undefined && superPod.metadata.deletionTimestamp === undefined && superPod.metadata.uid !== ended

/** Pods of a waking tenant that are to be made anew: those that had a node, have not ended, and whose node is still there. */
export const podsToMake = (sides: Sides, ended: ReadonlyMap<string, string> = new Map()): Map<string, string | undefined> => {
  const nodes = informerOf(sides.superSide.informers, resourceTypes.nodes.plural)
  return new Map(
    podsIn(sides.tenant.informers)
      .filter((pod) => seenInSuper(pod) && isLive(pod) && pod.metadata.deletionTimestamp === undefined)
      .filter(({ spec }) => nodes.get(spec?.nodeName ?? '') !== undefined)
      .map((pod) => ({ pod, uid: pod.metadata.uid ?? '' }))
      .filter(({ pod, uid }) => !isBack(superPodOf(pod, sides), ended.get(uid)))
      .map(({ uid }) => [uid, ended.get(uid)] as const),
  )
}

/** What `decide` has to know of a tenant object; undefined: nothing beside what it is. */
export const restOf = ({ kind, metadata }: KubeObject, { rest }: Pick<TenantSide, 'rest'>): Pair['rest'] => {
  if (kind !== 'Pod' || metadata.deletionTimestamp !== undefined || !rest) return undefined
  return rest.kind === 'ending' || rest.left.has(metadata.uid ?? '') ? rest.kind : undefined
}

/** True when a super pod ends, or is about to, because its tenant sleeps. It is remembered, so that it is not taken for one made anew. */
export const isPutToSleep = (
  action: Action,
  { tenantObject, superObject }: Pick<Pair, 'tenantObject' | 'superObject'>,
  tenant: Pick<TenantSide, 'rest'>,
): boolean => {
  if (!tenantObject || !superObject || restOf(tenantObject, tenant) === undefined) return false
  if (action.kind !== 'delete-super' && superObject.metadata.deletionTimestamp === undefined) return false
  if (tenant.rest?.kind === 'ending') tenant.rest.ended.set(tenantObject.metadata.uid ?? '', superObject.metadata.uid ?? '')
  return true
}

export interface HibernationOptions extends Sides {
  /** What the Lease says. */
  readonly noted: () => Hibernation | undefined
  /** Writes it into the Lease; it counts when this has resolved. */
  readonly note: (hibernation: Hibernation | undefined) => Promise<void>
  /** All pods of the tenant come to be looked at. */
  readonly enqueuePods: () => void
  readonly log: Log
  readonly signal: AbortSignal
}

/** Takes a tenant's pods to sleep and wakes them. */
export interface Hibernator {
  /** Tells what is wanted. Resolves when what that means for pods is noted and holds; it is then carried on with by itself. */
  want(hibernates: boolean): Promise<void>
}

/**
 * Each step is noted in the Lease before anything is done: whoever serves the tenant next, after whatever end of this process, takes a pod that is not in
 * super for one that was put to sleep, and not for one that has ended.
 */
export const createHibernator = (options: HibernationOptions): Hibernator => {
  const { tenant, noted, note, enqueuePods, log, signal } = options
  let wanted = false
  let turning: Promise<void> | undefined

  const noteIfNew = async (next: Hibernation | undefined): Promise<void> => {
    const [before, after] = [noted(), next].map((each) => each && hibernationText(each))
    if (before !== after) await note(next)
  }

  const fallAsleep = async (): Promise<void> => {
    const ending = tenant.rest?.kind === 'ending'
    const left = runningInSuper(options).length
    await noteIfNew({ phase: ending && left === 0 ? 'ended' : 'ending', left })
    if (ending) return
    tenant.rest = { kind: 'ending', ended: new Map() }
    enqueuePods()
  }

  const wake = async (): Promise<void> => {
    if (tenant.rest?.kind !== 'waking') {
      if (noted() === undefined) return
      const left = podsToMake(options, tenant.rest?.ended)
      await noteIfNew({ phase: 'waking', left: left.size })
      tenant.rest = { kind: 'waking', left }
      enqueuePods()
    }
    const { left } = tenant.rest
    const present = podsToMake(options, new Map([...left].flatMap(([uid, ended]) => (ended === undefined ? [] : [[uid, ended]]))))
    for (const uid of left.keys()) if (!present.has(uid)) left.delete(uid)
    await noteIfNew(left.size === 0 ? undefined : { phase: 'waking', left: left.size })
    if (left.size === 0) tenant.rest = undefined
  }

  const step = (): Promise<void> => (wanted ? fallAsleep() : wake())
  const isAtRest = (): boolean => !wanted && noted() === undefined && tenant.rest === undefined

  /** One step, however often it takes: management may be away just now. */
  const stepped = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        return await step()
      } catch (error) {
        if (signal.aborted) return
        log.warn({ error: explainError(error) }, 'hibernation cannot be noted yet')
        await sleep(lookAgainMs, undefined, { signal }).catch(() => {})
      }
    }
  }

  const turn = async (): Promise<void> => {
    while (!isAtRest() && !signal.aborted) {
      await stepped()
      await sleep(lookAgainMs, undefined, { signal, ref: false }).catch(() => {})
    }
  }

  return {
    want: async (hibernates) => {
      wanted = hibernates
      if (isAtRest()) return
      if (turning === undefined) await stepped()
      turning ??= turn().finally(() => {
        turning = undefined
      })
    },
  }
}
