import { setTimeout as sleep } from 'node:timers/promises'
import { resourceTypes } from '../../src/apis/resource-types.ts'
import { benchPod, runLabel } from '../pod-body.ts'
import { watchPods } from '../pod-watch.ts'
import { type BenchTenant, measureDeadlineMs, tenantOf } from '../rig.ts'

/** Milliseconds of each pod, from when it was due. */
export interface Paced {
  /** Until its tenant's API server had taken it. */
  readonly acceptedMs: readonly number[]
  /** Until a watch in its tenant showed it Ready. */
  readonly readyMs: readonly number[]
}

export interface Pace {
  /** Pods in each second, over all tenants. */
  readonly rate: number
  readonly seconds: number
  /** In this namespace of every tenant, with this label. */
  readonly namespace: string
  readonly run: string
}

/**
 * Makes pods at an even pace, in the tenants by turns, however long the ones before take: what is slow makes no pause for itself, and so all waiting is
 * counted ("coordinated omission" is what leaving it out is called).
 */
export const makePaced = async (
  tenants: readonly BenchTenant[],
  { rate, seconds, namespace, run }: Pace,
  signal: AbortSignal,
): Promise<Paced> => {
  const watches = await Promise.all(tenants.map(({ client }) => watchPods(client, `${runLabel}=${run}`)))
  const count = rate * seconds
  const due = new Map<string, number>()
  const acceptedMs: number[] = []
  try {
    const began = performance.now()
    const posts: Promise<void>[] = []
    for (let index = 0; index < count; index += 1) {
      const at = began + (index * 1000) / rate
      await sleep(Math.max(0, at - performance.now()), undefined, { signal })
      const name = `checkout-${run}-${index}`
      due.set(name, at)
      const post = tenantOf(tenants, index).client.create(resourceTypes.pods, benchPod({ name, namespace, run }))
      posts.push(post.then(() => void acceptedMs.push(performance.now() - at)))
    }
    await Promise.all(posts)
    await Promise.all(
      watches.map((watch, index) => watch.whenReady(Math.ceil((count - index) / tenants.length), measureDeadlineMs)),
    )
    const ready = new Map(watches.flatMap(({ readyAt }) => [...readyAt]))
    return { acceptedMs, readyMs: [...due].map(([name, at]) => (ready.get(name) ?? Number.POSITIVE_INFINITY) - at) }
  } finally {
    for (const watch of watches) watch.stop()
  }
}
