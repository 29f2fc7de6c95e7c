import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { tenantControlPlaneCrd } from './crd.ts'
import { structuralSchema } from './structural-schema.ts'
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

  test('fills every object that has defaults below it', () => {
    const spec = tenantControlPlaneCrd().spec.versions[0].schema.openAPIV3Schema.properties.spec
    for (const [name, field] of Object.entries<{ type: string; default?: unknown }>(spec.properties)) {
      // Asked for once, and of no meaning without a value.
      if (name === 'restore') continue
      expect(field.default, name).toBeDefined()
    }
  })
})

test('an empty spec is a whole one once its defaults are filled in', () => {
  expect(tenantControlPlaneSpec.parse({})).toMatchObject({ version: 'v1.37.1', size: 'small', dataStore: { replicas: 1 } })
})
