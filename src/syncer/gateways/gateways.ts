import type { KubeObject } from '../../apis/kube-object.ts'
import { tenantLabel } from '../../tenancy/marks.ts'
import { superConfigName, superNamespace } from '../../tenancy/names.ts'
import { claimedHosts } from '../host-claims.ts'
import { superNamespaceSelector } from '../pods/affinity.ts'
import type { ObjectDependency, SyncContext, Translation } from '../resource.ts'
import type { CustomRules } from '../resources/custom-rules.ts'
import { foreignHost, type HostWords, takenHost } from '../resources/host-refusals.ts'
import { refusedAnnotation, superAnnotations } from '../resources/service-annotations.ts'
import { mapRefs, refsIn } from './config-refs.ts'
import { type ConfigRef, type GatewaySpec, gatewaySpec, type RouteNamespaces } from './gateway-spec.ts'
import { gatewaysKey } from './kinds.ts'
import { readSpec } from './shape.ts'

const words: HostWords = { key: gatewaysKey, reason: 'Gateway', catchAll: 'a listener without hostname' }

const refused = (reason: string, message: string): Translation => ({ kind: 'refused', reason, message })

const classRefusal = ({ gatewayClassName }: GatewaySpec, { classes }: SyncContext): Translation | undefined =>
  classes.allows('GatewayClass', gatewayClassName)
    ? undefined
    : refused('GatewayClassNotAllowed', `spec.gatewayClassName: class ${gatewayClassName} is not offered here`)

const refRefusal = (spec: GatewaySpec, own: string): Translation | undefined => {
  const found = refsIn(spec).find(({ ref: { namespace = own } }) => namespace !== own)
  return (
    found &&
    refused(
      'OtherNamespaceNotSupported',
      `${found.where}.namespace: ${found.ref.namespace} is another namespace, and ReferenceGrants do not go down; copy what it has to ${own}`,
    )
  )
}

/** As with a Service that asks for a load balancer: without this word it would be another one. */
const annotationRefusal = ({ infrastructure }: GatewaySpec, { policy }: SyncContext): Translation | undefined => {
  const key = refusedAnnotation(infrastructure?.annotations, policy.serviceAnnotations)
  return key === undefined
    ? undefined
    : refused(
        'AnnotationNotAllowed',
        `spec.infrastructure.annotations: ${key} may not be set in this cluster: it decides over addresses that are not this cluster's alone`,
      )
}

const superRef = ({ namespace: _own, ...ref }: ConfigRef): ConfigRef => ({ ...ref, name: superConfigName(ref.name) })

/** Namespaces of the tenant and no others, whatever is said: `All` is all of these. */
const superNamespaces = ({ from = 'Same', selector }: RouteNamespaces, ctx: SyncContext): RouteNamespaces => {
  if (from === 'All') return { from: 'Selector', selector: { matchLabels: { [tenantLabel]: ctx.tenant.uid } } }
  return from === 'Selector' ? { from, selector: superNamespaceSelector(selector ?? {}, ctx) } : { from }
}

/** `holder` with its `namespaces` as they are in super. */
const inSuperNamespaces = <T extends { readonly namespaces?: RouteNamespaces | undefined }>(holder: T, ctx: SyncContext): T => ({
  ...holder,
  ...(holder.namespaces && { namespaces: superNamespaces(holder.namespaces, ctx) }),
})

/** What a controller puts on the machinery that it makes for a Gateway. No labels: machinery of other Gateways may be chosen by the same. */
const superInfrastructure = ({ annotations }: NonNullable<GatewaySpec['infrastructure']>, { policy }: SyncContext) => ({
  ...(annotations && { annotations: superAnnotations(annotations, policy.serviceAnnotations) }),
})

const superSpec = (spec: GatewaySpec, ctx: SyncContext): GatewaySpec => ({
  ...mapRefs(spec, superRef),
  gatewayClassName: ctx.classes.superName('GatewayClass', spec.gatewayClassName) ?? '',
  listeners: mapRefs(spec.listeners, superRef).map((listener) => ({
    ...listener,
    ...(listener.allowedRoutes && { allowedRoutes: inSuperNamespaces(listener.allowedRoutes, ctx) }),
  })),
  ...(spec.allowedListeners && { allowedListeners: inSuperNamespaces(spec.allowedListeners, ctx) }),
  ...(spec.infrastructure && { infrastructure: superInfrastructure(spec.infrastructure, ctx) }),
})

/** Names that only resolve in super are no addresses to the tenant. */
const seenAddresses = (addresses: unknown, superNamespaceName: string): unknown =>
  Array.isArray(addresses)
    ? addresses.filter(({ value }: { readonly value?: unknown }) => !String(value).includes(superNamespaceName))
    : addresses

/**
 * Gateways: served by super's controllers, with a class that the tenant may use. Listeners claim hosts as rules of Ingresses do; Secrets and ConfigMaps with
 * certificates go down with them. Labels and annotations stay in the tenant: controllers put them on the machinery that they make.
 */
export const gatewayRules: CustomRules = {
  statusFields: ['addresses', 'attachedListenerSets', 'conditions', 'listeners'],
  toSuper: (gateway, ctx) => {
    const read = readSpec(gatewaySpec, gateway.spec)
    if (read.kind === 'refused') return read
    const { spec } = read
    const hosts = claimedHosts(gatewaysKey, gateway)
    const refusal =
      classRefusal(spec, ctx) ??
      refRefusal(spec, gateway.metadata.namespace ?? '') ??
      foreignHost(hosts, words, ctx) ??
      takenHost(hosts, words, { claimant: gateway, ctx }) ??
      annotationRefusal(spec, ctx)
    return refusal ?? { kind: 'object', body: { labels: {}, annotations: {}, fields: { spec: superSpec(spec, ctx) } } }
  },
  dependencies: ({ spec }: KubeObject) => {
    const read = readSpec(gatewaySpec, spec)
    if (read.kind === 'refused') return []
    const named = refsIn(read.spec).map(
      ({ ref: { kind, name } }): ObjectDependency => ({ resource: kind === 'ConfigMap' ? 'configmaps' : 'secrets', name }),
    )
    return [...new Map(named.map((each) => [`${each.resource}/${each.name}`, each])).values()]
  },
  status: (status, { metadata: { namespace = '' } }, { tenant }) => ({
    ...status,
    ...(status['addresses'] !== undefined && {
      addresses: seenAddresses(status['addresses'], superNamespace(tenant, namespace)),
    }),
  }),
}
