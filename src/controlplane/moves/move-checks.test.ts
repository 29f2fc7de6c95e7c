import { describe, expect, test } from 'vitest'
import type { DataStoreRecord } from '../../apis/store-move.ts'
import { checkMove, type MoveFacts, mostRaised } from './move-checks.ts'

const own: DataStoreRecord = { kind: 'dedicated', storageSize: '2Gi' }
const pool: DataStoreRecord = { kind: 'shared', name: 'pool' }
const given: DataStoreRecord = { kind: 'external', endpoints: ['https://etcd.a.svc:2379'], prefix: '/given/' }
const clear = { kind: 'clear', revision: 100 }

const facts = (change: Partial<MoveFacts> = {}): MoveFacts => ({
  uid: 'u',
  from: own,
  to: pool,
  source: { clusterId: '1', revision: 100, keys: 9, bytes: 1000 },
  target: { clusterId: '2', revision: 100, keys: 0, alarms: [] },
  hindrance: undefined,
  ...change,
})
const target = (change: Partial<NonNullable<MoveFacts['target']>>) => ({
  clusterId: '2',
  revision: 100,
  keys: 0,
  alarms: [],
  ...change,
})

describe('the checks of a move', () => {
  test.for<[name: string, change: Partial<MoveFacts>, wanted: unknown]>([
    ['let a tenant into a shared store', {}, clear],
    ['let it in where a former stay has left keys: nobody else has any there', { target: target({ keys: 4 }) }, clear],
    ['let it into an empty range', { to: given }, clear],
    ['overwrite nothing that is not ours', { to: given, target: target({ keys: 4 }) }, /4 keys below \/given\/.*etcdctl del/],
    ['wait for an etcd that is full', { target: target({ alarms: ['NOSPACE'] }) }, /alarm NOSPACE/],
    [
      'allow a revision that can be reached',
      { target: target({ revision: 1 }), source: { ...facts().source, revision: mostRaised } },
      { kind: 'clear', revision: mostRaised },
    ],
    [
      'refuse one that cannot',
      { target: target({ revision: 1 }), source: { ...facts().source, revision: mostRaised + 2 } },
      /--bump-revision 200001 --mark-compacted/,
    ],
    [
      'say what hinders an own store',
      { to: own, from: pool, target: undefined, hindrance: 'no storage class' },
      /no storage class/,
    ],
    ['let a tenant into an own store', { to: own, from: pool, target: undefined }, clear],
    [
      'want room there',
      { to: own, from: pool, target: undefined, source: { ...facts().source, bytes: 2 ** 30 } },
      /1024\.0 MiB.*larger one/,
    ],
    [
      'copy nothing behind other endpoints of the same etcd',
      { from: given, to: given, target: target({ clusterId: '1', keys: 9 }) },
      { kind: 'same' },
    ],
    [
      'copy nothing between two names of the same etcd',
      { from: pool, to: { ...pool, name: 'other' }, target: target({ clusterId: '1', keys: 9 }) },
      { kind: 'same' },
    ],
    ['copy to another prefix of the same etcd', { from: pool, to: given, target: target({ clusterId: '1' }) }, clear],
    [
      'copy no range into itself',
      { from: given, to: { ...given, prefix: '/given/more/' }, target: target({ clusterId: '1' }) },
      /neither begins with the other/,
    ],
    [
      "do not take a tenant's own etcd for an external one",
      { to: { ...given, prefix: '/registry/' }, target: target({ clusterId: '1' }) },
      /is the etcd that the tenant has/,
    ],
  ])('%s', ([, change, wanted]) => {
    const found = checkMove(facts(change))
    if (!(wanted instanceof RegExp)) return expect(found).toEqual(wanted)
    expect(found).toEqual({ kind: 'refused', message: expect.stringMatching(wanted) as unknown })
  })
})
