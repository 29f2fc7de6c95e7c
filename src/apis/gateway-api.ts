/** API group of Gateways and their routes. */
export const gatewayApiGroup = 'gateway.networking.k8s.io'

/** Kinds of the group, by plural, that tenants may be given: those whose every field the syncer has a rule for. All are of version `v1`. */
export const gatewayApiKinds: Readonly<Record<string, string>> = {
  gateways: 'Gateway',
  httproutes: 'HTTPRoute',
  grpcroutes: 'GRPCRoute',
}
