import { expect, test } from 'vitest'
import { type TenantControlPlane, tenantControlPlaneSpec } from '../apis/tenant-control-plane.ts'
import { maxPayloadBytes } from '../jobs/job-kind.ts'
import { eventBody } from './event-body.ts'
import type { TenantEvent } from './told.ts'

const event: TenantEvent = { id: 'evt-1', type: 'tenant.ready', time: '2026-11-22T12:00:00Z', tenant: 'shop', uid: 'u1' }
const aPlane = (annotation = '', uid = 'u1'): TenantControlPlane => ({
  metadata: { name: 'shop', namespace: 'acme', uid, annotations: { own: 'hidden' } },
  spec: { ...tenantControlPlaneSpec.parse({}), ...(annotation !== '' && { className: annotation }) },
  status: { endpoint: 'https://shop', conditions: [] },
})
const bodyOf = (of: TenantEvent, plane?: TenantControlPlane) =>
  JSON.parse(eventBody(of, 'acme', plane)) as Record<string, unknown>

test('a body has the tenant as the HTTP API shows it', () => {
  const { id, type, time } = event
  const body = bodyOf(event, aPlane())
  expect(body).toMatchObject({
    id,
    type,
    time,
    organization: 'acme',
    tenant: { name: 'shop', uid: 'u1', status: { endpoint: 'https://shop' } },
  })
  expect(JSON.stringify(body)).not.toContain('hidden')
})

test.for<[name: string, plane: TenantControlPlane | undefined]>([
  ['gone', undefined],
  ['gone, with another one of its name in its place', aPlane('', 'u2')],
])('of a tenant that is %s it has the name', ([, plane]) => {
  expect(bodyOf({ ...event, type: 'tenant.deleted' }, plane)['tenant']).toEqual({ name: 'shop', organization: 'acme', uid: 'u1' })
})

test('a large tenant is abridged, so that it fits into a job', () => {
  const text = eventBody(event, 'acme', aPlane('"'.repeat(20_000)))
  expect(Buffer.byteLength(JSON.stringify(text))).toBeLessThan(maxPayloadBytes / 2)
  expect(JSON.parse(text)).toMatchObject({ tenant: { name: 'shop', isAbridged: true, status: { endpoint: 'https://shop' } } })
})

test('an upgrade says the version before', () => {
  expect(bodyOf({ ...event, type: 'tenant.upgraded', previousVersion: '1.36.2' }, aPlane())['previousVersion']).toBe('1.36.2')
})
