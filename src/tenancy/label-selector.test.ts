import { describe, expect, test } from 'vitest'
import { type LabelSelector, selectorHolds } from './label-selector.ts'

describe('selectorHolds', () => {
  const labels = { app: 'web', tier: 'front' }
  test.for<[name: string, selector: LabelSelector, holds: boolean]>([
    ['an empty one takes everything', {}, true],
    ['equal labels', { matchLabels: { app: 'web' } }, true],
    ['other labels', { matchLabels: { app: 'db' } }, false],
    ['what every object has is no label', { matchLabels: { constructor: 'x' } }, false],
    ['In', { matchExpressions: [{ key: 'app', operator: 'In', values: ['db', 'web'] }] }, true],
    ['NotIn', { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
    ['NotIn holds without the label', { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] }, true],
    ['Exists', { matchExpressions: [{ key: 'zone', operator: 'Exists' }] }, false],
    ['Exists, of what every object has', { matchExpressions: [{ key: 'constructor', operator: 'Exists' }] }, false],
    ['DoesNotExist', { matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' }] }, true],
    ['DoesNotExist, of what every object has', { matchExpressions: [{ key: 'constructor', operator: 'DoesNotExist' }] }, true],
    ['an operator nobody knows', { matchExpressions: [{ key: 'app', operator: 'Like' }] }, false],
  ])('%s', ([, selector, holds]) => {
    expect(selectorHolds(selector, labels)).toBe(holds)
  })

  test('what nobody understands holds where that is the safe answer', () => {
    expect(selectorHolds({ matchExpressions: [{ key: 'app', operator: 'Like' }] }, labels, true)).toBe(true)
  })
})
