import { expect, test } from 'vitest'
import { requestIdOf } from './request-id.ts'

test.for<[given: string | undefined, kept: boolean]>([
  ['req-1', true],
  ['a'.repeat(64), true],
  ['a'.repeat(65), false],
  ['{"level":50}', false],
  ['a b', false],
  ['', false],
  [undefined, false],
])('X-Request-Id %j', ([given, kept]) => {
  const id = requestIdOf({ headers: given === undefined ? {} : { 'x-request-id': given } })
  expect(id === given).toBe(kept)
  expect(id).toMatch(/^[A-Za-z0-9._-]{1,64}$/)
})
