import { describe, expect, test } from 'vitest'
import { hasScope, isScope, missingScopes, type Scope } from './scopes.ts'

describe('hasScope', () => {
  test.for<[name: string, held: readonly Scope[], wanted: Scope, has: boolean]>([
    ['the same', ['tenants:read'], 'tenants:read', true],
    ['writing has reading in it', ['tenants:write'], 'tenants:read', true],
    ['reading has no writing in it', ['tenants:read'], 'tenants:write', false],
    ['another noun', ['keys:write'], 'tenants:read', false],
    ['none', [], 'tenants:read', false],
  ])('%s', ([, held, wanted, has]) => {
    expect(hasScope(held, wanted)).toBe(has)
  })
})

test('missingScopes names what nobody may give away', () => {
  expect(missingScopes(['keys:write', 'tenants:read'], ['tenants:read', 'keys:read', 'tenants:write'])).toEqual(['tenants:write'])
})

test('isScope takes no other word', () => {
  expect(['tenants:read', 'tenants', 'toString', ''].map(isScope)).toEqual([true, false, false, false])
})
