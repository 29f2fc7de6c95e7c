import { z } from 'zod'
import { gatewayApiGroup } from '../../apis/gateway-api.ts'
import { host, name, optionalText, refused } from './shape.ts'

/** What holds a certificate or an authority. Another namespace would have to allow it by a ReferenceGrant, and these do not go down. */
const configRef = z.strictObject({
  group: z.literal('', 'only Secrets and ConfigMaps can be named here').optional(),
  kind: z.enum(['Secret', 'ConfigMap'], 'only Secrets and ConfigMaps can be named here').optional(),
  name,
  namespace: z.string().optional(),
})

/** A reference to a Secret or ConfigMap. Without a kind it is a Secret. */
export type ConfigRef = z.output<typeof configRef>

const configRefs = z.array(configRef).max(64).optional()

const selector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(z.strictObject({ key: z.string(), operator: z.string(), values: z.array(z.string()).optional() }))
    .optional(),
})

const namespaces = z.strictObject({
  from: z.enum(['All', 'Same', 'Selector', 'None'], 'this is not known here').optional(),
  selector: selector.optional(),
})

/** From which namespaces a listener, or a Gateway, takes something. */
export type RouteNamespaces = z.output<typeof namespaces>

const routeKind = z.strictObject({
  group: z.literal(gatewayApiGroup, 'only routes of the Gateway API go down').optional(),
  kind: z.enum(['HTTPRoute', 'GRPCRoute'], 'only HTTPRoutes and GRPCRoutes go down'),
})

const validation = z.strictObject({ caCertificateRefs: configRefs, mode: optionalText })

/** What a controller makes of these, only its makers know. */
const options = refused('options of a controller decide over what is not this cluster’s alone')

const listener = z.strictObject({
  name,
  hostname: host.optional(),
  port: z.int(),
  protocol: z.enum(['HTTP', 'HTTPS'], 'only HTTP and HTTPS are served here: routes of no other protocol go down'),
  tls: z
    .strictObject({
      mode: z.literal('Terminate', 'only Terminate is served here: TLSRoutes do not go down').optional(),
      certificateRefs: configRefs,
      options,
      frontendValidation: validation.optional(),
    })
    .optional(),
  allowedRoutes: z.strictObject({ namespaces: namespaces.optional(), kinds: z.array(routeKind).optional() }).optional(),
})

const backendTls = z.strictObject({ clientCertificateRef: configRef.optional() }).optional()

/** A Gateway's spec as far as it goes down. Fields without a row are refused: nobody has thought about them yet. */
export const gatewaySpec = z.strictObject({
  gatewayClassName: name,
  listeners: z.array(listener).max(64),
  addresses: refused('the platform gives Gateways their addresses; leave it out'),
  infrastructure: z
    .strictObject({
      labels: z.record(z.string(), z.string()).optional(),
      annotations: z.record(z.string(), z.string()).optional(),
      parametersRef: refused("parameters of a Gateway's machinery are the platform's to choose, by the class"),
    })
    .optional(),
  allowedListeners: z.strictObject({ namespaces: namespaces.optional() }).optional(),
  tls: z
    .strictObject({
      backend: backendTls,
      frontend: z
        .strictObject({
          default: z.strictObject({ validation: validation.optional() }).optional(),
          perPort: z
            .array(z.strictObject({ port: z.int(), tls: z.strictObject({ validation: validation.optional() }).optional() }))
            .optional(),
        })
        .optional(),
    })
    .optional(),
  backendTLS: backendTls,
  defaultScope: refused('a Gateway that takes routes which name none would take those of others; leave it out', 'None'),
})

export type GatewaySpec = z.output<typeof gatewaySpec>
