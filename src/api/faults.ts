import { z } from 'zod'

/** One wrong field: a JSON pointer into the body (RFC 6901), or `?name` of a query, `{name}` of a path. */
export interface Fault {
  readonly pointer: string
  readonly detail: string
}

/** Most faults that one answer tells. */
const maxFaults = 100

const step = (key: PropertyKey): string => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`

/** A JSON pointer to a field. */
export const pointerTo = (path: readonly PropertyKey[]): string => path.map(step).join('')

/** A pointer of a field as Kubernetes writes it: `spec.version`, `spec.rules[0].host`, `metadata.labels[a.b/c]`. */
export const pointerOfField = (field: string): string =>
  [...field.matchAll(/\[([^\]]*)\]|([^.[\]]+)/g)].map(([, inBrackets, plain]) => step(inBrackets ?? plain ?? '')).join('')

/** What a schema finds wrong, each field once and unknown ones by their own names. */
export const faultsOf = ({ issues }: Pick<z.ZodError, 'issues'>, base: readonly PropertyKey[] = []): readonly Fault[] =>
  issues
    .flatMap((issue): readonly Fault[] =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({ pointer: pointerTo([...base, ...issue.path, key]), detail: 'is not known' }))
        : [{ pointer: pointerTo([...base, ...issue.path]), detail: issue.message }],
    )
    .slice(0, maxFaults)

/** The shape of a JSON Schema as far as it says which fields there are. */
interface Shape {
  /** Of a schema with a name: where it stands in `$defs` of the whole. */
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, Shape>>
  readonly additionalProperties?: Shape | boolean
  readonly items?: Shape
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

type Definitions = Readonly<Record<string, Shape>>

const unknownIn = (value: unknown, named: Shape, definitions: Definitions, path: readonly PropertyKey[]): readonly Fault[] => {
  const shape = (named.$ref === undefined ? named : definitions[named.$ref.replace('#/$defs/', '')]) ?? {}
  if (Array.isArray(value))
    return shape.items ? value.flatMap((item, index) => unknownIn(item, shape.items ?? {}, definitions, [...path, index])) : []
  if (!isFields(value) || !shape.properties) return []
  const isOpen = shape.additionalProperties !== undefined && shape.additionalProperties !== false
  return Object.entries(value).flatMap(([key, field]) => {
    const known = shape.properties && Object.hasOwn(shape.properties, key) ? shape.properties[key] : undefined
    if (known) return unknownIn(field, known, definitions, [...path, key])
    return isOpen ? [] : [{ pointer: pointerTo([...path, key]), detail: 'is not known' }]
  })
}

interface Document extends Shape {
  readonly $defs?: Definitions
}
const documents = new WeakMap<z.ZodType, Document>()

/** Fields at any depth that a schema does not know. zod leaves them out, and the API server would too: nobody would hear of a slip of the pen. */
export const unknownFields = (value: unknown, schema: z.ZodType): readonly Fault[] => {
  const document = documents.get(schema) ?? (z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Document)
  documents.set(schema, document)
  return unknownIn(value, document, document.$defs ?? {}, []).slice(0, maxFaults)
}
