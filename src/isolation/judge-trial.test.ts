import { describe, expect, test } from 'vitest'
import { failed, passed, type Result, unknown } from './check.ts'
import { judgeTrial, type Trial, worst } from './judge-trial.ts'

const taken = { kind: 'taken' } as const
const refused = { kind: 'refused', message: 'no' } as const
const notAsked = { kind: 'unknown', message: 'not asked' } as const

describe('judgeTrial', () => {
  test.for<[name: string, trial: Trial, result: Result, layers: string]>([
    [
      'what reached super fails, whatever super says now',
      { ending: { kind: 'reached', where: 'x/y' }, inSuper: refused },
      'fail',
      'syncer super',
    ],
    [
      'what the syncer keeps up passes',
      { ending: { kind: 'kept-up', message: 'm', bySuper: false }, inSuper: taken },
      'pass',
      'syncer super',
    ],
    [
      'what super refuses passes',
      { ending: { kind: 'kept-up', message: 'm', bySuper: true }, inSuper: refused },
      'pass',
      'super super',
    ],
    ['what goes down without it passes', { ending: { kind: 'cleaned' }, inSuper: taken }, 'pass', 'syncer super'],
    ['what tenant and super refuse passes', { ending: refused, inSuper: refused }, 'pass', 'tenant super'],
    ['what only the tenant refuses fails', { ending: refused, inSuper: taken }, 'fail', 'tenant super'],
    [
      'what the tenant refuses, and super was not asked, is not known',
      { ending: refused, inSuper: notAsked },
      'error',
      'tenant super',
    ],
    ['what nobody says anything of is not known', { ending: { kind: 'silent' }, inSuper: refused }, 'error', 'super'],
    ['what could not be tried is not known', { ending: notAsked, inSuper: refused }, 'error', 'super'],
  ])('%s', ([, trial, result, layers]) => {
    const verdict = judgeTrial('a thing', trial)
    expect(verdict.result).toBe(result)
    expect(verdict.message).toContain('a thing')
    expect(verdict.evidence.map(({ layer }) => layer).join(' ')).toBe(layers)
  })
})

describe('worst', () => {
  test('a failure counts for more than an error, and that for more than a pass', () => {
    expect(worst([passed('a'), unknown('b'), failed('c')]).message).toBe('c')
    expect(worst([passed('a'), unknown('b')]).message).toBe('b')
  })

  test('passes are told together', () => {
    const both = worst([passed('a', [{ layer: 'tenant', saw: 'x' }]), passed('b', [{ layer: 'super', saw: 'y' }])])
    expect(both).toEqual(
      passed('a; b', [
        { layer: 'tenant', saw: 'x' },
        { layer: 'super', saw: 'y' },
      ]),
    )
  })

  test('of nothing is no pass', () => {
    expect(worst([]).result).toBe('error')
  })
})
