import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import type { ClassRules } from '../apis/tenant-control-plane.ts'
import { frozen } from '../testing/frozen.ts'
import { type ClassKind, tenantClasses } from './classes.ts'

const aClass = (name: string, more: Partial<KubeObject['metadata']> = {}): KubeObject => frozen({ metadata: { name, ...more } })
const superClasses = [aClass('fast', { labels: { tier: 'gold' } }), aClass('slow', { labels: { tier: 'tin' } }), aClass('plain')]
const of = (rules: ClassRules | undefined, classes: readonly KubeObject[] = superClasses) =>
  tenantClasses(rules, () => ({ list: () => classes, get: (name) => classes.find(({ metadata }) => metadata.name === name) }))

describe('allows', () => {
  test.for<[name: string, kind: ClassKind, rules: ClassRules | undefined, allowed: string[]]>([
    ['without any rule all', 'StorageClass', undefined, ['fast', 'slow', 'plain']],
    ['without a rule for the kind all', 'RuntimeClass', { storage: { allowed: [] } }, ['fast', 'slow', 'plain']],
    ['without a rule no priority', 'PriorityClass', undefined, []],
    ['with an empty list none', 'StorageClass', { storage: { allowed: [] } }, []],
    ['what is named', 'IngressClass', { ingress: { allowed: ['slow'] } }, ['slow']],
    ['what is selected', 'StorageClass', { storage: { selector: { tier: 'gold' } } }, ['fast']],
    [
      'what is named and what is selected',
      'StorageClass',
      { storage: { selector: { tier: 'gold' }, allowed: ['plain'] } },
      ['fast', 'plain'],
    ],
    ['with an empty selector all, priorities too', 'PriorityClass', { priority: { selector: {} } }, ['fast', 'slow', 'plain']],
    ['the default, beside what is named', 'StorageClass', { storage: { default: 'slow', allowed: ['fast'] } }, ['fast', 'slow']],
    ['only the default, of priorities', 'PriorityClass', { priority: { default: 'slow' } }, ['slow']],
    ['all, when only a default is said', 'StorageClass', { storage: { default: 'slow' } }, ['fast', 'slow', 'plain']],
  ])('%s', ([, kind, rules, allowed]) => {
    const classes = of(rules)
    const asked = ['fast', 'slow', 'plain', 'unknown', 'constructor']
    expect(asked.filter((name) => classes.allows(kind, name))).toEqual(allowed)
  })

  test('of classes whose volumes are kept only what is named', () => {
    const kept = frozen<KubeObject>({ metadata: { name: 'kept', labels: { tier: 'gold' } }, reclaimPolicy: 'Retain' })
    const gone = frozen<KubeObject>({ metadata: { name: 'gone', labels: { tier: 'gold' } }, reclaimPolicy: 'Delete' })
    const allowed = (storage: ClassRules['storage']) =>
      ['kept', 'gone'].filter((name) => of(storage && { storage }, [kept, gone]).allows('StorageClass', name))
    expect(allowed(undefined)).toEqual(['gone'])
    expect(allowed({ selector: { tier: 'gold' } })).toEqual(['gone'])
    expect(allowed({ selector: {}, allowed: ['kept'] })).toEqual(['kept', 'gone'])
    expect(allowed({ default: 'kept', allowed: [] })).toEqual(['kept'])
  })

  test('nothing that super does not have, though it is named', () => {
    expect(of({ storage: { allowed: ['gone'], default: 'gone' } }).allows('StorageClass', 'gone')).toBe(false)
  })
})

describe('names', () => {
  const classes = of({ storage: { allowed: ['fast', 'slow'], default: 'fast', names: { gold: 'fast', slow: 'plain' } } })

  test.for<[tenantName: string, superName: string | undefined, allowed: boolean]>([
    ['gold', 'fast', true],
    ['fast', undefined, false],
    ['slow', 'plain', false],
    ['plain', undefined, false],
    ['other', 'other', false],
    ['constructor', 'constructor', false],
  ])('%s here is %s in super', ([tenantName, superName, allowed]) => {
    expect(classes.superName('StorageClass', tenantName)).toBe(superName)
    expect(classes.allows('StorageClass', tenantName)).toBe(allowed)
    if (superName !== undefined) expect(classes.tenantName('StorageClass', superName)).toBe(tenantName)
  })

  test('of which one is taken: the class that has it in super is not seen', () => {
    expect(classes.tenantName('StorageClass', 'slow')).toBeUndefined()
  })

  test('and the default is told by its name here', () => {
    expect(classes.defaultOf('StorageClass')).toBe('gold')
    expect(classes.isDefault('StorageClass', superClasses[0] as KubeObject)).toBe(true)
  })

  test('no other kind has them', () => {
    expect(classes.superName('IngressClass', 'gold')).toBe('gold')
    expect(classes.allows('IngressClass', 'fast')).toBe(true)
  })

  test('a forced class stays forced, though its name here is another class', () => {
    const forced = of({ runtime: { forced: 'fast', names: { fast: 'slow' } } })
    expect(forced.runtime.forced).toBe('fast')
    expect(['fast', 'slow', 'plain'].filter((name) => forced.allows('RuntimeClass', name))).toEqual([])
  })
})

describe('the default', () => {
  const annotated = (name: string, creationTimestamp: string) =>
    aClass(name, { creationTimestamp, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } })
  const old = annotated('old', '2026-01-01T00:00:00Z')
  const young = annotated('young', '2026-02-01T00:00:00Z')

  test.for<[name: string, rules: ClassRules | undefined, wanted: string | undefined]>([
    ["is super's newest", undefined, 'young'],
    ["is super's newest that is allowed", { storage: { allowed: ['old', 'plain'] } }, 'old'],
    ['is none when no default of super is allowed', { storage: { allowed: ['plain'] } }, undefined],
    ['is what the rule says', { storage: { default: 'plain' } }, 'plain'],
    ['is none while super has not what the rule says', { storage: { default: 'gone' } }, undefined],
  ])('%s', ([, rules, wanted]) => {
    expect(of(rules, [old, young, aClass('plain')]).defaultOf('StorageClass')).toBe(wanted)
  })
})
