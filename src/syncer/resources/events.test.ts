import { expect, test } from 'vitest'
import { superNamespace } from '../../tenancy/names.ts'
import { frozen } from '../../testing/frozen.ts'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import { tenantEvent } from './events.ts'

const ctx = aSyncContext()
const superNs = superNamespace(ctx.tenant, 'shop')

test("an Event speaks of the tenant's object, in the tenant's words", () => {
  const superEvent = frozen({
    metadata: { name: 'web.18a', namespace: superNs, uid: 'event-uid', labels: { a: 'b' } },
    involvedObject: {
      apiVersion: 'v1',
      kind: 'Pod',
      namespace: superNs,
      name: 'web',
      uid: 'super-uid',
      resourceVersion: '7',
      fieldPath: 'spec.containers{main}',
    },
    related: { kind: 'Node', name: 'node-1' },
    type: 'Warning',
    reason: 'FailedMount',
    message: `MountVolume.SetUp failed for pod ${superNs}/web (super-uid)`,
    count: 3,
    firstTimestamp: '2026-11-21T08:00:00Z',
    lastTimestamp: '2026-11-21T08:01:00Z',
    eventTime: null,
    source: { component: 'kubelet', host: 'node-1' },
    reportingComponent: 'kubelet',
    reportingInstance: 'node-1',
  })
  expect(tenantEvent(superEvent, { involved: aTenantPod(), superNamespaceName: superNs, ctx })).toEqual({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'web.18a', namespace: 'shop' },
    involvedObject: {
      apiVersion: 'v1',
      kind: 'Pod',
      namespace: 'shop',
      name: 'web',
      uid: 'tenant-pod-uid',
      fieldPath: 'spec.containers{main}',
    },
    type: 'Warning',
    reason: 'FailedMount',
    message: 'MountVolume.SetUp failed for pod shop/web (tenant-pod-uid)',
    count: 3,
    firstTimestamp: '2026-11-21T08:00:00Z',
    lastTimestamp: '2026-11-21T08:01:00Z',
    source: { component: 'kubelet', host: 'node-1' },
    reportingComponent: 'kubelet',
    reportingInstance: 'node-1',
  })
})

test('keeps the series and the event time of a newer Event', () => {
  const series = { count: 5, lastObservedTime: '2026-11-21T08:01:00.000000Z' }
  const superEvent = frozen({
    metadata: { name: 'web.1', namespace: superNs },
    involvedObject: { kind: 'Pod', name: 'web' },
    eventTime: '2026-11-21T08:00:00.000000Z',
    action: 'Binding',
    series,
  })
  expect(tenantEvent(superEvent, { involved: aTenantPod(), superNamespaceName: superNs, ctx })).toMatchObject({
    eventTime: '2026-11-21T08:00:00.000000Z',
    action: 'Binding',
    series,
  })
})
