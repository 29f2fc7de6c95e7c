import { lookup } from 'node:dns/promises'
import { resourceTypes } from '../../apis/resource-types.ts'
import { explainError } from '../../lib/errors.ts'
import { superDoorName, tenantIdentityNamespace } from '../../tenancy/names.ts'
import { applyUnlessCovered } from '../apply.ts'
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

const targetOf = async (door: Exclude<Door, { kind: 'unknown' }>): Promise<DoorTarget> => {
  if (door.kind === 'addresses') return door
  const found = await lookup(door.host, { family: 4, all: true })
  return { addresses: [...new Set(found.map(({ address }) => address))].toSorted(), port: door.port }
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
    let target: DoorTarget
    try {
      target = await targetOf(door)
    } catch (error) {
      const message = `the name by which the API server is reached from super has no address: ${explainError(error)}. Pods of the tenant go on by the addresses of before`
      return waits('NoAddress', message, true)
    }
    const ref = { namespace: tenantIdentityNamespace, name: superDoorName(plane.tenant.uid) }
    const live = await kube.get(resourceTypes.endpointSlices, ref, { signal })
    await applyUnlessCovered(superDoorEndpoints(plane, target), live, { kube, signal })
    const places = target.addresses.map((address) => `${address}:${target.port}`).join(', ')
    return { kind: 'done', reason: 'Laid', message: `pods of the tenant reach the API server by ${places}` }
  },
}
