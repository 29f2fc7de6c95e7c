import { expect, test } from 'vitest'
import type { ConfigRecord } from './config-index.ts'
import { leftoverKeys } from './leftovers.ts'

const config = (tenantName: string): ConfigRecord => ({
  uid: 'super-uid',
  hash: 'hash',
  tenantNamespace: 'shop',
  tenantName,
  objectUid: 'uid',
})
const tokens = (pod: string, uid: string): ConfigRecord => ({ ...config(pod), objectUid: uid, renewAt: 1 })

const nothing = { isReferred: () => false, hasPod: () => false }

test.for<[name: string, record: [string, ConfigRecord], present: Partial<typeof nothing>, wanted: readonly string[]]>([
  ['a ConfigMap nobody refers to', ['configmaps/settings', config('settings')], {}, ['configmaps/shop/settings']],
  ['a ConfigMap in use', ['configmaps/settings', config('settings')], { isReferred: () => true }, []],
  [
    "by the tenant's name for it",
    ['configmaps/kube-root-ca.crt.berth', config('kube-root-ca.crt')],
    {},
    ['configmaps/shop/kube-root-ca.crt'],
  ],
  ['a Secret nobody refers to', ['secrets/password', config('password')], { hasPod: () => true }, ['secrets/shop/password']],
  ['tokens of a pod that is there', ['secrets/web.x.token.berth', tokens('web', 'one')], { hasPod: () => true }, []],
  [
    'tokens of a pod that is gone',
    ['secrets/web.x.token.berth', tokens('web', 'one')],
    { isReferred: () => true },
    ['tokens/shop/web:one'],
  ],
])('%s', ([, record, present, wanted]) => {
  expect(leftoverKeys('shop', new Map([record]), { ...nothing, ...present })).toEqual(wanted)
})
