import { describe, expect, test } from 'vitest'
import { agentClientSubject, tenantOfCertificate } from './identity.ts'
import { superNamespace } from './names.ts'

const uid = '7f0c2c9e-0000-4000-8000-000000000001'

describe('tenantOfCertificate', () => {
  test('reads back what the certificate was made with', () => {
    const { commonName, organization } = agentClientSubject({ uid, name: 'acme' })
    expect(tenantOfCertificate({ CN: commonName, O: organization })).toEqual({ uid, name: 'acme' })
  })

  test('finds the same super namespaces for a name that the certificate cuts', () => {
    const name = 'a-tenant-with-a-name-that-is-far-too-long-for-a-subject'
    const { commonName, organization } = agentClientSubject({ uid, name })
    expect(organization.length).toBeLessThanOrEqual(64)
    expect(superNamespace(tenantOfCertificate({ CN: commonName, O: organization }), 'shop')).toBe(
      superNamespace({ uid, name }, 'shop'),
    )
  })

  test.for<[name: string, subject: { CN?: unknown; O?: unknown }]>([
    ['no organisation', { CN: uid }],
    ['another organisation', { CN: uid, O: 'system:masters' }],
    ['no UID', { CN: 'admin', O: 'berth:tenant:acme' }],
    ['several names', { CN: [uid, uid], O: 'berth:tenant:acme' }],
    ['something after the UID', { CN: `${uid}/../x`, O: 'berth:tenant:acme' }],
    ['nothing', {}],
  ])('refuses a subject with %s', ([, subject]) => expect(() => tenantOfCertificate(subject)).toThrow('names no tenant'))
})
