import { describe, expect, test } from 'vitest'
import { frozen } from '../testing/frozen.ts'
import { covers, threeWay } from './three-way.ts'

type Value = Record<string, unknown>

describe('what was applied and is edited by others', () => {
  test.for<[name: string, given: { wanted: Value; last: Value; live: Value }, applied: Value]>([
    [
      'follows an upgrade where nobody edited',
      { wanted: { image: 'v2' }, last: { image: 'v1' }, live: { image: 'v1' } },
      { image: 'v2' },
    ],
    ['keeps an edit', { wanted: { replicas: 2 }, last: { replicas: 2 }, live: { replicas: 5 } }, { replicas: 5 }],
    [
      'keeps an edit beside an upgrade',
      { wanted: { image: 'v2', replicas: 2 }, last: { image: 'v1', replicas: 2 }, live: { image: 'v1', replicas: 5 } },
      { image: 'v2', replicas: 5 },
    ],
    ['leaves a field away that was taken away', { wanted: { limits: 1 }, last: { limits: 1 }, live: {} }, {}],
    ['leaves an object away that was taken away', { wanted: { probe: { at: 1 } }, last: { probe: { at: 1 } }, live: {} }, {}],
    ['brings a new field', { wanted: { a: 1, b: { c: 2 } }, last: { a: 1 }, live: { a: 1 } }, { a: 1, b: { c: 2 } }],
    ['drops what is no longer wanted', { wanted: {}, last: { a: 1 }, live: { a: 1 } }, {}],
    ['keeps what is no longer wanted but was edited', { wanted: {}, last: { a: 1 }, live: { a: 2 } }, { a: 2 }],
    ['leaves out what others added', { wanted: { a: 1 }, last: { a: 1 }, live: { a: 1, theirs: true } }, { a: 1 }],
    [
      'takes defaults of the server for no edit',
      { wanted: { l: [{ a: 2 }] }, last: { l: [{ a: 1 }] }, live: { l: [{ a: 1, d: 0 }] } },
      { l: [{ a: 2 }] },
    ],
    [
      'keeps a list to which something was added',
      { wanted: { args: ['a', 'c'] }, last: { args: ['a'] }, live: { args: ['a', 'b'] } },
      { args: ['a', 'b'] },
    ],
    [
      'merges containers by name',
      {
        wanted: { containers: [{ name: 'dns', image: 'v2', args: ['x'] }] },
        last: { containers: [{ name: 'dns', image: 'v1', args: ['x'] }] },
        live: {
          containers: [
            { name: 'theirs', image: 'side' },
            { name: 'dns', image: 'v1', args: ['x', 'y'], pull: 'Always' },
          ],
        },
      },
      { containers: [{ name: 'dns', image: 'v2', args: ['x', 'y'] }] },
    ],
  ])('%s', ([, { wanted, last, live }, applied]) => {
    expect(threeWay(frozen(wanted), frozen(last), frozen(live))).toEqual(applied)
  })
})

test.for<[name: string, live: unknown, wanted: unknown, same: boolean]>([
  ['additions of the server', { a: 1, uid: 'x' }, { a: 1 }, true],
  ['another value', { a: 2 }, { a: 1 }, false],
  ['a missing value', {}, { a: 1 }, false],
  ['an added item', { rules: [1, 2] }, { rules: [1] }, false],
  ['defaults in items', { rules: [{ a: 1, scope: '*' }] }, { rules: [{ a: 1 }] }, true],
])('sees %s', ([, live, wanted, same]) => {
  expect(covers(live, wanted)).toBe(same)
})
