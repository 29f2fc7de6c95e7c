import { describe, expect, test } from 'vitest'
import { type DraftInput, tenantDraft } from './tenant-draft.ts'

const draft = (input: Partial<DraftInput> = {}) => tenantDraft({ name: 'acme', defaultNamespace: 'default', ...input })
const specOf = (...set: readonly string[]) => draft({ set })['spec']
const file = (spec: object, metadata: object = {}) =>
  JSON.stringify({ apiVersion: 'berth.dev/v1alpha1', kind: 'TenantControlPlane', metadata, spec, status: { version: 'x' } })

describe('--set', () => {
  test.for<[what: string, set: readonly string[], spec: object]>([
    ['a word', ['size=large'], { size: 'large' }],
    ['a path', ['apiServer.replicas=2'], { apiServer: { replicas: 2 } }],
    ['with spec before it', ['spec.size=large'], { size: 'large' }],
    ['a truth', ['a.b=true'], { a: { b: true } }],
    ['a number that is to stay text', ['apiServer.extraArgs.v="3"'], { apiServer: { extraArgs: { v: '3' } } }],
    ['a list', ['apiServer.extraSANs=[a.b, c.d]'], { apiServer: { extraSANs: ['a.b', 'c.d'] } }],
    ['a name with dots', ['sync.nodeSelector.example\\.com/pool=a'], { sync: { nodeSelector: { 'example.com/pool': 'a' } } }],
    ['a value with an equals sign', ['a=b=c'], { a: 'b=c' }],
    ['an empty value', ['a='], { a: null }],
    ['what YAML cannot read', ['a=[b'], { a: '[b' }],
    ['two of one object', ['a.b=1', 'a.c=2'], { a: { b: 1, c: 2 } }],
    ['twice the same: the later one', ['a=1', 'a=2'], { a: 2 }],
    ['a path through what is no object', ['a=1', 'a.b=2'], { a: { b: 2 } }],
  ])('%s', ([, set, spec]) => {
    expect(specOf(...set)).toEqual(spec)
  })

  test('cannot reach what all objects share', () => {
    specOf('__proto__.polluted=1', 'constructor.prototype.polluted=1')
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test.for(['size', '=large', '.size=1', 'a..b=1'])('%j is refused', (setting) => {
    expect(() => specOf(setting)).toThrow(/path=value is needed/)
  })
})

describe('a tenant to be made', () => {
  test('of nothing but a name', () => {
    expect(draft()).toEqual({
      apiVersion: 'berth.dev/v1alpha1',
      kind: 'TenantControlPlane',
      metadata: { name: 'acme', namespace: 'default' },
      spec: {},
    })
  })

  test('of a file: flags go over it, and --set over both', () => {
    const text = file({ size: 'small', state: 'Paused', network: { clusterDomain: 'a.b' } })
    const { spec } = draft({ text, size: 'medium', className: 'gold', set: ['size=large'] })
    expect(spec).toEqual({ size: 'large', state: 'Paused', className: 'gold', network: { clusterDomain: 'a.b' } })
  })

  test('of another tenant: its own name and marks stay behind', () => {
    const annotations = { 'berth.dev/class-revision': 'r', 'kubectl.kubernetes.io/last-applied-configuration': '{}', team: 'a' }
    const metadata = {
      name: 'other',
      namespace: 'n',
      uid: 'u',
      resourceVersion: '1',
      finalizers: ['f'],
      labels: { a: 'b' },
      annotations,
    }
    expect(draft({ text: file({}, metadata) })).toMatchObject({
      metadata: { name: 'acme', namespace: 'n', labels: { a: 'b' }, annotations: { team: 'a' } },
    })
    expect(draft({ text: file({}, metadata) }).metadata.annotations).toEqual({ team: 'a' })
    expect(Object.keys(draft({ text: file({}, metadata) }).metadata)).toEqual(['name', 'namespace', 'labels', 'annotations'])
  })

  test.for<[what: string, input: Partial<DraftInput>, told: RegExp]>([
    ['two documents', { text: `${file({})}\n---\n${file({})}` }, /more than one document/],
    ['another kind', { text: 'kind: Secret' }, /is no TenantControlPlane/],
    ['nothing', { text: '' }, /is no TenantControlPlane/],
    ['no YAML', { text: '{a: [' }, /is no YAML/],
    ['two namespaces', { text: file({}, { namespace: 'a' }), namespace: 'b' }, /namespace a, and --namespace says b/],
  ])('of %s is refused', ([, input, told]) => {
    expect(() => draft(input)).toThrow(told)
  })
})
