import { z } from 'zod'
import { AppError } from '../lib/errors.ts'

/** A node of an OpenAPI v3 schema as apiextensions.k8s.io/v1 takes it. */
export interface StructuralSchema {
  type?: string
  description?: string
  default?: unknown
  properties?: Record<string, StructuralSchema>
  additionalProperties?: StructuralSchema
  items?: StructuralSchema
  required?: string[]
  [keyword: string]: unknown
}

/** Keywords that a structural schema must not have below its root, because the API server could not prune or default by them. */
const forbidden = ['oneOf', 'anyOf', 'allOf', 'not', '$ref', '$defs', 'const', 'definitions', 'patternProperties'] as const

const isSafeIntegerBound = (value: unknown): boolean => value === Number.MIN_SAFE_INTEGER || value === Number.MAX_SAFE_INTEGER

/** A default with the defaults of the fields below it: the API server checks rules against a default exactly as it is written. */
const filledDefault = (node: StructuralSchema): unknown => {
  if (node.default === undefined || !node.properties) return node.default
  const below = Object.entries(node.properties).flatMap(([name, child]) =>
    child.default === undefined ? [] : [[name, child.default] as const],
  )
  return { ...Object.fromEntries(below), ...(node.default as Record<string, unknown>) }
}

/** What is filled in when an object is stored: every default, or only the empty objects that hold fields, so that rules on them always have both sides. */
export type StoredDefaults = 'all' | 'groups'

const defaultOf = (node: StructuralSchema, stored: StoredDefaults): unknown =>
  stored === 'all' || node.properties ? filledDefault(node) : undefined

const clean = (node: Record<string, unknown>, path: string, stored: StoredDefaults): StructuralSchema => {
  const broken = forbidden.find((keyword) => keyword in node)
  if (broken)
    throw new AppError('SPEC_INVALID', `${path}: ${broken} cannot be part of a CRD schema; flatten it and add a CEL rule`, {
      path,
    })
  if (typeof node.type !== 'string') throw new AppError('SPEC_INVALID', `${path}: a CRD schema needs a type everywhere`, { path })

  const { properties, additionalProperties, items, minimum, maximum, propertyNames: _, ...rest } = node
  const next: StructuralSchema = { ...rest }
  // The bounds zod gives every integer say nothing; the API server's own are int64.
  if (minimum !== undefined && !isSafeIntegerBound(minimum)) next.minimum = minimum
  if (maximum !== undefined && !isSafeIntegerBound(maximum)) next.maximum = maximum
  if (properties) {
    next.properties = Object.fromEntries(
      Object.entries(properties).map(([name, child]) => [
        name,
        clean(child as Record<string, unknown>, `${path}.${name}`, stored),
      ]),
    )
  } else if (typeof additionalProperties === 'object' && additionalProperties !== null) {
    next.additionalProperties = clean(additionalProperties as Record<string, unknown>, `${path}.*`, stored)
  }
  if (items) next.items = clean(items as Record<string, unknown>, `${path}[]`, stored)
  const value = defaultOf(next, stored)
  if (value === undefined) delete next.default
  else next.default = value
  return next
}

/** The structural schema of a zod schema, of what a user writes (defaults not yet filled in). Throws SPEC_INVALID for what a CRD cannot say. */
export const structuralSchema = (schema: z.ZodType, path: string, stored: StoredDefaults = 'all'): StructuralSchema =>
  clean(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }) as Record<string, unknown>, path, stored)
