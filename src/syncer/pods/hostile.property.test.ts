import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { superNamespace } from '../../tenancy/names.ts'
import { runs } from '../../testing/hostile/draw.ts'
import { fieldsNotDown } from '../../testing/hostile/planted.ts'
import { hostilePod } from '../../testing/hostile/pods.ts'
import { podSecurityFaults } from '../../testing/pod-security.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { pods } from '../resources/pods.ts'
import { wantedObject } from '../super-object.ts'
import type { Pod } from './pod.ts'
import { podSpecFields } from './spec-fields.ts'
import { podSuperWrites } from './super-writes.ts'

type Isolation = NonNullable<NonNullable<Parameters<typeof aSyncContext>[0]>['isolation']>

/** The other profiles have the settings of one of these, and a runtime class or nodes beside them. */
const tenants: Readonly<Record<string, Isolation>> = {
  privileged: { profile: 'privileged' },
  baseline: { profile: 'baseline' },
  restricted: { profile: 'restricted' },
  'restricted in user namespaces': { profile: 'restricted', pods: { userNamespaces: true, runAsNonRoot: false } },
}

describe.for(Object.entries(tenants))('of whatever a tenant writes, at %s', ([, isolation]) => {
  const network = { maxBandwidth: { egress: '100M' } }
  const ctx = aSyncContext({ isolation: { ...isolation, network }, policy: { inlineCSIDrivers: ['a'] } })
  const level = ctx.isolation.podSecurity
  const namespace = superNamespace(ctx.tenant, 'shop')

  test("nothing goes down that the level forbids, that nobody knows, or that is not the tenant's own", () => {
    let [refused, down] = [0, 0]
    fc.assert(
      fc.property(hostilePod, (tenantPod) => {
        const wanted = wantedObject(pods, tenantPod, ctx)
        if (wanted.kind !== 'object') {
          refused += 1
          return
        }
        down += 1
        const superPod = wanted.object as Pod
        const [write] = podSuperWrites({ ...superPod, status: {} }, tenantPod as Pod, ctx).filter(
          ({ subresource }) => subresource === 'ephemeralcontainers',
        )
        const debugged = { ...superPod, spec: { ...superPod.spec, ...(write?.patch['spec'] as object | undefined) } }
        expect(podSecurityFaults(debugged, level), JSON.stringify(debugged)).toEqual([])
        expect(fieldsNotDown(debugged.spec, podSpecFields)).toEqual([])
        expect([superPod.metadata.namespace, superPod.metadata.labels?.['berth.dev/tenant']]).toEqual([namespace, ctx.tenant.uid])
        const { annotations = {}, labels = {} } = superPod.metadata
        const own = (map: Readonly<Record<string, string>>) => Object.keys(map).filter((key) => !/(^|\.)berth\.dev\//.test(key))
        expect(own(labels).filter((key) => !['app', 'constructor'].includes(key))).toEqual([])
        expect(own(annotations)).toEqual(['kubernetes.io/egress-bandwidth'])
        expect(['100M', '5M']).toContain(annotations['kubernetes.io/egress-bandwidth'])
      }),
      runs(600),
    )
    // A test that refuses everything, or nothing, would prove nothing.
    expect(down).toBeGreaterThan(5)
    expect(refused).toBeGreaterThan(10)
  })
})
