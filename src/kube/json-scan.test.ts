import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type JsonLimits, strangersLimits } from './json-limits.ts'
import { createJsonScan } from './json-scan.ts'

const few: JsonLimits = { depth: 3, objectParts: 6, listParts: 12, items: 10 }

/** What a look at a text finds, whose bytes come so many at once. */
const looked = (text: string, kind: 'list' | 'object', limits = few, atOnce = text.length) => {
  const bytes = Buffer.from(text)
  const scan = createJsonScan(limits, 'it', kind)
  for (let at = 0; at < bytes.length; at += atOnce) scan.push(bytes.subarray(at, at + atOnce))
  return scan.items()?.map(({ from, to, parts }) => ({ text: bytes.toString('utf8', from, to), parts }))
}
const refusal = (text: string, kind: 'list' | 'object' = 'object', limits = few): string | undefined => {
  const said = [1, 2, 3, 7, text.length || 1].map((atOnce) => {
    try {
      looked(text, kind, limits, atOnce)
      return undefined
    } catch (error) {
      expect(error).toMatchObject({ code: 'KUBE_TOO_LARGE' })
      return (error as Error).message.replace('it is not read: it ', '')
    }
  })
  expect(new Set(said).size).toBe(1)
  return said[0]
}

describe('what is too much', () => {
  const deep = 'nests deeper than 3 levels'
  const many = 'has more than 6 parts (names, entries, objects and lists): make it smaller'
  test.for<[name: string, text: string, wanted: string | undefined]>([
    ['as deep as it may be', '[[[1]]]', undefined],
    ['deeper', '[[[[1]]]]', deep],
    ['deeper, with objects', '{"a":[{"b":[]}]}', deep],
    ['that never ends', '[[[[[[', deep],
    ['side by side', '[[],[]]', undefined],
    ['more containers', '[[],[],[],[]]', many],
    ['as many names as it may have', '{"a":1,"b":1,"c":1}', undefined],
    ['more names', '{"a":1,"b":1,"c":1,"d":1}', many],
    ['the same name again and again', '{"__proto__":1,"__proto__":1,"__proto__":1,"__proto__":1}', many],
    ['more texts', '["a","b","c","d","e","f","g"]', many],
    ['more numbers', '[1,2,3,4,5,6,7]', many],
    ['brackets in a text', '["[[[[{{{{::::,,,,,,"]', undefined],
    ['brackets after an escaped quote', String.raw`["\"[[[[\\",1]`, undefined],
    ['brackets after an escaped backslash', String.raw`["\\",[[[[]]]]]`, deep],
    ['a text that does not end', '["[[[[', undefined],
    ['a text that ends in a backslash', '["\\', undefined],
    ['too many closing brackets', ']]]]]]]]', undefined],
    ['nothing', '', undefined],
  ])('%s', ([, text, wanted]) => expect(refusal(text)).toBe(wanted))

  test.for<[name: string, text: string, wanted: string | undefined]>([
    ['items do not count for the rest', '{"items":[1,2,3,4,5,6,7,8]}', undefined],
    [
      'of all items',
      '{"items":[[1,2],[3,4],[5,6],[7,8],[9,10]]}',
      'has more than 12 parts (names, entries, objects and lists): make it smaller',
    ],
    ['as many items as it may have', '{"items":[1,2,3,4,5,6,7,8,9,0]}', undefined],
    ['more items', '{"items":[1,2,3,4,5,6,7,8,9,0,1]}', 'has more than 10 items'],
    ['beside the items', '{"items":[],"metadata":{"a":1,"b":1}}', many],
    ['items under an odd name', String.raw`{"\u0069tems":[1,2,3,4,5,6]}`, many],
    ['items further down', '{"a":{"items":[1,2,3,4,5,6]}}', many],
    ['items in a text', '{"a":"items","b":[1,2,3,4,5]}', many],
    ['items of an object', '{"items":{"a":[1,2,3,4,5]}}', many],
    ['two lists', '{"items":[1],"items":[2]}', 'has two lists of items'],
    ['the depth within the items', '{"items":[[[1]]]}', deep],
  ])('in a list: %s', ([, text, wanted]) => expect(refusal(text, 'list')).toBe(wanted))
})

describe('items', () => {
  test.for<[name: string, text: string, items: string[] | undefined]>([
    ['of a list', '{"kind":"List","items":[{"a":[1]},{"b":"],"}],"x":[1]}', ['{"a":[1]}', '{"b":"],"}']],
    ['with space', '{ "items" : [ 1 , null,"x"\n] }', [' 1 ', ' null', '"x"\n']],
    ['none', '{"items":[]}', ['']],
    ['null', '{"items":null}', undefined],
    ['none at all', '{"metadata":{}}', undefined],
    ['not first', '{"metadata":{"items":[1]},"items":[2]}', ['2']],
    ['a longer name', '{"itemsx":[1],"xitems":[1],"item":[1]}', undefined],
    ['a value of that name', '{"a":"items","b":[1]}', undefined],
    ['of an object that is none', '["items",[1]]', undefined],
  ])('%s', ([, text, wanted]) => {
    for (const atOnce of [1, 2, 5, text.length])
      expect(looked(text, 'list', strangersLimits, atOnce)?.map((item) => item.text)).toEqual(wanted)
    expect(looked(text, 'object', strangersLimits)).toBeUndefined()
  })

  test('have their own parts', () => {
    const items = looked('{"items":[{"a":1,"b":2},{},{"c":[1,2,3]}]}', 'list', strangersLimits)
    expect(items?.map(({ parts }) => parts)).toEqual([6, 2, 5])
  })

  test('are those that the parser finds, wherever the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue({ maxDepth: 5 }), { minLength: 1 }),
        fc.jsonValue(),
        fc.integer({ min: 1, max: 40 }),
        (all, rest, cut) => {
          const text = JSON.stringify({ metadata: rest, items: all, after: rest })
          const items = looked(text, 'list', strangersLimits, cut)
          expect(items?.map((item) => JSON.parse(item.text))).toEqual(JSON.parse(text).items)
        },
      ),
    )
  })
})

describe('parts', () => {
  /** Names, containers, and entries but the first of each list and object: commas. */
  const counted = (value: unknown): { depth: number; parts: number } => {
    if (typeof value !== 'object' || value === null) return { depth: 0, parts: 0 }
    const inner = Object.values(value).map(counted)
    const names = Array.isArray(value) ? 0 : inner.length
    return {
      depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)),
      parts: 1 + names + Math.max(0, inner.length - 1) + inner.reduce((sum, { parts }) => sum + parts, 0),
    }
  }
  test('are what the parser makes, whatever the text', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value)
        const { depth, parts } = counted(value)
        expect(refusal(text, 'object', { depth, objectParts: parts, listParts: 0, items: 0 })).toBeUndefined()
        if (depth > 0)
          expect(refusal(text, 'object', { depth: depth - 1, objectParts: parts, listParts: 0, items: 0 })).toBeDefined()
        if (parts > 0) expect(refusal(text, 'object', { depth, objectParts: parts - 1, listParts: 0, items: 0 })).toBeDefined()
      }),
    )
  })
})

test('a list that ends within its items is none', () => {
  for (const text of ['{"items":[', '{"items":[1,2', '{"items":[{"a":"]}'])
    expect(() => looked(text, 'list')).toThrow('it ends within its items')
})

const entries = (length: number, entry: (at: number) => string): string => Array.from({ length }, (_, at) => entry(at)).join(',')

test.for<[name: string, json: string]>([
  [
    'a ConfigMap of 19,900 names, with who manages each',
    `{"data":{${entries(19_900, (at) => `"name-${at}":"v"`)}},"managedFields":[{"fieldsV1":{"f:data":{".":{},${entries(19_900, (at) => `"f:name-${at}":{}`)}}}}]}`,
  ],
  [
    'a pod with 6,000 variables, with who manages each',
    `{"env":[${entries(6_000, (at) => `{"name":"VAR_${at}","value":"v"}`)}],"managedFields":[{"f:env":{${entries(6_000, (at) => `"k:{\\"name\\":\\"VAR_${at}\\"}":{".":{},"f:name":{},"f:value":{}}`)}}}]}`,
  ],
  [
    'a slice of 1,000 endpoints',
    `[${entries(1000, (at) => `{"addresses":["10.0.0.${at}"],"conditions":{"ready":true},"targetRef":{"kind":"Pod","name":"${at}"}}`)}]`,
  ],
  ['a definition of nested schemas', `${'{"properties":{"a":'.repeat(40)}{}${'}}'.repeat(40)}`],
])('what an honest API server holds of one object is within the limits: %s', ([, json]) => {
  expect(refusal(json, 'object', strangersLimits)).toBeUndefined()
})
