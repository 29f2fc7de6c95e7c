import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { tenantControlPlaneCrd } from './crd.ts'
import { type StructuralSchema, structuralSchema } from './structural-schema.ts'
import { tenantControlPlaneSpec } from './tenant-control-plane.ts'

describe('structuralSchema', () => {
  test.for<[name: string, schema: z.ZodType, message: string]>([
    ['a union', z.object({ a: z.union([z.string(), z.number()]) }), 'spec.a: anyOf'],
    ['a value of any type', z.object({ a: z.object({ b: z.any() }) }), 'spec.a.b: a CRD schema needs a type'],
    ['a discriminated union', z.object({ a: z.discriminatedUnion('k', [z.object({ k: z.literal('x') })]) }), 'spec.a: oneOf'],
  ])('refuses %s', ([, schema, message]) => {
    expect(() => structuralSchema(schema, 'spec')).toThrow(message)
  })

  test('says nothing of bounds that are only the range of a number in JavaScript', () => {
    expect(structuralSchema(z.object({ a: z.int() }), 'spec').properties?.a).toEqual({ type: 'integer' })
    expect(structuralSchema(z.object({ a: z.int().min(1) }), 'spec').properties?.a).toEqual({ type: 'integer', minimum: 1 })
  })

  test('of a tenant stores the empty groups that rules need, and nothing that a class may fill in', () => {
    const spec = tenantControlPlaneCrd().spec.versions[0].schema.openAPIV3Schema.properties.spec
    const below = (node: StructuralSchema): StructuralSchema[] => [
      node,
      ...[...Object.values(node.properties ?? {}), ...(node.items ? [node.items] : [])].flatMap(below),
    ]
    for (const node of below(spec)) expect(JSON.stringify(node.default ?? {})).toMatch(/^(\{|\}|,|"[a-zA-Z]+":)*$/)
    const groups = {
      apiServer: {},
      controllerManager: {},
      dataStore: {},
      network: {},
      sync: {},
      backup: {},
      upgrade: {},
      isolation: {},
    }
    expect(spec.default).toEqual({ ...groups, certificates: { authorities: {}, serviceAccountKeys: {} } })
  })
})

test('an empty spec is a whole one once its defaults are filled in', () => {
  expect(tenantControlPlaneSpec.parse({})).toMatchObject({ version: 'v1.37.1', size: 'small', dataStore: { replicas: 1 } })
})
