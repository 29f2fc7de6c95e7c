import { describe, expect, test } from 'vitest'
import { createJsonScan } from './json-scan.ts'
import { readList } from './list-answer.ts'

/** What is read of a text, whether it was looked at or not, and how many pauses and readings that took. */
const read = async (text: string, { looked = true, objectParts = 1_000 } = {}) => {
  const body = Buffer.from(text)
  const scan = createJsonScan({ depth: 100, objectParts: 1e6, listParts: 1e6, items: 1e6 }, 'it', 'list')
  scan.push(body)
  const items = looked ? scan.items() : undefined
  let pauses = 0
  const readings: number[] = []
  const list = await readList(
    { status: 200, body, ...(items && { items }) },
    {
      objectParts,
      run: (bytes, work) => {
        readings.push(bytes)
        return work()
      },
      pause: async () => {
        pauses += 1
      },
      parse: <T>(json: string) => JSON.parse(json) as T,
    },
  )
  return { list, pauses, readings }
}
const named = (name: string, more: object = {}) => ({ metadata: { name, namespace: 'shop' }, ...more })

describe.for([true, false])('looked at: %s', (looked) => {
  test.for<[name: string, text: string, wanted: object]>([
    [
      'a list',
      JSON.stringify({ metadata: { resourceVersion: '7', continue: 'x' }, items: [named('a'), named('b')] }),
      { metadata: { resourceVersion: '7', continue: 'x' }, items: [named('a'), named('b')] },
    ],
    [
      'metadata at the end',
      '{"items":[{"metadata":{}}],"metadata":{"resourceVersion":"7"}}',
      { metadata: { resourceVersion: '7' }, items: [{ metadata: {} }] },
    ],
    [
      'space everywhere',
      ' { "items" : [\n{ "metadata" : {} } ,\t{"metadata":{}} ] } ',
      { metadata: {}, items: [{ metadata: {} }, { metadata: {} }] },
    ],
    [
      'letters of more than a byte',
      '{"items":[{"metadata":{"name":"ä😀"}},{"metadata":{"name":"b"}}]}',
      { items: [{ metadata: { name: 'ä😀' } }, { metadata: { name: 'b' } }] },
    ],
    ['an empty list', '{"items":[]}', { metadata: {}, items: [] }],
    ['an empty list with space', `{"items":[${' '.repeat(100)}]}`, { items: [] }],
    [
      'null, as Go writes an empty one',
      '{"metadata":{"resourceVersion":"7"},"items":null}',
      { metadata: { resourceVersion: '7' }, items: [] },
    ],
    ['nothing', '{}', { metadata: {}, items: [] }],
  ])('%s', async ([, text, wanted]) => {
    const { list } = await read(text, { looked })
    expect(list).toMatchObject({ ...wanted, bytes: Buffer.byteLength(text) })
    expect(list).not.toHaveProperty('unread')
  })

  test.for<[name: string, text: string]>([
    ['null', 'null'],
    ['a list by itself', '[]'],
    ['a number', '7'],
    ['items that are none', '{"items":{"length":1}}'],
    ['metadata that is none', '{"items":[],"metadata":[]}'],
    ['an item that is null', '{"items":[null]}'],
    ['an item that is a list', '{"items":[[]]}'],
    ['an item without metadata', '{"items":[{"metadata":{}},{}]}'],
    ['an item whose metadata is null', '{"items":[{"metadata":null}]}'],
  ])('no API server says %s', async ([, text]) => {
    await expect(read(text, { looked })).rejects.toMatchObject({ code: 'KUBE_SERVER_ERROR' })
  })

  test.for([
    '{"items":[{"metadata":{}},]}',
    '{"items":[,]}',
    '{"items":[{"metadata":{}}}',
    '{"items":[{"metadata":{}}]]}',
    '{"items":[{"metadata":{}} {"metadata":{}}]}',
    '{"items":[{"metadata":{]}]}',
    '{"items":[{"metadata":{}}],}',
    `{"items":[${' '.repeat(100)}{]}`,
  ])('what is no JSON as a whole is none in parts: %s', async (text) => {
    await expect(read(text, { looked })).rejects.toThrow(SyntaxError)
  })
})

test('an object of too many parts is left out and named, the rest is read', async () => {
  const large = { data: Array.from({ length: 30 }, (_, at) => at) }
  const items = [
    named('a'),
    named('large', large),
    named('b'),
    { metadata: { name: 'node-1' }, ...large },
    { ...large, metadata: { name: '../x' } },
  ]
  const { list } = await read(JSON.stringify({ items }), { objectParts: 20 })
  expect(list.items).toEqual([named('a'), named('b')])
  expect(list.unread).toEqual(['shop/large', 'node-1', 'an object without a name'])
})

test('one object that stands alone behind much space is not read at once for that', async () => {
  const { list } = await read(`{"items":[${' '.repeat(100)}${JSON.stringify(named('a', { data: Array(50).fill(1) }))}]}`, {
    objectParts: 20,
  })
  expect(list).toMatchObject({ items: [], unread: ['shop/a'] })
})

test('a long list is read in slices with pauses in between', async () => {
  const items = Array.from({ length: 100 }, (_, at) => named(`a-${at}`, { note: 'x'.repeat(10_000) }))
  const { list, pauses, readings } = await read(JSON.stringify({ items }))
  expect(list.items).toEqual(items)
  expect(Math.max(...readings)).toBeLessThan(128 * 1024 + 10_100)
  expect(pauses).toBe(readings.length - 2)
})

test('so is one of many parts', async () => {
  const items = Array.from({ length: 100 }, () => ({ metadata: {}, x: Array(900).fill(1) }))
  const { pauses } = await read(JSON.stringify({ items }))
  expect(pauses).toBe(8)
})
