import { expect, test } from 'vitest'
import { amountOf, largest, one, quantityOf } from './amounts.ts'

test.for([
  ['1', one],
  ['0', 0n],
  ['100m', one / 10n],
  ['0.1', one / 10n],
  ['.5', one / 2n],
  ['1.5Gi', 1536n * 1024n * 1024n * one],
  ['2k', 2000n * one],
  ['1e3', 1000n * one],
  ['1E-3', one / 1000n],
  ['3E', 3n * 10n ** 18n * one],
  ['8Ei', 8n * 2n ** 60n * one],
  ['1n', 1n],
  // Kubernetes rounds up.
  ['0.0000000001', 1n],
  ['-1', -one],
] as const)('%s', ([text, amount]) => {
  expect(amountOf(text)).toBe(amount)
})

test.for(['', 'Gi', 'much', '1 Gi', '1e', '1GiB', '0x10', undefined, null, {}])('%s is no quantity', (text) => {
  expect(amountOf(text)).toBeUndefined()
})

test.for([
  ['100m', '', '100m'],
  ['1000m', '', '1'],
  ['2000', '', '2k'],
  ['1536Mi', '2Gi', '1536Mi'],
  ['2048Mi', '2Gi', '2Gi'],
  ['1Gi', '', '1073741824'],
  ['100m', '1Gi', '100m'],
  ['0', '1Gi', '0'],
  ['1.5', '', '1500m'],
])('%s, as %s is written, is %s', ([text, like, written]) => {
  expect(quantityOf(amountOf(text) ?? -1n, like)).toBe(written)
})

test('the larger of each', () => {
  const [a, b] = [
    new Map([
      ['x', 1n],
      ['y', 5n],
    ]),
    new Map([
      ['x', 2n],
      ['z', 0n],
    ]),
  ]
  expect([...largest(a, b)]).toEqual([
    ['x', 2n],
    ['y', 5n],
    ['z', 0n],
  ])
})
