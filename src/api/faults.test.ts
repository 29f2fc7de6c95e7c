import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { tenantControlPlaneSpec } from '../apis/tenant-control-plane.ts'
import { faultsOf, pointerOfField, pointerTo, unknownFields } from './faults.ts'

test.for<[field: string, pointer: string]>([
  ['spec.version', '/spec/version'],
  ['spec.sync.customKinds[0].group', '/spec/sync/customKinds/0/group'],
  ['metadata.labels[a.b/c~d]', '/metadata/labels/a.b~1c~0d'],
  ['', ''],
])('pointerOfField(%j)', ([field, pointer]) => {
  expect(pointerOfField(field)).toBe(pointer)
})

test('pointerTo writes what has a meaning in a pointer', () => {
  expect(pointerTo(['a/b', 0, 'c~d'])).toBe('/a~1b/0/c~0d')
})

test('faultsOf names each wrong field, and each unknown one', () => {
  const schema = z.strictObject({ name: z.string(), spec: z.strictObject({ size: z.enum(['small']) }) })
  const { error } = schema.safeParse({ name: 1, spec: { size: 'huge', a: 1, b: 2 }, c: 3 })
  expect(faultsOf(error ?? { issues: [] }).map(({ pointer }) => pointer)).toEqual([
    '/name',
    '/spec/size',
    '/spec/a',
    '/spec/b',
    '/c',
  ])
})

describe('unknownFields of a spec', () => {
  test.for<[name: string, spec: unknown, pointers: readonly string[]]>([
    ['nothing', {}, []],
    [
      'what is known, at any depth',
      { size: 'small', apiServer: { extraArgs: { v: '2' } }, sync: { nodeSelector: { a: 'b' } } },
      [],
    ],
    ['at the top', { sise: 'small' }, ['/sise']],
    ['deep', { apiServer: { resources: { cpus: '1' } } }, ['/apiServer/resources/cpus']],
    ['in a list', { sync: { customKinds: [{ group: 'a.b', kinds: 'X' }] } }, ['/sync/customKinds/0/kinds']],
    ['names that every object has', { constructor: 1, toString: 2 }, ['/constructor', '/toString']],
    ['of another type is for the schema to say', { apiServer: 'x' }, []],
  ])('%s', ([, spec, pointers]) => {
    expect(unknownFields(spec, tenantControlPlaneSpec).map(({ pointer }) => pointer)).toEqual(pointers)
  })

  test('also below schemas that have a name', () => {
    const inner = z.object({ a: z.string() }).meta({ id: 'TestInner' })
    const whole = z.object({ inner, list: z.array(inner) }).meta({ id: 'TestWhole' })
    const given = { inner: { a: '', b: 1 }, list: [{ c: 1 }], d: 1 }
    expect(unknownFields(given, whole).map(({ pointer }) => pointer)).toEqual(['/inner/b', '/list/0/c', '/d'])
  })

  test('tells a hundred at most', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x${index}`, 1]))
    expect(unknownFields(many, tenantControlPlaneSpec)).toHaveLength(100)
  })
})
