import { resourceTypes } from '../src/apis/resource-types.ts'
import { superNamespace } from '../src/tenancy/names.ts'
import { inFlight } from './in-flight.ts'
import { makeNamespace, removeNamespaces, removePods, untilNamespacesGone, untilPodsGone } from './namespaces.ts'
import { benchPod, runLabel } from './pod-body.ts'
import { watchPods } from './pod-watch.ts'
import { measureDeadlineMs, type Rig, tenantOf } from './rig.ts'
import { madeFrom, type Way } from './way.ts'

/** Pods made in the tenants, carried by Berth. A pod ends when a watch in its tenant shows it Ready. */
export const berthWay = ({ superClient, tenants, inFlight: limit }: Rig): Way => ({
  name: 'berth',
  syncer: true,
  prepare: async (round) => {
    await Promise.all(tenants.map(({ client }) => makeNamespace(client, `bench-${round}`)))
  },
  make: async (count, { round, run }) => {
    const watches = await Promise.all(tenants.map(({ client }) => watchPods(client, `${runLabel}=${run}`)))
    const starts = new Map<string, number>()
    try {
      await inFlight(count, limit, async (index) => {
        const name = `checkout-${run}-${index}`
        starts.set(name, performance.now())
        await tenantOf(tenants, index).client.create(resourceTypes.pods, benchPod({ name, namespace: `bench-${round}`, run }))
      })
      await Promise.all(
        watches.map((watch, index) => watch.whenReady(Math.ceil((count - index) / tenants.length), measureDeadlineMs)),
      )
      return madeFrom(starts, new Map(watches.flatMap(({ readyAt }) => [...readyAt])))
    } finally {
      for (const watch of watches) watch.stop()
    }
  },
  removePods: async (run) => {
    await Promise.all(tenants.map(({ client }) => removePods(client, `${runLabel}=${run}`, limit)))
    await untilPodsGone(superClient, `${runLabel}=${run}`)
  },
  finish: async (round) => {
    await Promise.all(tenants.map(({ client }) => removeNamespaces(client, [`bench-${round}`])))
    const backing = tenants.map(({ ctx }) => superNamespace(ctx.tenant, `bench-${round}`))
    await untilNamespacesGone(superClient, backing)
  },
})
