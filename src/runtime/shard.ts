import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { createInformer } from '../kube/informer.ts'
import { explainError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { createLeaseHolder, isExpired, type Lease, type ObservedLease, observeLease } from './lease.ts'
import { rendezvousOwner } from './rendezvous.ts'

export const shardGroupLabel = 'berth.dev/shard-group'

export interface ShardTimes {
  /** A member that was not seen to renew for so long is gone. */
  readonly leaseMs: number
  readonly renewMs: number
}
const defaultTimes: ShardTimes = { leaseMs: 15_000, renewMs: 5000 }
/** Leases of members that never came back are removed after so many lease times. */
const removeAfterLeases = 20

export interface ShardOptions {
  readonly client: KubeClient
  readonly log: Log
  /** Where the members' Leases are. */
  readonly namespace: string
  /** For example `berth-syncer`. */
  readonly group: string
  /** Unique among running processes; a pod's name. Lower case letters, digits, dashes. */
  readonly identity: string
  readonly times?: ShardTimes
  /** Told after each change of the members, also the first time. */
  readonly onChange?: (members: readonly string[]) => void
}

/**
 * One of several processes that share keys by rendezvous hashing. Membership is a Lease each. During a change two members may for a moment both own
 * a key: what must not be done twice needs a Lease of its own.
 */
export interface Shard {
  /** Joins; resolves when the members are known. Throws DEADLINE_EXCEEDED when they cannot be learned. */
  start(options: { deadlineMs: number; signal?: AbortSignal }): Promise<void>
  /** Leaves at once. */
  stop(): Promise<void>
  /** Live members, sorted. Empty while this one is cut off from the API server and others may have taken over. */
  members(): readonly string[]
  owns(key: string): boolean
  /** For probes: why others may have taken over what is this one's; undefined while its membership is renewed. */
  complaint(): string | undefined
}

/** Live members by their Leases. Without a renewal of its own within a lease time a member owns nothing, unless it was alone anyway. */
export const liveMembers = (
  leases: Iterable<ObservedLease>,
  self: { readonly identity: string; readonly renewedAt: number },
  { now, leaseMs }: { now: number; leaseMs: number },
): readonly string[] => {
  const others = new Set<string>()
  for (const observed of leases) {
    const member = observed.lease.spec?.holderIdentity
    if (member && member !== self.identity && !isExpired(observed, now)) others.add(member)
  }
  const cutOff = now - self.renewedAt > leaseMs
  // Others look expired to one that is cut off, too: only who was alone before can go on.
  return cutOff ? [] : [...others, self.identity].sort()
}

export const createShard = (options: ShardOptions): Shard => {
  const { client, namespace, group, identity, times = defaultTimes, onChange } = options
  const log = options.log.child({ shard: group, identity })
  const durationSeconds = Math.ceil(times.leaseMs / 1000)
  const ref = { namespace, name: `${group}-${identity}` }
  const claim = { identity, durationSeconds, labels: { [shardGroupLabel]: group } }
  const holder = createLeaseHolder({ client, ref, claim })
  const observed = new Map<string, ObservedLease>()
  let renewedAt = Number.NEGATIVE_INFINITY
  let trouble = 'it was not asked for yet'
  let members: readonly string[] = []
  let timer: NodeJS.Timeout | undefined
  let renewing: Promise<void> | undefined

  const recompute = () => {
    const now = performance.now()
    const next = liveMembers(observed.values(), { identity, renewedAt }, { now, leaseMs: times.leaseMs })
    const alone = next.length === 0 && members.length === 1 && members[0] === identity
    if (alone || next.join() === members.join()) return
    members = next
    log.info({ members }, 'members changed')
    onChange?.(members)
  }

  const informer = createInformer<Lease>({
    client,
    type: resourceTypes.leases,
    namespace,
    labelSelector: `${shardGroupLabel}=${group}`,
    log,
    onEvent: (kind, lease) => {
      const { name = '' } = lease.metadata
      if (kind === 'deleted') observed.delete(name)
      else observed.set(name, observeLease(observed.get(name), lease, performance.now()))
      if (informer.hasSynced) recompute()
    },
  })

  const removeDead = async () => {
    const now = performance.now()
    for (const { lease, since } of observed.values()) {
      const { name, uid } = lease.metadata
      if (!name || !uid || name === ref.name || now - since < removeAfterLeases * times.leaseMs) continue
      await client.delete(resourceTypes.leases, { namespace, name }, { uid }).catch((error: unknown) => {
        log.debug({ lease: name, reason: explainError(error) }, 'cannot remove a dead member')
      })
    }
  }

  const renew = async () => {
    const asked = performance.now()
    try {
      if (await holder.tryHold()) renewedAt = asked
      else {
        trouble = `${holder.holder() ?? 'another process'} holds its lease`
        log.warn({ holder: holder.holder() }, 'the lease of this member is held by another process')
      }
      await removeDead()
    } catch (error) {
      trouble = explainError(error)
      log.warn({ reason: trouble }, 'cannot renew the membership')
    }
    if (informer.hasSynced) recompute()
  }
  const tick = () => {
    renewing ??= renew().finally(() => {
      renewing = undefined
    })
    recompute()
  }

  return {
    start: async (deadline) => {
      await renew()
      informer.start()
      timer = setInterval(tick, times.renewMs)
      await informer.whenSynced(deadline)
      recompute()
    },
    stop: async () => {
      clearInterval(timer)
      await renewing
      await informer.stop()
      members = []
      await holder.release().catch((error: unknown) => log.warn({ reason: explainError(error) }, 'cannot leave'))
      await client
        .delete(resourceTypes.leases, ref)
        .catch((error: unknown) => log.debug({ reason: explainError(error) }, 'cannot remove the lease'))
    },
    members: () => members,
    owns: (key) => rendezvousOwner(key, members) === identity,
    complaint: () => (performance.now() - renewedAt > times.leaseMs ? `the membership cannot be renewed: ${trouble}` : undefined),
  }
}
