import { describe, expect, test } from 'vitest'
import { formatMap, goQuote } from './go-quote.ts'

describe('goQuote', () => {
  // What Go 1.26's strconv.Quote prints for each.
  test.for<[text: string, quoted: string]>([
    ['plain', '"plain"'],
    ['', '""'],
    ['say "hi"', '"say \\"hi\\""'],
    ['back\\slash', '"back\\\\slash"'],
    ['a\nb\tc\rd', '"a\\nb\\tc\\rd"'],
    ['\u0007\b\f\v', '"\\a\\b\\f\\v"'],
    ['\u0000\u001f\u007f', '"\\x00\\x1f\\x7f"'],
    ['Grüße, 世界', '"Grüße, 世界"'],
    ['😀', '"😀"'],
    ['no\u00a0break', '"no\\u00a0break"'],
    ['zero\u200bwidth', '"zero\\u200bwidth"'],
    ['\u2028', '"\\u2028"'],
    ['\u{e000}', '"\\ue000"'],
    ['\u{f0000}', '"\\U000f0000"'],
    ['\ufffd', '"\ufffd"'],
  ])('%j', ([text, quoted]) => {
    expect(goQuote(text)).toBe(quoted)
  })
})

describe('formatMap', () => {
  test('writes sorted lines and no last line end', () => {
    expect(formatMap({ tier: 'front', app: 'a"b', 'Zone/x': 'z' })).toBe('Zone/x="z"\napp="a\\"b"\ntier="front"')
  })

  test('is empty for no map', () => {
    expect(formatMap(undefined)).toBe('')
    expect(formatMap({})).toBe('')
  })
})
