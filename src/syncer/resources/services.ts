import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { askedNodePortsAnnotation } from '../../tenancy/marks.ts'
import { type FieldTable, passingFields, refusedField } from '../pods/fields.ts'
import type { V1ServiceSpec } from '../pods/json-types.ts'
import { defineResource, type SyncContext, type TenantWrite, type Translation } from '../resource.ts'
import { isInside } from './addresses.ts'
import { mergePatch, sameJson } from './merge-patch.ts'
import { hasNodePorts, nodePortText, withNodePorts } from './service-ports.ts'

interface Service extends KubeObject {
  spec: V1ServiceSpec
  status?: { loadBalancer?: unknown }
}

const hijack = 'it would draw traffic of that address from every node (CVE-2020-8554)'

/** Every field of a ServiceSpec in the Kubernetes versions served. */
export const serviceFields: FieldTable = {
  allocateLoadBalancerNodePorts: 'pass',
  clusterIP: 'pass',
  clusterIPs: 'pass',
  externalIPs: { refuse: hijack },
  externalName: 'pass',
  externalTrafficPolicy: 'pass',
  healthCheckNodePort: 'pass',
  internalTrafficPolicy: 'pass',
  ipFamilies: 'pass',
  ipFamilyPolicy: 'pass',
  loadBalancerClass: 'pass',
  loadBalancerIP: { refuse: `${hijack}; let the load balancer choose` },
  loadBalancerSourceRanges: 'pass',
  ports: 'pass',
  publishNotReadyAddresses: 'pass',
  selector: 'pass',
  sessionAffinity: 'pass',
  sessionAffinityConfig: 'pass',
  trafficDistribution: 'pass',
  type: 'pass',
}

const addressesOf = ({ clusterIP, clusterIPs }: V1ServiceSpec): readonly string[] =>
  [clusterIP, ...(clusterIPs ?? [])].filter(
    (address) => address !== undefined && address !== '' && address !== 'None',
  ) as string[]

const refusal = ({ spec }: Service, { serviceSlices, apiServerAddress }: SyncContext): Translation | undefined => {
  const refused = refusedField(spec, serviceFields)
  if (refused) return { kind: 'refused', reason: 'FieldNotSupported', message: `spec.${refused.field}: ${refused.why}` }
  for (const address of addressesOf(spec)) {
    if (!isInside(address, serviceSlices)) {
      return {
        kind: 'refused',
        reason: 'ServiceAddressOutsideSlice',
        message: `spec.clusterIP: ${address} is outside ${serviceSlices.join(', ')}, the range this cluster may give to Services`,
      }
    }
    if (address === apiServerAddress) {
      return {
        kind: 'refused',
        reason: 'ServiceAddressReserved',
        message: `spec.clusterIP: ${address} is the address of the API server`,
      }
    }
  }
  return undefined
}

const update = (
  live: Service,
  wanted: Service,
): { readonly kind: 'replace'; readonly object: Service } | { readonly kind: 'recreate' } => {
  const [from, to] = [live.spec, wanted.spec]
  const moved = from.clusterIP && to.clusterIP && from.clusterIP !== to.clusterIP
  const otherClass = from.type === 'LoadBalancer' && to.type === 'LoadBalancer' && from.loadBalancerClass !== to.loadBalancerClass
  // Neither can be changed in place.
  if (moved || otherClass) return { kind: 'recreate' }
  const keepsNodePorts = to.type === 'NodePort' || to.type === 'LoadBalancer'
  const healthCheckNodePort =
    to.healthCheckNodePort ||
    (to.type === 'LoadBalancer' && to.externalTrafficPolicy === 'Local' ? from.healthCheckNodePort : undefined)
  const spec: V1ServiceSpec = {
    ...to,
    ...(to.ports && { ports: keepsNodePorts ? withNodePorts(to.ports, from.ports ?? [], 'missing') : to.ports }),
    ...(healthCheckNodePort && { healthCheckNodePort }),
  }
  return { kind: 'replace', object: { ...live, spec } }
}

/** Node ports go up only from a super Service that answers the present request: an older one would undo what the user just changed. */
const nodePortWrites = (superService: Service, tenantService: Service): readonly TenantWrite[] => {
  const ports = tenantService.spec.ports ?? []
  const asked = superService.metadata.annotations?.[askedNodePortsAnnotation]
  if (!hasNodePorts(ports) || asked !== nodePortText(ports)) return []
  const wanted = withNodePorts(ports, superService.spec.ports ?? [], 'all')
  return sameJson(wanted, ports) ? [] : [{ kind: 'patch', body: { spec: { ports: wanted } } }]
}

const statusWrites = (superService: Service, tenantService: Service): readonly TenantWrite[] => {
  const loadBalancer = mergePatch(tenantService.status?.loadBalancer ?? {}, superService.status?.loadBalancer ?? {})
  return loadBalancer === undefined ? [] : [{ kind: 'status', status: { loadBalancer } }]
}

/** Super has given one of the node ports away: then it chooses them, and its numbers go up. */
const withoutNodePorts = (service: KubeObject): KubeObject => {
  const { healthCheckNodePort: _port, ports, ...spec } = service.spec as V1ServiceSpec
  return { ...service, spec: { ...spec, ...(ports && { ports: ports.map(({ nodePort: _nodePort, ...port }) => port) }) } }
}

/** Services: in super under the very same cluster IP, since the tenant allocates from its own slice of super's range. */
export const services = defineResource<Service>({
  type: resourceTypes.services,
  superWatch: 'labelled',
  goneInSuper: 'recreate',
  toSuper: (service, ctx) => {
    const { name, namespace } = service.metadata
    // Super has had the one in front of the tenant's API server before the tenant was there.
    if (namespace === 'default' && name === 'kubernetes') return { kind: 'tenant-only' }
    return (
      refusal(service, ctx) ?? {
        kind: 'object',
        body: {
          ...(hasNodePorts(service.spec.ports) && { marks: { [askedNodePortsAnnotation]: nodePortText(service.spec.ports) } }),
          fields: { spec: passingFields(service.spec, serviceFields) },
        },
      }
    )
  },
  update,
  relaxed: withoutNodePorts,
  toTenant: (superService, tenantService) => [
    ...nodePortWrites(superService, tenantService),
    ...statusWrites(superService, tenantService),
  ],
})
