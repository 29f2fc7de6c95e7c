import { expect, test } from 'vitest'
import { exactly, shardOf, specResults } from './specs.ts'

const spec = (LeafNodeText: string, State: string, more: object = {}) => ({
  ContainerHierarchyTexts: ['[sig-x] Thing'],
  LeafNodeType: 'It',
  LeafNodeText,
  State,
  RunTime: 1_540_000_000,
  ...more,
})

test('specs that ran become results; those that nobody asked for do not', () => {
  const report = [
    {
      SpecReports: [
        spec('works', 'passed'),
        spec('breaks', 'timedout', { Failure: { Message: 'no answer\nstack' } }),
        spec('cannot run', 'skipped', { Failure: { Message: 'needs 5 nodes' } }),
        spec('not asked for', 'skipped', { RunTime: 0 }),
        spec('not asked for either', 'pending'),
        { ...spec('', 'failed'), LeafNodeType: 'BeforeSuite', ContainerHierarchyTexts: null },
        { ...spec('', 'passed'), LeafNodeType: 'AfterSuite', ContainerHierarchyTexts: null },
      ],
    },
    { SpecReports: null },
  ]
  expect(specResults(report)).toEqual([
    { name: '[BeforeSuite]', outcome: 'failed', seconds: 1.5 },
    { name: '[sig-x] Thing breaks', outcome: 'failed', seconds: 1.5, why: 'no answer' },
    { name: '[sig-x] Thing cannot run', outcome: 'skipped', seconds: 1.5, why: 'needs 5 nodes' },
    { name: '[sig-x] Thing works', outcome: 'passed', seconds: 1.5 },
  ])
})

test('exactly matches the names and nothing that only holds them', () => {
  const pattern = new RegExp(exactly(['[a] b (c)', 'd.e']))
  expect(['[a] b (c)', 'd.e', 'dxe', '[a] b (c) more'].filter((name) => pattern.test(`Suite ${name}`))).toEqual([
    '[a] b (c)',
    'd.e',
  ])
})

test('shards are disjoint and complete', () => {
  const names = ['a', 'b', 'c', 'd', 'e']
  const shards = [1, 2, 3].map((index) => shardOf(names, { index, count: 3 }))
  expect(shards).toEqual([['a', 'd'], ['b', 'e'], ['c']])
})
