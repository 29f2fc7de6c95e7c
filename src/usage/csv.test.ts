import { expect, test } from 'vitest'
import { csvCell, csvOf } from './csv.ts'

test.for<[what: string, value: string | number | boolean, cell: string]>([
  ['text', 'shop', 'shop'],
  ['a number', 12, '12'],
  ['a word', true, 'true'],
  ['decimals', '0.500000', '0.500000'],
  ['a number below zero', '-1.5', '-1.5'],
  ['a formula', '=1+1', `"'=1+1"`],
  ['one that begins with +', '+cmd', `"'+cmd"`],
  ['one that begins with -', '-2+cmd', `"'-2+cmd"`],
  ['one that begins with @', '@SUM(A1)', `"'@SUM(A1)"`],
  ['one behind a tab', '\t=1', `"'\t=1"`],
  ['one behind a line', '\r=1', `"'\r=1"`],
  ['quotes and commas', 'a "b", c', '"a ""b"", c"'],
  ['lines', 'a\r\nb', '"a\r\nb"'],
  ['nothing', '', ''],
])('%s', ([, value, cell]) => {
  expect(csvCell(value)).toBe(cell)
})

test('a table has its names first, and CRLF at each end', () => {
  expect(csvOf(['a', 'b'], [{ a: 'x', b: 1 }])).toBe('a,b\r\nx,1\r\n')
  expect(csvOf(['a', 'b'], [])).toBe('a,b\r\n')
})
