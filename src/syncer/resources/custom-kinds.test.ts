import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { superNamespace } from '../../tenancy/names.ts'
import { frozen } from '../../testing/frozen.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { wantedObject } from '../super-object.ts'
import { customResource, customType, definitionName, offeredDefinitions, tenantDefinition } from './custom-kinds.ts'

const ctx = aSyncContext()
const declared = { group: 'example.com', version: 'v1', plural: 'widgets', kind: 'Widget' }
const widgets = customResource(declared)
const widget = (fields: Record<string, unknown> = {}, metadata: Record<string, unknown> = {}): KubeObject =>
  frozen({
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'w', namespace: 'shop', uid: 'u', generation: 4, ...metadata },
    spec: { size: 1 },
    ...fields,
  })

test('its key tells it from a known kind of the same plural', () => {
  expect(definitionName({ ...declared, plural: 'services' })).toBe('services.example.com')
  expect(customType(declared)).toMatchObject({ custom: true, namespaced: true })
})

test('all but metadata and status goes down, of the annotations those of its group', () => {
  const annotations = {
    'example.com/a': '1',
    'sub.example.com/b': '2',
    'notexample.com/c': '3',
    'example.com': '4',
    note: '5',
  }
  expect(widgets.toSuper(widget({ status: { ready: true }, data: { a: 1 } }, { annotations }), ctx)).toEqual({
    kind: 'object',
    body: {
      annotations: { 'example.com/a': '1', 'sub.example.com/b': '2' },
      fields: { spec: { size: 1 }, data: { a: 1 } },
    },
  })
})

describe('status', () => {
  const inSuper = (status: unknown, of: KubeObject = widget()): KubeObject => {
    const wanted = wantedObject(widgets, of, ctx)
    if (wanted.kind !== 'object') throw new Error(wanted.kind)
    return { ...wanted.object, metadata: { ...wanted.object.metadata, uid: 'super-u', generation: 9 }, status }
  }
  const below = superNamespace(ctx.tenant, 'shop')

  test.for<[name: string, superStatus: unknown, tenantStatus: unknown, wanted: unknown]>([
    ['comes up', { phase: 'Ready' }, undefined, { phase: 'Ready' }],
    ['is merged', { phase: 'Ready', a: 1 }, { phase: 'Waiting', a: 1, b: 2 }, { phase: 'Ready', b: null }],
    ['speaks of the tenant', { conditions: [{ message: `${below}/w super-u` }] }, {}, { conditions: [{ message: 'shop/w u' }] }],
    [
      "counts in the tenant's generations",
      { observedGeneration: 9, conditions: [{ observedGeneration: 8 }] },
      {},
      { observedGeneration: 4, conditions: [{ observedGeneration: 3 }] },
    ],
    [
      'is silent when all is said',
      { phase: 'Ready', observedGeneration: 9 },
      { phase: 'Ready', observedGeneration: 4 },
      undefined,
    ],
  ])('%s', ([, superStatus, tenantStatus, status]) => {
    const tenantObject = widget(tenantStatus === undefined ? {} : { status: tenantStatus })
    expect(widgets.toTenant?.(inSuper(superStatus), tenantObject, ctx)).toEqual(
      status === undefined ? [] : [{ kind: 'status', status }],
    )
  })

  test('has not seen a change that is not down yet', () => {
    const changed = widget({ spec: { size: 2 } }, { generation: 5 })
    expect(widgets.toTenant?.(inSuper({ observedGeneration: 9 }), changed, ctx)).toEqual([
      { kind: 'status', status: { observedGeneration: 4 } },
    ])
  })

  test('only the declared fields of it', () => {
    const some = customResource({ ...declared, statusFields: ['phase'] })
    expect(some.toTenant?.(inSuper({ phase: 'Ready', secret: 'x' }), widget({ status: { own: 1 } }), ctx)).toEqual([
      { kind: 'status', status: { phase: 'Ready' } },
    ])
  })
})

describe('tenantDefinition', () => {
  const versions = [
    { name: 'v1beta1', served: true, storage: true, schema: { old: true } },
    { name: 'v1', served: true, storage: false, schema: { openAPIV3Schema: {} }, additionalPrinterColumns: [{ name: 'Size' }] },
    { name: 'v2', served: false, storage: false },
  ]
  const names = { plural: 'widgets', kind: 'Widget', listKind: 'WidgetList', singular: 'widget' }
  const definition = (spec: Record<string, unknown> = {}, annotations?: Record<string, string>): KubeObject => ({
    metadata: { name: 'widgets.example.com', uid: 'x', ...(annotations && { annotations }) },
    spec: { group: 'example.com', scope: 'Namespaced', names, versions, conversion: { strategy: 'Webhook' }, ...spec },
  })

  test('has the declared version alone, with a status, without conversion', () => {
    expect(
      tenantDefinition(definition({}, { 'api-approved.kubernetes.io': 'url', other: 'x' }), { kind: declared, isClass: false }),
    ).toEqual({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: {
        name: 'widgets.example.com',
        labels: { 'berth.dev/mirrored': 'true' },
        annotations: { 'api-approved.kubernetes.io': 'url' },
      },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names,
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: {} },
            additionalPrinterColumns: [{ name: 'Size' }],
            subresources: { status: {} },
          },
        ],
      },
    })
  })

  test('of a class, whose objects belong to no namespace', () => {
    const wanted = tenantDefinition(definition({ scope: 'Cluster' }), { kind: declared, isClass: true })
    expect(wanted).toMatchObject({ spec: { scope: 'Cluster' } })
  })

  test.for<[name: string, object: KubeObject, kind: Partial<typeof declared>]>([
    ['a cluster-scoped kind', definition({ scope: 'Cluster' }), {}],
    ['a version that is not served', definition(), { version: 'v2' }],
    ['an unknown version', definition(), { version: 'v3' }],
    ['another kind', definition(), { kind: 'Gadget' }],
  ])('not of %s', ([, object, kind]) => {
    expect(tenantDefinition(object, { kind: { ...declared, ...kind }, isClass: false })).toBeTypeOf('string')
  })
})

test('declared snapshots bring the definition of their classes, no other kind does', () => {
  const group = 'snapshot.storage.k8s.io'
  const snapshots = { group, version: 'v1', plural: 'volumesnapshots', kind: 'VolumeSnapshot' }
  const named = (kinds: readonly (typeof declared)[]) =>
    offeredDefinitions(kinds).map(({ kind, isClass }) => [definitionName(kind), isClass])
  expect(named([declared])).toEqual([['widgets.example.com', false]])
  expect(named([declared, snapshots])).toEqual([
    ['widgets.example.com', false],
    [`volumesnapshots.${group}`, false],
    [`volumesnapshotclasses.${group}`, true],
  ])
})

describe('of the Gateway API', () => {
  const group = 'gateway.networking.k8s.io'
  const of = (plural: string, kind: string) => ({ group, version: 'v1', plural, kind })

  test('Gateways bring the definition of their classes, routes do not', () => {
    const named = (kinds: readonly (typeof declared)[]) => offeredDefinitions(kinds).map(({ kind }) => definitionName(kind))
    expect(named([of('gateways', 'Gateway')])).toEqual([`gateways.${group}`, `gatewayclasses.${group}`])
    expect(named([of('httproutes', 'HTTPRoute')])).toEqual([`httproutes.${group}`])
  })

  test.for<[plural: string, kind: string, isOffered: boolean]>([
    ['gateways', 'Gateway', true],
    ['grpcroutes', 'GRPCRoute', true],
    ['referencegrants', 'ReferenceGrant', false],
    ['tlsroutes', 'TLSRoute', false],
  ])('%s: no kind is offered without rules for it', ([plural, kind, isOffered]) => {
    const versions = [{ name: 'v1', served: true, storage: true }]
    const definition = { metadata: {}, spec: { group, names: { plural, kind }, scope: 'Namespaced', versions } }
    expect(typeof tenantDefinition(definition, { kind: of(plural, kind), isClass: false })).toBe(isOffered ? 'object' : 'string')
  })
})
