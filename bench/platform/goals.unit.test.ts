import { describe, expect, test } from 'vitest'
import { aCreate, aList, aResult, aSpread, deliveries, someStarts } from './example-result.ts'
import { type Goal, goalsOf, ratiosOf, type Verdict, verdictOf } from './goals.ts'
import { readOptions, stageNames } from './options.ts'
import type { PlatformResult } from './results.ts'

describe('a number is judged by its side of the limit', () => {
  test.for<[value: number, is: Goal['is'], wanted: Verdict]>([
    [9.9, 'below', 'ok'],
    [10, 'below', 'missed'],
    [10, 'at least', 'ok'],
    [9.9, 'at least', 'missed'],
    [Number.NaN, 'below', 'not measured'],
    [Number.NaN, 'at least', 'not measured'],
    [Number.POSITIVE_INFINITY, 'below', 'missed'],
  ])('%d is %s 10: %s', ([value, is, wanted]) => expect(verdictOf({ value, is, limit: 10 })).toBe(wanted))
})

const verdicts = (result: PlatformResult): Record<string, Verdict> =>
  Object.fromEntries(goalsOf(result).map((goal) => [goal.what, verdictOf(goal)]))

test('each goal is judged by its own numbers', () => {
  const result = aResult({
    list: aList(aSpread(30, 51)),
    create: aCreate(aSpread(50, 99), aSpread(99, 100)),
    webhooks: { redis: deliveries(491), inProcess: deliveries(40) },
    cli: someStarts(149, 151),
  })
  expect(verdicts(result)).toEqual({
    'list 1000 tenants, p99': 'missed',
    'list a page of 100 of them, 8 at a time, p99': 'ok',
    'create accepted, one by one, p99': 'ok',
    'create accepted, 8 at a time, p99': 'missed',
    'webhooks delivered on Redis': 'ok',
    'berth --version, p50': 'ok',
    'berth --help, p50': 'missed',
  })
})

test('what was left out is not called met', () => {
  expect(new Set(Object.values(verdicts(aResult({}))))).toEqual(new Set(['not measured']))
  expect(ratiosOf(aResult({}))).toEqual([])
})

test('ratios compare medians of one run', () => {
  const result = aResult({ list: aList(aSpread(30, 40)), create: aCreate(aSpread(50, 60), aSpread(80, 90)) })
  expect(ratiosOf(result).map(({ what, value }) => `${what}: ${value}`)).toEqual([
    'list by the API / raw from the API server: 3',
    'list by the API / kubectl get: 0.15',
    'list by the API / raw, 8 at a time: 3',
    'create by the API / raw in the API server: 10',
    'create by the API / kubectl apply: 0.5',
    'create by the API / kubectl apply, 8 at a time: 0.8',
    'known to be ready: events / kubectl wait: 0.5',
  ])
})

describe('flags', () => {
  test('one that makes no sense is refused by name', () => {
    expect(() => readOptions(['--tenants', 'many'])).toThrow('--tenants')
    expect(() => readOptions(['--only', 'list,nothing'])).toThrow('nothing')
  })
  test('--quick changes what is not said; --only leaves the rest out', () => {
    expect(readOptions([])).toMatchObject({ tenants: 1000, streams: 1000, deliveriesPerSecond: 500, stages: stageNames })
    expect(readOptions(['--quick', '--tenants', '4'])).toMatchObject({ tenants: 4, streams: 100, calls: 20 })
    expect(readOptions(['--only', 'cli,list'])).toMatchObject({ stages: ['cli', 'list'], profile: false })
    expect(readOptions(['--help'])).toBeUndefined()
  })
})
