import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { tenantLabel, wantedHashAnnotation, writtenKeysAnnotation } from '../tenancy/marks.ts'
import { superNamespace } from '../tenancy/names.ts'
import { frozen } from '../testing/frozen.ts'
import { aSyncContext } from '../testing/sync-builders.ts'
import { defineResource, type SyncContext } from './resource.ts'
import { contains, ownerOf, updatedObject, wantedHashOf, wantedObject } from './super-object.ts'

const tenant = { uid: 'tenant-uid', name: 'acme', namespace: 'default' }
const ctx: SyncContext = {
  ...aSyncContext(),
  tenant,
  apiServerAddress: '10.98.1.1',
  dnsAddress: '10.98.1.10',
  serviceSlices: ['10.98.1.0/24'],
}
const things = defineResource<KubeObject>({
  type: resourceTypes.services,
  superWatch: 'labelled',
  goneInSuper: 'recreate',
  toSuper: ({ spec }) => ({ kind: 'object', body: { fields: { spec } } }),
})
const secrets = defineResource<KubeObject>({
  type: resourceTypes.secrets,
  byReference: true,
  superWatch: 'none',
  goneInSuper: 'recreate',
  toSuper: ({ data }) => ({ kind: 'object', body: { fields: { data } } }),
})
const aThing = (changes: Partial<KubeObject['metadata']> = {}, spec: unknown = { size: 1 }): KubeObject =>
  frozen({ metadata: { name: 'web', namespace: 'shop', uid: 'uid-1', resourceVersion: '7', ...changes }, spec })

const wanted = (object: KubeObject, resource = things): KubeObject => {
  const result = wantedObject(resource, object, ctx)
  if (result.kind !== 'object') throw new Error(result.kind)
  return result.object
}

describe('wantedObject', () => {
  test('says whose it is, and where', () => {
    const object = wanted(aThing())
    expect(object.metadata).toMatchObject({
      name: 'web',
      namespace: superNamespace(tenant, 'shop'),
      labels: { [tenantLabel]: 'tenant-uid' },
    })
    expect(ownerOf(object)).toEqual({ tenantUid: 'tenant-uid', namespace: 'shop', name: 'web', objectUid: 'uid-1' })
  })

  test("keeps the tenant's labels and annotations, but none that would pass for Berth's own", () => {
    const { metadata } = wanted(
      aThing({
        labels: { app: 'web', 'berth.dev/tenant': 'victim', 'x.berth.dev/y': 'z', 'berth.dev': 'a name, not a domain' },
        annotations: {
          note: 'n',
          'berth.dev/uid': 'victim',
          'kubectl.kubernetes.io/last-applied-configuration': '{"data":"secret"}',
        },
      }),
    )
    expect(metadata.labels).toEqual({ app: 'web', 'berth.dev': 'a name, not a domain', [tenantLabel]: 'tenant-uid' })
    expect(metadata.annotations).toMatchObject({
      note: 'n',
      'berth.dev/uid': 'uid-1',
      [writtenKeysAnnotation]: 'app,berth.dev;note',
    })
    expect(JSON.stringify(metadata)).not.toContain('secret')
  })

  test('has another hash exactly when something wanted differs', () => {
    expect(wantedHashOf(wanted(aThing()))).toBe(wantedHashOf(wanted(aThing({ resourceVersion: '8' }))))
    expect(wantedHashOf(wanted(aThing()))).not.toBe(wantedHashOf(wanted(aThing({}, { size: 2 }))))
    expect(wantedHashOf(wanted(aThing()))).not.toBe(wantedHashOf(wanted(aThing({ labels: { app: 'web' } }))))
  })

  test("a Secret's hash tells nothing of its content", () => {
    const secret = (data: string, resourceVersion: string) =>
      frozen<KubeObject>({ ...aThing({ resourceVersion }), data: { key: data } })
    expect(wantedHashOf(wanted(secret('a', '7'), secrets))).toBe(wantedHashOf(wanted(secret('b', '7'), secrets)))
    expect(wantedHashOf(wanted(secret('a', '7'), secrets))).not.toBe(wantedHashOf(wanted(secret('a', '8'), secrets)))
  })
})

describe('updatedObject', () => {
  const live = frozen<KubeObject>({
    ...wanted(aThing({ labels: { old: '1', kept: '1' }, annotations: { gone: '1' } })),
    status: { up: true },
  })
  const annotated = frozen<KubeObject>({
    ...live,
    metadata: {
      ...live.metadata,
      resourceVersion: '9',
      labels: { ...live.metadata.labels, byWebhook: 'x' },
      annotations: { ...live.metadata.annotations, bySuper: 'y' },
    },
  })

  test('takes away what the tenant removed and keeps what super added', () => {
    const change = updatedObject(things, annotated, wanted(aThing({ labels: { kept: '2' } }, { size: 3 })))
    if (change.kind !== 'replace') throw new Error(change.kind)
    const { object } = change
    expect(object.metadata.labels).toEqual({ kept: '2', byWebhook: 'x', [tenantLabel]: 'tenant-uid' })
    expect(object.metadata.annotations).toMatchObject({ bySuper: 'y' })
    expect(object.metadata.annotations).not.toHaveProperty('gone')
    expect(object).toMatchObject({ spec: { size: 3 }, status: { up: true }, metadata: { resourceVersion: '9' } })
    expect(object.metadata.annotations?.[wantedHashAnnotation]).toBe(
      wantedHashOf(wanted(aThing({ labels: { kept: '2' } }, { size: 3 }))),
    )
  })
})

describe('contains', () => {
  test.for<[name: string, live: unknown, wanted: unknown, is: boolean]>([
    ['equal', { a: 1 }, { a: 1 }, true],
    ['more in live', { a: 1, b: 2 }, { a: 1 }, true],
    ['less in live', {}, { a: 1 }, false],
    ['another value', { a: 2 }, { a: 1 }, false],
    ['longer list in live', { a: [1, 2] }, { a: [1] }, true],
    ['shorter list in live', { a: [1] }, { a: [1, 2] }, false],
    ['other order', { a: [2, 1] }, { a: [1, 2] }, false],
    ['empty text, false and zero that the server left out', {}, { a: '', b: false, c: 0 }, true],
    ['empty object the server left out', {}, { a: {} }, true],
    ['a list where an object is wanted', { a: [] }, { a: { b: 1 } }, false],
    ['null in live', { a: null }, { a: { b: 1 } }, false],
    ['undefined is not wanted', {}, { a: undefined }, true],
  ])('%s', ([, live, wantedValue, is]) => expect(contains(live, wantedValue)).toBe(is))
})
