import { describe, expect, test } from 'vitest'
import { isName, labels, organizationName, tenantName } from './names.ts'

describe('organizationName', () => {
  test.for<[name: string, good: boolean]>([
    ['acme', true],
    ['a', true],
    ['a'.repeat(63), true],
    ['a'.repeat(64), false],
    ['', false],
    ['Acme', false],
    ['-acme', false],
    ['acme-', false],
    ['a.b', false],
    ['../acme', false],
    ['acme\n', false],
    ['kube-system', false],
    ['berth-system', false],
    ['default', false],
    ['defaults', true],
    ['kubernetes', true],
  ])('%j: %s', ([name, good]) => {
    expect(organizationName.safeParse(name).success).toBe(good)
  })
})

test('tenantName ends at 40 characters', () => {
  expect([tenantName.safeParse('a'.repeat(40)).success, tenantName.safeParse('a'.repeat(41)).success]).toEqual([true, false])
})

test('isName of a path', () => {
  expect(['acme', 'a/b', '%2e%2e', '..', '', 'a'.repeat(64), 'a\n'].map((name) => isName(name))).toEqual([
    true,
    false,
    false,
    false,
    false,
    false,
    false,
  ])
})

describe('labels', () => {
  test.for<[name: string, given: Record<string, string>, good: boolean]>([
    ['plain', { plan: 'gold' }, true],
    ['with a domain', { 'example.com/plan': 'gold' }, true],
    ['empty value', { plan: '' }, true],
    ["Berth's own", { 'berth.dev/organization': 'other' }, false],
    ['below its domain', { 'x.berth.dev/y': '1' }, false],
    ["Kubernetes' own", { 'pod-security.kubernetes.io/enforce': 'privileged' }, false],
    ['a domain that only ends alike', { 'notberth.dev/x': '1' }, true],
    ['a long value', { plan: 'a'.repeat(64) }, false],
    ['a key with two slashes', { 'a/b/c': '1' }, false],
    ['too many', Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`k${index}`, 'v'])), false],
  ])('%s', ([, given, good]) => {
    expect(labels.safeParse(given).success).toBe(good)
  })
})
