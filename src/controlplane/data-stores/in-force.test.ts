import { describe, expect, test } from 'vitest'
import type { DataStoreRecord } from '../../apis/store-move.ts'
import { tenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import type { TenantControlPlaneStatus } from '../../apis/tenant-status.ts'
import { isSameStore, prefixIn, recordOf, storeInForce, storesOf } from './in-force.ts'

const own: DataStoreRecord = { kind: 'dedicated', storageSize: '2Gi' }
const pool: DataStoreRecord = { kind: 'shared', name: 'pool' }
const given: DataStoreRecord = { kind: 'external', endpoints: ['https://a:2379', 'https://b:2379'], secretName: 'keys' }
const tenant = (dataStore: object, status: TenantControlPlaneStatus = {}) => ({
  spec: tenantControlPlaneSpec.parse({ dataStore }),
  status,
})

describe('the data store in force', () => {
  test('is that of the spec as long as nothing is written down', () => {
    expect(storeInForce(tenant(pool))).toMatchObject(pool)
  })
  test('stays while another one is wanted', () => {
    expect(storeInForce(tenant(pool, { dataStore: own }))).toMatchObject({ kind: 'dedicated', storageSize: '2Gi' })
    expect(storeInForce(tenant(pool, { dataStore: own }))).not.toHaveProperty('name')
  })
  test('keeps its volume as it was made, whatever was wanted in between', () => {
    const wanted = { kind: 'dedicated', storageSize: '5Gi', storageClassName: 'fast', replicas: 3 }
    const inForce = storeInForce(tenant(wanted, { dataStore: own }))
    expect(inForce).toEqual({ kind: 'dedicated', storageSize: '2Gi', replicas: 3 })
  })
  test('takes other keys of the same external one at once', () => {
    expect(storeInForce(tenant({ ...given, secretName: 'new' }, { dataStore: given }))).toMatchObject({ secretName: 'new' })
  })
  test('is written down as it is found again', () => {
    expect(recordOf(tenantControlPlaneSpec.parse({ dataStore: given }).dataStore)).toEqual(given)
    expect(recordOf(tenantControlPlaneSpec.parse({}).dataStore)).toEqual(own)
  })
})

test.for<[name: string, a: DataStoreRecord, b: DataStoreRecord, same: boolean]>([
  ['an own one with another volume', own, { ...own, storageSize: '5Gi' }, true],
  ['an own one and a shared one', own, pool, false],
  ['two shared ones', pool, { ...pool, name: 'other' }, false],
  ['endpoints in another order', given, { ...given, endpoints: ['https://b:2379', 'https://a:2379'] }, true],
  ['other endpoints', given, { ...given, endpoints: ['https://c:2379'] }, false],
  ['other keys', given, { ...given, secretName: 'new' }, true],
  ['another prefix', given, { ...given, prefix: '/b/' }, false],
])('%s: the same data store or not', ([, a, b, same]) => {
  expect(isSameStore(a, b)).toBe(same)
})

test('keys are below a prefix of their own in each kind', () => {
  expect([own, pool, given, { ...given, prefix: '/b/' }].map((store) => prefixIn(store, 'u'))).toEqual([
    '/registry/',
    '/u/',
    '/u/',
    '/b/',
  ])
})

test('data may be on both sides until a move is over', () => {
  const move = { id: 'x', from: own, to: pool, message: '', startedAt: '', phaseAt: '' }
  // Nothing of the tenant is there before it was found to be clear: what is there is somebody else's.
  expect(storesOf(tenant(pool, { dataStore: own, move: { ...move, phase: 'Checking' } }))).toEqual([own])
  expect(storesOf(tenant(pool, { dataStore: own, move: { ...move, phase: 'Copying' } }))).toEqual([own, pool])
  expect(storesOf(tenant(pool, { dataStore: pool, move: { ...move, phase: 'Cleaning' } }))).toEqual([pool, own])
  expect(storesOf(tenant(pool, { dataStore: pool, move: { ...move, phase: 'Done' } }))).toEqual([pool])
  expect(storesOf(tenant(pool))).toMatchObject([pool])
})
