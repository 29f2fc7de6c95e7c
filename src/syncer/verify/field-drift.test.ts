import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describeDrift, fieldDrift } from './field-drift.ts'

describe('no drift', () => {
  test.for<[name: string, live: unknown, wanted: unknown]>([
    ['defaults of super', { a: 1, policy: 'Always' }, { a: 1 }],
    ['an empty value that the server leaves out', {}, { a: false, b: 0, c: '', d: [], e: {}, f: undefined }],
    ['an item that super put before ours', [{ name: 'sidecar' }, { name: 'main', image: 'x' }], [{ name: 'main', image: 'x' }]],
    ['an item that super put behind ours', [{ key: 'a' }, { key: 'b' }], [{ key: 'a' }]],
  ])('%s', ([, live, wanted]) => {
    expect(fieldDrift(live, wanted)).toEqual([])
  })
})

describe('drift', () => {
  test.for<[name: string, live: unknown, wanted: unknown, described: string[]]>([
    ['a value', { spec: { a: 1 } }, { spec: { a: 2 } }, ['spec.a is 1, wanted 2']],
    ['a key that is gone', { labels: {} }, { labels: { 'app/name': 'x' } }, ['labels["app/name"] is nothing, wanted "x"']],
    ['a value where none is wanted', { on: true }, { on: false }, ['on is true, wanted false']],
    ['an item of a named list', [{ name: 'a', v: 1 }], [{ name: 'a', v: 2 }], ['[name=a].v is 1, wanted 2']],
    ['a named item that is gone', [{ name: 'b' }], [{ name: 'a' }], ['[name=a] is nothing, wanted {"name":"a"}']],
    ['an item by its place', { args: ['a'] }, { args: ['a', 'b'] }, ['args[1] is nothing, wanted "b"']],
    ['another shape', { a: [1] }, { a: { b: 1 } }, ['a is [1], wanted {"b":1}']],
    [
      'names that are not unique',
      [
        { name: 'a', v: 1 },
        { name: 'a', v: 2 },
      ],
      [{ name: 'a', v: 2 }],
      ['[0].v is 1, wanted 2'],
    ],
  ])('%s', ([, live, wanted, described]) => {
    expect(fieldDrift(live, wanted).map((drift) => describeDrift(drift))).toEqual(described)
  })

  test('a secret value is never told', () => {
    const drifts = fieldDrift({ data: { key: 'bGl2ZQ==' } }, { data: { key: 'd2FudGVk' } })
    expect(drifts.map((drift) => describeDrift(drift, { secret: true }))).toEqual(['data.key is not as wanted'])
  })
})

test('a value never drifts from itself, nor from itself with more in it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue()), (value, more) => {
      expect(fieldDrift(value, value)).toEqual([])
      if (value !== null && typeof value === 'object' && !Array.isArray(value))
        expect(fieldDrift({ ...more, ...value }, value)).toEqual([])
    }),
  )
})
