import { gatewayApiGroup } from '../apis/gateway-api.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { gatewayKinds } from '../syncer/gateways/kinds.ts'

const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
const withDefaults = (properties: object) => ({ ...open, properties })
const listOf = (properties: object) => ({ type: 'array', items: withDefaults(properties) })
const text = (value: string) => ({ type: 'string', default: value })

/** What an API server fills in, which is the same on both sides. */
const gatewaySpec = withDefaults({
  listeners: listOf({
    allowedRoutes: {
      ...withDefaults({ namespaces: { ...withDefaults({ from: text('Same') }), default: { from: 'Same' } } }),
      default: { namespaces: { from: 'Same' } },
    },
  }),
})
const backendRef = { group: text(''), kind: text('Service'), weight: { type: 'integer', default: 1 } }
const routeSpec = withDefaults({
  parentRefs: listOf({ group: text(gatewayApiGroup), kind: text('Gateway') }),
  rules: listOf({ backendRefs: listOf(backendRef) }),
})

const definition = (
  { plural, kind }: { readonly plural: string; readonly kind: string },
  scope: 'Namespaced' | 'Cluster',
  spec: object,
): KubeObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: resourceTypes.customResourceDefinitions.kind,
  metadata: {
    name: `${plural}.${gatewayApiGroup}`,
    annotations: { 'api-approved.kubernetes.io': 'https://example.com/approval' },
  },
  spec: {
    group: gatewayApiGroup,
    scope,
    names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', properties: { spec, status: open } } },
      },
    ],
  },
})

/** Definitions of the Gateway API with the fields that matter to the syncer: its class and all kinds that go down. */
export const gatewayDefinitions: readonly KubeObject[] = [
  definition(resourceTypes.gatewayClasses, 'Cluster', open),
  ...gatewayKinds.map((kind) => definition(kind, 'Namespaced', kind.kind === 'Gateway' ? gatewaySpec : routeSpec)),
]
