import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { frozen } from '../testing/frozen.ts'
import { aSyncContext } from '../testing/sync-builders.ts'
import { decide } from './decide.ts'
import { defineResource, type SyncContext } from './resource.ts'
import { type Wanted, wantedObject } from './super-object.ts'

const ctx: SyncContext = {
  ...aSyncContext(),
  tenant: { uid: 'tenant-uid', name: 'acme', namespace: 'default' },
  apiServerAddress: '10.98.1.1',
  dnsAddress: '10.98.1.10',
  serviceSlices: ['10.98.1.0/24'],
}
const resource = (kind: 'Pod' | 'Service', { exact = false } = {}) =>
  defineResource<KubeObject>({
    type: kind === 'Pod' ? resourceTypes.pods : resourceTypes.services,
    superWatch: 'labelled',
    ...(exact && { exact }),
    goneInSuper: kind === 'Pod' ? 'finalise' : 'recreate',
    toSuper: ({ spec }) => ({ kind: 'object', body: { fields: { spec } } }),
  })
const pods = resource('Pod')
const leaving = { ...resource('Service'), isLeaving: ({ metadata }: KubeObject) => metadata.finalizers === undefined }
const services = resource('Service')
const exact = resource('Service', { exact: true })

const tenantObject = frozen<KubeObject>({ metadata: { name: 'web', namespace: 'shop', uid: 'uid-1' }, spec: { color: 'blue' } })
const deleting = frozen<KubeObject>({
  ...tenantObject,
  metadata: { ...tenantObject.metadata, deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 30 },
})
const bound = frozen<KubeObject>({
  ...tenantObject,
  spec: { ...tenantObject.spec, nodeName: 'node1' },
  status: { conditions: [{ type: 'PodScheduled', status: 'True' }] },
})
const labelled = frozen<KubeObject>({ ...tenantObject, metadata: { ...tenantObject.metadata, labels: { app: 'web' } } })
const wantedOf = (object: KubeObject, kind = services): Wanted => frozen(wantedObject(kind, object, ctx))
const inSuper = (changes: Partial<KubeObject['metadata']> = {}, of: KubeObject = tenantObject): KubeObject => {
  const wanted = wantedOf(of)
  if (wanted.kind !== 'object') throw new Error('not an object')
  return frozen({ ...wanted.object, metadata: { ...wanted.object.metadata, uid: 'super-uid', ...changes } })
}
const refused: Wanted = { kind: 'refused', reason: 'No', message: 'not allowed' }

describe('decide', () => {
  test.for<
    [name: string, kind: typeof pods, pair: Omit<Parameters<typeof decide>[1], 'tenantUid'>, action: Record<string, unknown>]
  >([
    [
      'ends the pod of a tenant that falls asleep',
      pods,
      { tenantObject: bound, superObject: inSuper({}, bound), wanted: wantedOf(bound, pods), rest: 'ending' },
      { kind: 'delete-super', superObject: inSuper({}, bound) },
    ],
    [
      'ends it in a limited time',
      pods,
      {
        tenantObject: bound,
        superObject: { ...inSuper({}, bound), spec: { terminationGracePeriodSeconds: 1e9 } },
        wanted: wantedOf(bound, pods),
        rest: 'ending',
        tenantSleeps: true,
      },
      { kind: 'delete-super', gracePeriodSeconds: 600 },
    ],
    [
      'limits also the time of a pod that the tenant deletes',
      pods,
      {
        tenantObject: { ...deleting, metadata: { ...deleting.metadata, deletionGracePeriodSeconds: 1e8 } },
        superObject: inSuper(),
        wanted: undefined,
        tenantSleeps: true,
      },
      { kind: 'delete-super', gracePeriodSeconds: 600 },
    ],
    [
      'and of one that was told before, or stands for nothing any more',
      pods,
      {
        tenantObject: undefined,
        superObject: inSuper({ deletionTimestamp: '2036-01-01T00:00:00Z', deletionGracePeriodSeconds: 1e8 }),
        wanted: undefined,
        tenantSleeps: true,
      },
      { kind: 'delete-super', gracePeriodSeconds: 600 },
    ],
    [
      'does nothing for a pod that is held',
      pods,
      { tenantObject: bound, superObject: undefined, wanted: wantedOf(bound, pods), rest: 'held' },
      { kind: 'none' },
    ],
    [
      'tells a tenant that falls asleep nothing of the end',
      pods,
      {
        tenantObject: bound,
        superObject: { ...inSuper({ deletionTimestamp: '2026-01-01T00:00:00Z' }, bound), spec: { nodeName: 'node1' } },
        wanted: wantedOf(bound, pods),
        rest: 'ending',
      },
      { kind: 'none' },
    ],
    [
      'takes the pod of a tenant that sleeps neither for ended nor makes it',
      pods,
      { tenantObject: bound, superObject: undefined, wanted: wantedOf(bound, pods), rest: 'ending' },
      { kind: 'none' },
    ],
    [
      'makes none for a tenant that sleeps',
      pods,
      { tenantObject, superObject: undefined, wanted: wantedOf(tenantObject, pods), rest: 'ending' },
      { kind: 'none' },
    ],
    [
      'leaves what has ended of a tenant that falls asleep',
      pods,
      {
        tenantObject: bound,
        superObject: { ...inSuper({}, bound), kind: 'Pod', status: { phase: 'Succeeded' } },
        wanted: wantedOf(bound, pods),
        rest: 'ending',
      },
      { kind: 'none' },
    ],
    [
      'still ends what a tenant that falls asleep deletes',
      pods,
      { tenantObject: { ...deleting, spec: bound.spec }, superObject: undefined, wanted: undefined, rest: undefined },
      { kind: 'finalise', checked: true },
    ],
    [
      'makes the pod of a waking tenant anew',
      pods,
      { tenantObject: bound, superObject: undefined, wanted: wantedOf(bound, pods), rest: 'waking' },
      { kind: 'create' },
    ],
    [
      'waits for the old one of a waking tenant to go',
      pods,
      {
        tenantObject: bound,
        superObject: { ...inSuper({ deletionTimestamp: '2026-01-01T00:00:00Z' }, bound), spec: { nodeName: 'node1' } },
        wanted: wantedOf(bound, pods),
        rest: 'waking',
      },
      { kind: 'none' },
    ],
    [
      'takes along what the tenant only holds as super does',
      leaving,
      { tenantObject: deleting, superObject: inSuper(), wanted: wantedOf(deleting) },
      { kind: 'delete-super' },
    ],
    [
      'does not make it anew',
      leaving,
      { tenantObject: deleting, superObject: undefined, wanted: wantedOf(deleting) },
      { kind: 'none' },
    ],
    [
      'leaves what the tenant holds for reasons of its own',
      leaving,
      {
        tenantObject: { ...deleting, metadata: { ...deleting.metadata, finalizers: ['example.com/backup'] } },
        superObject: inSuper(),
        wanted: wantedOf(tenantObject),
      },
      { kind: 'none' },
    ],
    [
      'creates what is missing in super',
      services,
      { tenantObject, superObject: undefined, wanted: wantedOf(tenantObject) },
      { kind: 'create' },
    ],
    [
      'is at rest when both agree',
      services,
      { tenantObject, superObject: inSuper(), wanted: wantedOf(tenantObject) },
      { kind: 'none' },
    ],
    [
      'updates what the tenant changed',
      services,
      { tenantObject, superObject: inSuper(), wanted: wantedOf({ ...tenantObject, spec: { color: 'red' } }) },
      { kind: 'update' },
    ],
    [
      'puts right what was changed in super',
      services,
      { tenantObject, superObject: frozen({ ...inSuper(), spec: { color: 'green' } }), wanted: wantedOf(tenantObject) },
      { kind: 'update' },
    ],
    [
      'leaves alone what super added',
      services,
      { tenantObject, superObject: frozen({ ...inSuper(), spec: { color: 'blue', added: 1 } }), wanted: wantedOf(tenantObject) },
      { kind: 'none' },
    ],
    [
      'takes away what super added where that counts',
      exact,
      { tenantObject, superObject: frozen({ ...inSuper(), spec: { color: 'blue', added: 1 } }), wanted: wantedOf(tenantObject) },
      { kind: 'update' },
    ],
    [
      'leaves what super knows besides, where that counts',
      exact,
      { tenantObject, superObject: frozen({ ...inSuper(), status: { added: 1 } }), wanted: wantedOf(tenantObject) },
      { kind: 'none' },
    ],
    [
      'deletes what the tenant has no more',
      services,
      { tenantObject: undefined, superObject: inSuper(), wanted: undefined },
      { kind: 'delete-super' },
    ],
    [
      'does not delete twice',
      services,
      { tenantObject: undefined, superObject: inSuper({ deletionTimestamp: 'now' }), wanted: undefined },
      { kind: 'none' },
    ],
    [
      'keeps a Service whose deletion a finalizer of the tenant holds up',
      services,
      { tenantObject: deleting, superObject: inSuper({}, deleting), wanted: wantedOf(deleting) },
      { kind: 'none' },
    ],
    [
      'deletes the counterpart of an earlier object of the same name first',
      services,
      {
        tenantObject,
        superObject: inSuper({}, { ...tenantObject, metadata: { ...tenantObject.metadata, uid: 'uid-0' } }),
        wanted: wantedOf(tenantObject),
      },
      { kind: 'delete-super' },
    ],
    [
      'never touches an object of another tenant',
      services,
      { tenantObject, superObject: inSuper({ labels: { 'berth.dev/tenant': 'other' } }), wanted: wantedOf(tenantObject) },
      { kind: 'foreign' },
    ],
    [
      'never touches an object that nobody of Berth made',
      services,
      { tenantObject, superObject: inSuper({ labels: {}, annotations: {} }), wanted: wantedOf(tenantObject) },
      { kind: 'foreign' },
    ],
    [
      'puts our label back when somebody took it away',
      services,
      { tenantObject, superObject: inSuper({ labels: {} }), wanted: wantedOf(tenantObject) },
      { kind: 'update' },
    ],
    [
      'puts a label of a pod back',
      pods,
      {
        tenantObject: labelled,
        superObject: inSuper({ labels: { 'berth.dev/tenant': ctx.tenant.uid } }, labelled),
        wanted: wantedOf(labelled, pods),
      },
      { kind: 'update' },
    ],
    ['tells the tenant of a refusal', services, { tenantObject, superObject: undefined, wanted: refused }, { kind: 'refused' }],
    [
      'takes back what is at the cost of somebody else',
      services,
      { tenantObject, superObject: inSuper(), wanted: { ...refused, withdrawn: true } },
      { kind: 'delete-super' },
    ],
    [
      'tells the tenant of it when it is gone',
      services,
      { tenantObject, superObject: undefined, wanted: { ...refused, withdrawn: true } },
      { kind: 'refused' },
    ],
    [
      'leaves what super has when a change is refused',
      services,
      { tenantObject, superObject: inSuper(), wanted: refused },
      { kind: 'refused' },
    ],
    [
      'hands a pod deletion on with its grace period',
      pods,
      { tenantObject: deleting, superObject: inSuper({}, deleting), wanted: wantedOf(deleting) },
      { kind: 'delete-super', gracePeriodSeconds: 30 },
    ],
    [
      'hands on a shorter grace period later',
      pods,
      {
        tenantObject: { ...deleting, metadata: { ...deleting.metadata, deletionGracePeriodSeconds: 0 } },
        superObject: inSuper({ deletionTimestamp: 'now', deletionGracePeriodSeconds: 30 }, deleting),
        wanted: wantedOf(deleting),
      },
      { kind: 'delete-super', gracePeriodSeconds: 0 },
    ],
    [
      'finalises a deleted pod once super has let go of it',
      pods,
      { tenantObject: deleting, superObject: undefined, wanted: wantedOf(deleting) },
      { kind: 'finalise', checked: true },
    ],
    [
      'leaves a finalised pod to its finalizers',
      pods,
      {
        tenantObject: { ...deleting, metadata: { ...deleting.metadata, deletionGracePeriodSeconds: 0 } },
        superObject: undefined,
        wanted: wantedOf(deleting),
      },
      { kind: 'none' },
    ],
    [
      'finalises a pod that super lost, after a second look',
      pods,
      { tenantObject: bound, superObject: undefined, wanted: wantedOf(bound) },
      { kind: 'finalise', checked: false },
    ],
    [
      'creates a pod whose user wrote a node name',
      pods,
      { tenantObject: { ...bound, status: {} }, superObject: undefined, wanted: wantedOf(bound) },
      { kind: 'create' },
    ],
    [
      'waits for the end of a pod that never had a node, to make it anew',
      pods,
      { tenantObject, superObject: inSuper({ deletionTimestamp: 'now' }), wanted: wantedOf(tenantObject) },
      { kind: 'none' },
    ],
    [
      'tells the tenant when super evicts a pod',
      pods,
      {
        tenantObject: bound,
        superObject: inSuper({ deletionTimestamp: 'now', deletionGracePeriodSeconds: 5 }, bound),
        wanted: wantedOf(bound),
      },
      { kind: 'delete-tenant', gracePeriodSeconds: 5 },
    ],
  ])('%s', ([, kind, pair, action]) => {
    expect(decide(kind, { tenantUid: ctx.tenant.uid, ...pair })).toMatchObject(action)
  })
})
