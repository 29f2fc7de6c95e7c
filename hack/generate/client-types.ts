/** JSON Schema, as the OpenAPI document has it, in the words of TypeScript. */

export type Node = Readonly<Record<string, unknown>>

export const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value)

/** True for what can stand as a name without quotes. */
export const isName = (text: string): boolean => /^[A-Za-z_$][\w$]*$/.test(text)

/** `last-event-id` as `lastEventId`. */
export const camelCase = (name: string): string => name.replaceAll(/[-_.]+(\w)/g, (_, letter: string) => letter.toUpperCase())

/** `['a', 'b']`. */
export const wordList = (words: readonly string[]): string => `[${words.map((word) => `'${word}'`).join(', ')}]`

/** A description above a name; '' without one. */
export const docText = (description: string | undefined, indent: string): string =>
  description === undefined ? '' : `${indent}/** ${description.replaceAll('*/', '* /').replaceAll(/\s*\n\s*/g, ' ')} */\n`

const literal = (value: unknown): string =>
  typeof value === 'string' ? `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'` : JSON.stringify(value)

const union = (types: readonly string[]): string => [...new Set(types)].join(' | ')

/** Parts of a list type, or of an intersection, that need brackets around them. */
const bracketed = (type: string): string => (/[|&]/.test(type) ? `(${type})` : type)

const objectText = (schema: Node, indent: string): string => {
  const properties = Object.entries(isNode(schema['properties']) ? schema['properties'] : {})
  const rest = schema['additionalProperties']
  const required: readonly unknown[] = Array.isArray(schema['required']) ? schema['required'] : []
  if (properties.length === 0) {
    if (rest === false) return 'Readonly<Record<string, never>>'
    return `Readonly<Record<string, ${isNode(rest) && Object.keys(rest).length > 0 ? typeText(rest, indent) : 'unknown'}>>`
  }
  const inner = `${indent}  `
  const lines = properties.map(([name, each]) => {
    const key = isName(name) ? name : literal(name)
    const description = isNode(each) && typeof each['description'] === 'string' ? each['description'] : undefined
    const isRequired = required.includes(name)
    const type = `${typeText(each, inner)}${isRequired ? '' : ' | undefined'}`
    return `${docText(description, inner)}${inner}readonly ${key}${isRequired ? '' : '?'}: ${type}\n`
  })
  return `{\n${lines.join('')}${indent}}`
}

const ofType = (type: unknown, schema: Node, indent: string): string => {
  switch (type) {
    case 'string':
    case 'boolean':
    case 'null':
      return type
    case 'integer':
    case 'number':
      return 'number'
    case 'array':
      return `readonly ${bracketed(typeText(schema['items'] ?? {}, indent))}[]`
    case 'object':
      return objectText(schema, indent)
    case undefined:
      return isNode(schema['properties']) || schema['additionalProperties'] !== undefined ? objectText(schema, indent) : 'unknown'
    default:
      throw new Error(`no TypeScript is known for the type ${JSON.stringify(type)}`)
  }
}

/** The type of a schema. Lines after the first begin with `indent`. Throws for a reference that is none to a schema of the document. */
export const typeText = (schema: unknown, indent: string): string => {
  if (schema === false) return 'never'
  if (!isNode(schema)) return 'unknown'
  const { $ref: ref, enum: values, const: value, type, anyOf, oneOf, allOf } = schema
  if (typeof ref === 'string') {
    const [, name = ''] = /^#\/components\/schemas\/(\w+)$/.exec(ref) ?? []
    if (!isName(name)) throw new Error(`${ref} is no schema of the document`)
    return name
  }
  if (value !== undefined) return literal(value)
  if (Array.isArray(values)) return union(values.map(literal))
  // Alternatives beside fields say which of them go together, for which there is no short type.
  if (type === undefined && (Array.isArray(anyOf) || Array.isArray(oneOf)))
    return union(
      [...(Array.isArray(anyOf) ? anyOf : []), ...(Array.isArray(oneOf) ? oneOf : [])].map((each) => typeText(each, indent)),
    )
  if (Array.isArray(allOf)) return allOf.map((each) => bracketed(typeText(each, indent))).join(' & ')
  if (Array.isArray(type)) return union(type.map((each) => ofType(each, schema, indent)))
  return ofType(type, schema, indent)
}
