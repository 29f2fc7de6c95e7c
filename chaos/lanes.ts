import { setTimeout as sleep } from 'node:timers/promises'
import { explainError } from '../src/lib/errors.ts'
import { carryOut } from './faults.ts'
import { type Fault, faultsOf, type LaneName, laneNames, type PlanInput } from './plan.ts'
import type { ChaosWorld, PodGroup } from './world.ts'

/** A fault and what became of it. */
export interface FaultRecord extends Fault {
  /** Milliseconds since the first fault could begin. */
  readonly atMs: number
  readonly target?: string
  readonly recoveredMs?: number
  /** It was not mended in time, or could not be done. */
  readonly failure?: string
}

const wordsOf = ({ action, part, tenant, forMs }: Fault): string =>
  `${action} ${part}${tenant ? ` of ${tenant}` : ''}${forMs > 0 ? ` for ${(forMs / 1000).toFixed(1)} s` : ''}`

/**
 * A lane waits so long for what it has hit to be mended. Then it goes on with what belongs to somebody else, of whom it has hit nothing that is not mended;
 * and hits nothing more while that holds of as many as here.
 */
const opens: Readonly<Record<LaneName, { readonly most: number; readonly patienceMs: number }>> = {
  berth: { most: 2, patienceMs: 45_000 },
  planes: { most: 3, patienceMs: 45_000 },
  nodes: { most: 1, patienceMs: 0 },
}

/** Time between one fault that is left out and the next. */
const skipMs = 1_000

/** Does faults in all lanes for so many milliseconds; gives them in the order in which they were over. A fault that is not mended is recorded, and the lane goes on. */
export const runLanes = async (
  world: ChaosWorld,
  groups: readonly PodGroup[],
  plan: PlanInput,
  forMs: number,
): Promise<FaultRecord[]> => {
  const over = new AbortController()
  const stop = over.signal
  const { ended } = world
  const end = (): void => over.abort()
  const timer = setTimeout(end, forMs)
  ended.addEventListener('abort', end, { once: true })
  const began = performance.now()
  const records: FaultRecord[] = []
  const doOne = async (fault: Fault): Promise<void> => {
    const { lane, number } = fault
    const atMs = Math.round(performance.now() - began)
    world.progress(`${lane} ${number}: ${wordsOf(fault)}`)
    try {
      const { target, recoveredMs } = await carryOut(world, groups, fault, stop)
      world.progress(`${lane} ${number}: ${target} mended after ${(recoveredMs / 1000).toFixed(1)} s`)
      records.push({ ...fault, atMs, target, recoveredMs: Math.round(recoveredMs) })
    } catch (error) {
      world.progress(`${lane} ${number}: NOT MENDED: ${explainError(error)}`)
      records.push({ ...fault, atMs, failure: explainError(error) })
    }
  }
  const run = async (lane: LaneName): Promise<void> => {
    const { most, patienceMs } = opens[lane]
    const open = new Map<string, Promise<void>>()
    for (const fault of faultsOf(lane, plan)) {
      if (open.size >= most) await Promise.race(open.values())
      if (stop.aborted) break
      const owner = fault.tenant ?? fault.part
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
