import { describe, expect, test } from 'vitest'
import { fillAt } from './fill.ts'
import { append, type Step } from './holes.ts'

describe('fillAt', () => {
  const tree = { a: { b: 1 }, list: [{ name: 'x', v: 1 }, { name: 'y' }] }
  test.for<[path: readonly Step[], value: unknown, wanted: unknown]>([
    [['a', 'b'], 2, { ...tree, a: { b: 2 } }],
    [['a', 'c'], { d: 1 }, { ...tree, a: { b: 1, c: { d: 1 } } }],
    [['a', 'b'], '', { ...tree, a: {} }],
    [['a', 'b'], [], { ...tree, a: {} }],
    [['a', 'b'], {}, { ...tree, a: {} }],
    [['a', 'b'], 0, { ...tree, a: { b: 0 } }],
    [['new', 'deep'], 1, { ...tree, new: { deep: 1 } }],
    [
      ['list', { named: 'y' }, 'v'],
      2,
      {
        ...tree,
        list: [
          { name: 'x', v: 1 },
          { name: 'y', v: 2 },
        ],
      },
    ],
    [['list', append], [{ name: 'z' }], { ...tree, list: [...tree.list, { name: 'z' }] }],
    [['list', append], [], tree],
  ])('%j with %j', ([path, value, wanted]) => {
    expect(fillAt(tree, path, value)).toEqual(wanted)
  })

  test('says which name a list lacks', () => {
    expect(() => fillAt(tree, ['list', { named: 'q' }, 'v'], 1)).toThrow(/no entry named q/)
  })
})
