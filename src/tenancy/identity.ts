import { AppError } from '../lib/errors.ts'
import type { TenantRef } from './names.ts'

const organizationPrefix = 'berth:tenant:'

/** Subject of the client certificate with which a tenant's API server comes to vn-agent. Names stay whole: X.520 allows 64 characters each. */
export const agentClientSubject = (tenant: Pick<TenantRef, 'uid' | 'name'>): { commonName: string; organization: string } => ({
  commonName: tenant.uid,
  organization: `${organizationPrefix}${tenant.name.slice(0, 40)}`,
})

const uidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Reads the tenant out of an already verified client certificate's subject. Throws for any other certificate of the same CA. */
export const tenantOfCertificate = (subject: { CN?: unknown; O?: unknown }): Pick<TenantRef, 'uid' | 'name'> => {
  const { CN, O } = subject
  if (typeof CN !== 'string' || !uidPattern.test(CN) || typeof O !== 'string' || !O.startsWith(organizationPrefix)) {
    throw new AppError('TENANT_NOT_FOUND', 'the client certificate names no tenant', {})
  }
  return { uid: CN, name: O.slice(organizationPrefix.length) }
}
