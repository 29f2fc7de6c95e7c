import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { AppError } from '../../lib/errors.ts'
import { askedNodePortsAnnotation } from '../../tenancy/marks.ts'
import { type FieldTable, passingFields, refusedField } from '../pods/fields.ts'
import type { V1ServiceSpec } from '../pods/json-types.ts'
import { defineResource, type SyncContext, type TenantWrite, type Translation } from '../resource.ts'
import { canonical, isInside } from './addresses.ts'
import { refusedAnnotation, superAnnotations } from './service-annotations.ts'
import { askedPortsText, changedNodePorts, withNodePorts, withoutTakenPorts } from './service-ports.ts'
import { statusWrites } from './service-status.ts'

interface Service extends KubeObject {
  spec: V1ServiceSpec
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
  loadBalancerClass: 'pass', // of those that the operator names
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

const writtenAddresses = ({ clusterIP = '', clusterIPs = [] }: V1ServiceSpec): readonly string[] =>
  [...new Set([clusterIP, ...clusterIPs])].filter((address) => address !== '')

/** The addresses that a Service has, the one of its first family first; none when it is headless or has not got any yet. */
export const clusterAddresses = ({ spec }: KubeObject): readonly string[] =>
  writtenAddresses((spec ?? {}) as V1ServiceSpec).filter((address) => address !== 'None')

/** Labels that kube-proxy goes by. All others stay in the tenant: address pools and operators of super choose Services by theirs. */
const passingLabels: readonly string[] = ['service.kubernetes.io/headless', 'service.kubernetes.io/service-proxy-name']

const superLabels = (labels: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).filter(([key]) => passingLabels.includes(key)))

/** Types and load balancer classes are the operator's to give: they take ports of all machines, and addresses that others may want. */
const typeRefusal = ({ spec }: Service, { isolation, policy }: SyncContext): Translation | undefined => {
  const { type = 'ClusterIP', loadBalancerClass } = spec
  if (type !== 'ClusterIP' && !isolation.serviceTypes.some((allowed) => allowed === type)) {
    const message = `spec.type: Services of type ${type} are not offered here; the platform's operator allows them by isolation.serviceTypes`
    return { kind: 'refused', reason: 'ServiceTypeNotAllowed', message }
  }
  if (type === 'LoadBalancer' && loadBalancerClass && !policy.loadBalancerClasses.includes(loadBalancerClass)) {
    const message = `spec.loadBalancerClass: ${loadBalancerClass} is not offered here; leave it out, or ask the platform's operator, who allows it by sync.loadBalancerClasses`
    return { kind: 'refused', reason: 'LoadBalancerClassNotAllowed', message }
  }
  return undefined
}

const refusal = (service: Service, ctx: SyncContext): Translation | undefined => {
  const { serviceSlices, apiServerAddress, policy } = ctx
  const { spec, metadata } = service
  const refused = refusedField(spec, serviceFields)
  if (refused) return { kind: 'refused', reason: 'FieldNotSupported', message: `spec.${refused.field}: ${refused.why}` }
  const annotation = spec.type === 'LoadBalancer' ? refusedAnnotation(metadata.annotations, policy.serviceAnnotations) : undefined
  if (annotation !== undefined) {
    const message = `annotation ${annotation} may not be set in this cluster: it decides over addresses that are not this cluster's alone`
    return { kind: 'refused', reason: 'AnnotationNotAllowed', message }
  }
  const ofType = typeRefusal(service, ctx)
  if (ofType) return ofType
  for (const address of clusterAddresses(service)) {
    if (!isInside(address, serviceSlices)) {
      return {
        kind: 'refused',
        reason: 'ServiceAddressOutsideSlice',
        message: `spec.clusterIP: ${address} is outside ${serviceSlices.join(', ')}, the range this cluster may give to Services`,
      }
    }
    if (canonical(address) === apiServerAddress) {
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
  // A second address may come and go; none can become another.
  const [had, wants] = [writtenAddresses(from), writtenAddresses(to)]
  const moved = had.some((address, index) => wants[index] !== undefined && wants[index] !== address)
  const otherClass = from.type === 'LoadBalancer' && to.type === 'LoadBalancer' && from.loadBalancerClass !== to.loadBalancerClass
  // Neither can be changed in place.
  if (moved || otherClass) return { kind: 'recreate' }
  const keepsNodePorts = to.type === 'NodePort' || (to.type === 'LoadBalancer' && to.allocateLoadBalancerNodePorts !== false)
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

/** Ports of nodes go up only from a super Service that answers the present request: an older one would undo what the user just changed. */
const nodePortWrites = (superService: Service, tenantService: Service): readonly TenantWrite[] => {
  const { spec } = tenantService
  const asked = askedPortsText(spec)
  if (asked === undefined || asked !== superService.metadata.annotations?.[askedNodePortsAnnotation]) return []
  const ports = withNodePorts(spec.ports ?? [], superService.spec.ports ?? [], 'all')
  const moved = changedNodePorts(spec.ports ?? [], ports)
  const [asks, has] = [spec.healthCheckNodePort, superService.spec.healthCheckNodePort]
  return [
    ...(moved.length > 0
      ? [
          {
            kind: 'patch',
            body: { spec: { ports } },
            note: {
              reason: 'NodePortChanged',
              message: moved.map(([from, to]) => `${from} is in use, it is ${to} now`).join('; '),
            },
          } as const,
        ]
      : []),
    // A health check port cannot be changed, only given up and taken anew.
    ...(asks && has && asks !== has
      ? [
          {
            kind: 'detour',
            over: { externalTrafficPolicy: 'Cluster' },
            to: { externalTrafficPolicy: 'Local', healthCheckNodePort: has },
          } as const,
        ]
      : []),
  ]
}

/**
 * What super is asked for: the tenant's fields as they are, addresses in the one form in which super's repair of addresses leaves them alone. Where the tenant gave a Service addresses of one family, as it has no more or as it was asked to,
 * super with two would give it a second address that the tenant does not know of.
 */
const superSpec = (spec: V1ServiceSpec): Record<string, unknown> => ({
  ...passingFields(spec, serviceFields),
  ...(spec.clusterIP !== undefined && { clusterIP: canonical(spec.clusterIP) }),
  ...(spec.clusterIPs && { clusterIPs: spec.clusterIPs.map(canonical) }),
  ...(spec.ipFamilyPolicy !== undefined && spec.ipFamilies?.length === 1 && { ipFamilyPolicy: 'SingleStack' }),
})

/** True when a Service of the tenant has addresses that the one in super was made without: the next step asks for them, and waits for no watch, which may be long in coming. */
export const lacksAddresses = (superService: KubeObject, tenantService: KubeObject): boolean =>
  clusterAddresses(superService).length < clusterAddresses(tenantService).length

/**
 * The Service with its first address only. One with two gets its second one in a second step. An API server that can give out only one of two keeps the other as taken for minutes, and
 * then refuses it to the very Service that asked (kubernetes pkg/registry/core/service/storage/alloc.go, txnAllocClusterIPs). Not so for load balancers,
 * of which some cannot change their families.
 */
export const withFirstAddress = <T extends KubeObject>(wanted: T): T => {
  const { clusterIP, ipFamilies } = wanted.spec as V1ServiceSpec
  return clusterAddresses(wanted).length < 2
    ? wanted
    : {
        ...wanted,
        spec: {
          ...wanted.spec,
          ipFamilyPolicy: 'SingleStack',
          ...(ipFamilies && { ipFamilies: ipFamilies.slice(0, 1) }),
          ...(clusterIP !== undefined && { clusterIPs: [clusterIP] }),
        },
      }
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
    // Another name is a matter of the tenant's DNS. Super's Ingress controllers would look it up among super's names.
    if (service.spec.type === 'ExternalName') return typeRefusal(service, ctx) ?? { kind: 'tenant-only' }
    const asked = askedPortsText(service.spec)
    return (
      refusal(service, ctx) ?? {
        kind: 'object',
        body: {
          labels: superLabels(service.metadata.labels),
          annotations: superAnnotations(service.metadata.annotations, ctx.policy.serviceAnnotations),
          ...(asked !== undefined && { marks: { [askedNodePortsAnnotation]: asked } }),
          fields: { spec: superSpec(service.spec) },
        },
      }
    )
  },
  atCreation: (wanted) => ({ object: wanted.spec.type === 'LoadBalancer' ? wanted : withFirstAddress(wanted), notes: [] }),
  update,
  relaxed: (wanted: KubeObject, error: AppError) => {
    const spec = withoutTakenPorts(wanted.spec as V1ServiceSpec, error)
    return spec && { ...wanted, spec }
  },
  toTenant: (superService, tenantService) => [
    ...nodePortWrites(superService, tenantService),
    ...statusWrites(superService, tenantService),
  ],
})
