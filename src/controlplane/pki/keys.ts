import { randomBytes } from 'node:crypto'
import { AppError } from '../../lib/errors.ts'
import { secretNames } from '../names.ts'
import { apiServerFiles, controllerManagerFiles, etcdFiles, syncerFiles } from './files.ts'
import { issueAuthority, issueLeaf, issueServiceAccountKeys, type KeyPair } from './issue.ts'
import { type Authority, authoritySecrets, leafPlans, type PkiInputs, type TenantAuthority, tenantAuthorities } from './plan.ts'
import { reissueReason } from './policies.ts'

/** Decoded data of a Secret: key to text. */
export type SecretData = Readonly<Record<string, string>>
/** Secrets by name. */
export type Secrets = ReadonlyMap<string, SecretData>

const day = 24 * 3_600_000
const authorityLife = 3650 * day
const leafLife = 365 * day
/** Certificates begin in the past, so that a clock that is a little late takes them. */
const clockSkew = 3_600_000

const lifeFrom = (now: Date, life: number): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(now.getTime() - clockSkew),
  notAfter: new Date(now.getTime() + life),
})

/** A new authority of ten years. */
export const newAuthority = (commonName: string, now: Date): Promise<KeyPair> =>
  issueAuthority({ subject: { commonName }, ...lifeFrom(now, authorityLife) })

/** Berth's authorities for vn-agent, as far as a tenant needs them. */
export interface AgentAuthorities {
  /** Signs the tenants' client certificates. */
  readonly client: KeyPair
  /** Certificate of the authority that signs vn-agent's serving certificate. */
  readonly servingCert: string
}

/** What everything else of a tenant is signed with. Made once; a lost one is a new cluster identity, so it is never replaced while it is there. */
export interface Roots {
  readonly authorities: Readonly<Record<TenantAuthority, KeyPair>>
  readonly serviceAccount: { readonly publicKey: string; readonly privateKey: string }
  /** 32 bytes in base64: encrypts Secrets in the tenant's etcd. */
  readonly encryptionKey: string
}

/** Secrets of the roots that are not there yet. */
export const missingRoots = async (
  existing: Secrets,
  tenant: PkiInputs['tenant'],
  now: Date,
): Promise<Map<string, SecretData>> => {
  const made = new Map<string, SecretData>()
  for (const authority of tenantAuthorities) {
    const name = authoritySecrets[authority]
    if (existing.has(name)) continue
    const { cert, key } = await newAuthority(`${name}-${tenant.uid.slice(0, 8)}`, now)
    made.set(name, { 'tls.crt': cert, 'tls.key': key })
  }
  if (!existing.has(secretNames.serviceAccountKeys)) {
    const { publicKey, privateKey } = await issueServiceAccountKeys()
    made.set(secretNames.serviceAccountKeys, { 'sa.pub': publicKey, 'sa.key': privateKey })
  }
  if (!existing.has(secretNames.encryptionKey)) made.set(secretNames.encryptionKey, { key: randomBytes(32).toString('base64') })
  return made
}

const field = (secrets: Secrets, name: string, key: string): string => {
  const value = secrets.get(name)?.[key]
  if (value) return value
  // Never made anew: all that the tenant stored or signed with it would be lost without a word.
  throw new AppError(
    'CERTIFICATE_INVALID',
    `Secret ${name} lacks ${key}: restore it from a backup, or delete the Secret to accept a new one`,
    {
      secret: name,
      key,
    },
  )
}

/** Reads the roots out of their Secrets. Throws CERTIFICATE_INVALID when a Secret is there but not whole. */
export const readRoots = (secrets: Secrets): Roots => {
  const authority = (name: TenantAuthority): KeyPair => ({
    cert: field(secrets, authoritySecrets[name], 'tls.crt'),
    key: field(secrets, authoritySecrets[name], 'tls.key'),
  })
  return {
    authorities: { cluster: authority('cluster'), etcd: authority('etcd'), frontProxy: authority('frontProxy') },
    serviceAccount: {
      publicKey: field(secrets, secretNames.serviceAccountKeys, 'sa.pub'),
      privateKey: field(secrets, secretNames.serviceAccountKeys, 'sa.key'),
    },
    encryptionKey: field(secrets, secretNames.encryptionKey, 'key'),
  }
}

/** The Secrets that containers and clients use: good leaves are kept, others issued anew, and what goes with them is written out. */
export const consumerSecrets = async (input: {
  readonly inputs: PkiInputs
  readonly roots: Roots
  readonly agent: AgentAuthorities
  readonly existing: Secrets
  readonly now: Date
}): Promise<Map<string, SecretData>> => {
  const { inputs, roots, agent, existing, now } = input
  const authorities: Record<Authority, KeyPair> = { ...roots.authorities, agent: agent.client }
  const secrets = new Map<string, Record<string, string>>()
  for (const plan of leafPlans(inputs)) {
    const old = existing.get(plan.secret)
    const issued = { cert: old?.[`${plan.file}.crt`] ?? '', key: old?.[`${plan.file}.key`] ?? '' }
    const authority = authorities[plan.authority]
    const { cert, key } = reissueReason({ plan, issued, authorityCert: authority.cert, now })
      ? await issueLeaf(authority, { ...plan, ...lifeFrom(now, leafLife) })
      : issued
    secrets.set(plan.secret, { ...secrets.get(plan.secret), [`${plan.file}.crt`]: cert, [`${plan.file}.key`]: key })
  }
  const add = (name: string, files: SecretData): void => void secrets.set(name, { ...secrets.get(name), ...files })
  add(secretNames.etcd, etcdFiles(roots))
  add(secretNames.kubeApiServer, apiServerFiles(roots, agent.servingCert))
  add(secretNames.kubeControllerManager, controllerManagerFiles(inputs, roots, agent.servingCert))
  add(secretNames.syncer, syncerFiles(inputs, roots, secrets.get(secretNames.syncer) ?? {}))
  return secrets
}

/** One leaf of a plan, for those outside a tenant's plan. Keeps `issued` while it is good. */
export const keepLeaf = async (
  request: { readonly authority: KeyPair; readonly issued: Partial<KeyPair>; readonly now: Date; readonly life?: number } & Pick<
    Parameters<typeof issueLeaf>[1],
    'subject' | 'usages'
  > & { readonly names: readonly string[] },
): Promise<KeyPair> => {
  const { authority, issued, now, life = leafLife, subject, usages, names } = request
  const { cert, key } = issued
  if (cert && key && !reissueReason({ plan: { subject, names }, issued, authorityCert: authority.cert, now }))
    return { cert, key }
  return issueLeaf(authority, { subject, usages, names, ...lifeFrom(now, life) })
}
