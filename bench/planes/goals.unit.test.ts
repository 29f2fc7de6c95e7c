import { describe, expect, test } from 'vitest'
import { aRest, aResult, made } from './example-result.ts'
import { goalsOf, growthPerTenant, perTenant, ratiosOf, type Verdict, verdictOf } from './goals.ts'
import { readOptions } from './options.ts'

describe('a number below its goal is ok', () => {
  test.for<[value: number, wanted: Verdict]>([
    [9.9, 'ok'],
    [10, 'missed'],
    [Number.NaN, 'not measured'],
    [Number.POSITIVE_INFINITY, 'missed'],
  ])('%d: %s', ([value, wanted]) => expect(verdictOf({ value, below: 10 })).toBe(wanted))
})

test('growth is counted between the looks with tenants, not from the empty start', () => {
  const rests = [aRest(0, 100), aRest(5, 150), aRest(20, 165)]
  expect(growthPerTenant(rests, ({ manager }) => manager.residentMiB)).toBe(1)
  expect(growthPerTenant(rests.slice(0, 2), ({ manager }) => manager.residentMiB)).toBeNaN()
})

test('a tenant is the sum of its programs; none seen is not 0', () => {
  expect(perTenant(aRest(1, 0).programs, ({ residentMiB }) => residentMiB)).toBe(260)
  expect(perTenant({}, ({ residentMiB }) => residentMiB)).toBeNaN()
})

const verdicts = (result: Parameters<typeof goalsOf>[0]): Record<string, Verdict> =>
  Object.fromEntries(goalsOf(result).map((goal) => [goal.what, verdictOf(goal)]))

test('each goal is judged by its own numbers', () => {
  const result = aResult({
    alone: { ...made([7, 8, 15], [9, 61]), cpuSeconds: [10, 10, 11] },
    oneByOne: made([7, 8, 17], [9, 20]),
    atOnce: made([12, 13, 14], [20]),
    rests: [aRest(1, 100), aRest(3, 106)],
    upgrade: { from: 'a', to: 'b', seconds: 50, phases: {}, longestGapMs: 900, acknowledged: 400, retried: 0, failed: 0 },
  })
  expect(verdicts(result)).toEqual({
    'create to usable, one by one, p50': 'ok',
    'create to usable, one by one, p99': 'ok',
    'create to usable, beside up to 19 at rest, p50': 'ok',
    'create to usable, beside up to 19 at rest, p99': 'missed',
    'create to usable, 5 at a time, p50': 'missed',
    'create to usable, 5 at a time, p99': 'ok',
    'delete one by one, longest': 'missed',
    'delete 20 at once, longest': 'ok',
    'upgrade, longest time without a write': 'ok',
    'manager, RSS per tenant': 'missed',
    'idle tenant, PSS of all its programs': 'ok',
  })
})

test('what was left out is not called met', () => {
  expect(new Set(Object.values(verdicts(aResult({}))))).toEqual(new Set(['not measured']))
  expect(ratiosOf(aResult({}))).toEqual([])
})

test('several at a time are compared with what their CPU alone takes on all cores', () => {
  const alone = { ...made([8, 10, 12], []), cpuSeconds: [9, 10, 12] }
  expect(ratiosOf(aResult({ alone, atOnce: made([50], []) }))).toEqual([
    { what: 'create 5 at a time / their CPU seconds over 2 cores', value: 2 },
    { what: 'create one by one / start of a bare etcd and kube-apiserver', value: 5 },
    { what: 'create 5 at a time / one by one', value: 5 },
  ])
})

test('ratios compare medians of one run', () => {
  const ratios = ratiosOf(aResult({ oneByOne: made([8, 10, 30], []), atOnce: made([20], []) }))
  expect(ratios).toEqual([
    { what: 'create one by one / start of a bare etcd and kube-apiserver', value: 5 },
    { what: 'create 5 at a time / one by one', value: 2 },
  ])
})

describe('flags', () => {
  test('one that makes no sense is refused by name', () => {
    expect(() => readOptions(['--tenants', 'many'])).toThrow('--tenants')
    expect(() => readOptions(['--at-once', '0'])).toThrow('--at-once')
    expect(() => readOptions(['--only', 'wake,nothing'])).toThrow('nothing')
  })
  test('--quick changes what is not said', () => {
    expect(readOptions([])).toMatchObject({ tenants: 20, atOnce: 5, restSeconds: 20, calls: 200, burst: 10_000 })
    expect(readOptions(['--quick', '--tenants', '4'])).toMatchObject({ tenants: 4, atOnce: 3, restSeconds: 5 })
  })
})
