import { expect, test } from 'vitest'
import { prefersCsv } from './media.ts'

test.for<[accept: string | undefined, csv: boolean]>([
  [undefined, false],
  ['', false],
  ['*/*', false],
  ['text/csv', true],
  ['Text/CSV; charset=utf-8', true],
  ['text/*', true],
  ['text/csv;q=0.5, application/json', false],
  ['application/json;q=0.4, text/csv;q=0.5', true],
  ['text/csv;q=0', false],
  ['text/csv;q=much', false],
  ['text/html, */*;q=0.8', false],
])('Accept: %s wants CSV: %s', ([accept, csv]) => {
  expect(prefersCsv(accept)).toBe(csv)
})
