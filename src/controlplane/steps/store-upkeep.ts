import { quantityValue } from '../../apis/quantity.ts'
import { explainError } from '../../lib/errors.ts'
import type { Plane } from '../components/plane.ts'
import { diskSizeOf } from '../data-stores/etcd.ts'
import type { EtcdClient, MemberStatus } from '../data-stores/etcd-client.ts'
import { quotaBytes } from '../data-stores/etcd-config.ts'
import { fillText, fullText, type MemberUsage, nextUpkeep, quotaInForce } from '../data-stores/upkeep.ts'
import type { Deps } from '../deps.ts'
import { etcdMember } from '../pki/plan.ts'
import type { StepOutcome } from '../steps.ts'
import { type Answering, isOfStore, leaderOf } from './answering-store.ts'

const usagesOf = (store: Answering, statuses: ReadonlyMap<number, MemberStatus>): MemberUsage[] =>
  [...statuses].map(([ordinal, { memberId, sizeBytes, inUseBytes, quotaBytes: quota }]) => ({
    ordinal,
    isLeader: memberId === leaderOf(store),
    sizeBytes,
    inUseBytes,
    quotaBytes: quota,
  }))

/** What of a data store its upkeep goes by. */
interface Kept {
  readonly plane: Plane
  readonly canSpareOne: boolean
  /** All members are there and serve. */
  readonly isWhole: boolean
  /** Ends a member's pod, which comes again. */
  readonly restart: (ordinal: number) => Promise<void>
}

/** Keeps the disks in order. Gives what people have to know, or what they have to do. */
const keepUp = async (
  store: Answering,
  { plane, canSpareOne, isWhole, restart }: Kept,
  { log }: Deps,
): Promise<StepOutcome | string | undefined> => {
  const diskSize = diskSizeOf(plane)
  const quota = quotaBytes(diskSize)
  let { statuses } = store
  if (store.alarms.some(({ kind }) => kind === 'NOSPACE')) {
    const [status] = statuses.values()
    await store.anyone.compact(status?.revision ?? '0')
    statuses = new Map(
      await Promise.all([...statuses.keys()].map(async (ordinal) => [ordinal, await memberOf(store, ordinal).status()] as const)),
    )
  }
  const usages = usagesOf(store, statuses)
  const upkeep = { usages, alarms: store.alarms, quotaBytes: quota, storageBytes: quantityValue(diskSize), canSpareOne, isWhole }
  const action = nextUpkeep(upkeep)
  switch (action.kind) {
    case 'none':
      return fillText(upkeep)
    case 'defragment':
      log.info({ member: etcdMember(action.ordinal) }, 'etcd member is defragmented')
      await memberOf(store, action.ordinal).defragment()
      return store.alarms.length === 0
        ? undefined
        : { kind: 'wait', reason: 'StoreFull', message: 'etcd is full; room is being made', retryAfterMs: 100 }
    case 'restart':
      log.info({ member: etcdMember(action.ordinal) }, 'etcd member of a full store is started anew for its larger quota')
      await restart(action.ordinal)
      return {
        kind: 'wait',
        reason: 'StoreFull',
        message: `etcd is full; ${etcdMember(action.ordinal)} starts anew with the room that its disk has got`,
        retryAfterMs: 500,
      }
    case 'disarm':
      for (const alarm of store.alarms) await store.anyone.disarm(alarm)
      log.info({}, 'etcd takes writes again')
      return undefined
    case 'full':
      return { kind: 'wait', reason: 'StoreFull', message: fullText(action.usage, quotaInForce(upkeep)), problem: true }
    case 'corrupt': {
      const message = `members of etcd differ in their data, so none of them serves: their logs say which one is wrong. Take it out with etcdctl, or restore a backup`
      return { kind: 'wait', reason: 'StoreCorrupt', message, problem: true }
    }
  }
}

const memberOf = ({ clients, anyone }: Answering, ordinal: number): EtcdClient => clients.get(ordinal) ?? anyone

/** A store that serves is no less of use because its upkeep failed once; one that is full is not full any less. */
export const triedUpkeep = async (store: Answering, given: Kept, deps: Deps): Promise<StepOutcome | string | undefined> => {
  try {
    return await keepUp(store, given, deps)
  } catch (error) {
    if (!isOfStore(error)) throw error
    deps.log.warn({ error: explainError(error) }, 'upkeep of etcd failed; it is tried again')
    if (store.alarms.length === 0) return undefined
    return {
      kind: 'wait',
      reason: 'StoreFull',
      message: `etcd is full, and no room could be made: ${explainError(error)}`,
      problem: true,
    }
  }
}
