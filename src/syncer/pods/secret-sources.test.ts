import { expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { certificateSources, joinedBundles, selectedBundles, trustSources } from './secret-sources.ts'

const podWith = (...sources: object[]): KubeObject => ({
  metadata: {},
  spec: { volumes: [{ name: 'plain' }, { name: 'all', projected: { sources } }] },
})

const bundle = (name: string, signerName?: string, labels?: Record<string, string>): KubeObject => ({
  metadata: { name, ...(labels && { labels }) },
  spec: { ...(signerName && { signerName }), trustBundle: '' },
})

test('sources are known by volume and place', () => {
  const pod = podWith(
    { configMap: { name: 'x' } },
    { clusterTrustBundle: { name: 'roots', path: 'ca' } },
    { clusterTrustBundle: { signerName: 'a/b', labelSelector: {}, optional: true, path: 'ca2' } },
    { podCertificate: { signerName: 'a/b', keyType: 'ED25519', maxExpirationSeconds: 3600, keyPath: 'k' } },
  )
  expect(trustSources(pod)).toEqual([
    { key: 'all.1', name: 'roots', optional: false },
    { key: 'all.2', signerName: 'a/b', labelSelector: {}, optional: true },
  ])
  expect(certificateSources(pod)).toEqual([{ key: 'all.3', signerName: 'a/b', keyType: 'ED25519', maxExpirationSeconds: 3600 }])
})

test('a source means bundles by name, or by signer and labels', () => {
  const all = [bundle('one', 'a/b', { x: '1' }), bundle('two', 'a/b'), bundle('three', 'c/d', { x: '1' }), bundle('four')]
  const names = (source: object) =>
    selectedBundles({ key: 'k', optional: false, ...source }, all).map(({ metadata }) => metadata.name)
  expect(names({ name: 'four' })).toEqual(['four'])
  expect(names({ name: 'none' })).toEqual([])
  expect(names({ signerName: 'a/b' })).toEqual([])
  expect(names({ signerName: 'a/b', labelSelector: {} })).toEqual(['one', 'two'])
  expect(names({ signerName: 'a/b', labelSelector: { matchLabels: { x: '1' } } })).toEqual(['one'])
})

test('certificates of bundles are joined without doubles, comments and order', () => {
  const pem = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`
  const joined = joinedBundles([`# a comment\n${pem('BBBB')}`, pem('AA\nAA') + pem('BBBB'), 'nothing'])
  expect(joined).toBe(pem('AAAA') + pem('BBBB'))
  expect(joinedBundles([])).toBe('')
})
