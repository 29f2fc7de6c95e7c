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
  const run = async (lane: LaneName): Promise<void> => {
    for (const fault of faultsOf(lane, plan)) {
      if (stop.aborted) return
      const atMs = Math.round(performance.now() - began)
      world.progress(`${lane} ${fault.number}: ${wordsOf(fault)}`)
      try {
        const { target, recoveredMs } = await carryOut(world, groups, fault, stop)
        world.progress(`${lane} ${fault.number}: ${target} mended after ${(recoveredMs / 1000).toFixed(1)} s`)
        records.push({ ...fault, atMs, target, recoveredMs: Math.round(recoveredMs) })
      } catch (error) {
        world.progress(`${lane} ${fault.number}: NOT MENDED: ${explainError(error)}`)
        records.push({ ...fault, atMs, failure: explainError(error) })
      }
      await sleep(fault.pauseMs, undefined, { signal: stop }).catch(() => {})
    }
  }
  try {
    await Promise.all(laneNames.map(run))
  } finally {
    clearTimeout(timer)
    ended.removeEventListener('abort', end)
  }
  return records
}
