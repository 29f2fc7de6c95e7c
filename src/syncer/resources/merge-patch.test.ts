import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mergePatch, sameJson } from './merge-patch.ts'

/** RFC 7386, section 2. */
const applied = (target: unknown, patch: unknown): unknown => {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const base = typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {}
  const result = new Map<string, unknown>(Object.entries(base))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key)
    else result.set(key, applied(result.get(key), value))
  }
  return Object.fromEntries(result)
}

describe('mergePatch', () => {
  test.for<[name: string, from: unknown, to: unknown, patch: unknown]>([
    ['nothing differs', { a: 1, b: [1, { c: 2 }] }, { a: 1, b: [1, { c: 2 }] }, undefined],
    ['a missing field and one without a value are alike', { a: null }, { b: undefined }, undefined],
    ['a new field', {}, { a: 1 }, { a: 1 }],
    ['a field that goes', { a: 1, b: 2 }, { b: 2 }, { a: null }],
    ['only the part that differs', { a: { b: 1, c: 2 }, d: 3 }, { a: { b: 1, c: 4 }, d: 3 }, { a: { c: 4 } }],
    ['a list goes as a whole', { a: [1, 2] }, { a: [1] }, { a: [1] }],
    ['a list in another order', { a: [1, 2] }, { a: [2, 1] }, { a: [2, 1] }],
    ['an empty list is not none', {}, { a: [] }, { a: [] }],
    ['a value becomes an object', { a: 1 }, { a: { b: 1 } }, { a: { b: 1 } }],
  ])('%s', ([, from, to, patch]) => {
    expect(mergePatch(from, to)).toEqual(patch)
  })

  // Merge patches cannot say null inside a new object, which the API never gives there.
  const json = fc.dictionary(
    fc.constantFrom('a', 'b', 'c'),
    fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.integer(),
        fc.string({ maxLength: 2 }),
        fc.boolean(),
        fc.array(tie('value'), { maxLength: 2 }),
        tie('object'),
      ),
      object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3 }),
    })).value,
  )

  test('turns any object into any other, and then has nothing left to say', () => {
    fc.assert(
      fc.property(json, json, (from, to) => {
        const patch = mergePatch(from, to)
        const result = patch === undefined ? from : applied(from, patch)
        expect(sameJson(result, to)).toBe(true)
        expect(mergePatch(result, to)).toBeUndefined()
      }),
    )
  })
})
