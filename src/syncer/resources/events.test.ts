import { expect, test } from 'vitest'
import { superNamespace } from '../../tenancy/names.ts'
import { frozen } from '../../testing/frozen.ts'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import { isNews, tellsMore, tenantEvent } from './events.ts'

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
  expect(tenantEvent(superEvent, { involved: aTenantPod(), superNamespaceName: superNs, isSuperNamespace: () => false })).toEqual(
    {
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
    },
  )
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
  expect(
    tenantEvent(superEvent, { involved: aTenantPod(), superNamespaceName: superNs, isSuperNamespace: () => false }),
  ).toMatchObject({
    eventTime: '2026-11-21T08:00:00.000000Z',
    action: 'Binding',
    series,
  })
})

test("another tenant's namespace stays unnamed, also where super tells of a conflict between the two", () => {
  const stranger = superNamespace({ uid: 'another', name: 'globex' }, 'shop')
  const superEvent = frozen({
    metadata: { name: 'web.2', namespace: superNs },
    involvedObject: { kind: 'Ingress', name: 'web' },
    message: `host shop.example of ${superNs}/web is taken by ${stranger}/web; see my-internationalizing`,
  })
  const isSuperNamespace = (text: string): boolean => [superNs, stranger].includes(text)
  expect(tenantEvent(superEvent, { involved: aTenantPod(), superNamespaceName: superNs, isSuperNamespace })['message']).toBe(
    'host shop.example of shop/web is taken by another-namespace/web; see my-internationalizing',
  )
})

test("an Event of a Node has no namespace in its object, and lies in the tenant's default", () => {
  const superEvent = frozen({
    metadata: { name: 'node-1.3', namespace: 'default' },
    involvedObject: { apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: 'node-1' },
    message: 'Node node-1 status is now: NodeNotReady',
  })
  const involved = frozen({ metadata: { name: 'node-1', uid: 'tenant-node-uid' } })
  expect(tenantEvent(superEvent, { involved, superNamespaceName: 'default', isSuperNamespace: () => false })).toMatchObject({
    metadata: { name: 'node-1.3', namespace: 'default' },
    involvedObject: { apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: 'tenant-node-uid' },
  })
})

test.for<[name: string, event: Record<string, unknown>, isCertain: boolean, news: boolean]>([
  ['of now', { lastTimestamp: '2026-11-21T08:00:00Z' }, false, true],
  ['of before the object was there', { lastTimestamp: '2026-11-21T07:29:59Z' }, false, false],
  ["of a node whose clock is late, about super's very object", { lastTimestamp: '2026-11-21T07:29:59Z' }, true, true],
  ['of more than an hour ago', { lastTimestamp: '2026-11-21T06:59:00Z' }, true, false],
  [
    'that began long ago and goes on',
    { eventTime: '2026-11-21T05:00:00Z', series: { count: 9, lastObservedTime: '2026-11-21T07:59:00Z' } },
    true,
    true,
  ],
])('news is what is %s', ([, event, isCertain, news]) => {
  const involved = frozen({ metadata: { name: 'web', creationTimestamp: '2026-11-21T07:30:00Z' } })
  const now = Date.parse('2026-11-21T08:00:01Z')
  expect(isNews({ metadata: {}, ...event }, { involved, isCertain }, now)).toBe(news)
})

test.for<[name: string, event: Record<string, unknown>, told: Record<string, unknown>, more: boolean]>([
  ['the same', { count: 3, lastTimestamp: '2026-11-21T08:00:00Z' }, { count: 3, lastTimestamp: '2026-11-21T08:00:00Z' }, false],
  [
    'a higher count',
    { count: 4, lastTimestamp: '2026-11-21T08:00:00Z' },
    { count: 3, lastTimestamp: '2026-11-21T08:00:00Z' },
    true,
  ],
  [
    'a lower count, seen anew',
    { count: 1, lastTimestamp: '2026-11-21T07:00:00Z' },
    { count: 3, lastTimestamp: '2026-11-21T08:00:00Z' },
    false,
  ],
  [
    'a series that began',
    { series: { count: 2, lastObservedTime: '2026-11-21T08:00:00Z' } },
    { eventTime: '2026-11-21T08:00:00Z' },
    true,
  ],
])('%s: told again only when it says more', ([, event, told, more]) => {
  expect(tellsMore({ metadata: {}, ...event }, { metadata: {}, ...told })).toBe(more)
})
