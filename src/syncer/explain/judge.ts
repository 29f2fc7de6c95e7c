import type { KubeObject } from '../../apis/kube-object.ts'
import type { SyncContext, SyncedResource } from '../resource.ts'
import { ownerOf, wantedObject } from '../super-object.ts'
import { comparePair, isLeaving } from '../verify/compare-pairs.ts'
import type { DifferenceKind } from '../verify/difference.ts'

/** Something that the syncer has still to do. */
export interface PendingChange {
  /** `down`: to super; `up`: to the tenant. */
  readonly direction: 'down' | 'up'
  readonly kind: string
  readonly detail: string
}

export interface Judgement {
  /** How it stands, in a sentence. */
  readonly verdict: string
  readonly pending: readonly PendingChange[]
  /** Why it may not go down: what its user was told. */
  readonly refusal: string | undefined
}

export const pendingOf = ([kind, detail]: readonly [DifferenceKind, string]): PendingChange => ({
  direction: kind.endsWith('-in-tenant') ? 'up' : 'down',
  kind,
  detail,
})

const settled = (verdict: string): Judgement => ({ verdict, pending: [], refusal: undefined })

export interface PairFacts {
  readonly tenantObject: KubeObject | undefined
  readonly superObject: KubeObject | undefined
  /** False: nothing that goes down refers to this object of a kind that goes down by reference. */
  readonly isWanted: boolean
  /** Milliseconds since the epoch, of the read. */
  readonly takenAt: number
}

/** Pure: how a pair of a kind that goes down stands, by the rules that the syncer itself goes by. */
export const judgePair = (
  resource: SyncedResource,
  { tenantObject, superObject, isWanted, takenAt }: PairFacts,
  ctx: SyncContext,
): Judgement => {
  if (!tenantObject) {
    if (superObject === undefined) return settled('it is on neither side')
    if (ownerOf(superObject)?.tenantUid !== ctx.tenant.uid)
      return settled("it is not in the tenant; what has its place in super is not the tenant's")
    const verdict = 'it is not in the tenant any more; what stood for it in super is on its way out'
    if (isLeaving(superObject, takenAt)) return settled(verdict)
    return { verdict, pending: [pendingOf(['extra-in-super', 'to be deleted'])], refusal: undefined }
  }
  const wanted = isWanted ? wantedObject(resource, tenantObject, ctx) : undefined
  const pending = comparePair(resource, { tenantObject, superObject, wanted }, ctx)
    .filter(([kind]) => kind === 'extra-in-tenant' || !superObject || !isLeaving(superObject, takenAt))
    .map(pendingOf)
  if (wanted?.kind === 'refused') {
    const refusal = `${wanted.reason}: ${wanted.message}`
    const verdict = superObject
      ? 'it may not be in super as it is now; what is there stays as it was last allowed'
      : 'it may not go down'
    return { verdict, pending, refusal }
  }
  return {
    verdict: verdictOf({ pending, superObject, isWanted, wantedKind: wanted?.kind, takenAt }),
    pending,
    refusal: undefined,
  }
}

const verdictOf = ({
  pending,
  superObject,
  isWanted,
  wantedKind,
  takenAt,
}: Pick<PairFacts, 'superObject' | 'isWanted' | 'takenAt'> & {
  readonly pending: readonly PendingChange[]
  readonly wantedKind: 'object' | 'tenant-only' | undefined
}): string => {
  if (superObject && isLeaving(superObject, takenAt)) return 'it is being deleted in super'
  if (pending.length > 0) {
    const directions = new Set(pending.map(({ direction }) => direction))
    if (pending.some(({ kind }) => kind === 'missing-in-super')) return 'it is not in super yet'
    if (pending.some(({ kind }) => kind === 'not-owned')) return 'its place in super is taken by an object that is not its own'
    return `super and tenant differ: the syncer has to write ${directions.size > 1 ? 'both ways' : directions.has('down') ? 'to super' : 'to the tenant'}`
  }
  if (!isWanted) return 'it is in the tenant only: nothing that goes down refers to it'
  if (wantedKind === 'tenant-only') return 'it is in the tenant only, by design'
  return superObject ? 'both sides agree' : 'nothing is to be done for it'
}
