import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { managedByBerth } from '../../tenancy/marks.ts'
import type { V1Endpoint } from '../pods/json-types.ts'
import { defineResource, type SyncContext, type Translation } from '../resource.ts'
import { endpointRefusal } from './addresses.ts'

interface EndpointSlice extends KubeObject {
  addressType: string
  endpoints?: V1Endpoint[] | null
  ports?: unknown[] | null
}

const serviceNameLabel = 'kubernetes.io/service-name'
const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
/** Makes the slices of Services with a selector: super has one of its own, which does the same from the super pods. */
const selectorController = 'endpointslice-controller.k8s.io'
/** Makes slices of Endpoints objects. Super's deletes those under its name that have no Endpoints there. */
const mirroringController = 'endpointslicemirroring-controller.k8s.io'

const superEndpoint = ({ targetRef: _targetRef, deprecatedTopology: _topology, ...endpoint }: V1Endpoint): V1Endpoint => endpoint

const refusal = ({ endpoints }: EndpointSlice, ctx: SyncContext): Translation | undefined => {
  for (const { addresses } of endpoints ?? []) {
    for (const address of addresses) {
      const why = endpointRefusal(address, ctx)
      if (why) return { kind: 'refused', reason: 'EndpointAddressNotAllowed', message: `endpoints: ${why}` }
    }
  }
  return undefined
}

const superLabels = (labels: Readonly<Record<string, string>>): Record<string, string> => ({
  ...labels,
  ...([undefined, mirroringController].includes(labels[managedByLabel]) && { [managedByLabel]: managedByBerth }),
})

/** EndpointSlices that no controller makes from a selector: written by hand, by an operator, or mirrored from Endpoints. */
export const endpointSlices = defineResource<EndpointSlice>({
  type: resourceTypes.endpointSlices,
  superWatch: 'labelled',
  goneInSuper: 'recreate',
  toSuper: (slice, ctx) => {
    const { namespace, labels = {} } = slice.metadata
    const ofApiServer = namespace === 'default' && labels[serviceNameLabel] === 'kubernetes'
    // kube-proxy passes over FQDN slices: only the tenant's own readers can use them.
    if (labels[managedByLabel] === selectorController || ofApiServer || slice.addressType === 'FQDN')
      return { kind: 'tenant-only' }
    return (
      refusal(slice, ctx) ?? {
        kind: 'object',
        body: {
          labels: superLabels(labels),
          fields: {
            addressType: slice.addressType,
            endpoints: (slice.endpoints ?? []).map(superEndpoint),
            ...(slice.ports && { ports: slice.ports }),
          },
        },
      }
    )
  },
  update: (live, wanted) =>
    live.addressType === wanted.addressType ? { kind: 'replace', object: { ...live, ...wanted } } : { kind: 'recreate' },
})
