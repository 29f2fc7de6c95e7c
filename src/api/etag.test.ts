import { expect, test } from 'vitest'
import { etagOf, matches } from './etag.ts'

const metadata = { uid: 'u1', resourceVersion: '7' }

test.for<[name: string, header: string, fits: boolean]>([
  ['its own tag', etagOf(metadata), true],
  ['any', '*', true],
  ['one of several', `"other", ${etagOf(metadata)}`, true],
  ['an older state', etagOf({ ...metadata, resourceVersion: '6' }), false],
  ['an object of the same name before', etagOf({ ...metadata, uid: 'u0' }), false],
  ['a weak tag', `W/${etagOf(metadata)}`, false],
  ['without quotes', 'u1.7', false],
  ['nothing', '', false],
])('If-Match: %s', ([, header, fits]) => {
  expect(matches(header, metadata)).toBe(fits)
})
