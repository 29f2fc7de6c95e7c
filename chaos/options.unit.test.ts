import { expect, test } from 'vitest'
import { readOptions } from './options.ts'
import { partNames } from './plan.ts'

test('without flags all parts are hit for half an hour', () => {
  expect(readOptions([], 5)).toEqual({ cluster: 'chaos', minutes: 30, seed: 5, parts: partNames, keep: false })
})

test('flags are taken', () => {
  expect(readOptions(['--minutes', '3', '--seed', '9', '--only', 'etcd,kubelet', '--keep'], 5)).toMatchObject({
    minutes: 3,
    seed: 9,
    parts: ['etcd', 'kubelet'],
    keep: true,
  })
  expect(readOptions(['--help'], 5)).toBeUndefined()
})

test.for<[args: string[], says: string]>([
  [['--minutes', 'many'], 'many'],
  [['--minutes', '0'], '--minutes'],
  [['--seed', '-1'], '--seed'],
  [['--only', 'everything'], 'everything'],
])('%j is refused by name', ([args, says]) => expect(() => readOptions(args, 5)).toThrow(says))
