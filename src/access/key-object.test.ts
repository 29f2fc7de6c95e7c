import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { isExpired, keyOf, keySecret } from './key-object.ts'
import { fitsDigest, newKey } from './key-text.ts'

const key = newKey()
const written = keySecret(key, { name: 'backend', organization: 'acme', organizationUid: 'u1', scopes: ['tenants:read'] })
/** As a server gives it back. */
const stored = ({ stringData, ...object }: KubeObject, data?: string): KubeObject => ({
  ...object,
  data: { key: Buffer.from(data ?? stringData.key).toString('base64') },
})

describe('keyOf', () => {
  test('gives back what was written, and not the secret', () => {
    const read = keyOf(stored(written))
    expect(read).toMatchObject({ id: key.id, name: 'backend', organization: 'acme', scopes: ['tenants:read'] })
    expect(fitsDigest(key.secret, read?.digest ?? '')).toBe(true)
    expect(JSON.stringify(written)).not.toContain(key.secret)
  })

  test.for<[name: string, object: KubeObject]>([
    ['of another type', { ...stored(written), type: 'Opaque' }],
    ['under the name of another key', { ...stored(written), metadata: { ...written.metadata, name: 'api-key-other' } }],
    ['that is going', { ...stored(written), metadata: { ...written.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }],
    ['that is no JSON', stored(written, '{')],
    [
      'with a scope that nobody knows',
      stored(written, JSON.stringify({ ...JSON.parse(written['stringData'].key), scopes: ['*'] })),
    ],
    [
      'of an organisation without its UID',
      stored(written, JSON.stringify({ ...JSON.parse(written['stringData'].key), organizationUid: undefined })),
    ],
    ['without data', { ...stored(written), data: undefined }],
  ])('no key: a Secret %s', ([, object]) => {
    expect(keyOf(object)).toBeUndefined()
  })
})

test('isExpired from the moment on', () => {
  const at = Date.parse('2026-11-22T12:00:00Z')
  const of = { expiresAt: '2026-11-22T12:00:00Z' }
  expect([isExpired(of, at - 1), isExpired(of, at), isExpired({}, at)]).toEqual([false, true, false])
})
