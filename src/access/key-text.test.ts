import { expect, test } from 'vitest'
import { fitsDigest, keyText, newKey, parseKeyText, secretDigest } from './key-text.ts'

test('a new key comes back from its text, and no two are alike', () => {
  const [one, other] = [newKey(), newKey()]
  expect(parseKeyText(keyText(one))).toEqual(one)
  expect(other).not.toEqual(one)
  expect(other.id).not.toBe(one.id)
})

test.for<[name: string, text: string]>([
  ['nothing', ''],
  ['another prefix', 'kerth_aaaaaaaaaaaaaaaa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
  ['an id that is a path', 'berth_../../../../aaaa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
  ['a short secret', 'berth_aaaaaaaaaaaaaaaa_AAAA'],
  ['a newline after it', 'berth_aaaaaaaaaaaaaaaa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n'],
])('no key: %s', ([, text]) => {
  expect(parseKeyText(text)).toBeUndefined()
})

test('a digest fits its own secret only', () => {
  const digest = secretDigest('one')
  expect([fitsDigest('one', digest), fitsDigest('two', digest), fitsDigest('one', ''), fitsDigest('', digest)]).toEqual([
    true,
    false,
    false,
    false,
  ])
})
