import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { type AccessGrant, accessGroups, accessUser, grantObjects, grantOf } from './tenant-access.ts'

const grant: AccessGrant = { id: 'abcdefghijklmnop', name: 'ci', role: 'view', expiresAt: '2026-11-22T12:00:00Z' }
const { role: _, ...withoutRole } = grant
const grouped: AccessGrant = { ...withoutRole, groups: ['team:a'] }

describe('grantObjects', () => {
  test('a role binds the account to it', () => {
    const { binding, clusterRole } = grantObjects(grant)
    expect(binding['roleRef'].name).toBe('view')
    expect(binding['subjects']).toEqual([{ kind: 'ServiceAccount', name: 'berth-abcdefghijklmnop', namespace: 'berth-access' }])
    expect(clusterRole).toBeUndefined()
  })

  test('groups let the account be exactly one user and those groups', () => {
    const { binding, clusterRole } = grantObjects(grouped)
    expect(binding['roleRef'].name).toBe('berth-access-abcdefghijklmnop')
    expect(clusterRole?.['rules']).toEqual([
      { apiGroups: [''], resources: ['users'], verbs: ['impersonate'], resourceNames: ['kubeconfig-abcdefghijklmnop'] },
      { apiGroups: [''], resources: ['groups'], verbs: ['impersonate'], resourceNames: ['team:a'] },
    ])
  })
})

describe('grantOf', () => {
  test.for<[name: string, given: AccessGrant]>([
    ['a role', grant],
    ['groups', grouped],
  ])('gives back what was written: %s', ([, given]) => {
    expect(grantOf(grantObjects(given).account)).toEqual(given)
  })

  const account = grantObjects(grant).account
  const about = (text: string): KubeObject => ({
    ...account,
    metadata: { ...account.metadata, annotations: { 'berth.dev/kubeconfig-about': text } },
  })
  test.for<[name: string, object: KubeObject]>([
    ['under another name', { ...account, metadata: { ...account.metadata, name: 'berth-other' } }],
    ['with an id that is a path', { ...account, metadata: { ...account.metadata, labels: { 'berth.dev/kubeconfig': '../x' } } }],
    ['without a word', { ...account, metadata: { ...account.metadata, annotations: {} } }],
    ['no JSON', about('{')],
    ['another role', about('{"role":"root","expiresAt":"2026-11-22T12:00:00Z"}')],
    ['no end', about('{"role":"view"}')],
    ['a long text', about(' '.repeat(20_000))],
  ])('what a tenant wrote itself is none: %s', ([, object]) => {
    expect(grantOf(object)).toBeUndefined()
  })
})

test.for<[name: string, good: boolean]>([
  ['ann@example.com', true],
  ['oidc:team/a', true],
  ['system:masters', false],
  ['System:masters', false],
  ['berth:syncer', false],
  ['systems', true],
  ['', false],
  ['a b', false],
  ['a\nb', false],
  ['-a', false],
  ['a'.repeat(129), false],
])('a user or group %j: %s', ([name, good]) => {
  expect(accessUser.safeParse(name).success).toBe(good)
  expect(accessGroups.safeParse([name]).success).toBe(good)
})
