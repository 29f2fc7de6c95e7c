import { describe, expect, test } from 'vitest'
import { each, field, isOther, isTrue, list, listAt, text, when } from './cel.ts'

describe('CEL', () => {
  test.for<[value: string, wanted: string]>([
    ['plain', '"plain"'],
    ['with "quotes" and \'others\'', '"with \\"quotes\\" and \'others\'"'],
    ['back\\slash', '"back\\\\slash"'],
    ['two\nlines', '"two\\nlines"'],
  ])('has %j as a text that ends where it should', ([value, wanted]) => {
    expect(text(value)).toBe(wanted)
  })

  test('of fields that may not be there', () => {
    expect(field('c', 'a.b')).toBe('c.?a.?b')
    expect(isTrue('c', 'a')).toBe('c.?a.orValue(false)')
    expect(listAt('c', 'a')).toBe('c.?a.orValue([])')
    expect(list(['a', 'b'])).toBe('["a", "b"]')
  })

  test('of messages: one, or one for each', () => {
    expect(when('a || b', text('m'))).toBe('(a || b) ? ["m"] : []')
    expect(each('l', 'x', 'x > 1', 'string(x)')).toBe('l.filter(x, x > 1).map(x, string(x))')
  })

  test.for<[allowed: readonly string[], wanted: string]>([
    [[], '!(n in [])'],
    [['a', 'b'], '!(n in ["a", "b"])'],
    [['a', 'net.*'], '!(n in ["a"]) && !n.startsWith("net.")'],
    [['a', '*'], 'false'],
  ])('of a name that is none of %j', ([allowed, wanted]) => {
    expect(isOther('n', allowed)).toBe(wanted)
  })
})
