import { afterAll, beforeAll, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import { type ApiProcess, type ApiWorld, startApiWorld, tenantsOf } from '../testing/api-world.ts'

let world: ApiWorld
let one: ApiProcess
let other: ApiProcess

beforeAll(async () => {
  world = await startApiWorld()
  one = await world.start()
  other = await world.start()
}, 300_000)
afterAll(() => world?.stop())

test('50 creations at once at two processes make as many tenants as the quota says', async () => {
  await one.ask('POST', '/v1/organizations', { body: { name: 'busy', quota: { tenants: 7 } } })
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      (index % 2 === 0 ? one : other).ask('POST', '/v1/organizations/busy/tenants', { body: { name: `t-${index}` } }),
    ),
  )
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b)
  expect(statuses).toEqual([...Array<number>(7).fill(202), ...Array<number>(43).fill(409)])
  expect(answers.filter(({ status }) => status === 409).every(({ body }) => body.code === 'QUOTA_EXCEEDED')).toBe(true)
  expect(await tenantsOf(world.kube, 'busy')).toHaveLength(7)
}, 120_000)

test('a place is free again when its tenant is gone, and when nothing came of it', async () => {
  const { ask } = one
  await ask('POST', '/v1/organizations', { body: { name: 'small', quota: { tenants: 1 } } })
  const refused = { name: 'a', spec: { network: { serviceSlice: '10.96.4.0/29' } } }
  expect(await ask('POST', '/v1/organizations/small/tenants', { body: refused })).toMatchObject({ status: 422 })
  expect(await ask('POST', '/v1/organizations/small/tenants', { body: { name: 'b' } })).toMatchObject({ status: 202 })
  expect(await ask('POST', '/v1/organizations/small/tenants', { body: { name: 'c' } })).toMatchObject({ status: 409 })
  expect(await ask('DELETE', '/v1/organizations/small/tenants/b')).toMatchObject({ status: 202 })
  expect(await ask('POST', '/v1/organizations/small/tenants', { body: { name: 'c' } })).toMatchObject({ status: 202 })
})

test('tenants that kubectl made count, and the platform may give more', async () => {
  const { ask } = one
  await ask('POST', '/v1/organizations', { body: { name: 'mixed', quota: { tenants: 1 } } })
  const byHand = {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'TenantControlPlane',
    metadata: { name: 'by-hand', namespace: 'mixed' },
    spec: {},
  }
  await world.kube.create(resourceTypes.tenantControlPlanes, byHand)
  expect(await ask('POST', '/v1/organizations/mixed/tenants', { body: { name: 'a' } })).toMatchObject({ status: 409 })
  expect(await ask('PATCH', '/v1/organizations/mixed', { body: { quota: { tenants: 2 } } })).toMatchObject({ status: 200 })
  expect(await ask('POST', '/v1/organizations/mixed/tenants', { body: { name: 'a' } })).toMatchObject({ status: 202 })
})
