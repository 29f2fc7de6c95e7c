import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { isResting } from '../apis/conditions.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { KubeClient, KubeConnection } from '../kube/client.ts'
import { explainError, hasCode } from '../lib/errors.ts'
import { inTurns } from '../lib/in-turns.ts'
import { type Account, handedOver, nextBatch, openAccount, sampled, sent, written } from './accounts.ts'
import { longestGapMs } from './advance.ts'
import { dayOf, monthOf, monthStart } from './hours.ts'
import type { Stamp } from './ledger.ts'
import { readStandings, tidyLedgers, writeBatch } from './ledger-objects.ts'
import { isSilent, readApiServer } from './read-api-server.ts'
import type { MeterTimes } from './settings.ts'
import { createUsageSources, type SourceClients } from './sources.ts'

const serversAtOnce = 16
const writesAtOnce = 8
const lastWriteMs = 10_000
const againMs = 5000

export interface MeterDeps extends SourceClients {
  /** A client of one pod of a tenant's API server. */
  readonly connectTenant: (connection: KubeConnection) => KubeClient
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly times: MeterTimes
}

/** Measures what tenants use, and writes it down. One process at a time: two of them write over each other's work, though nothing is counted twice. */
export interface Meter {
  readonly name: string
  /** Resolves when it measures. Throws the signal's reason when it is stopped before. */
  start(): Promise<void>
  /** Takes a last sample and writes it, within ten seconds. */
  stop(): Promise<void>
}

const runs = (plane: TenantControlPlane): boolean =>
  plane.status?.timings?.['APIServerReady'] !== undefined && !isResting(plane.status.conditions)

export const createMeter = ({ management, superClient, connectTenant, log: parent, now, times }: MeterDeps): Meter => {
  const log = parent.child({ part: 'meter' })
  const sources = createUsageSources({ management, superClient, log })
  const stopping = new AbortController()
  const writer = randomUUID()
  const accounts = new Map<string, Account>()
  /** Where those stand that have no account: they are taken up from there. */
  const standings = new Map<string, Stamp>()
  let running: Promise<void> | undefined
  let tidiedDay = -1

  const pause = (ms: number) => sleep(ms, undefined, { signal: stopping.signal }).catch(() => {})
  const lastMonths = (): readonly string[] => [monthOf(monthStart(monthOf(now()), -1)), monthOf(now())]

  const take = (uid: string, sample: Parameters<typeof sampled>[1]): void => {
    const known = accounts.get(uid)
    if (!known) return
    const { account, isWild } = sampled(known, sample)
    if (isWild) log.warn({ tenant: uid }, 'the clock jumped by days: usage of the time between is not counted')
    accounts.set(uid, account)
  }

  /** Pods and claims of all tenants, from the caches. */
  const sampleWorkloads = (planes: readonly TenantControlPlane[]): void => {
    const workloads = sources.workloads()
    for (const plane of planes) {
      const uid = plane.metadata.uid ?? ''
      if (!accounts.has(uid)) accounts.set(uid, openAccount(plane, standings.get(uid)))
      const own = workloads && sources.isHere(plane) ? (workloads.get(uid) ?? { cpu: 0, memory: 0, storage: 0 }) : undefined
      take(uid, { at: now(), runs: runs(plane), workload: own, api: 'unasked' })
    }
  }

  const isDue = (plane: TenantControlPlane): boolean => {
    const askedAt = accounts.get(plane.metadata.uid ?? '')?.askedAt ?? 0
    return Math.abs(now() - askedAt) >= times.apiEveryMs - times.sampleEveryMs / 2
  }

  /** API servers whose turn it is. Those for which there is no time left come first the next time: hung ones must not hold up the rest. */
  const sampleServers = async (planes: readonly TenantControlPlane[]): Promise<void> => {
    const askedAt = (plane: TenantControlPlane) => accounts.get(plane.metadata.uid ?? '')?.askedAt ?? 0
    const due = planes.filter(isDue).toSorted((a, b) => askedAt(a) - askedAt(b))
    const end = performance.now() + Math.max(times.sampleEveryMs, 1000)
    const deps = { connect: connectTenant, now, log, signal: stopping.signal }
    await inTurns(due, serversAtOnce, async (plane) => {
      const uid = plane.metadata.uid ?? ''
      if (stopping.signal.aborted || performance.now() > end) return
      const server = sources.server(plane)
      const api = server
        ? await readApiServer({ plane, ...server }, deps)
        : isSilent(plane)
          ? ({ kind: 'silent' } as const)
          : undefined
      if (stopping.signal.aborted) return
      take(uid, { at: now(), runs: runs(plane), workload: undefined, api })
      const account = accounts.get(uid)
      if (account) accounts.set(uid, { ...account, askedAt: now() })
    })
  }

  /** Should a tenant come back that only seemed to be gone, no time is counted twice. */
  const close = (uid: string, { standing, batches }: Account): void => {
    accounts.delete(uid)
    if (standing) standings.set(uid, { writer, batch: batches, standing })
  }

  const writeAccount = async (uid: string, isGone: boolean, signal: AbortSignal): Promise<void> => {
    const before = accounts.get(uid)
    const batch = before && nextBatch(before, writer)
    if (!before || !batch) return
    accounts.set(uid, sent(before, batch))
    try {
      const result = await writeBatch(batch, { foldBefore: now() - times.keepHoursMs, signal }, management)
      const after = accounts.get(uid) ?? before
      if (result === 'written') accounts.set(uid, written(after))
      else {
        log.warn({ tenant: uid }, 'another process measures usage too: what this one counted is dropped')
        accounts.set(uid, handedOver(after, result.stamp))
      }
    } catch (error) {
      if (signal.aborted) throw error
      log.warn({ tenant: uid, namespace: batch.tenant.namespace, reason: explainError(error) }, 'usage not written')
      // The namespace went with the tenant: nobody is left to be told.
      if (isGone && hasCode(error, 'KUBE_NOT_FOUND', 'KUBE_FORBIDDEN')) close(uid, accounts.get(uid) ?? before)
    }
  }

  const write = async (signal: AbortSignal): Promise<void> => {
    const planes = sources.tenants()
    const there = planes && new Set(planes.map(({ metadata }) => metadata.uid ?? ''))
    const isGone = (uid: string) => there !== undefined && !there.has(uid)
    await inTurns([...accounts.keys()], writesAtOnce, async (uid) => {
      // What was sent and not answered goes first, and what came up meanwhile after it.
      if (accounts.get(uid)?.inFlight) await writeAccount(uid, isGone(uid), signal)
      if (!accounts.get(uid)?.inFlight) await writeAccount(uid, isGone(uid), signal)
      const account = accounts.get(uid)
      if (isGone(uid) && account && !account.inFlight && account.pending.size === 0) close(uid, account)
    })
  }

  const tidy = async (): Promise<void> => {
    if (dayOf(now()) === tidiedDay) return
    const at = now()
    const done = await tidyLedgers(
      {
        foldBefore: at - times.keepHoursMs,
        organizations: sources.organizations(),
        months: lastMonths(),
        oldestMonth: monthOf(monthStart(monthOf(at), -times.keepMonths)),
        signal: stopping.signal,
      },
      management,
    )
    tidiedDay = dayOf(at)
    log.info(done, 'usage tidied')
  }

  const guarded = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      if (!stopping.signal.aborted) log.warn({ reason: explainError(error) }, what)
    }
  }

  const run = async (): Promise<void> => {
    let wroteAt = performance.now()
    while (!stopping.signal.aborted) {
      const began = performance.now()
      await guarded('a round of usage failed', async () => {
        const planes = sources.tenants()
        if (!planes) return
        sampleWorkloads(planes)
        await sampleServers(planes)
      })
      if (!stopping.signal.aborted && performance.now() - wroteAt >= times.writeEveryMs) {
        wroteAt = performance.now()
        await guarded('usage not written', () => write(stopping.signal))
        await guarded('usage not tidied', tidy)
      }
      await pause(Math.max(0, times.sampleEveryMs - (performance.now() - began)))
    }
  }

  /** What was written before is needed before anything is counted: else the time since would be lost. */
  const open = async (): Promise<void> => {
    for (;;) {
      try {
        await sources.start(stopping.signal)
        const read = await readStandings(management, {
          organizations: sources.organizations(),
          months: lastMonths(),
          signal: stopping.signal,
        })
        for (const [uid, stamp] of read) standings.set(uid, stamp)
        return
      } catch (error) {
        stopping.signal.throwIfAborted()
        log.warn({ reason: explainError(error) }, 'usage cannot be measured yet')
        await pause(againMs)
      }
    }
  }

  return {
    name: 'meter',
    start: async () => {
      await open()
      log.info({ tenants: sources.tenants()?.length, measured: standings.size, gapMs: longestGapMs }, 'usage is measured')
      running ??= run()
    },
    stop: async () => {
      const isFirst = !stopping.signal.aborted
      stopping.abort(new Error('the meter was stopped'))
      await running
      if (isFirst && running) {
        const planes = sources.tenants()
        if (planes) sampleWorkloads(planes)
        await write(AbortSignal.timeout(lastWriteMs)).catch((error: unknown) =>
          log.warn({ reason: explainError(error) }, 'usage since the last write is lost'),
        )
      }
      await sources.stop()
    },
  }
}
