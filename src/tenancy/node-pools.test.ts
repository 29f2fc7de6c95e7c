import { describe, expect, test } from 'vitest'
import type { NodePool } from '../apis/isolation.ts'
import { foreignPools, isOpen, sees } from './node-pools.ts'

const pool = (nodeSelector: Record<string, string>, ...keys: string[]): NodePool => ({
  nodeSelector,
  taints: keys.map((key) => ({ key })),
})

describe('foreignPools', () => {
  const all = [pool({ pool: 'b' }, 'b'), pool({ pool: 'a' }, 'a'), pool({ pool: 'b' }, 'b', 'more')]

  test('are each once, with every taint that somebody says of it, whatever their order', () => {
    const wanted = [pool({ pool: 'a' }, 'a'), pool({ pool: 'b' }, 'b', 'more')]
    expect(foreignPools(undefined, all)).toEqual(wanted)
    expect(foreignPools(undefined, all.toReversed())).toEqual(wanted)
  })

  test('are not those of the same labels', () => {
    expect(foreignPools(pool({ pool: 'b' }), all)).toEqual([pool({ pool: 'a' }, 'a')])
    expect(foreignPools(pool({ y: '2', x: '1' }), [pool({ x: '1', y: '2' }, 'k')])).toEqual([])
  })
})

describe('a node', () => {
  const foreign = [pool({ pool: 'b' }), pool({ tier: 'gold', zone: 'x' })]
  const nobody = { selector: {}, pool: undefined, onlyPool: false, foreignPools: foreign }

  test.for<[name: string, scope: Parameters<typeof sees>[0], labels: Record<string, string> | undefined, is: boolean]>([
    ['of nobody', nobody, { zone: 'x' }, true],
    ['without labels', nobody, undefined, true],
    ["of another's pool", nobody, { pool: 'b' }, false],
    ["of another's pool by two labels", nobody, { tier: 'gold', zone: 'x' }, false],
    ["with one label of another's pool", nobody, { tier: 'gold', zone: 'y' }, true],
    ['of its own pool', { ...nobody, pool: pool({ pool: 'a' }) }, { pool: 'a' }, true],
    ['outside of its own pool', { ...nobody, pool: pool({ pool: 'a' }) }, { zone: 'x' }, false],
    ['that both pools name', { ...nobody, pool: pool({ pool: 'a' }) }, { pool: 'a', tier: 'gold', zone: 'x' }, true],
    ['for one who is to have its own and has none', { ...nobody, onlyPool: true }, {}, false],
  ])('%s', ([, scope, labels, is]) => {
    expect(isOpen(scope, labels)).toBe(is)
    expect(sees(scope, labels)).toBe(is)
    expect(sees({ ...scope, selector: undefined }, labels)).toBe(false)
  })

  test('that the operator does not show is open all the same', () => {
    const scope = { ...nobody, selector: { shown: 'yes' } }
    expect([isOpen(scope, { zone: 'x' }), sees(scope, { zone: 'x' }), sees(scope, { shown: 'yes' })]).toEqual([true, false, true])
  })
})
