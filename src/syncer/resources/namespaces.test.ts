import { expect, test } from 'vitest'
import { namespaceLabelKey, superNamespace } from '../../tenancy/names.ts'
import { safeSysctls } from '../../tenancy/pod-security-standards.ts'
import { aNamespace } from '../../testing/builders.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { wantedObject } from '../super-object.ts'
import { namespaces } from './namespaces.ts'

const ctx = aSyncContext({ isolation: { profile: 'restricted' } })
const shop = aNamespace({
  metadata: {
    name: 'shop',
    uid: 'u',
    labels: {
      'kubernetes.io/metadata.name': 'shop',
      'pod-security.kubernetes.io/enforce': 'privileged',
      'berth.dev/tenant': 'other',
    },
    annotations: { 'scheduler.alpha.kubernetes.io/node-selector': 'role=control-plane' },
  },
})

test("the super namespace carries super's level, the tenant's labels under hashed keys, and no annotation", () => {
  expect(namespaces.toSuper(shop, ctx)).toEqual({
    kind: 'object',
    body: {
      name: superNamespace(ctx.tenant, 'shop'),
      labels: { 'pod-security.kubernetes.io/enforce': 'restricted', 'pod-security.kubernetes.io/enforce-version': 'latest' },
      labelMarks: {
        [namespaceLabelKey('kubernetes.io/metadata.name')]: 'shop',
        [namespaceLabelKey('pod-security.kubernetes.io/enforce')]: 'privileged',
        [namespaceLabelKey('berth.dev/tenant')]: 'other',
      },
      annotations: {},
      marks: {
        'berth.dev/pod-security': 'restricted',
        'berth.dev/capabilities': 'NET_BIND_SERVICE',
        'berth.dev/runtime-class': '',
        'berth.dev/node-pool': '',
        'berth.dev/service-types': 'ExternalName,LoadBalancer',
        'berth.dev/sysctls': safeSysctls.join(','),
        'berth.dev/run-as-non-root': 'true',
        'berth.dev/privilege-escalation': 'false',
        'berth.dev/user-namespaces': 'false',
        'berth.dev/pull-always': 'true',
        'berth.dev/tolerations': 'narrowed',
      },
      fields: {},
    },
  })
})

test('it says which runtime class and which nodes its pods are held to', () => {
  const kept = aSyncContext({
    classes: { runtime: { forced: 'gvisor' } },
    isolation: { nodePool: { nodeSelector: { pool: 'acme', disk: 'ssd' } } },
  })
  expect(namespaces.toSuper(shop, kept)).toMatchObject({
    body: { marks: { 'berth.dev/runtime-class': 'gvisor', 'berth.dev/node-pool': 'pool=acme,disk=ssd' } },
  })
})

test('it says which sysctls its pods may set: others than the safe ones where the level lets them', () => {
  const sysctls = (podSecurity: 'baseline' | 'privileged') => {
    const { body } = namespaces.toSuper(
      shop,
      aSyncContext({ isolation: { podSecurity, pods: { sysctls: ['net.core.*'] } } }),
    ) as {
      body: { marks: Record<string, string> }
    }
    return body.marks['berth.dev/sysctls']?.split(',')
  }
  expect(sysctls('baseline')).toEqual(safeSysctls)
  expect(sysctls('privileged')).toEqual([...safeSysctls, 'net.core.*'])
})

test('the whole object says whose it is, and its level, whatever the tenant wrote', () => {
  const wanted = wantedObject(namespaces, shop, ctx)
  const { labels } = wanted.kind === 'object' ? wanted.object.metadata : {}
  expect(labels).toMatchObject({
    'berth.dev/tenant': ctx.tenant.uid,
    'pod-security.kubernetes.io/enforce': 'restricted',
    [namespaceLabelKey('kubernetes.io/metadata.name')]: 'shop',
  })
})
