import type { OpenAPIV3_1 } from 'openapi-types'
import { camelCase, docText, isName, isNode, type Node, typeText, wordList } from './client-types.ts'

/** The generated part of `berth/client`: types of each schema, and a function for each operation, from the document alone. */

const methods = ['get', 'put', 'post', 'patch', 'delete'] as const
const idempotencyKey = 'idempotency-key'

interface Field {
  readonly name: string
  readonly wireName: string
  readonly place: string
  readonly type: string
  readonly isRequired: boolean
  readonly description: string | undefined
}

interface Operation {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly summary: string
  readonly fields: readonly Field[]
  /** Media type of its body. */
  readonly sends: string | undefined
  readonly accepts: readonly string[]
  readonly answer: string
  readonly takesKey: boolean
}

const list = (value: unknown): readonly Node[] => (Array.isArray(value) ? value.filter(isNode) : [])
const node = (value: unknown): Node => (isNode(value) ? value : {})
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Schemas by media type. */
const contentOf = (holder: unknown): readonly (readonly [type: string, schema: unknown])[] =>
  Object.entries(node(node(holder)['content'])).map(([type, each]) => [type, node(each)['schema']])

const isJson = (type: string): boolean => /[/+]json$/.test(type)

/** What an answer of one media type is to a caller. */
const valueOf = ([type, schema]: readonly [string, unknown]): string => {
  if (isJson(type)) return typeText(schema, '')
  return type === 'text/event-stream' ? 'ReadableStream<Uint8Array>' : 'string'
}

const fieldsOf = (operation: Node): readonly Field[] => {
  const parameters = list(operation['parameters']).map((each) => ({
    name: camelCase(text(each['name'])),
    wireName: text(each['name']),
    place: text(each['in']),
    type: typeText(each['schema'], '  '),
    isRequired: each['required'] === true,
    description: text(each['description']) || undefined,
  }))
  const body = node(operation['requestBody'])
  const [first] = contentOf(body)
  if (!first) return parameters
  const description = text(node(first[1])['description']) || undefined
  const isRequired = body['required'] === true
  return [
    ...parameters,
    { name: 'body', wireName: 'body', place: 'body', type: typeText(first[1], '  '), isRequired, description },
  ]
}

const operationOf = (method: string, path: string, operation: Node): Operation => {
  const id = text(operation['operationId'])
  const fields = fieldsOf(operation)
  const names = fields.map(({ name }) => name)
  if (!isName(id)) throw new Error(`${method} ${path}: operationId ${JSON.stringify(id)} is no name`)
  const twice = names.filter((name, at) => names.indexOf(name) !== at)
  if (twice.length > 0) throw new Error(`${id}: more than one parameter would be called ${twice.join(', ')}`)
  const known = fields.filter(({ place }) => ['path', 'query', 'header', 'body'].includes(place))
  if (known.length < fields.length) throw new Error(`${id}: a parameter is neither in path, query nor header`)
  const answers = Object.entries(node(operation['responses'])).filter(([status]) => status.startsWith('2'))
  const contents = answers.flatMap(([, each]) => contentOf(each))
  const hasNone = answers.some(([, each]) => contentOf(each).length === 0)
  const values = [...new Set([...contents.map(valueOf), ...(hasNone ? ['undefined'] : [])])]
  const sent = contentOf(operation['requestBody'])
  return {
    id,
    method: method.toUpperCase(),
    path,
    summary: text(operation['summary']),
    fields: fields.filter(({ wireName }) => wireName !== idempotencyKey),
    sends: sent[0]?.[0],
    accepts: [...new Set(contents.map(([type]) => type))],
    answer: values.join(' | '),
    takesKey: fields.some(({ wireName }) => wireName === idempotencyKey),
  }
}

const operationsOf = (document: Node): readonly Operation[] =>
  Object.entries(node(document['paths'])).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = node(item)[method]
      return isNode(operation) ? [operationOf(method, path, operation)] : []
    }),
  )

const inputName = (id: string): string => `${id[0]?.toUpperCase()}${id.slice(1)}Input`

const inputText = ({ id, fields }: Operation): string => {
  const lines = fields.map(
    ({ name, type, isRequired, description }) =>
      `${docText(description, '  ')}  readonly ${name}${isRequired ? '' : '?'}: ${type}${isRequired ? '' : ' | undefined'}\n`,
  )
  return `export interface ${inputName(id)} {\n${lines.join('')}}\n`
}

const parametersOf = ({ id, fields }: Operation): string => {
  if (fields.length === 0) return 'options?: CallOptions'
  const isOptional = fields.every(({ isRequired }) => !isRequired)
  return `input${isOptional ? '?' : ''}: ${inputName(id)}, options?: CallOptions`
}

const methodText = (operation: Operation): string =>
  `${docText(operation.summary, '  ')}  readonly ${operation.id}: (${parametersOf(operation)}) => Promise<Answer<${operation.answer}>>\n`

/** An object whose values are taken from the input. */
const taken = (fields: readonly Field[], access: string): string =>
  `{ ${fields.map(({ name, wireName }) => `${isName(wireName) ? wireName : `'${wireName}'`}: ${access}${name}`).join(', ')} }`

const functionText = (operation: Operation): string => {
  const { id, method, path, fields, sends, accepts, takesKey } = operation
  const access = fields.every(({ isRequired }) => !isRequired) ? 'input?.' : 'input.'
  const at = (place: string) => fields.filter((field) => field.place === place)
  const wholePath = path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => `\${segment(${access}${camelCase(name)})}`)
  const lines = [
    `method: '${method}'`,
    `path: ${wholePath === path ? `'${path}'` : `\`${wholePath}\``}`,
    ...(at('query').length > 0 ? [`query: ${taken(at('query'), access)}`] : []),
    ...(at('header').length > 0 ? [`headers: ${taken(at('header'), access)}`] : []),
    ...(sends === undefined ? [] : [`body: ${access}body`, `sends: '${sends}'`]),
    `accepts: ${wordList(accepts)}`,
    `takesKey: ${takesKey}`,
  ]
  const given = fields.length === 0 ? 'options' : 'input, options'
  return `  ${id}: (${given}) =>\n    call({\n${lines.map((line) => `      ${line},\n`).join('')}    }, options),\n`
}

/** Names of schemas that a text speaks of. */
const usedIn = (body: string, names: readonly string[]): readonly string[] =>
  names.filter((name) => new RegExp(`\\b${name}\\b`).test(body))

/** Files of `src/client/generated` by path from the root, for an OpenAPI document. Throws for what the generator has no words for. */
export const clientFiles = (document: unknown, notice: string): Readonly<Record<string, string>> => {
  const whole = node(document) as Node & Partial<OpenAPIV3_1.Document>
  const schemas = Object.entries(node(node(whole['components'])['schemas']))
  const types = schemas.map(([name, schema]) => {
    const { description } = node(schema)
    return `${docText(text(description) || undefined, '')}export type ${name} = ${typeText(schema, '')}\n`
  })
  const operations = operationsOf(whole)
  const body = [
    ...operations.filter(({ fields }) => fields.length > 0).map(inputText),
    `/** A function for each operation. Each throws ApiError. */\nexport interface Operations {\n${operations.map(methodText).join('')}}\n`,
    `export const createOperations = (call: Call): Operations => ({\n${operations.map(functionText).join('')}})\n`,
  ].join('\n')
  const used = usedIn(
    body,
    schemas.map(([name]) => name),
  )
  const imports = [
    `import { type Answer, type Call, type CallOptions, segment } from '../call.ts'\n`,
    used.length === 0 ? '' : `import type { ${used.join(', ')} } from './schemas.ts'\n`,
  ]
  return {
    'src/client/generated/schemas.ts': `// ${notice}\n\n${types.join('\n')}`,
    'src/client/generated/operations.ts': `// ${notice}\n${imports.join('')}\n${body}`,
  }
}
