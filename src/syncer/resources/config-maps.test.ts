import { describe, expect, test } from 'vitest'
import { aConfigMap } from '../../testing/builders.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { configMaps } from './config-maps.ts'

const metadata = {
  name: 'settings',
  labels: { app: 'web' },
  annotations: { 'replicator.example/replicate-from': 'kube-system/x' },
}

describe('configMaps.toSuper', () => {
  test.for<[name: string, wanted: Record<string, unknown>, fields: Record<string, unknown>]>([
    ['text', { data: { a: '1' } }, { data: { a: '1' } }],
    ['bytes', { data: undefined, binaryData: { b: 'AA==' } }, { binaryData: { b: 'AA==' } }],
    ['immutable', { data: { a: '1' }, immutable: true }, { data: { a: '1' }, immutable: true }],
    ['nothing', { data: undefined }, {}],
  ])('%s', ([, wanted, fields]) => {
    expect(configMaps.toSuper(aConfigMap({ metadata, ...wanted }), aSyncContext())).toEqual({
      kind: 'object',
      body: { name: 'settings', labels: {}, annotations: {}, fields },
    })
  })

  test("the root CA goes beside super's own", () => {
    const translation = configMaps.toSuper(aConfigMap({ metadata: { name: 'kube-root-ca.crt' } }), aSyncContext())
    expect(translation).toMatchObject({ body: { name: 'kube-root-ca.crt.berth' } })
  })
})

test('an immutable one is made anew, any other replaced whole', () => {
  const wanted = aConfigMap({ data: { b: '2' } })
  expect(configMaps.update?.(aConfigMap({ immutable: true }), wanted)).toEqual({ kind: 'recreate' })
  const change = configMaps.update?.(aConfigMap({ metadata: { uid: 'u' }, data: { a: '1' }, binaryData: { c: 'AA==' } }), wanted)
  expect(change).toMatchObject({ kind: 'replace', object: { metadata: { uid: 'u' }, data: { b: '2' } } })
  expect(change?.kind === 'replace' && change.object.binaryData).toBeUndefined()
})
