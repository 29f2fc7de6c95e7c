import { inspect } from 'node:util'
import type { Progress } from '../progress.ts'
import { nothing, oneFailed, sum, type Tally, tallyWords } from './tally.ts'

/** Something that is run once, on whichever lane is free for it. */
export interface Job {
  readonly name: string
  /** Its checks are counted under this name. */
  readonly suite: string
  run(cluster: string): Promise<Tally>
}

export interface Lanes {
  /** One cluster for each lane. */
  readonly clusters: readonly string[]
  /** Done once before the first job of a lane. A lane where this fails takes none; the others take them. */
  readonly prepare: (cluster: string) => Promise<void>
  readonly progress: Progress
  /** Ends the jobs that run, and begins no other. */
  readonly stop: AbortSignal
}

/**
 * Runs all jobs, each lane one at a time, in the order they are given in. What could not be run counts as a failure.
 * @returns the count of each suite, and in `lanes` lanes that could not be prepared.
 */
export const runLanes = async (
  jobs: readonly Job[],
  { clusters, prepare, progress, stop }: Lanes,
): Promise<Readonly<Record<string, Tally>>> => {
  const waiting = [...jobs]
  const counts = new Map<string, Tally>(jobs.map(({ suite }) => [suite, nothing]))
  const count = (suite: string, tally: Tally): void => {
    counts.set(suite, sum([counts.get(suite) ?? nothing, tally]))
  }
  const failure = (name: string, error: unknown): Tally => {
    progress(`${name}: ${inspect(error)}`)
    return oneFailed(name)
  }
  const runLane = async (cluster: string): Promise<void> => {
    const began = Date.now()
    const took = (since: number): string => `${((Date.now() - since) / 1000).toFixed(0)} s`
    try {
      await prepare(cluster)
    } catch (error) {
      count('lanes', failure(`lane ${cluster}`, error))
      return
    }
    progress(`lane ${cluster}: ready after ${took(began)}`)
    while (!stop.aborted) {
      const job = waiting.shift()
      if (!job) return
      const { name, suite } = job
      progress(`lane ${cluster}: ${name}`)
      const since = Date.now()
      const tally = await job.run(cluster).catch((error: unknown) => failure(name, error))
      count(suite, tally)
      progress(`lane ${cluster}: ${name}: ${tallyWords(tally)}, ${took(since)}, ${waiting.length} to go`)
    }
  }
  await Promise.all(clusters.slice(0, Math.max(1, jobs.length)).map(runLane))
  for (const { name, suite } of waiting) {
    progress(`not run: ${name}`)
    count(suite, oneFailed(`${name}: not run`))
  }
  return Object.fromEntries(counts)
}
