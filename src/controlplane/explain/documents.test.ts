import { describe, expect, test } from 'vitest'
import { applyPatch, lastAppliedSpec, writtenIn } from './documents.ts'

const at = { namespace: 'tenants', isForced: false }
const head = 'apiVersion: berth.dev/v1alpha1\nkind: TenantControlPlane\n'

describe('a file', () => {
  test('has one or more tenants, each of its own namespace or of the one asked for', () => {
    const text = `---\n${head}metadata: {name: a}\nspec: {size: medium}\n---\n# nothing\n---\n${head}metadata: {name: b, namespace: other}\n`
    expect(writtenIn(text, at)).toEqual([
      { name: 'a', namespace: 'tenants', spec: { size: 'medium' } },
      { name: 'b', namespace: 'other', spec: {} },
    ])
  })

  test('may be JSON', () => {
    const text = JSON.stringify({ apiVersion: 'berth.dev/v1alpha1', kind: 'TenantControlPlane', metadata: { name: 'a' } })
    expect(writtenIn(text, at)).toHaveLength(1)
  })

  test.for<[name: string, text: string, refusal: RegExp]>([
    ['of nothing', '', /no TenantControlPlane in the file/],
    ['that is no YAML', '{a', /document 1 is no YAML/],
    [
      'of something else',
      'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n',
      /document 1 is no TenantControlPlane.*apiVersion/,
    ],
    ['of one without a name', `${head}metadata: {}\n`, /document 1 .*metadata\.name/],
    ['of a text', '--- hello\n', /document 1/],
    [
      'that grows without end',
      `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
        .split('')
        .map((key, index) => `${key}: &${key} [${Array(10).fill(`*${'abcdefgh'[index]}`).join()}]`)
        .join('\n')}\n`,
      /document 1 is no YAML: Excessive alias count/,
    ],
  ])('%s is refused', ([, text, refusal]) => {
    expect(() => writtenIn(text, at)).toThrow(refusal)
  })

  test('of another namespace than was asked for is refused', () => {
    const text = `${head}metadata: {name: b, namespace: other}\n`
    expect(() => writtenIn(text, { ...at, isForced: true })).toThrow(/namespace other, and -n says tenants/)
  })
})

describe('what an apply changes', () => {
  test.for<[name: string, wanted: Record<string, unknown>, last: unknown, patch: Record<string, unknown>]>([
    ['is what is written', { a: 1, b: { c: [1] } }, undefined, { a: 1, b: { c: [1] } }],
    [
      'takes away what was applied before and is written no more',
      { b: {} },
      { a: 1, b: { c: 1, d: {} } },
      { a: null, b: { c: null, d: null } },
    ],
    ['leaves what others set', { a: 1 }, {}, { a: 1 }],
  ])('%s', ([, wanted, last, patch]) => {
    expect(applyPatch(wanted, last)).toEqual(patch)
  })

  test('goes by the note of kubectl, and by none that cannot be read', () => {
    const note = (text: string) => lastAppliedSpec({ 'kubectl.kubernetes.io/last-applied-configuration': text })
    expect(note('{"spec":{"a":1}}')).toEqual({ a: 1 })
    expect(note('{')).toBeUndefined()
    expect(note('7')).toBeUndefined()
    expect(lastAppliedSpec(undefined)).toBeUndefined()
  })
})
