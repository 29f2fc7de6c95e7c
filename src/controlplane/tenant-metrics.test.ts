import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import type { ControlPlaneSnapshot } from '../apis/control-plane-snapshot.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { aTenantControlPlane } from '../testing/plane-builders.ts'
import { createTenantMetrics } from './tenant-metrics.ts'

const uid = '6d3f0c1e-1111-4222-8333-944455556666'
const condition = (type: 'Ready' | 'DNSReady', status: 'True' | 'False' | 'Unknown', reason: string) => ({
  type,
  status,
  reason,
  message: 'm',
  lastTransitionTime: '2026-06-01T00:00:00Z',
})

const linesOf = async (tenants: readonly TenantControlPlane[], snapshots?: readonly ControlPlaneSnapshot[]) => {
  const registry = new Registry()
  const metrics = createTenantMetrics(registry)
  const before = (await registry.metrics()).split('\n').filter((line) => line.includes('{'))
  metrics.watch(() => ({ tenants, snapshots }))
  const lines = (await registry.metrics()).split('\n').filter((line) => line.includes('{'))
  return { before, lines }
}

const aSnapshot = (status: object): ControlPlaneSnapshot => ({
  apiVersion: 'berth.dev/v1alpha1',
  kind: 'ControlPlaneSnapshot',
  metadata: { name: 's', namespace: 'home', creationTimestamp: '2026-06-02T00:00:00Z' },
  spec: { tenantName: 'acme' } as ControlPlaneSnapshot['spec'],
  status,
})

test('says what tenants are and how they stand; nothing before it is watched', async () => {
  const status = {
    version: 'v1.36.3',
    timings: { Ready: 9.5 },
    conditions: [condition('Ready', 'False', 'StoreFull'), condition('DNSReady', 'True', 'Serving')],
  }
  const { before, lines } = await linesOf([aTenantControlPlane({ status })])
  expect(before).toEqual([])
  expect(lines).toEqual([
    `berth_tenant_info{tenant="${uid}",namespace="home",name="acme",class="",version="v1.36.3",size="small",state="Running"} 1`,
    `berth_tenant_condition{tenant="${uid}",condition="Ready",reason="StoreFull"} 0`,
    `berth_tenant_condition{tenant="${uid}",condition="DNSReady",reason="Serving"} 1`,
    `berth_tenant_created_timestamp_seconds{tenant="${uid}"} ${Date.parse('2026-06-01T00:00:00Z') / 1000}`,
    `berth_tenant_ready_after_seconds{tenant="${uid}"} 9.5`,
  ])
})

test.for<[name: string, snapshots: readonly ControlPlaneSnapshot[] | undefined, expected: number | undefined]>([
  ['nothing while snapshots are not listed', undefined, undefined],
  ['0 for a schedule without a snapshot yet', [], 0],
  ['not of one that failed', [aSnapshot({ phase: 'Failed', tenantUid: uid, startedAt: '2026-06-03T00:00:00Z' })], 0],
  ['not of one of another tenant', [aSnapshot({ phase: 'Complete', tenantUid: 'other', startedAt: '2026-06-03T00:00:00Z' })], 0],
  [
    'the newest that is complete',
    [
      aSnapshot({ phase: 'Complete', tenantUid: uid, startedAt: '2026-06-03T00:00:00Z' }),
      aSnapshot({ phase: 'Complete', tenantUid: uid, startedAt: '2026-06-02T00:00:00Z' }),
    ],
    Date.parse('2026-06-03T00:00:00Z') / 1000,
  ],
])('the time of the newest snapshot: %s', async ([, snapshots, expected]) => {
  const storage = { s3: { endpoint: 'https://s3.example.com', bucket: 'saved', secretName: 'keys' } }
  const { lines } = await linesOf([aTenantControlPlane({ spec: { backup: { schedule: '0 3 * * *', storage } } })], snapshots)
  const found = lines.find((line) => line.startsWith('berth_tenant_snapshot_timestamp_seconds'))
  expect(found).toBe(expected === undefined ? undefined : `berth_tenant_snapshot_timestamp_seconds{tenant="${uid}"} ${expected}`)
})
