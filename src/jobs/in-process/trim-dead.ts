import type { KubeObject } from '../../apis/kube-object.ts'
import { explainError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { JobObjects } from './job-objects.ts'
import { readJob } from './record.ts'

export interface TrimDeadOptions {
  readonly all: () => readonly KubeObject[]
  readonly objects: Pick<JobObjects, 'remove'>
  readonly maxDead: number
  readonly log: Log
}

/** Keeps dead letters from filling the store. */
export interface TrimDead {
  /** There is one more. */
  buried(): void
  stop(): void
}

/** A burst of dead letters is looked through once. */
const pauseMs = 5000

/** The oldest dead letters beyond `maxDead`. */
export const surplusDead = (objects: readonly KubeObject[], maxDead: number): readonly KubeObject[] => {
  const dead = objects.flatMap((object) => {
    const atMs = readJob(object)?.deadAtMs
    return atMs === undefined ? [] : [{ object, atMs }]
  })
  return dead
    .toSorted((a, b) => a.atMs - b.atMs)
    .slice(0, Math.max(0, dead.length - maxDead))
    .map(({ object }) => object)
}

export const createTrimDead = ({ all, objects, maxDead, log }: TrimDeadOptions): TrimDead => {
  let timer: NodeJS.Timeout | undefined
  const trim = async () => {
    const surplus = surplusDead(all(), maxDead)
    try {
      for (const object of surplus) await objects.remove(object)
      if (surplus.length > 0)
        log.warn({ dropped: surplus.length, kept: maxDead }, 'too many dead letters: the oldest are dropped')
    } catch (error) {
      log.warn({ reason: explainError(error) }, 'cannot drop old dead letters')
    }
  }
  return {
    buried: () => {
      timer ??= setTimeout(() => {
        timer = undefined
        void trim()
      }, pauseMs)
      timer.unref()
    },
    stop: () => clearTimeout(timer),
  }
}
