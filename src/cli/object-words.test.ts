import { describe, expect, test } from 'vitest'
import { objectWords, shortPaths } from './object-words.ts'

describe('the name of an object', () => {
  test.for<[text: string, words: object]>([
    ['pods/shop/web', { kind: 'pods', namespace: 'shop', name: 'web' }],
    ['node/node-1', { kind: 'node', namespace: undefined, name: 'node-1' }],
    ['widgets.example.com/shop/a', { kind: 'widgets.example.com', namespace: 'shop', name: 'a' }],
  ])('%s', ([text, words]) => {
    expect(objectWords(text)).toEqual(words)
  })
  test.for(['web', 'pods/', '/web', 'pods//web', 'a/b/c/d', ''])('%j is none', (text) => {
    expect(() => objectWords(text)).toThrow(/names no object/)
  })
})

test('many paths are told by where they begin', () => {
  const paths = [
    'metadata.labels["a.b/c"]',
    'spec.containers[name=main].image',
    'spec.containers[name=main].name',
    'data',
    'finalizers["x"]',
  ]
  expect(shortPaths(paths)).toEqual(['metadata.labels', 'spec.containers', 'data', 'finalizers'])
})
