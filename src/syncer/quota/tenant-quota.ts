import type { KubeObject } from '../../apis/kube-object.ts'
import { AppError, type ErrorCode } from '../../lib/errors.ts'
import type { QuotaUsage } from '../../tenancy/quota-usage.ts'
import { type Amounts, amountsOf, quantityOf } from './amounts.ts'
import { createLedger, type Shortage } from './ledger.ts'
import { podCountsUntil } from './pod-usage.ts'
import { usageOf } from './usage.ts'

/** An object of super. */
export interface SuperPlace {
  /** Its plural, with the group for declared kinds. */
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** One tenant's limits over all its namespaces. Super's caches say what is there, reservations what is being written: the syncer is the only one that writes. */
export interface TenantQuota {
  readonly hard: Amounts
  /** Of what is there and what is being made. */
  used(): Amounts
  /** The same for people and for other processes. */
  usage(): QuotaUsage
  /** Counts what is there. From then on the limits hold, and changes are to be told. */
  fill(objects: Iterable<readonly [kind: string, object: KubeObject]>): void
  /** An object of super is another one than before, or gone. */
  observe(kind: string, object: KubeObject, gone: boolean): void
  /** Does the work on one key: what it takes and does not use is given back, and who waits longest gets it. */
  during<T>(place: SuperPlace, key: string, work: () => Promise<T>): Promise<T>
  /** Room for the object as it is to be written. Only within `during`. `since`: creation of the tenant's object; `isThere`: it is in super already, uncounted. */
  take(kind: string, object: KubeObject, how: { readonly since: string; readonly isThere?: boolean }): Shortage | undefined
  /** The object is made anew soon: its room stays its own for a minute. */
  keepRoom(kind: string, object: KubeObject): void
  isWaiting(place: SuperPlace): boolean
  /** Gives up what is out of date, and lets those in for whom there is room. */
  settle(): void
}

export interface TenantQuotaOptions {
  /** Quantities by names of a ResourceQuota. */
  readonly hard: Readonly<Record<string, string>>
  /** The object of super as its cache has it, own writes included. */
  readonly look: (place: SuperPlace) => KubeObject | undefined
  /** What super adds to each pod of a runtime class. */
  readonly overheadOf: (runtimeClass: string) => Readonly<Record<string, string>> | undefined
  readonly enqueue: (key: string) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Answers by which super says for certain that it has not done what it was asked for. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  'KUBE_ALREADY_EXISTS',
  'KUBE_BAD_REQUEST',
  'KUBE_CONFLICT',
  'KUBE_FORBIDDEN',
  'KUBE_INVALID',
  'KUBE_NOT_FOUND',
  'KUBE_TOO_LARGE',
  'KUBE_TOO_MANY_REQUESTS',
  'KUBE_UNAUTHORIZED',
  'SUPER_OBJECT_FOREIGN',
])
const isRefusal = (error: unknown): boolean => error instanceof AppError && refusals.has(error.code)

/** An API server works on a request for a minute at most (`--request-timeout`): after that a write that nobody heard of is in the cache, or never was. */
const unheardMs = 90_000
const keptMs = 60_000

const placeKey = ({ kind, namespace, name }: SuperPlace): string => `${kind}/${namespace}/${name}`
const placeOf = (kind: string, { metadata: { namespace = '', name = '' } }: KubeObject): SuperPlace => ({ kind, namespace, name })

/** Work under way on one object of super. */
interface Turn {
  /** The tenant's key. */
  readonly key: string
  took: boolean
  /** It asked and found no room. */
  waits: boolean
  keeps: boolean
  /** It was given room by the way, for its next turn. */
  isGranted: boolean
}

/** Undefined for a tenant without limits: nothing is counted then. */
export const createTenantQuota = (options: TenantQuotaOptions): TenantQuota | undefined => {
  const { look, overheadOf, enqueue, now } = options
  const hard = amountsOf(options.hard)
  if (hard.size === 0) return undefined
  const ledger = createLedger(hard)
  const turns = new Map<string, Turn>()
  /** Keys of the tenant of those that wait. */
  const waiters = new Map<string, string>()
  /** Pods on their way out, and until when they count. */
  const leaving = new Map<string, { readonly place: SuperPlace; readonly until: number }>()
  let filled = false
  let settling = false

  const put = (place: SuperPlace, object: KubeObject | undefined): void => {
    const key = placeKey(place)
    ledger.put(key, object && usageOf(place.kind, object, now()))
    const until = place.kind === 'pods' && object ? podCountsUntil(object) : undefined
    if (until !== undefined && until >= now()) leaving.set(key, { place, until })
    else leaving.delete(key)
  }

  const stopWaiting = (key: string): void => {
    ledger.stopWaiting(key)
    waiters.delete(key)
  }

  const settle = (): void => {
    for (const { place, until } of leaving.values()) if (until < now()) put(place, look(place))
    for (const key of ledger.grant(now())) {
      const [turn, waiter] = [turns.get(key), waiters.get(key)]
      // Its key comes again after this turn, and finds its room.
      if (turn) turn.isGranted = true
      waiters.delete(key)
      if (waiter !== undefined) enqueue(waiter)
    }
  }
  /** Once for all that happens in one turn of the event loop. */
  const settleSoon = (): void => {
    if (settling || waiters.size === 0) return
    settling = true
    setImmediate(() => {
      settling = false
      settle()
    })
  }

  const withOverhead = (pod: KubeObject): KubeObject => {
    const overhead = pod.spec?.overhead ?? (pod.spec?.runtimeClassName && overheadOf(pod.spec.runtimeClassName))
    return overhead ? { ...pod, spec: { ...pod.spec, overhead } } : pod
  }

  const finish = (place: SuperPlace, error: unknown): void => {
    const key = placeKey(place)
    const turn = turns.get(key)
    turns.delete(key)
    put(place, look(place))
    if (!turn?.waits) stopWaiting(key)
    if (turn?.keeps) ledger.holdUntil(key, now() + keptMs)
    else if (turn?.took && error !== undefined && !isRefusal(error)) ledger.holdUntil(key, now() + unheardMs)
    // What an earlier turn left unheard stands, unless this one has heard.
    else if (turn?.took || !(turn?.isGranted || ledger.isHeld(key))) ledger.release(key)
    settleSoon()
  }

  return {
    hard,
    used: () => ledger.used(),
    usage: () => ({
      hard: Object.fromEntries([...hard.keys()].map((name) => [name, options.hard[name] ?? ''])),
      used: Object.fromEntries([...ledger.used()].map(([name, amount]) => [name, quantityOf(amount, options.hard[name])])),
    }),
    fill: (objects) => {
      for (const [kind, object] of objects) put(placeOf(kind, object), object)
      filled = true
    },
    observe: (kind, object, gone) => {
      if (!filled) return
      put(placeOf(kind, object), gone ? undefined : object)
      settleSoon()
    },
    during: async (place, key, work) => {
      turns.set(placeKey(place), { key, took: false, waits: false, keeps: false, isGranted: false })
      let failure: unknown
      try {
        return await work()
      } catch (error) {
        failure = error ?? new Error('unknown')
        throw error
      } finally {
        finish(place, failure)
      }
    },
    take: (kind, object, { since, isThere = false }) => {
      const key = placeKey(placeOf(kind, object))
      const turn = turns.get(key)
      if (!turn) throw new TypeError(`${key} asks for room while nobody works on it`)
      const asked = usageOf(kind, kind === 'pods' ? withOverhead(object) : object, now())
      // Nobody comes in before who has waited longer.
      if (settling) settle()
      if (isThere) ledger.takeAnyway(key, asked)
      const short = isThere ? undefined : ledger.take(key, asked)
      if (short) {
        ledger.wait(key, { asked, since })
        waiters.set(key, turn.key)
        turn.waits = true
      } else {
        stopWaiting(key)
        turn.took = true
      }
      return short
    },
    keepRoom: (kind, object) => {
      const turn = turns.get(placeKey(placeOf(kind, object)))
      if (turn) turn.keeps = true
    },
    isWaiting: (place) => ledger.isWaiting(placeKey(place)),
    settle,
  }
}
