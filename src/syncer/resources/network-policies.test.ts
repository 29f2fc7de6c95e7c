import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { namespaceLabelKey } from '../../tenancy/names.ts'
import { frozen } from '../../testing/frozen.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { networkPolicies } from './network-policies.ts'

const ctx = aSyncContext()
const policy = (spec: Record<string, unknown>): KubeObject =>
  frozen({
    metadata: { name: 'web', namespace: 'shop', uid: 'u', labels: { team: 'a' }, annotations: { note: 'x' } },
    spec: { podSelector: {}, policyTypes: ['Ingress'], ...spec },
  })

const own = { 'berth.dev/tenant': ctx.tenant.uid }
const backed = { key: namespaceLabelKey('kubernetes.io/metadata.name'), operator: 'Exists' }

describe('toSuper', () => {
  test.for<[name: string, spec: Record<string, unknown>, wanted: Record<string, unknown>]>([
    ['nobody may come in', {}, {}],
    ['a rule without peers is everybody', { ingress: [{}] }, { ingress: [{}] }],
    [
      'pods of the same namespace, by their own labels',
      { podSelector: { matchLabels: { app: 'db' } }, ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }] }] },
      { podSelector: { matchLabels: { app: 'db' } }, ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }] }] },
    ],
    [
      'every namespace is every one of this tenant',
      { ingress: [{ from: [{ namespaceSelector: {} }] }] },
      { ingress: [{ from: [{ namespaceSelector: { matchLabels: own, matchExpressions: [backed] } }] }] },
    ],
    [
      'namespaces by label, with pods',
      {
        ingress: [
          {
            from: [{ namespaceSelector: { matchLabels: { team: 'a' } }, podSelector: { matchLabels: { app: 'web' } } }],
            ports: [{ port: 'http', protocol: 'TCP' }],
          },
        ],
      },
      {
        ingress: [
          {
            from: [
              {
                namespaceSelector: { matchLabels: { [namespaceLabelKey('team')]: 'a', ...own }, matchExpressions: [backed] },
                podSelector: { matchLabels: { app: 'web' } },
              },
            ],
            ports: [{ port: 'http', protocol: 'TCP' }],
          },
        ],
      },
    ],
    [
      'a selector that reaches for others reaches only the own ones',
      {
        ingress: [
          {
            from: [
              {
                namespaceSelector: {
                  matchLabels: { 'berth.dev/tenant': 'other' },
                  matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['shop'] }],
                },
              },
            ],
          },
        ],
      },
      {
        ingress: [
          {
            from: [
              {
                namespaceSelector: {
                  matchLabels: { [namespaceLabelKey('berth.dev/tenant')]: 'other', ...own },
                  matchExpressions: [
                    { key: namespaceLabelKey('kubernetes.io/metadata.name'), operator: 'NotIn', values: ['shop'] },
                    backed,
                  ],
                },
              },
            ],
          },
        ],
      },
    ],
    [
      'the way out, by address and range of ports',
      {
        policyTypes: ['Egress'],
        egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } }], ports: [{ port: 8000, endPort: 8010 }] }],
      },
      {
        policyTypes: ['Egress'],
        egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } }], ports: [{ port: 8000, endPort: 8010 }] }],
      },
    ],
  ])('%s', ([, spec, wanted]) => {
    expect(networkPolicies.toSuper(policy(spec), ctx)).toEqual({
      kind: 'object',
      body: { labels: {}, annotations: {}, fields: { spec: { podSelector: {}, policyTypes: ['Ingress'], ...wanted } } },
    })
  })

  test.for<[name: string, spec: Record<string, unknown>, reason: string]>([
    ['pods by a label that does not go down', { podSelector: { matchLabels: { 'berth.dev/a': 'b' } } }, 'SelectorNotSupported'],
    [
      'peers by such a label',
      { egress: [{ to: [{ podSelector: { matchExpressions: [{ key: 'x.berth.dev/a', operator: 'Exists' }] } }] }] },
      'SelectorNotSupported',
    ],
    ['an unknown field', { teleport: true }, 'FieldNotSupported'],
    ['an unknown field of a rule', { ingress: [{ unless: [] }, { unless: [1] }] }, 'FieldNotSupported'],
    ['an unknown kind of peer', { ingress: [{ from: [{ fqdn: 'x' }] }] }, 'FieldNotSupported'],
    ['an unknown field of a port', { ingress: [{ ports: [{ port: 1, layer: 7 }] }] }, 'FieldNotSupported'],
  ])('refuses %s', ([, spec, reason]) => {
    expect(networkPolicies.toSuper(policy(spec), ctx)).toMatchObject({ kind: 'refused', reason })
  })
})
