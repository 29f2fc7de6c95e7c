import type { KubeObject } from '../apis/kube-object.ts'
import { controlPlaneLabel, managedByBerth, managedByLabel } from './marks.ts'
import { type TenantRef, tenantIdentityName, tenantIdentityNamespace } from './names.ts'

/** What vn-agent must know of a tenant to believe a service-account token of it. None of it is secret. */
export interface AgentRecord {
  readonly tenant: Pick<TenantRef, 'uid' | 'name'>
  /** `https://host:port` of the tenant's API server. */
  readonly server: string
  /** PEM of the authorities, two while they are rotated, that the API server's certificate is checked against. */
  readonly ca: string
  /** PEM of the public keys that the tenant's service-account tokens are checked with: two while they are rotated. */
  readonly tokenKeys: string
}

/** Label by which the records are found: those of all tenants lie in the namespace of the tenants' identities. */
export const agentRecordLabel = controlPlaneLabel

export const agentRecordRef = (uid: string): { readonly name: string; readonly namespace: string } => ({
  name: tenantIdentityName(uid),
  namespace: tenantIdentityNamespace,
})

/** The ConfigMap that holds a record. */
export const agentRecordObject = ({ tenant, server, ca, tokenKeys }: AgentRecord): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { ...agentRecordRef(tenant.uid), labels: { [managedByLabel]: managedByBerth, [agentRecordLabel]: tenant.uid } },
  data: { name: tenant.name, server, 'ca.crt': ca, 'sa.pub': tokenKeys },
})

/** Reads a record; undefined for a ConfigMap that is none. */
export const agentRecordOf = ({ metadata, data = {} }: KubeObject): AgentRecord | undefined => {
  const uid = metadata.labels?.[agentRecordLabel]
  const { name, server, 'ca.crt': ca, 'sa.pub': tokenKeys } = data as Record<string, unknown>
  if (uid === undefined || metadata.name !== tenantIdentityName(uid)) return undefined
  if (typeof name !== 'string' || typeof ca !== 'string' || typeof tokenKeys !== 'string') return undefined
  if (typeof server !== 'string' || !server.startsWith('https://')) return undefined
  return { tenant: { uid, name }, server, ca, tokenKeys }
}
