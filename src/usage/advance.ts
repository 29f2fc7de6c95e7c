import { z } from 'zod'
import { type ByHour, createTally, dayMs, type Tally } from './hours.ts'

/** What a tenant's pods and claims take of super, at one moment. */
const workload = z.object({
  /** Milli-cores. */
  cpu: z.int().min(0),
  /** Bytes. */
  memory: z.int().min(0),
  /** Bytes. */
  storage: z.int().min(0),
})
export type Workload = z.output<typeof workload>

/** One process of a tenant's API server, with what it has counted since it started. */
export interface Replica {
  /** UID of its pod. */
  readonly pod: string
  /** Ms since 1970. Another process of the same pod counts from zero. */
  readonly startedAt: number
  readonly requests: number
}

/** What was asked of a tenant's API server. */
export type ApiReading =
  /** Nobody answers there, and nobody should: it is being made, or rests. */
  | { readonly kind: 'silent' }
  | {
      readonly kind: 'read'
      readonly objects: number | undefined
      /** Those that answered. */
      readonly replicas: readonly Replica[]
      /** UIDs of all its pods: one that did not answer counts on, and is asked again. */
      readonly pods: readonly string[]
    }

/** What is seen of a tenant at one moment. Undefined is what nobody could tell. */
export interface Sample {
  /** Ms since 1970. */
  readonly at: number
  readonly createdAt: number
  readonly runs: boolean
  readonly workload: Workload | undefined
  /** `unasked`: it is not its turn. */
  readonly api: ApiReading | 'unasked' | undefined
}

const at = z.int().min(0)

/** How far a tenant has been measured: kept with what was counted, so that any process goes on from there. `at` never goes back: no time is counted twice. */
export const standingSchema = z.object({
  /** From when on it is measured, ms since 1970. */
  since: at,
  tenant: z.object({ at, runs: z.boolean() }),
  workload: z.object({ at, value: workload.optional() }),
  api: z.object({
    at,
    objects: z.int().min(0).optional(),
    /** Last counts, by UID of the pod. */
    counted: z.record(z.string(), z.object({ startedAt: at, requests: z.number().min(0) })),
  }),
})
export type Standing = z.output<typeof standingSchema>

/** Two samples further apart than this say nothing of the time between them, in ms. */
export const longestGapMs = 5 * 60_000
/** A clock that is further away than this was wrong, now or before: what it says is no time to charge. */
const wildMs = 100 * dayMs
/** So much may the clock have been ahead when the tenant was measured last. */
const aheadMs = dayMs

const isWild = (standing: Standing, now: number): boolean => {
  const { tenant, workload: pods, api } = standing
  const [first, last] = [Math.min(tenant.at, pods.at, api.at), Math.max(tenant.at, pods.at, api.at)]
  return now - first > wildMs || last - now > aheadMs
}

const nothing: Workload = { cpu: 0, memory: 0, storage: 0 }

/** Where measuring a tenant begins: with a new one at its creation, with an older one now. */
const beginning = ({ at: now, createdAt }: Sample): Standing => {
  const isNew = createdAt <= now && now - createdAt <= longestGapMs
  const since = isNew ? createdAt : now
  return {
    since,
    tenant: { at: since, runs: false },
    workload: { at: since, value: nothing },
    api: { at: since, objects: 0, counted: {} },
  }
}

/** What a strand was at since its last sample is charged until this one: or, when that is too long ago or was not known, told as unmeasured. */
const charge = <T>(
  before: { readonly at: number; readonly value: T | undefined },
  now: number,
  { known, unknown }: { readonly known: (value: T, ms: bigint) => void; readonly unknown: (ms: bigint) => void },
): void => {
  const ms = now - before.at
  if (ms <= 0) return
  if (before.value === undefined || ms > longestGapMs) unknown(BigInt(ms))
  else known(before.value, BigInt(ms))
}

const advanceWorkload = (before: Standing['workload'], sample: Sample, tally: Tally): Standing['workload'] => {
  const now = Math.max(before.at, sample.at)
  const isOver = now - before.at > longestGapMs
  // A short silence is bridged by what comes after it.
  if (!sample.workload && !isOver) return before
  charge({ at: before.at, value: before.value }, now, {
    known: ({ cpu, memory, storage }, ms) => {
      tally.add('cpu', BigInt(cpu) * ms, before.at, now)
      tally.add('memory', BigInt(memory) * ms, before.at, now)
      tally.add('storage', BigInt(storage) * ms, before.at, now)
    },
    unknown: (ms) => tally.add('unmeasuredWorkloadMs', ms, before.at, now),
  })
  return { at: now, ...(sample.workload && { value: sample.workload }) }
}

/** Requests since the last reading: counters that were known go on from there, those of processes that started since from zero. */
const answeredSince = (
  { counted }: Standing['api'],
  { replicas, pods }: Extract<ApiReading, { readonly kind: 'read' }>,
  since: number,
): { readonly requests: number; readonly counted: Standing['api']['counted'] } => {
  let requests = 0
  const now = Object.fromEntries(Object.entries(counted).filter(([pod]) => pods.includes(pod)))
  for (const { pod, startedAt, requests: value } of replicas) {
    const known = now[pod]
    now[pod] = { startedAt, requests: value }
    const goesOn = known?.startedAt === startedAt && value >= known.requests
    // What one that was there before the tenant was measured had counted is nobody's to charge.
    if (goesOn) requests += value - known.requests
    else if (known || startedAt >= since) requests += value
  }
  return { requests: Math.round(requests), counted: now }
}

/** Objects are what they were at the last reading until the next; requests are counted by the server itself, through every silence of ours. */
const advanceApi = (before: Standing['api'], { at: asked, api }: Sample, since: number, tally: Tally): Standing['api'] => {
  if (api === 'unasked') return before
  const now = Math.max(before.at, asked)
  const { requests, counted } =
    api?.kind === 'read' ? answeredSince(before, api, since) : { requests: 0, counted: before.counted }
  tally.add('requests', BigInt(requests), before.at, now)
  const objects = api?.kind === 'silent' ? 0 : api?.objects
  // A short silence is bridged by what comes after it.
  if (objects === undefined && now - before.at <= longestGapMs) return { ...before, counted }
  charge({ at: before.at, value: before.objects }, now, {
    known: (value, ms) => tally.add('objects', BigInt(value) * ms, before.at, now),
    unknown: (ms) => tally.add('unmeasuredApiMs', ms, before.at, now),
  })
  return { at: now, ...(objects !== undefined && { objects }), counted }
}

const advanceTenant = (before: Standing['tenant'], { at: asked, runs }: Sample, tally: Tally): Standing['tenant'] => {
  const now = Math.max(before.at, asked)
  const ms = BigInt(now - before.at)
  // The same UID at both ends was there all the time, measured or not.
  tally.add('existedMs', ms, before.at, now)
  if (before.runs && now - before.at <= longestGapMs) tally.add('ranMs', ms, before.at, now)
  return { at: now, runs }
}

/** What a sample adds to what was counted, and where the tenant stands then. What was seen before holds until now: prices are of what was held. */
export const advance = (
  known: Standing | undefined,
  sample: Sample,
): { readonly standing: Standing; readonly added: ByHour; readonly isWild: boolean } => {
  const wild = known !== undefined && isWild(known, sample.at)
  // After a wild clock the tenant is taken up as one that was there before.
  const before = known && !wild ? known : beginning(wild ? { ...sample, createdAt: 0 } : sample)
  const tally = createTally()
  const standing: Standing = {
    since: before.since,
    tenant: advanceTenant(before.tenant, sample, tally),
    workload: advanceWorkload(before.workload, sample, tally),
    api: advanceApi(before.api, sample, before.since, tally),
  }
  return { standing, added: tally.hours, isWild: wild }
}
