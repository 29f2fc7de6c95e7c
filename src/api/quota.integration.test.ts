import { afterAll, beforeAll, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { organizationLabel } from '../tenancy/marks.ts'
import { type ApiProcess, type ApiWorld, startApiWorld, tenantsOf } from '../testing/api-world.ts'
import { eventually } from '../testing/eventually.ts'
import { createReserver } from './reserve.ts'

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

/** A client that counts lists, and holds the first until it is let go. */
const countingLists = () => {
  let lists = 0
  const { promise: go, resolve: letGo } = Promise.withResolvers<void>()
  const list: KubeClient['list'] = async (type, options) => {
    lists += 1
    if (lists === 1) await go
    return world.kube.list(type, options)
  }
  return { kube: { ...world.kube, list }, letGo, lists: () => lists }
}

test('all who wait for a place while another is taken are served by one change, in their order', async () => {
  await one.ask('POST', '/v1/organizations', { body: { name: 'crowd', quota: { tenants: 5 } } })
  const { kube, letGo, lists } = countingLists()
  const reserver = createReserver({ kube, caches: one.caches, now: Date.now })
  const first = reserver.reserve('crowd', 't-0')
  await eventually(() => lists() === 1, { describe: 'the first to be at it' })
  const asked = [first, ...Array.from({ length: 9 }, (_, index) => reserver.reserve('crowd', `t-${index + 1}`))]
  letGo()
  const outcomes = await Promise.allSettled(asked)
  expect(outcomes.map(({ status }) => status)).toEqual([
    ...Array<string>(5).fill('fulfilled'),
    ...Array<string>(5).fill('rejected'),
  ])
  // The first; the others by the copy of them; and once more, as some are to be refused.
  expect(lists()).toBe(2)
})

test('nobody is refused for what an old copy says, and a change of others is not written over', async () => {
  await one.ask('POST', '/v1/organizations', { body: { name: 'late', quota: { tenants: 1 } } })
  const old = one.caches.organization('late')
  const caches = { ...one.caches, organization: () => old }
  const reserver = createReserver({ kube: world.kube, caches, now: Date.now })
  await reserver.reserve('late', 'a')
  await expect(reserver.reserve('late', 'b')).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' })
  await other.ask('PATCH', '/v1/organizations/late', { body: { quota: { tenants: 2 } } })
  await reserver.reserve('late', 'b')
  await expect(reserver.reserve('late', 'c')).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' })
})

test('an organisation that only the copy knows is not there', async () => {
  await one.ask('POST', '/v1/organizations', { body: { name: 'model' } })
  const model = one.caches.organization('model')
  const gone = model && { ...model, metadata: { ...model.metadata, name: 'gone', labels: { [organizationLabel]: 'gone' } } }
  const reserver = createReserver({ kube: world.kube, caches: { ...one.caches, organization: () => gone }, now: Date.now })
  await expect(reserver.reserve('gone', 'a')).rejects.toMatchObject({ code: 'ORGANIZATION_NOT_FOUND' })
})

test('tenants are counted by the copy only when it has all those whose places are no longer kept', async () => {
  await one.ask('POST', '/v1/organizations', { body: { name: 'counted', quota: { tenants: 10 } } })
  const { kube, letGo, lists } = countingLists()
  letGo()
  const reserver = createReserver({ kube, caches: one.caches, now: Date.now })
  await reserver.reserve('counted', 'a')
  expect(lists()).toBe(1)
  await reserver.reserve('counted', 'b')
  expect(lists()).toBe(1)
  const behind = createReserver({ kube, caches: { ...one.caches, tenantsPosition: () => '0' }, now: Date.now })
  await other.ask('POST', '/v1/organizations/counted/tenants', { body: { name: 'c' } })
  await eventually(() => one.caches.tenants('counted').some(({ metadata }) => metadata.name === 'c'), {
    describe: 'the tenant in the copy',
  })
  await reserver.reserve('counted', 'd')
  expect(lists()).toBe(1)
  await behind.reserve('counted', 'e')
  expect(lists()).toBe(2)
})

test('an organisation without a quota has its tenants counted only when reservations pile up', async () => {
  await one.ask('POST', '/v1/organizations', { body: { name: 'free' } })
  const { kube, letGo, lists } = countingLists()
  letGo()
  const reserver = createReserver({ kube, caches: one.caches, now: Date.now })
  await Promise.all(Array.from({ length: 101 }, (_, index) => reserver.reserve('free', `t-${index}`)))
  expect(lists()).toBe(0)
  await reserver.reserve('free', 'one-more')
  expect(lists()).toBe(1)
})
