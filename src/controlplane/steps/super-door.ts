import { Resolver } from 'node:dns/promises'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { explainError } from '../../lib/errors.ts'
import { superDoorName, tenantIdentityNamespace } from '../../tenancy/names.ts'
import { applyUnlessCovered } from '../apply.ts'
import { apiServerPort } from '../components/kube-apiserver.ts'
import { type Door, type DoorTarget, doorOf, superDoorEndpoints } from '../components/super-door.ts'
import { podsOf } from '../diagnose.ts'
import { componentNames, exposedService } from '../names.ts'
import { type Step, type StepOutcome, superAway } from '../steps.ts'

const waits = (reason: string, message: string, problem = false): StepOutcome => ({
  kind: 'wait',
  reason,
  message,
  retryAfterMs: problem ? 5000 : 300,
  problem,
})

const addressesIn = (slice: KubeObject | undefined): readonly string[] =>
  ((slice as { endpoints?: { addresses?: string[] }[] } | undefined)?.endpoints ?? []).flatMap(({ addresses = [] }) => addresses)

const targetOf = async (door: Exclude<Door, { kind: 'unknown' }>, present: readonly string[]): Promise<DoorTarget> => {
  if (door.kind === 'addresses') return door
  // Its own deadline: a name whose servers are silent must not hold up others.
  const found = await new Resolver({ timeout: 1500, tries: 2 }).resolve4(door.host)
  const addresses = [...new Set(found)].toSorted()
  // Names of load balancers answer with other addresses each time: what is there stays while it is among them.
  const isStillTrue = present.length > 0 && present.every((address) => addresses.includes(address))
  return { addresses: isStillTrue ? present : addresses, port: door.port }
}

/** Where management is another cluster: leads the first address of the slice in super to the tenant's API server. */
export const superDoor: Step = {
  name: 'way from super to the API server',
  needs: [],
  async run({ plane, observed, superTrouble }, { superCluster: { kube }, nodes, signal }) {
    if (superTrouble !== undefined) return superAway(superTrouble)
    const door = doorOf({
      plane,
      service: observed.objects.get(`Service/${exposedService}`),
      pods: podsOf(observed.pods, componentNames.kubeApiServer),
      nodes: nodes(),
    })
    // What is there stays: nobody knows better.
    if (door.kind === 'unknown') return waits(door.reason, door.message, plane.hasServed)
    const ref = { namespace: tenantIdentityNamespace, name: superDoorName(plane.tenant.uid) }
    const live = await kube.get(resourceTypes.endpointSlices, ref, { signal })
    let target: DoorTarget
    try {
      target = await targetOf(door, addressesIn(live))
    } catch (error) {
      const message = `the name by which the API server is reached from super has no address: ${explainError(error)}. Pods of the tenant go on by the addresses of before`
      return waits('NoAddress', message, true)
    }
    await applyUnlessCovered(superDoorEndpoints(plane, target), live, { kube, signal })
    const places = target.addresses.map((address) => `${address}:${target.port}`).join(', ')
    return { kind: 'done', reason: 'Laid', message: `pods of the tenant reach the API server by ${places}` }
  },
}

/** While the API servers are at zero, pods of management may get their addresses: nobody is led there. */
export const closedDoor: Step = {
  name: 'way from super to the API server',
  needs: [],
  async run({ plane, superTrouble }, { superCluster: { kube }, signal }) {
    const closed = { kind: 'done', reason: 'Closed', message: 'nothing of super is led to the API server' } as const
    const { type = 'ClusterIP', hostname } = plane.spec.apiServer.exposure ?? {}
    if (!plane.isApart || type !== 'ClusterIP' || hostname !== undefined || superTrouble !== undefined) return closed
    const ref = { namespace: tenantIdentityNamespace, name: superDoorName(plane.tenant.uid) }
    const live = await kube.get(resourceTypes.endpointSlices, ref, { signal })
    if (live) await applyUnlessCovered(superDoorEndpoints(plane, { addresses: [], port: apiServerPort }), live, { kube, signal })
    return closed
  },
}
