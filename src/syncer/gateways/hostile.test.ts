import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { superNamespace } from '../../tenancy/names.ts'
import { runs } from '../../testing/hostile/draw.ts'
import { hostileGatewaySpec, hostileRouteSpec } from '../../testing/hostile/gateways.ts'
import { namespaceNames } from '../../testing/hostile/words.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { claimedHosts, hostKinds } from '../host-claims.ts'
import { customResource } from '../resources/custom-kinds.ts'
import { gatewayKinds } from './kinds.ts'

const ctx = aSyncContext()
const ofTenant = new Set(namespaceNames.map((namespace) => superNamespace(ctx.tenant, namespace)))

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
  const numRuns = 400
  let down = 0
  fc.assert(
    fc.property(kind.kind === 'Gateway' ? hostileGatewaySpec : hostileRouteSpec, (spec) => {
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
    runs(numRuns),
  )
  expect(down).toBeGreaterThan(numRuns / 10)
})
