import { setTimeout as sleep } from 'node:timers/promises'
import type { Progress } from '../hack/progress.ts'
import { explainError } from '../src/lib/errors.ts'
import type { Done } from './faults.ts'
import { type Fault, type LaneName, laneNames } from './plan.ts'

/** A fault and what became of it. */
export interface FaultRecord extends Fault {
  /** Milliseconds since the first fault could begin. */
  readonly atMs: number
  readonly target?: string
  readonly recoveredMs?: number
  /** It was not mended in time, or could not be done. */
  readonly failure?: string
}

/**
 * A lane waits for `patienceMs`, beyond what a fault lasts by itself, for what it has hit to be mended. Then it goes on with what belongs to another owner, and hits
 * nothing more while that holds of `most` owners.
 */
interface Pace {
  readonly most: number
  readonly patienceMs: number
}

const paces: Readonly<Record<LaneName, Pace>> = {
  berth: { most: 2, patienceMs: 45_000 },
  planes: { most: 3, patienceMs: 45_000 },
  // There is nobody else: it rests when the node is back, and not while it is away.
  nodes: { most: 1, patienceMs: 3_600_000 },
}

/** Time between one fault that is left out and the next. */
const skipMs = 1_000

export interface LanesInput {
  readonly faultsOf: (lane: LaneName) => Iterable<Fault>
  readonly forMs: number
  /** A person wants no more of it. */
  readonly ended: AbortSignal
  readonly progress: Progress
  readonly pace?: Readonly<Record<LaneName, Pace>>
}

/** Does a fault and waits until it is mended. `stop` cuts it short. @throws when it is not mended. */
export type CarryOut = (fault: Fault, stop: AbortSignal) => Promise<Done>

/** Of which nothing is hit while something of it is not mended. */
const ownerOf = ({ lane, tenant, part }: Fault): string => (lane === 'nodes' ? 'nodes' : (tenant ?? part))

const wordsOf = ({ action, part, tenant, forMs }: Fault): string =>
  `${action} ${part}${tenant ? ` of ${tenant}` : ''}${forMs > 0 ? ` for ${(forMs / 1000).toFixed(1)} s` : ''}`

/** Does faults in all lanes for so many milliseconds; gives them in the order in which they were over. One that is not mended is recorded, and its lane goes on. */
export const runLanes = async (
  { faultsOf, forMs, ended, progress, pace = paces }: LanesInput,
  carryOut: CarryOut,
): Promise<FaultRecord[]> => {
  const over = new AbortController()
  const stop = over.signal
  const end = (): void => over.abort()
  const timer = setTimeout(end, forMs)
  ended.addEventListener('abort', end, { once: true })
  const began = performance.now()
  const records: FaultRecord[] = []
  const doOne = async (fault: Fault): Promise<void> => {
    const { lane, number } = fault
    const atMs = Math.round(performance.now() - began)
    progress(`${lane} ${number}: ${wordsOf(fault)}`)
    try {
      const { target, recoveredMs } = await carryOut(fault, stop)
      progress(`${lane} ${number}: ${target} mended after ${(recoveredMs / 1000).toFixed(1)} s`)
      records.push({ ...fault, atMs, target, recoveredMs: Math.round(recoveredMs) })
    } catch (error) {
      progress(`${lane} ${number}: NOT MENDED: ${explainError(error)}`)
      records.push({ ...fault, atMs, failure: explainError(error) })
    }
  }
  const run = async (lane: LaneName): Promise<void> => {
    const { most, patienceMs } = pace[lane]
    const open = new Map<string, Promise<void>>()
    for (const fault of faultsOf(lane)) {
      if (open.size >= most) await Promise.race(open.values())
      if (stop.aborted) break
      const owner = ownerOf(fault)
      if (open.has(owner)) {
        // Perhaps there is nobody else.
        await Promise.race([...open.values(), sleep(skipMs)])
        continue
      }
      const done = doOne(fault).finally(() => open.delete(owner))
      open.set(owner, done)
      const patience = new AbortController()
      await Promise.race([done, sleep(fault.forMs + patienceMs, undefined, { signal: patience.signal }).catch(() => {})])
      patience.abort()
      await sleep(fault.pauseMs, undefined, { signal: stop }).catch(() => {})
    }
    await Promise.all(open.values())
  }
  try {
    await Promise.all(laneNames.map(run))
  } finally {
    clearTimeout(timer)
    ended.removeEventListener('abort', end)
  }
  return records
}
