import { describe, expect, test } from 'vitest'
import { aSecret } from '../../testing/builders.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { secrets } from './secrets.ts'

describe('secrets.toSuper', () => {
  test.for<[type: string | undefined, inSuper: string]>([
    ['Opaque', 'Opaque'],
    [undefined, 'Opaque'],
    ['kubernetes.io/tls', 'kubernetes.io/tls'],
    ['kubernetes.io/dockerconfigjson', 'kubernetes.io/dockerconfigjson'],
    ['example.com/own', 'example.com/own'],
    // Super's controllers would fill these with a token for an account of super's.
    ['kubernetes.io/service-account-token', 'Opaque'],
    ['bootstrap.kubernetes.io/token', 'Opaque'],
  ])('type %s becomes %s', ([type, inSuper]) => {
    const annotations = { 'kubernetes.io/service-account.name': 'berth-workload' }
    expect(secrets.toSuper(aSecret({ metadata: { name: 's', labels: { a: 'b' }, annotations }, type }), aSyncContext())).toEqual({
      kind: 'object',
      body: { name: 's', labels: {}, annotations: {}, fields: { type: inSuper, data: { key: 'dmFsdWU=' } } },
    })
  })

  test("no tenant's name is that of a pod's token Secret", () => {
    const translation = secrets.toSuper(aSecret({ metadata: { name: 'web.abcdefghijkl.token.berth' } }), aSyncContext())
    expect(translation).toMatchObject({ body: { name: 'web.abcdefghijkl.token.berth.berth' } })
  })
})

test('another type or an immutable one is made anew', () => {
  const wanted = aSecret({ type: 'kubernetes.io/tls' })
  expect(secrets.update?.(aSecret(), wanted)).toEqual({ kind: 'recreate' })
  expect(secrets.update?.(aSecret({ type: 'kubernetes.io/tls', immutable: true }), wanted)).toEqual({ kind: 'recreate' })
  expect(secrets.update?.(aSecret({ type: 'kubernetes.io/tls' }), wanted)).toMatchObject({ kind: 'replace' })
})
