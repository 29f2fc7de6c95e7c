import fc from 'fast-check'
import { odd, optional, seldom } from './draw.ts'
import { className, configName, namespaceNames } from './words.ts'

// The definition in the tenant can be the tenant's own: an object may have any shape.
const few = (item: fc.Arbitrary<unknown>) => odd(fc.array(item, { maxLength: 2 }))
const refOf = (name: fc.Arbitrary<string>, ...kinds: readonly string[]) =>
  fc.record(
    {
      name,
      namespace: fc.oneof(
        { arbitrary: fc.constant('shop'), weight: 6 },
        { arbitrary: fc.constantFrom(...namespaceNames), weight: 1 },
      ),
      kind: odd(fc.constantFrom(...kinds)),
    },
    { requiredKeys: ['name'] },
  )
const plainName = fc.constantFrom('web', 'kubernetes')
const configRef = refOf(configName, 'Secret', 'ConfigMap')
const serviceRef = refOf(plainName, 'Service')
const elsewhere = { group: 'x', kind: 'Y', name: 'z' }
const filter = optional({ requestMirror: odd(fc.record({ backendRef: serviceRef })), extensionRef: seldom(elsewhere) })
const taking = optional({
  from: fc.constantFrom('All', 'Same', 'Selector', 'None'),
  selector: odd(optional({ matchLabels: fc.dictionary(fc.constantFrom('namespace', 'berth.dev/tenant'), fc.constant('x')) })),
})
const listener = fc.record(
  {
    name: fc.constant('web'),
    port: fc.constant(80),
    protocol: fc.constantFrom('HTTP', 'HTTPS'),
    hostname: odd(fc.constantFrom('a.example', '*.example')),
    tls: odd(
      optional({
        certificateRefs: few(configRef),
        frontendValidation: optional({ caCertificateRefs: few(configRef) }),
        options: seldom({ 'a.example/b': 'c' }),
      }),
    ),
    allowedRoutes: odd(optional({ namespaces: odd(taking) })),
  },
  { requiredKeys: ['name', 'port', 'protocol'] },
)

/** As it comes from an API server, without keys that have no value. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** The spec of a Gateway; mostly one that goes down. */
export const hostileGatewaySpec = odd(
  fc.record(
    {
      gatewayClassName: className,
      listeners: few(listener),
      addresses: seldom([{ value: '192.0.2.1' }]),
      defaultScope: seldom('All'),
      allowedListeners: optional({ namespaces: odd(taking) }),
      infrastructure: optional({ parametersRef: seldom(elsewhere), labels: fc.constant({ a: 'b' }) }),
      backendTLS: seldom({ clientCertificateRef: { name: 'web.berth' } }),
      teleport: seldom('x'),
    },
    { requiredKeys: ['gatewayClassName', 'listeners'] },
  ),
).map(asJson)

/** The spec of a route of HTTP or gRPC. */
export const hostileRouteSpec = odd(
  optional({
    parentRefs: few(refOf(plainName, 'Gateway')),
    hostnames: few(fc.constantFrom('a.example', '*.example')),
    rules: few(optional({ filters: few(filter), backendRefs: few(serviceRef) })),
    useDefaultGateways: seldom('All'),
    teleport: seldom('x'),
  }),
).map(asJson)
