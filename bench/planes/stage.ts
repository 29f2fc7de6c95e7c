import { setTimeout as sleep } from 'node:timers/promises'
import type { Progress } from '../../hack/progress.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import type { PlanesOptions } from './options.ts'

/** What every measurement works with. */
export interface Stage {
  readonly superClient: KubeClient
  readonly options: PlanesOptions
  readonly progress: Progress
  /** Ends every wait: somebody does not want to know any more. */
  readonly signal: AbortSignal
  /** Time between looks; default `lookEveryMs`. */
  readonly everyMs?: number
}

/** What a wait needs of it. */
export type Waiting = Pick<Stage, 'signal' | 'everyMs'>

/** What one look gave: the thing itself, or how far it is. */
type Look<T> = { readonly found: T } | { readonly seen: string }

/** No time that is measured by looking is exacter than this. */
const lookEveryMs = 100
const lookAtLeastEveryMs = 1_000

/** The same for one of many that are waited for: all together they look as often as one alone, or looking would be what is measured. */
export const oneOf = (stage: Stage, count: number): Stage => ({
  ...stage,
  everyMs: Math.min(lookEveryMs * count, lookAtLeastEveryMs),
})

/** Looks until the thing is there. @throws at the deadline with what was seen last, and at once when `signal` ends. A look that throws ends it. */
export const waitUntil = async <T>(
  what: string,
  { deadlineMs, signal, everyMs = lookEveryMs }: Waiting & { readonly deadlineMs: number },
  look: () => Promise<Look<T>>,
): Promise<T> => {
  const end = performance.now() + deadlineMs
  for (;;) {
    signal.throwIfAborted()
    const looked = await look()
    if ('found' in looked) return looked.found
    if (performance.now() > end) throw new Error(`${what}: not within ${deadlineMs / 1000} s. Seen last: ${looked.seen}`)
    await sleep(everyMs, undefined, { signal })
  }
}

export const secondsSince = (began: number): number => (performance.now() - began) / 1000
