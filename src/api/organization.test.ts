import { describe, expect, test } from 'vitest'
import { aNamespace } from '../testing/builders.ts'
import { isOrganization, organizationOf, quotaOf } from './organization.ts'

describe('isOrganization', () => {
  test.for<[name: string, labels: Record<string, string> | undefined, is: boolean]>([
    ['with its own name', { 'berth.dev/organization': 'acme' }, true],
    ['with the name of another', { 'berth.dev/organization': 'umbrella' }, false],
    ['without a label', undefined, false],
  ])('a namespace %s', ([, labels, is]) => {
    expect(isOrganization(aNamespace({ metadata: { name: 'acme', ...(labels && { labels }) } }))).toBe(is)
  })
})

describe('quotaOf', () => {
  test.for<[name: string, text: string | undefined, quota: object]>([
    ['nothing said', undefined, {}],
    ['a number', '{"tenants":3}', { tenants: 3 }],
    ['nothing allowed', '{"tenants":0}', { tenants: 0 }],
    ['no JSON', 'three', { tenants: 0 }],
    ['a word that nobody knows', '{"tenant":3}', { tenants: 0 }],
    ['a negative number', '{"tenants":-1}', { tenants: 0 }],
    ['null', 'null', { tenants: 0 }],
  ])('%s', ([, text, quota]) => {
    const annotations: Record<string, string> = text === undefined ? {} : { 'berth.dev/quota': text }
    expect(quotaOf(aNamespace({ metadata: { name: 'acme', annotations } }))).toEqual(quota)
  })
})

test('organizationOf says nothing of the namespace but what is meant for users', () => {
  const metadata = {
    name: 'acme',
    annotations: { 'berth.dev/display-name': 'Acme Inc.', secret: 'x' },
    creationTimestamp: 'then',
  }
  expect(organizationOf(aNamespace({ metadata }))).toEqual({
    name: 'acme',
    displayName: 'Acme Inc.',
    quota: {},
    createdAt: 'then',
    deleting: false,
  })
})
