import { describe, expect, test } from 'vitest'
import { clientFiles } from './client.ts'
import { camelCase, docText, typeText } from './client-types.ts'

describe('typeText', () => {
  test.for<[name: string, schema: unknown, wanted: string]>([
    ['a word', { type: 'string', maxLength: 5 }, 'string'],
    ['a whole number', { type: 'integer' }, 'number'],
    ['words', { type: 'string', enum: ['a', "b'c"] }, "'a' | 'b\\'c'"],
    ['one value', { const: 'a' }, "'a'"],
    ['a schema of the document', { $ref: '#/components/schemas/Tenant' }, 'Tenant'],
    [
      'a list of alternatives',
      { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
      'readonly (string | null)[]',
    ],
    ['a map', { type: 'object', additionalProperties: { type: 'number' } }, 'Readonly<Record<string, number>>'],
    ['an open object', { type: 'object', properties: {}, additionalProperties: {} }, 'Readonly<Record<string, unknown>>'],
    [
      'fields',
      { type: 'object', properties: { 'a-b': { type: 'string' }, c: {} }, required: ['c'] },
      "{\n  readonly 'a-b'?: string | undefined\n  readonly c: unknown\n}",
    ],
    [
      'fields, of which some go together',
      { type: 'object', properties: { a: {} }, oneOf: [{ required: ['a'] }] },
      '{\n  readonly a?: unknown | undefined\n}',
    ],
    ['anything', {}, 'unknown'],
  ])('%s', ([, schema, wanted]) => {
    expect(typeText(schema, '')).toBe(wanted)
  })

  test.for<[name: string, schema: unknown]>([
    ['a type that nobody knows', { type: 'file' }],
    ['a reference to elsewhere', { $ref: 'https://example.com/a.json' }],
  ])('refuses %s', ([, schema]) => {
    expect(() => typeText(schema, '')).toThrow()
  })
})

test('a description cannot end its comment', () => {
  expect(docText('a */ b\n  c', '')).toBe('/** a * / b c */\n')
})

test.for([
  ['last-event-id', 'lastEventId'],
  ['org', 'org'],
])('%s is called %s', ([wire, name]) => {
  expect(camelCase(wire ?? '')).toBe(name)
})

describe('clientFiles', () => {
  const document = (operation: object) => ({
    paths: { '/v1/things/{thing}': { post: { operationId: 'doThing', summary: 'Do it', ...operation } } },
    components: { schemas: { Thing: { type: 'object', properties: { a: { type: 'string' } } } } },
  })
  const operations = (operation: object) => clientFiles(document(operation), 'note')['src/client/generated/operations.ts'] ?? ''

  test('takes an operation with all that one may have', () => {
    const text = operations({
      parameters: [
        { in: 'path', name: 'thing', required: true, schema: { type: 'string' } },
        { in: 'query', name: 'from', schema: { type: 'string' } },
        { in: 'header', name: 'idempotency-key', schema: { type: 'string' } },
        { in: 'header', name: 'if-match', schema: { type: 'string' } },
      ],
      requestBody: { required: true, content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } } },
      responses: {
        200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } }, 'text/csv': { schema: {} } } },
        204: {},
        400: { content: { 'application/problem+json': { schema: {} } } },
      },
    })
    expect(text).toContain(
      'readonly doThing: (input: DoThingInput, options?: CallOptions) => Promise<Answer<Thing | string | undefined>>',
    )
    expect(text).toContain('path: `/v1/things/${segment(input.thing)}`')
    expect(text).toContain("headers: { 'if-match': input.ifMatch }")
    expect(text).toContain('takesKey: true')
  })

  test('refuses two parameters of one name, and one of a place that it does not know', () => {
    const parameters = (places: readonly string[]) => places.map((place) => ({ in: place, name: 'a', schema: {} }))
    expect(() => operations({ parameters: parameters(['path', 'query']) })).toThrow('more than one parameter')
    expect(() => operations({ parameters: parameters(['cookie']) })).toThrow('neither in path')
  })
})
