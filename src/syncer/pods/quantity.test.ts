import { expect, test } from 'vitest'
import { bytesOf } from './quantity.ts'

test.for<[quantity: string, value: number]>([
  ['64Mi', 67_108_864],
  ['1G', 1e9],
  ['0.5Gi', 536_870_912],
  ['128974848', 128_974_848],
  ['129e6', 129e6],
  ['1E3', 1000],
  ['1E', 1e18],
  ['128974848000m', 128_974_848],
  ['many', Number.POSITIVE_INFINITY],
  ['', Number.POSITIVE_INFINITY],
])('%s is %d', ([quantity, value]) => expect(bytesOf(quantity)).toBe(value))
