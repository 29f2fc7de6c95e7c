import { resourceTypes } from '../src/apis/resource-types.ts'
import { inFlight } from './in-flight.ts'
import { makeNamespace, removeNamespaces, removePods } from './namespaces.ts'
import { benchPod, runLabel } from './pod-body.ts'
import { watchPods } from './pod-watch.ts'
import { measureDeadlineMs, type Rig } from './rig.ts'
import { madeFrom, type Way } from './way.ts'

/** Pods made in super with nothing in between: what the cluster itself can do. A pod ends when a watch shows it Ready. */
export const directWay = ({ superClient, inFlight: limit }: Rig, spread: number): Way => {
  const namespaceOf = (round: string, index: number): string => `bench-direct-${round}-${index % spread}`
  const namespaces = (round: string): string[] => Array.from({ length: spread }, (_, index) => namespaceOf(round, index))
  return {
    name: 'direct',
    syncer: false,
    prepare: async (round) => {
      for (const name of namespaces(round))
        await makeNamespace(superClient, name, { 'pod-security.kubernetes.io/enforce': 'baseline' })
    },
    make: async (count, { round, run }) => {
      const watch = await watchPods(superClient, `${runLabel}=${run}`)
      const starts = new Map<string, number>()
      try {
        await inFlight(count, limit, async (index) => {
          const name = `checkout-${run}-${index}`
          starts.set(name, performance.now())
          await superClient.create(resourceTypes.pods, benchPod({ name, namespace: namespaceOf(round, index), run }))
        })
        await watch.whenReady(count, measureDeadlineMs)
        return madeFrom(starts, watch.readyAt)
      } finally {
        watch.stop()
      }
    },
    removePods: (run) => removePods(superClient, `${runLabel}=${run}`, limit),
    finish: (round) => removeNamespaces(superClient, namespaces(round)),
  }
}
