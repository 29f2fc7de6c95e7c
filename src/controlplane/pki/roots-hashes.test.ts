import { expect, test } from 'vitest'
import { secretNames } from '../names.ts'
import { authorityNames, type SecretData, tokenKeyNames, withNext, withNextIssuing, withoutOld } from './generations.ts'
import { readRoots, type Secrets } from './keys.ts'
import { authoritySecrets, tenantAuthorities } from './plan.ts'
import { baseHashOf, rootsHashes } from './roots-hashes.ts'

const pair = (name: string) => ({ cert: `${name} cert\n`, key: `${name} key` })
const first: Secrets = new Map<string, SecretData>([
  ...tenantAuthorities.map(
    (name) => [authoritySecrets[name], { 'tls.crt': `${name} cert\n`, 'tls.key': `${name} key` }] as const,
  ),
  [secretNames.serviceAccountKeys, { 'sa.pub': 'sa cert\n', 'sa.key': 'sa key' }],
  [secretNames.encryptionKey, { key: 'encryption' }],
])
const hashes = (secrets: Secrets) => rootsHashes(readRoots(secrets), 'agent')
const base = baseHashOf(readRoots(first), 'agent')

const changed = (secrets: Secrets, names: readonly string[], next: (data: SecretData, name: string) => SecretData): Secrets =>
  new Map([...secrets].map(([name, data]) => [name, names.includes(name) ? next(data, name) : data]))
const authorities = tenantAuthorities.map((name) => authoritySecrets[name])
const tokens = [secretNames.serviceAccountKeys]

/** Which components are started anew between two states. */
const rolled = (from: Secrets, to: Secrets): string[] => {
  const [before, after] = [hashes(from), hashes(to)]
  return Object.entries(after).flatMap(([name, hash]) => (before[name as keyof typeof before] === hash ? [] : [name]))
}
const all = ['etcd', 'kube-apiserver', 'kube-controller-manager']

test('a tenant that was never rotated has the hash that it had before there were rotations', () => {
  // Of a Berth without rotations, made of the same keys. Another value here would start every control plane anew.
  expect(hashes(first)).toEqual(Object.fromEntries(all.map((name) => [name, '59954175e0f70c21f141284e0a8e96d5'])))
})

test('a rotation of the authorities starts each component anew twice: with both, and after the cut', () => {
  const both = changed(first, authorities, (data, name) => withNext(data, pair(`new ${name}`), authorityNames, base))
  const issuing = changed(both, authorities, (data) => withNextIssuing(data, authorityNames))
  const cut = changed(issuing, authorities, (data) => withoutOld(data, authorityNames))
  expect([rolled(first, both), rolled(both, issuing), rolled(issuing, cut)]).toEqual([all, [], all])
})

test('a rotation of service-account keys leaves etcd alone, and the controller manager until the new one signs', () => {
  const both = changed(first, tokens, (data) => withNext(data, pair('new'), tokenKeyNames, base))
  const signing = changed(both, tokens, (data) => withNextIssuing(data, tokenKeyNames))
  const cut = changed(signing, tokens, (data) => withoutOld(data, tokenKeyNames))
  expect([rolled(first, both), rolled(both, signing), rolled(signing, cut)]).toEqual([
    ['kube-apiserver'],
    ['kube-apiserver', 'kube-controller-manager'],
    ['kube-apiserver'],
  ])
})
