import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { managedByBerth } from '../../tenancy/marks.ts'
import type { V1Endpoint } from '../pods/json-types.ts'
import { defineResource, type Note, type SyncContext, type Translation } from '../resource.ts'
import { endpointRefusal, isInside } from './addresses.ts'

interface EndpointSlice extends KubeObject {
  addressType: string
  endpoints?: V1Endpoint[] | null
  ports?: unknown[] | null
}

const serviceNameLabel = 'kubernetes.io/service-name'
const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
/** Makes the slices of Services with a selector: super has one of its own, which does the same from the super pods. */
const selectorController = 'endpointslice-controller.k8s.io'

/** True for slices that super's own controller makes as well. */
export const isMadeInSuper = ({ metadata }: Pick<KubeObject, 'metadata'>): boolean =>
  metadata.labels?.[managedByLabel] === selectorController

/** What an endpoint says of the place it is at is for super to say, and known of the tenant's own pods only. */
const superEndpoint = ({ addresses, conditions, hostname }: V1Endpoint, ctx: SyncContext): V1Endpoint => {
  const nodes = new Set(addresses.map((address) => ctx.podAt(address)?.node))
  const [node] = nodes
  return {
    addresses,
    ...(conditions && { conditions }),
    ...(hostname !== undefined && { hostname }),
    ...(nodes.size === 1 && node !== undefined && { nodeName: node }),
  }
}

/**
 * Addresses in super's networks that are no pod's of the tenant: node ports, load balancers and Ingress controllers would carry requests there as if they
 * came from a machine, past what keeps tenants apart. Pods come and go, so such an endpoint is left out instead of the slice being refused.
 */
const isForeign = (address: string, ctx: SyncContext): boolean =>
  isInside(address, ctx.superRanges) && ctx.podAt(address) === undefined

const foreignNote = (foreign: readonly string[]): Note => ({
  reason: 'EndpointAddressNotAllowed',
  message: `endpoints: ${foreign.slice(0, 5).join(', ')}${foreign.length > 5 ? ' and others' : ''} left out: an address of the networks below this cluster that is no pod's of this cluster`,
})

const refusal = ({ endpoints }: EndpointSlice, ctx: SyncContext): Translation | undefined => {
  for (const { addresses } of endpoints ?? []) {
    for (const address of addresses) {
      const why = endpointRefusal(address, ctx)
      if (why) return { kind: 'refused', reason: 'EndpointAddressNotAllowed', message: `endpoints: ${why}` }
    }
  }
  return undefined
}

/** What kube-proxy goes by. Super's controllers and operators delete or take up slices by other labels. */
const passingLabels: readonly string[] = [
  serviceNameLabel,
  'service.kubernetes.io/headless',
  'service.kubernetes.io/service-proxy-name',
]

const superLabels = (labels: Readonly<Record<string, string>>): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(labels).filter(([key]) => passingLabels.includes(key))),
  [managedByLabel]: managedByBerth,
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
    if (isMadeInSuper(slice) || ofApiServer || slice.addressType === 'FQDN') return { kind: 'tenant-only' }
    const foreign = (slice.endpoints ?? []).flatMap(({ addresses }) => addresses.filter((address) => isForeign(address, ctx)))
    return (
      refusal(slice, ctx) ?? {
        kind: 'object',
        body: {
          labels: superLabels(labels),
          // By annotations networks and operators of super take slices up, and kube-proxy goes by none.
          annotations: {},
          fields: {
            addressType: slice.addressType,
            endpoints: (slice.endpoints ?? [])
              .filter(({ addresses }) => !addresses.some((address) => foreign.includes(address)))
              .map((endpoint) => superEndpoint(endpoint, ctx)),
            ...(slice.ports && { ports: slice.ports }),
          },
        },
        ...(foreign.length > 0 && { notes: [foreignNote(foreign)] }),
      }
    )
  },
  update: (live, wanted) =>
    live.addressType === wanted.addressType ? { kind: 'replace', object: { ...live, ...wanted } } : { kind: 'recreate' },
})
