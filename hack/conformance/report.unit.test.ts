import { expect, test } from 'vitest'
import { compare } from './compare.ts'
import { section, withSection } from './report.ts'

const facts = {
  title: 'Conformance',
  superVersion: 'v1.37.1',
  tenantVersion: 'v1.36.3',
  date: '2026-01-02',
  machine: '2 cores',
  minutes: 7,
}
const result = (name: string, outcome: 'passed' | 'failed' | 'skipped', why?: string) => ({
  name,
  outcome,
  seconds: 1,
  ...(why && { why }),
})

const comparison = compare(
  [result('a', 'passed'), result('b | c', 'failed', 'no answer'), result('d', 'skipped', 'needs GPUs'), result('e', 'skipped')],
  [result('b | c', 'passed'), result('d', 'skipped'), result('e', 'passed')],
  [result('b | c', 'passed')],
)

test('only what passes in super counts against the tenant', () => {
  expect(comparison.worse.map(({ name }) => name)).toEqual(['b | c', 'e'])
  expect(comparison.neither.map(({ name }) => name)).toEqual(['d'])
  expect(comparison.passed).toBe(1)
})

test('what super did not come to is neither', () => {
  const cut = compare([result('a', 'failed')], [])
  expect([cut.worse, cut.neither, cut.unknown.map(({ name }) => name)]).toEqual([[], [], ['a']])
  const text = section(facts, cut, [])
  expect(text).toContain('0 pass in neither, 1 were not reached in super.')
  expect(text).toContain('| a | failed | not explained yet |')
})

test('a report names each such spec with its cause, and says so where there is none', () => {
  const text = section(facts, comparison, [{ pattern: '^b', cause: 'impossible, since' }])
  expect(text).toContain('Of 4 specs 1 passed in the tenant, 2 pass in super only, 1 pass in neither.')
  expect(text).toContain('| b \\| c | failed | passed | impossible, since |')
  expect(text).toContain('| e | skipped | not run | not explained yet |')
  expect(text).toContain('| d | skipped | skipped | needs GPUs |')
})

test('nothing against the tenant is said in a sentence', () => {
  expect(section(facts, compare([result('a', 'passed')], []), [])).toContain(
    'Every spec that passes in super passes in the tenant.',
  )
})

test('a section takes the place of the earlier one of its headline', () => {
  const first = withSection(undefined, '## A: tenant\n\none')
  expect(first).toMatch(/^# Conformance\n[^]*\n\n## A: tenant\n\none\n$/)
  const both = withSection(first, '## B\n\ntwo\n')
  const again = withSection(both, '## A: tenant\n\nthree\n')
  expect(again.split(/^(?=## )/m).slice(1)).toEqual(['## A: tenant\n\nthree\n\n', '## B\n\ntwo\n'])
})
