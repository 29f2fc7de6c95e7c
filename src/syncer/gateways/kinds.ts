import type { CustomKind } from '../../apis/custom-kind.ts'
import { gatewayApiGroup, gatewayApiKinds } from '../../apis/gateway-api.ts'
import type { ResourceType } from '../../apis/resource-types.ts'

/** Kinds of the Gateway API that go down by declaration. */
export const gatewayKinds: readonly CustomKind[] = Object.entries(gatewayApiKinds).map(([plural, kind]) => ({
  group: gatewayApiGroup,
  version: 'v1',
  plural,
  kind,
}))

/** The same, as clients name them. */
export const gatewayTypes: readonly ResourceType[] = gatewayKinds.map((kind) => ({ ...kind, namespaced: true, custom: true }))

const keyOfPlural = (plural: string): string => `${plural}.${gatewayApiGroup}`

/** Names of their definitions, which are also the keys of their caches. */
export const gatewaysKey = keyOfPlural('gateways')
export const httpRoutesKey = keyOfPlural('httproutes')
export const grpcRoutesKey = keyOfPlural('grpcroutes')

/** True for the group of Gateways and routes. */
export const isGatewayApi = (group: string): boolean => group === gatewayApiGroup
