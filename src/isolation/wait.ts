import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from './check.ts'

const everyMs = 250

/** Asks again until there is an answer; undefined when there was none in time. */
export const within = async <T>(
  ask: () => Promise<T | undefined>,
  { waitMs, signal }: Pick<Bench, 'waitMs' | 'signal'>,
): Promise<T | undefined> => {
  const end = performance.now() + waitMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined || performance.now() > end) return answer
    await sleep(everyMs, undefined, { signal })
  }
}
