import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { controlPlaneNamespace, namespaceLabelKey, shortHash, superConfigName, superNamespace, tokenSecretName } from './names.ts'

const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const dnsName = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
const subdomain = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?){0,3}$/)
const maybeReserved = fc.oneof(
  subdomain,
  subdomain.map((name) => `${name}.berth`),
  subdomain.map((name) => `${name}.token.berth`),
  fc.constantFrom('kube-root-ca.crt', 'kube-root-ca.crt.berth', 'kube-root-ca.crt.berth.berth'),
)

describe('superNamespace', () => {
  test('is a DNS label for any tenant and namespace', () => {
    fc.assert(
      fc.property(fc.uuid(), dnsName, dnsName, (uid, name, namespace) => {
        expect(superNamespace({ uid, name }, namespace)).toMatch(label)
      }),
    )
  })

  test('differs when tenant or namespace differ', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), dnsName, dnsName, dnsName, (one, two, name, a, b) => {
        fc.pre(one !== two || a !== b)
        expect(superNamespace({ uid: one, name }, a)).not.toBe(superNamespace({ uid: two, name }, b))
      }),
    )
  })

  test('stays the same over time: objects in super are found by it', () => {
    expect(superNamespace({ uid: '7f0c2c9e-0000-4000-8000-000000000001', name: 'acme' }, 'shop')).toBe(
      'acme-shop-air6iuk66re2qlbq',
    )
  })

  test('shows long names cut, never ending in a dash', () => {
    const long = 'a'.repeat(18) + '-' + 'b'.repeat(40)
    expect(superNamespace({ uid: 'u', name: long }, long)).toHaveLength(63)
    expect(superNamespace({ uid: 'u', name: 'abcdefghijklmnopqrs-x' }, 'n')).toMatch(/^abcdefghijklmnopqrs-n-/)
  })
})

test('controlPlaneNamespace is a DNS label and differs between tenants', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.uuid(), dnsName, (one, two, name) => {
      fc.pre(one !== two)
      const of = (uid: string) => controlPlaneNamespace({ uid, name, namespace: 'default' })
      expect(of(one)).toMatch(label)
      expect(of(one)).not.toBe(of(two))
    }),
  )
})

test('shortHash keeps lists apart that join to the same text', () => {
  expect(shortHash(['ab', 'c'])).not.toBe(shortHash(['a', 'bc']))
  expect(shortHash(['a'])).toMatch(/^[a-z2-7]{16}$/)
})

describe('superConfigName', () => {
  test('gives different names for different names', () => {
    fc.assert(
      fc.property(maybeReserved, maybeReserved, (a, b) => {
        fc.pre(a !== b)
        expect(superConfigName(a)).not.toBe(superConfigName(b))
      }),
    )
  })

  test('never gives a token Secret its name', () => {
    fc.assert(
      fc.property(maybeReserved, subdomain, fc.uuid(), (config, pod, uid) => {
        expect(superConfigName(config)).not.toBe(tokenSecretName(pod, uid))
        expect(superConfigName(tokenSecretName(pod, uid))).not.toBe(tokenSecretName(pod, uid))
      }),
    )
  })

  test.for([
    ['settings', 'settings'],
    ['kube-root-ca.crt', 'kube-root-ca.crt.berth'],
    ['x.berth', 'x.berth.berth'],
  ])('%s becomes %s', ([name = '', wanted]) => expect(superConfigName(name)).toBe(wanted))
})

test('namespaceLabelKey is a valid label key for any key', () => {
  fc.assert(
    fc.property(fc.string(), (key) => {
      expect(namespaceLabelKey(key)).toMatch(/^ns\.berth\.dev\/[a-z2-7]{24}$/)
    }),
  )
})
