import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import {
  certificateSources,
  joinedBundles,
  type LabelSelector,
  selectedBundles,
  selectorHolds,
  trustSources,
} from './secret-sources.ts'

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

describe('selectorHolds', () => {
  const labels = { app: 'web', tier: 'front' }
  test.for<[name: string, selector: LabelSelector | undefined, holds: boolean]>([
    ['no selector selects nothing', undefined, false],
    ['an empty one everything', {}, true],
    ['equal labels', { matchLabels: { app: 'web' } }, true],
    ['other labels', { matchLabels: { app: 'db' } }, false],
    ['what every object has is no label', { matchLabels: { constructor: 'x' } }, false],
    ['In', { matchExpressions: [{ key: 'app', operator: 'In', values: ['db', 'web'] }] }, true],
    ['NotIn', { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
    ['NotIn holds without the label', { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] }, true],
    ['Exists', { matchExpressions: [{ key: 'zone', operator: 'Exists' }] }, false],
    ['DoesNotExist', { matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' }] }, true],
    ['an operator nobody knows', { matchExpressions: [{ key: 'app', operator: 'Like' }] }, false],
  ])('%s', ([, selector, holds]) => {
    expect(selectorHolds(selector, labels)).toBe(holds)
  })
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
