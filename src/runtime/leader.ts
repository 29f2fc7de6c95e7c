import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeClient } from '../kube/client.ts'
import { explainError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { createLeaseHolder, type LeaseRef } from './lease.ts'

/** Times of an election, ms. */
export interface LeaderTimes {
  /** Others wait so long after the last renewal that they saw. */
  readonly leaseMs: number
  /** A leader that could not renew for so long is none any more. Shorter than `leaseMs`, so that two never lead. */
  readonly renewDeadlineMs: number
  readonly retryMs: number
}

/** As client-go's: a failover takes 15 to 17 s, a clean stop 2 s. */
export const defaultLeaderTimes: LeaderTimes = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2000 }

export interface LeaderOptions {
  readonly client: KubeClient
  readonly lease: LeaseRef
  /** Unique among running processes. In a pod its name: a restarted container then goes on at once instead of waiting for itself. */
  readonly identity: string
  readonly log: Log
  readonly times?: LeaderTimes
  /** Once, when this process leads. */
  readonly onElected: () => void
  /** Once, when it leads no more without having been stopped: the process must exit, for its work cannot be called back. */
  readonly onLost: (reason: string) => void
}

export interface LeaderElection {
  start(): void
  /** Gives the Lease free at once. Call it after all work has ended. */
  stop(): Promise<void>
  readonly isLeader: boolean
  /** For probes: why this process can neither lead nor learn who does; undefined while the API server answers. */
  complaint(): string | undefined
}

/** Waits for a Lease, holds it through hiccups of the API server up to the renew deadline, and says when it is lost. */
export const createLeaderElection = (options: LeaderOptions): LeaderElection => {
  const { client, lease, identity, times = defaultLeaderTimes, onElected, onLost } = options
  const log = options.log.child({ lease: `${lease.namespace}/${lease.name}`, identity })
  const holder = createLeaseHolder({ client, ref: lease, claim: { identity, durationSeconds: Math.ceil(times.leaseMs / 1000) } })
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  let leads = false
  /** When the API server last answered about the lease, whatever it said. */
  let answeredAt: number | undefined
  let silence = 'the lease was not asked for yet'

  const pause = (ms: number) => sleep(ms, undefined, { signal: stopping.signal }).catch(() => {})

  const acquire = async (): Promise<number> => {
    let seen: string | undefined
    while (!stopping.signal.aborted) {
      const asked = performance.now()
      try {
        const holds = await holder.tryHold(stopping.signal)
        answeredAt = performance.now()
        if (holds) return asked
        if (holder.holder() !== seen) log.info({ holder: holder.holder() }, 'waiting for the leader to go')
        seen = holder.holder()
      } catch (error) {
        silence = explainError(error)
        if (!stopping.signal.aborted) log.warn({ reason: silence }, 'cannot ask for the lease')
      }
      await pause(times.retryMs * (1 + Math.random() * 0.2))
    }
    return 0
  }

  /** Returns why it is lost. `renewedAt` is when the last good renewal was asked for, not answered: others may have seen it then. */
  const hold = async (electedAt: number): Promise<string | undefined> => {
    let renewedAt = electedAt
    let trouble = 'another process took the lease'
    while (!stopping.signal.aborted) {
      const end = renewedAt + times.renewDeadlineMs
      await pause(Math.max(0, Math.min(times.retryMs, end - performance.now())))
      const asked = performance.now()
      const left = Math.floor(end - asked)
      if (left <= 0) return trouble
      const limit = AbortSignal.any([stopping.signal, AbortSignal.timeout(left)])
      try {
        if (await holder.tryHold(limit)) renewedAt = asked
        else if (holder.holder() !== undefined && holder.holder() !== identity) return trouble
      } catch (error) {
        trouble = explainError(error)
        if (!stopping.signal.aborted) log.warn({ reason: trouble }, 'cannot renew the lease')
      }
    }
    return undefined
  }

  const run = async () => {
    const electedAt = await acquire()
    if (stopping.signal.aborted) return
    leads = true
    log.info('elected')
    onElected()
    const lost = await hold(electedAt)
    leads = false
    if (lost === undefined) return
    log.error({ reason: lost }, 'leadership lost')
    onLost(lost)
  }

  return {
    start: () => {
      running ??= run()
    },
    stop: async () => {
      stopping.abort(new Error('the election was stopped'))
      await running
      await holder.release().catch((error: unknown) => log.warn({ reason: explainError(error) }, 'cannot give the lease free'))
    },
    get isLeader() {
      return leads
    },
    // Who leads and cannot renew ends before this would be told of it.
    complaint: () =>
      leads || (answeredAt !== undefined && performance.now() - answeredAt < times.leaseMs)
        ? undefined
        : `the lease cannot be asked for: ${silence}`,
  }
}
