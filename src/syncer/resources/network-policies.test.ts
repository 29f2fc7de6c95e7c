import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { namespaceLabelKey } from '../../tenancy/names.ts'
import { frozen } from '../../testing/frozen.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { basePeers } from '../network/peers.ts'
import { networkPolicies } from './network-policies.ts'

/** Of a tenant that nothing keeps apart: what it says goes down. */
const ctx = aSyncContext({ isolation: { network: { apart: false } } })
const apart = aSyncContext()
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

  describe('of a tenant that is kept apart', () => {
    const translated = (spec: Record<string, unknown>, wanted = apart) => {
      const translation = networkPolicies.toSuper(policy(spec), wanted)
      if (translation.kind !== 'object') throw new Error(JSON.stringify(translation))
      return translation.body.fields['spec'] as { ingress?: unknown[]; egress?: unknown[] }
    }
    const ports = [{ port: 80, protocol: 'TCP' }]

    test('everybody is everybody that its settings know', () => {
      expect(translated({ ingress: [{ ports }] }).ingress).toEqual([{ ports, from: basePeers('ingress', apart) }])
      expect(translated({ ingress: [{ from: [], ports }] }).ingress).toEqual([{ ports, from: basePeers('ingress', apart) }])
      expect(translated({ egress: [{}] }).egress).toEqual([{ to: basePeers('egress', apart) }])
    })

    test('a rule that loses its peers goes with them, and never becomes everybody', () => {
      const gone = { to: [{ ipBlock: { cidr: '10.244.1.1/32' } }, { ipBlock: { cidr: '169.254.169.254/32' } }] }
      const kept = { to: [{ ipBlock: { cidr: '198.51.100.0/24' } }], ports }
      expect(translated({ egress: [gone] }).egress).toEqual([])
      expect(translated({ egress: [gone, kept] }).egress).toEqual([kept])
    })

    test('its own pods are selected as before', () => {
      const from = [{ namespaceSelector: {} }, { podSelector: { matchLabels: { app: 'web' } } }]
      expect(translated({ ingress: [{ from }] })).toEqual(translated({ ingress: [{ from }] }, ctx))
    })

    test('one that would fill super with holes is refused', () => {
      const many = Array.from({ length: 2_000 }, () => ({}))
      expect(networkPolicies.toSuper(policy({ ingress: many }), apart)).toMatchObject({
        kind: 'refused',
        reason: 'PolicyTooLarge',
      })
      expect(networkPolicies.toSuper(policy({ ingress: many }), ctx)).toMatchObject({ kind: 'object' })
      const blocks = Array.from({ length: 5_000 }, () => ({ ipBlock: { cidr: '0.0.0.0/0' } }))
      expect(networkPolicies.toSuper(policy({ egress: [{ to: blocks }] }), apart)).toMatchObject({ reason: 'PolicyTooLarge' })
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
