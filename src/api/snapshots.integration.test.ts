import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ControlPlaneSnapshot } from '../apis/control-plane-snapshot.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { type ApiProcess, type ApiWorld, startApiWorld } from '../testing/api-world.ts'
import { eventually } from '../testing/eventually.ts'

let world: ApiWorld
let api: ApiProcess
let org: string
let count = 0
const type = resourceTypes.controlPlaneSnapshots
const storage = { s3: { bucket: 'backups', endpoint: 'https://s3.example.com', secretName: 's3' } }
const condition = (of: string, status: string, message = 'as the test says') => ({
  type: of,
  status,
  reason: 'Test',
  message,
  lastTransitionTime: '2026-11-22T12:00:00Z',
})

beforeAll(async () => {
  world = await startApiWorld()
  api = await world.start()
}, 300_000)
afterAll(() => world?.stop())
beforeEach(async () => {
  count += 1
  org = `org-${count}`
  await api.ask('POST', '/v1/organizations', { body: { name: org } })
  await api.ask('POST', `/v1/organizations/${org}/tenants`, { body: { name: 'shop', spec: { backup: { storage } } } })
  await eventually(() => api.caches.tenants(org).length === 1)
})

const path = (rest: string) => `/v1/organizations/${org}/${rest}`
const take = (body: object, headers: Record<string, string> = {}) => api.ask('POST', path('snapshots'), { body, headers })
const snapshot = (name: string) => world.kube.get<ControlPlaneSnapshot>(type, { name, namespace: org })
/** As the manager would. */
const setStatus = (name: string, status: object) =>
  world.kube.patch(type, { name, namespace: org }, { status }, { type: 'merge', subresource: 'status' })

describe('a snapshot', () => {
  test('is made to where the tenant says, once for each Idempotency-Key, and its operation follows it', async () => {
    const headers = { 'idempotency-key': 'nightly' }
    const begun = await take({ tenant: 'shop' }, headers)
    expect(begun).toMatchObject({ status: 202, body: { kind: 'snapshot', tenant: 'shop', state: 'Running' } })
    const again = await take({ tenant: 'shop' }, headers)
    expect(again).toMatchObject({ status: 202, body: { id: begun.body.id }, headers: { 'idempotent-replayed': 'true' } })
    const { body: list } = await api.ask('GET', path('snapshots?tenant=shop'))
    expect(list.items).toMatchObject([{ tenant: 'shop', organization: org, phase: 'Pending', deleting: false }])
    const { name } = list.items[0]
    expect(name).toBe(`shop-${begun.body.id.slice(0, 8)}`)
    expect(await snapshot(name)).toMatchObject({ spec: { tenantName: 'shop', storage, deletionPolicy: 'Delete' } })

    await setStatus(name, { phase: 'Complete', location: 's3://backups/shop', conditions: [condition('Complete', 'True')] })
    const operation = await api.ask('GET', begun.headers['location'] ?? '')
    expect(operation.body).toMatchObject({ state: 'Succeeded', snapshot: name })
    const shown = await api.ask('GET', path(`snapshots/${name}`))
    expect(shown).toMatchObject({ status: 200, body: { phase: 'Complete', location: 's3://backups/shop' } })
  })

  test('that fails says why in its operation', async () => {
    const begun = await take({ tenant: 'shop', name: 'first' })
    await setStatus('first', { phase: 'Failed', conditions: [condition('Complete', 'False', 'the bucket is not there')] })
    const { body } = await api.ask('GET', begun.headers['location'] ?? '')
    expect(body).toMatchObject({ state: 'Failed', message: 'the bucket is not there' })
  })

  test('has a name that is its own, of a tenant that is there and says where to', async () => {
    await take({ tenant: 'shop', name: 'first' })
    expect(await take({ tenant: 'shop', name: 'first' })).toMatchObject({ status: 409, body: { code: 'ALREADY_EXISTS' } })
    expect(await take({ tenant: 'other' })).toMatchObject({ status: 404, body: { code: 'TENANT_NOT_FOUND' } })
    await api.ask('POST', path('tenants'), { body: { name: 'bare' } })
    expect(await take({ tenant: 'bare' })).toMatchObject({ status: 409, body: { code: 'STATE_CONFLICT' } })
    expect(await take({ tenant: 'shop', name: 'A b' })).toMatchObject({ status: 400, body: { errors: [{ pointer: '/name' }] } })
    expect(await take({ tenant: 'shop', storage })).toMatchObject({ status: 400, body: { errors: [{ pointer: '/storage' }] } })
  })

  test('is deleted, and is then not there', async () => {
    await take({ tenant: 'shop', name: 'first' })
    const begun = await api.ask('DELETE', path('snapshots/first'))
    expect(begun).toMatchObject({ status: 202, body: { kind: 'delete-snapshot' } })
    expect(await snapshot('first')).toBeUndefined()
    expect((await api.ask('GET', begun.headers['location'] ?? '')).body).toMatchObject({ state: 'Succeeded' })
    for (const name of ['first', 'A%20b', '%2e%2e']) {
      expect(await api.ask('GET', path(`snapshots/${name}`))).toMatchObject({ status: 404 })
      expect(await api.ask('DELETE', path(`snapshots/${name}`))).toMatchObject({ status: 404 })
    }
  })

  test('of another organisation is not there', async () => {
    await take({ tenant: 'shop', name: 'first' })
    await api.ask('POST', '/v1/organizations', { body: { name: `other-${count}` } })
    const key = await world.makeKey({ organization: `other-${count}` })
    expect(await api.ask('GET', path('snapshots/first'), { key })).toMatchObject({ status: 404 })
    expect(await api.ask('POST', path('tenants/shop/restore'), { key, body: { snapshot: 'first' } })).toMatchObject({
      status: 404,
    })
    expect((await api.ask('GET', `/v1/organizations/other-${count}/snapshots`, { key })).body.items).toEqual([])
  })
})

describe('a restore', () => {
  const restore = (body: object, headers: Record<string, string> = {}) =>
    api.ask('POST', path('tenants/shop/restore'), { body, headers })
  const plane = async () =>
    (await world.kube.get<TenantControlPlane>(resourceTypes.tenantControlPlanes, { name: 'shop', namespace: org }))?.spec.restore

  test('is asked for once for each Idempotency-Key, and its operation ends with it', async () => {
    await take({ tenant: 'shop', name: 'first' })
    const headers = { 'idempotency-key': 'back' }
    const begun = await restore({ snapshot: 'first' }, headers)
    expect(begun).toMatchObject({ status: 202, body: { kind: 'restore', state: 'Running' } })
    const asked = await plane()
    expect(asked).toMatchObject({ snapshotName: 'first' })
    expect((await restore({ snapshot: 'first' }, headers)).body.id).toBe(begun.body.id)
    expect(await plane()).toEqual(asked)

    const status = {
      request: 'x',
      id: 'r1',
      snapshotName: 'first',
      phase: 'Done',
      message: 'it is back',
      startedAt: '2026-11-22T12:00:00Z',
    }
    await world.setStatus(org, 'shop', { observedGeneration: 9, restore: status })
    await eventually(() => api.caches.tenants(org)[0]?.status?.restore?.id === 'r1')
    expect((await api.ask('GET', begun.headers['location'] ?? '')).body).toMatchObject({ state: 'Succeeded' })

    // The same snapshot once more is another restore.
    const second = await restore({ snapshot: 'first' })
    expect(second.body.id).not.toBe(begun.body.id)
    expect((await api.ask('GET', second.headers['location'] ?? '')).body).toMatchObject({ state: 'Running' })
  })

  test('needs a snapshot that is there, and the state that was read', async () => {
    expect(await restore({ snapshot: 'none' })).toMatchObject({ status: 404, body: { code: 'SNAPSHOT_NOT_FOUND' } })
    await take({ tenant: 'shop', name: 'first' })
    expect(await restore({ snapshot: 'first' }, { 'if-match': '"old"' })).toMatchObject({ status: 412 })
    expect(await restore({})).toMatchObject({ status: 400, body: { errors: [{ pointer: '/snapshot' }] } })
    expect(await plane()).toBeUndefined()
  })
})
