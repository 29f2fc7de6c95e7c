import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApiServer, type TestApiServer } from '../testing/api-server.ts'
import { eventually } from '../testing/eventually.ts'
import { tenantControlPlaneCrd } from './crd.ts'
import type { KubeObject } from './kube-object.ts'
import { resourceTypes } from './resource-types.ts'
import { controlPlaneSnapshotCrd } from './snapshot-crd.ts'

let server: TestApiServer
const snapshots = resourceTypes.controlPlaneSnapshots
const tenants = resourceTypes.tenantControlPlanes
const s3 = { endpoint: 'https://s3.example.com:9000', bucket: 'backups', secretName: 'keys' }

const aSnapshot = (name: string, spec: Record<string, unknown> = {}): KubeObject => ({
  apiVersion: 'berth.dev/v1alpha1',
  kind: 'ControlPlaneSnapshot',
  metadata: { name, namespace: 'default' },
  spec: { tenantName: 'acme', storage: { s3 }, ...spec },
})
const aTenant = (name: string, spec: Record<string, unknown>): KubeObject => ({
  apiVersion: 'berth.dev/v1alpha1',
  kind: 'TenantControlPlane',
  metadata: { name, namespace: 'default' },
  spec,
})

beforeAll(async () => {
  server = await startApiServer()
  for (const crd of [controlPlaneSnapshotCrd(), tenantControlPlaneCrd()])
    await server.client.create(resourceTypes.customResourceDefinitions, crd)
  for (const type of [snapshots, tenants]) await eventually(() => server.client.list(type), { describe: 'the new resource' })
})
afterAll(() => server?.stop())

test('a snapshot gets its defaults', async () => {
  const { spec } = await server.client.create(snapshots, aSnapshot('plain'))
  expect(spec).toEqual({
    tenantName: 'acme',
    storage: { kind: 's3', s3: { ...s3, region: 'us-east-1', prefix: '', forcePathStyle: true } },
    recipients: [],
    deletionPolicy: 'Delete',
  })
})

describe('a snapshot that cannot be', () => {
  test.for<[name: string, spec: Record<string, unknown>, refusal: RegExp]>([
    ['without a storage', { storage: undefined }, /spec\.storage/],
    ['with an endpoint that has a path', { storage: { s3: { ...s3, endpoint: 'https://s3.example.com/x' } } }, /endpoint/],
    ['with an endpoint that has a password', { storage: { s3: { ...s3, endpoint: 'https://a:b@s3.example.com' } } }, /endpoint/],
    ['with an endpoint of another kind', { storage: { s3: { ...s3, endpoint: 'file:///etc/passwd' } } }, /endpoint/],
    ['with a prefix that climbs', { storage: { s3: { ...s3, prefix: 'a/../' } } }, /prefix/],
    ['with a private key for a public one', { recipients: ['AGE-SECRET-KEY-1QQQ'] }, /recipients/],
    ['with a policy that is none', { deletionPolicy: 'Keep' }, /deletionPolicy/],
  ])('%s', async ([, spec, refusal]) => {
    await expect(server.client.create(snapshots, aSnapshot('bad', spec))).rejects.toThrow(refusal)
  })
})

test('a snapshot has a name that fits into a label', async () => {
  await expect(server.client.create(snapshots, aSnapshot('a'.repeat(64)))).rejects.toThrow(/at most 63 characters/)
})

test('of a snapshot nothing can be changed but what becomes of what it stored', async () => {
  await server.client.create(snapshots, aSnapshot('fixed'))
  const ref = { name: 'fixed', namespace: 'default' }
  const patch = (spec: object) => server.client.patch(snapshots, ref, { spec }, { type: 'merge' })
  await patch({ deletionPolicy: 'Retain' })
  for (const spec of [{ tenantName: 'other' }, { storage: { s3: { bucket: 'another' } } }, { recipients: ['age1abc'] }])
    await expect(patch(spec)).rejects.toThrow(/a snapshot cannot be changed, but for its deletionPolicy/)
})

describe('a backup that cannot be', () => {
  test.for<[name: string, backup: Record<string, unknown>, refusal: RegExp]>([
    ['a schedule without a storage', { schedule: '0 3 * * *' }, /a schedule needs a storage/],
    ['a schedule by the second', { schedule: '* * * * * *', storage: { s3 } }, /spec\.backup\.schedule/],
    ['a schedule by name', { schedule: '@daily', storage: { s3 } }, /spec\.backup\.schedule/],
    ['none that is kept', { schedule: '0 3 * * *', storage: { s3 }, keep: 0 }, /spec\.backup\.keep/],
  ])('%s', async ([, backup, refusal]) => {
    await expect(server.client.create(tenants, aTenant('bad', { backup }))).rejects.toThrow(refusal)
  })
})
