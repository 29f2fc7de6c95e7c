import type { OpenAPIV3_1 } from 'openapi-types'

/** What the OpenAPI document says of the whole. */
export const documentInfo: Partial<OpenAPIV3_1.Document> = {
  openapi: '3.1.0',
  info: {
    title: 'Berth',
    version: 'v1',
    description:
      'Kubernetes clusters for tenants, by HTTP. It writes the same objects as kubectl does, and knows nothing beside them. Every problem is application/problem+json with a `code`.',
  },
  components: { securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'berth_<id>_<secret>' } } },
  security: [{ apiKey: [] }],
}

type Node = Record<string, unknown>

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A schema whose objects with named fields take no others. */
const strict = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(strict)
  if (!isNode(schema)) return schema
  const { properties } = schema
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === 'properties' && isNode(value)
        ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, strict(each)]))
        : ['items', 'additionalProperties', 'anyOf', 'oneOf', 'allOf'].includes(key)
          ? strict(value)
          : value,
    ]),
  )
  return isNode(properties) && schema['additionalProperties'] === undefined ? { ...inner, additionalProperties: false } : inner
}

/** True for a schema that bodies of requests are made of. */
const isOfRequests = (name: string): boolean => /^New|Patch$/.test(name)

const location = { Location: { description: 'Path of the operation', schema: { type: 'string' } } }

const isNull = (schema: unknown): boolean => isNode(schema) && schema['type'] === 'null'

/** A body that may be null need not be there: both are the same to the API. */
const withOptionalBody = (operation: Node): Node => {
  const { requestBody } = operation
  const content = isNode(requestBody) && isNode(requestBody['content']) ? Object.values(requestBody['content']) : []
  const mayBeNull = content.some((each) => {
    const schema = isNode(each) && isNode(each['schema']) ? each['schema'] : {}
    return Array.isArray(schema['anyOf']) && schema['anyOf'].some(isNull)
  })
  return isNode(requestBody) && mayBeNull ? { ...operation, requestBody: { ...requestBody, required: false } } : operation
}

/** Answers 202 say where their operation is. */
const withLocations = (paths: unknown): unknown => {
  if (!isNode(paths)) return paths
  const ofOperation = (operation: unknown): unknown => {
    const responses = isNode(operation) && isNode(operation['responses']) ? operation['responses'] : {}
    const accepted = responses['202']
    if (!isNode(operation)) return operation
    if (!isNode(accepted)) return withOptionalBody(operation)
    return { ...withOptionalBody(operation), responses: { ...responses, '202': { ...accepted, headers: location } } }
  }
  return Object.fromEntries(
    Object.entries(paths).map(([path, item]) => [
      path,
      isNode(item) ? Object.fromEntries(Object.entries(item).map(([method, each]) => [method, ofOperation(each)])) : item,
    ]),
  )
}

/**
 * The document as people read it: each schema once, under its own name, though the generator writes one for what is sent and one for what is answered; and
 * bodies of requests say what the API does: it refuses fields that it does not know, at any depth.
 */
export const tidied = <T extends object>(document: T): T => {
  const { components, paths } = document as { components?: OpenAPIV3_1.ComponentsObject; paths?: unknown }
  const all = components?.schemas ?? {}
  const names = Object.keys(all).filter((name) => !name.endsWith('Input'))
  const schemas = names.map((name) => [name, isOfRequests(name) ? strict(all[`${name}Input`] ?? all[name]) : all[name]])
  const whole = { ...document, paths: withLocations(paths), components: { ...components, schemas: Object.fromEntries(schemas) } }
  return JSON.parse(JSON.stringify(whole).replaceAll(/(#\/components\/schemas\/[A-Za-z]+?)Input"/g, '$1"')) as T
}
