import { describe, expect, test } from 'vitest'
import { tokenSecretName } from '../../tenancy/names.ts'
import { frozen } from '../../testing/frozen.ts'
import { mapMessages, tenantText } from './tenant-text.ts'

const text = tenantText({ namespace: 'shop', superNamespaceName: 'acme-shop-abc', uids: [['uid-s', 'uid-t']] })

describe('tenantText', () => {
  test.for<[inSuper: string, inTenant: string]>([
    ['pod=web_acme-shop-abc(uid-s)', 'pod=web_shop(uid-t)'],
    ['acme-shop-abc/web and acme-shop-abc/db', 'shop/web and shop/db'],
    ['configmap "kube-root-ca.crt.berth" not found', 'configmap "kube-root-ca.crt" not found'],
    [`secret "${tokenSecretName('web-7d9', 'u')}" not found`, 'secret "service-account-token" not found'],
    ['nothing to hide', 'nothing to hide'],
  ])('%s', ([inSuper, inTenant]) => {
    expect(text(inSuper)).toBe(inTenant)
  })

  test('leaves the text alone when a name is not known', () => {
    expect(tenantText({ namespace: 'shop', superNamespaceName: '', uids: [['', 'uid-t']] })('web')).toBe('web')
  })
})

test('mapMessages rewrites messages at any depth, and nothing else', () => {
  const value = frozen({
    message: 'acme-shop-abc',
    reason: 'acme-shop-abc',
    list: [{ state: { waiting: { message: 'acme-shop-abc' } } }],
    time: null,
  })
  expect(mapMessages(value, text)).toEqual({
    message: 'shop',
    reason: 'acme-shop-abc',
    list: [{ state: { waiting: { message: 'shop' } } }],
    time: null,
  })
})
