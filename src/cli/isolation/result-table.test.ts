import { describe, expect, test } from 'vitest'
import type { CheckResult, Result } from '../../isolation/check.ts'
import { exitCodeFor } from '../commands/isolation-verify.ts'
import { exitCodes } from '../exit-codes.ts'
import { resultTable, scoreLine } from './result-table.ts'

const result = (id: string, is: Result, origin: CheckResult['origin'] = 'published'): CheckResult => ({
  id,
  title: 't',
  category: 'c',
  origin,
  result: is,
  message: 'm',
  evidence: [
    { layer: 'tenant', saw: 'x' },
    { layer: 'super', saw: 'y' },
  ],
  seconds: 0.25,
})

describe('exitCodeFor', () => {
  test.for<[name: string, results: readonly Result[], code: number]>([
    ['all passed', ['pass', 'pass'], exitCodes.done],
    ['what does not apply counts as good', ['pass', 'not-applicable'], exitCodes.done],
    ['one failed', ['pass', 'fail'], exitCodes.differs],
    ['one could not be carried out', ['pass', 'error'], exitCodes.unsettled],
    ['a failure counts for more', ['error', 'fail'], exitCodes.differs],
  ])('%s', ([, results, code]) => {
    expect(exitCodeFor(results.map((is) => result('A', is)))).toBe(code)
  })
})

test('the score has the benchmarks apart from ours', () => {
  const results = [result('A', 'pass'), result('B', 'not-applicable', 'pending'), result('C', 'fail', 'berth')]
  expect(scoreLine(results)).toBe(
    "Multi-Tenancy Benchmarks: 1 of 2 passed, 1 not applicable; Berth's own: 0 of 1 passed, 1 failed",
  )
})

test('names are those that did not pass', () => {
  const table = resultTable({ name: 'acme', namespace: 'x' }, [result('A', 'pass'), result('B', 'fail'), result('C', 'error')])
  expect(table.names).toEqual(['B', 'C'])
  expect(table.wide?.rows[0]).toEqual(['A', 'PASS', '0.3', 'tenant,super', 't', 'm'])
})
