import { expect, test } from 'vitest'
import { batchesOf } from './entries.ts'

const entry = (bytes: number) => ({ key: Buffer.from('k'), value: Buffer.alloc(bytes - 1), lease: '0' })

test.for<[name: string, sizes: readonly number[], wanted: readonly (readonly number[])[]]>([
  ['nothing is no request', [], []],
  ['what is small goes together', [1, 2, 3], [[1, 2, 3]]],
  ['no request holds more entries than etcd takes', [1, 1, 1, 1], [[1, 1, 1], [1]]],
  ['no request holds more bytes than etcd takes', [6, 4, 1], [[6, 4], [1]]],
  ['what is larger than that goes alone', [2, 40, 3], [[2], [40], [3]]],
])('%s', ([, sizes, wanted]) => {
  const batches = batchesOf(sizes.map(entry), { entries: 3, bytes: 10 })
  expect(batches.map((batch) => batch.map(({ key, value }) => key.length + value.length))).toEqual(wanted)
})
