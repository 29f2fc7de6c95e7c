import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { superNamespace } from '../../tenancy/names.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { claimedHosts, hostKinds } from '../host-claims.ts'
import { customResource } from '../resources/custom-kinds.ts'
import { gatewayKinds } from './kinds.ts'

// The definition in the tenant can be the tenant's own: an object may have any shape, and all that goes down of it stays within the tenant.
const ctx = aSyncContext()
const namespaces = ['shop', 'infra', 'kube-system', superNamespace({ uid: 'other', name: 'globex' }, 'shop')]
const ofTenant = new Set(namespaces.map((namespace) => superNamespace(ctx.tenant, namespace)))

const optional = <T extends Record<string, fc.Arbitrary<unknown>>>(fields: T) => fc.record(fields, { requiredKeys: [] })
/** Mostly what is meant, now and then anything. */
const odd = (meant: fc.Arbitrary<unknown>) => fc.oneof({ arbitrary: meant, weight: 40 }, { arbitrary: fc.jsonValue(), weight: 1 })
const few = (item: fc.Arbitrary<unknown>) => odd(fc.array(item, { maxLength: 2 }))
const seldom = <T>(value: T) =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 9 }, { arbitrary: fc.constant(value), weight: 1 })
const refOf = (...kinds: readonly string[]) =>
  fc.record(
    {
      name: fc.constantFrom('web', 'kubernetes'),
      namespace: fc.oneof(fc.constant('shop'), fc.constantFrom(...namespaces)),
      kind: odd(fc.constantFrom(...kinds)),
    },
    { requiredKeys: ['name'] },
  )
const [configRef, serviceRef, parentRef] = [refOf('Secret', 'ConfigMap'), refOf('Service'), refOf('Gateway')]
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
    tls: odd(optional({ certificateRefs: few(configRef), frontendValidation: optional({ caCertificateRefs: few(configRef) }) })),
    allowedRoutes: odd(optional({ namespaces: odd(taking) })),
  },
  { requiredKeys: ['name', 'port', 'protocol'] },
)
const gateway = fc.record(
  {
    gatewayClassName: fc.constant('public'),
    listeners: few(listener),
    addresses: seldom([{ value: '192.0.2.1' }]),
    allowedListeners: optional({ namespaces: odd(taking) }),
    infrastructure: optional({ parametersRef: seldom(elsewhere), labels: fc.constant({ a: 'b' }) }),
  },
  { requiredKeys: ['gatewayClassName', 'listeners'] },
)
const route = optional({
  parentRefs: few(parentRef),
  hostnames: few(fc.constantFrom('a.example', '*.example')),
  rules: few(optional({ filters: few(filter), backendRefs: few(serviceRef) })),
})

/** Everything in `value` that would reach out of the tenant's namespaces, or choose what is the platform's. */
const reachingOut = (value: unknown, field = ''): readonly string[] => {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => reachingOut(item, field))
  if (typeof value !== 'object' || value === null) {
    if (field === 'namespace' && !ofTenant.has(String(value))) return [`namespace ${String(value)}`]
    return field === 'from' && value === 'All' ? ['from All'] : []
  }
  const isSelector = (value as { from?: unknown }).from === 'Selector'
  const label = (value as { selector?: { matchLabels?: Record<string, string> } }).selector?.matchLabels?.['berth.dev/tenant']
  return [
    ...(isSelector && label !== ctx.tenant.uid ? ['a selector of others'] : []),
    ...Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .flatMap(([key, inner]) =>
        ['parametersRef', 'extensionRef'].includes(key) ||
        (['addresses', 'labels'].includes(key) && Object.keys(inner).length > 0)
          ? [key]
          : // Keys of labels are words of the tenant's.
            key === 'matchLabels'
            ? []
            : reachingOut(inner, key),
      ),
  ]
}

test.for(gatewayKinds)('whatever a tenant writes into a $kind, nothing that goes down reaches out of it', (kind) => {
  const resource = customResource(kind)
  const runs = 400
  let down = 0
  fc.assert(
    fc.property(odd(kind.kind === 'Gateway' ? gateway : route), (spec) => {
      const tenantObject = { metadata: { name: 'web', namespace: 'shop', uid: 'u' }, spec } as KubeObject
      const result = resource.toSuper(tenantObject, ctx)
      resource.dependencies?.(tenantObject)
      for (const key of hostKinds.slice(1)) claimedHosts(key, tenantObject)
      const status = { parents: [], addresses: [] }
      expect(resource.toTenant?.({ ...tenantObject, status }, tenantObject, ctx)).toBeDefined()
      if (result.kind !== 'object') return
      down += 1
      expect(reachingOut(result.body.fields)).toEqual([])
    }),
    { seed: Number(process.env['BERTH_TEST_SEED'] ?? 7), numRuns: runs },
  )
  expect(down).toBeGreaterThan(runs / 10)
})
