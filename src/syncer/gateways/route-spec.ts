import { z } from 'zod'
import { gatewayApiGroup } from '../../apis/gateway-api.ts'
import { exactHost, host, name, optionalText, path, refused, serviceRef, texts } from './shape.ts'

const onlyGateways = 'routes hang at Gateways of this cluster and nothing else here'

const parentRef = z.strictObject({
  group: z.literal(gatewayApiGroup, onlyGateways).optional(),
  kind: z.literal('Gateway', onlyGateways).optional(),
  namespace: name.optional(),
  name,
  sectionName: optionalText,
  port: z.int().optional(),
})

const field = z.strictObject({ name: optionalText, value: optionalText })
const headers = z.strictObject({
  set: z.array(field).optional(),
  add: z.array(field).optional(),
  remove: texts,
})
const pathModifier = z.strictObject({
  type: optionalText,
  replaceFullPath: path.optional(),
  replacePrefixMatch: path.optional(),
})

const mirror = z.strictObject({
  backendRef: z.strictObject(serviceRef),
  percent: z.int().optional(),
  fraction: z.strictObject({ numerator: z.int(), denominator: z.int().optional() }).optional(),
})

const filter = z.strictObject({
  type: optionalText,
  requestHeaderModifier: headers.optional(),
  responseHeaderModifier: headers.optional(),
  requestMirror: mirror.optional(),
  requestRedirect: z
    .strictObject({
      scheme: optionalText,
      hostname: exactHost.optional(),
      path: pathModifier.optional(),
      port: z.int().optional(),
      statusCode: z.int().optional(),
    })
    .optional(),
  urlRewrite: z.strictObject({ hostname: exactHost.optional(), path: pathModifier.optional() }).optional(),
  cors: z
    .strictObject({
      allowOrigins: texts,
      allowCredentials: z.boolean().optional(),
      allowMethods: texts,
      allowHeaders: texts,
      exposeHeaders: texts,
      maxAge: z.int().optional(),
    })
    .optional(),
  extensionRef: refused("filters of a controller's own do not go down"),
})

/** A filter of a route, or of one backend. */
export type RouteFilter = z.output<typeof filter>

const backend = z.strictObject({ ...serviceRef, weight: z.int().optional(), filters: z.array(filter).optional() })

/** A Service behind a route. */
export type RouteBackend = z.output<typeof backend>

const condition = z.strictObject({ type: optionalText, name: optionalText, value: optionalText })

const httpMatch = z.strictObject({
  path: z.strictObject({ type: optionalText, value: path.optional() }).optional(),
  headers: z.array(condition).optional(),
  queryParams: z.array(condition).optional(),
  method: optionalText,
})
const grpcMatch = z.strictObject({
  method: z.strictObject({ type: optionalText, service: path.optional(), method: path.optional() }).optional(),
  headers: z.array(condition).optional(),
})

const sessionPersistence = z.strictObject({
  sessionName: optionalText,
  absoluteTimeout: optionalText,
  idleTimeout: optionalText,
  type: optionalText,
  cookieConfig: z.strictObject({ lifetimeType: optionalText }).optional(),
})

const ruleOf = <T extends z.ZodType>(match: T) =>
  z.strictObject({
    name: optionalText,
    matches: z.array(match).optional(),
    filters: z.array(filter).optional(),
    backendRefs: z.array(backend).optional(),
    timeouts: z.strictObject({ request: optionalText, backendRequest: optionalText }).optional(),
    retry: z.strictObject({ codes: z.array(z.int()).optional(), attempts: z.int().optional(), backoff: optionalText }).optional(),
    sessionPersistence: sessionPersistence.optional(),
  })

const routeOf = <T extends z.ZodType>(match: T) =>
  z.strictObject({
    parentRefs: z.array(parentRef).max(32).optional(),
    hostnames: z.array(host).max(16).optional(),
    rules: z.array(ruleOf(match)).max(16).optional(),
    useDefaultGateways: refused('a route hangs at the Gateways that it names; leave it out', 'None'),
  })

/** A route's spec as far as it goes down. Fields without a row are refused: nobody has thought about them yet. */
export const httpRouteSpec = routeOf(httpMatch)
export const grpcRouteSpec = routeOf(grpcMatch)

export type RouteSpec = z.output<typeof httpRouteSpec> | z.output<typeof grpcRouteSpec>
