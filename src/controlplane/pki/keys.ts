import { randomBytes } from 'node:crypto'
import { AppError } from '../../lib/errors.ts'
import { secretNames } from '../names.ts'
import { apiServerFiles, controllerManagerFiles, etcdFiles, partFiles } from './files.ts'
import {
  authorityNames,
  firstKeys,
  type Generations,
  generationsOf,
  type SecretData,
  tokenKeyNames,
  trustOf,
} from './generations.ts'
import { issueAuthority, issueLeaf, issueServiceAccountKeys, type KeyPair } from './issue.ts'
import {
  type Authority,
  authoritySecrets,
  leafPlans,
  type PkiInputs,
  type StoreSigner,
  type TenantAuthority,
  tenantAuthorities,
} from './plan.ts'
import { reissueReason } from './policies.ts'

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

/** By which keys an API server comes to its data store. */
export type StoreTrust =
  /** A data store of the tenant's own. */
  | { readonly kind: 'own' }
  | { readonly kind: 'shared'; readonly ca: string; readonly authority: KeyPair; readonly user: string }
  | { readonly kind: 'given'; readonly ca: string; readonly cert: string; readonly key: string }
  /** Not known at the moment: what is there stays as it is. */
  | { readonly kind: 'kept' }

/** What everything else of a tenant is signed with. A lost one is a new cluster identity, so none is replaced while it is there, but by a rotation. */
export interface Roots {
  /** Those that issue. */
  readonly authorities: Readonly<Record<TenantAuthority, KeyPair>>
  /** Those that sign. */
  readonly serviceAccount: { readonly publicKey: string; readonly privateKey: string }
  /** 32 bytes in base64: encrypts Secrets in the tenant's etcd. */
  readonly encryptionKey: string
  /** PEM of all that is trusted: of more than one generation while a rotation is under way. */
  readonly trust: { readonly authorities: Readonly<Record<TenantAuthority, string>>; readonly serviceAccount: string }
  readonly generations: RootGenerations
}

/** The same keys, by what becomes of them in a rotation. */
export interface RootGenerations {
  readonly authorities: Readonly<Record<TenantAuthority, Generations>>
  readonly serviceAccount: Generations
}

/** Name of an authority in its certificates. Each generation has its own: who looks for an issuer finds the right one. */
export const authorityCommonName = (authority: TenantAuthority, uid: string, generation: number): string =>
  `${authoritySecrets[authority]}-${uid.slice(0, 8)}${generation > 1 ? `-${generation}` : ''}`

/** Secrets of the roots that are not there yet. */
export const missingRoots = async (
  existing: Secrets,
  { tenant, wanted, now }: { readonly tenant: PkiInputs['tenant']; readonly wanted: WantedGenerations; readonly now: Date },
): Promise<Map<string, SecretData>> => {
  const made = new Map<string, SecretData>()
  const known = generationsOf(existing.get(authoritySecrets.cluster) ?? {}, authorityNames)
  const generation = known?.generation ?? wanted.authorities
  for (const authority of tenantAuthorities) {
    const name = authoritySecrets[authority]
    if (existing.has(name)) continue
    const pair = await newAuthority(authorityCommonName(authority, tenant.uid, generation), now)
    made.set(name, firstKeys(pair, authorityNames, generation))
  }
  if (!existing.has(secretNames.serviceAccountKeys)) {
    made.set(secretNames.serviceAccountKeys, firstKeys(await newTokenKeys(), tokenKeyNames, wanted.serviceAccountKeys))
  }
  if (!existing.has(secretNames.encryptionKey)) made.set(secretNames.encryptionKey, { key: randomBytes(32).toString('base64') })
  return made
}

/** Generations that a tenant's first keys are of. */
export interface WantedGenerations {
  readonly authorities: number
  readonly serviceAccountKeys: number
}

/** A new pair that signs tokens; `cert` is its public key. */
export const newTokenKeys = async (): Promise<KeyPair> => {
  const { publicKey, privateKey } = await issueServiceAccountKeys()
  return { cert: publicKey, key: privateKey }
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

const generationsIn = (secrets: Secrets, name: string, names: typeof authorityNames): Generations => {
  for (const key of names.issuing) field(secrets, name, key)
  const read = generationsOf(secrets.get(name) ?? {}, names)
  if (!read) throw new AppError('CERTIFICATE_INVALID', `Secret ${name} cannot be read`, { secret: name })
  return read
}

/** Reads the roots out of their Secrets. Throws CERTIFICATE_INVALID when a Secret is there but not whole. */
export const readRoots = (secrets: Secrets): Roots => {
  const of = (name: TenantAuthority): Generations => generationsIn(secrets, authoritySecrets[name], authorityNames)
  const generations = {
    authorities: { cluster: of('cluster'), etcd: of('etcd'), frontProxy: of('frontProxy') },
    serviceAccount: generationsIn(secrets, secretNames.serviceAccountKeys, tokenKeyNames),
  }
  const { authorities, serviceAccount } = generations
  return {
    authorities: {
      cluster: authorities.cluster.issuing,
      etcd: authorities.etcd.issuing,
      frontProxy: authorities.frontProxy.issuing,
    },
    serviceAccount: { publicKey: serviceAccount.issuing.cert, privateKey: serviceAccount.issuing.key },
    encryptionKey: field(secrets, secretNames.encryptionKey, 'key'),
    trust: {
      authorities: {
        cluster: trustOf(authorities.cluster),
        etcd: trustOf(authorities.etcd),
        frontProxy: trustOf(authorities.frontProxy),
      },
      serviceAccount: trustOf(serviceAccount),
    },
    generations,
  }
}

/**
 * Who signs the API server's certificate: the old authority until it is about to be cut. Kubeconfigs of before, and pods whose client read its ca.crt only when it
 * started (client-go before 1.36), know no other.
 */
const servingAuthority = ({
  authorities,
  generations: {
    authorities: { cluster },
  },
}: Roots): KeyPair => (cluster.old && !cluster.servingSince ? cluster.old : authorities.cluster)

/** What an API server gets for its data store, beside what is signed for it. */
const storeFiles = (trust: StoreTrust, roots: Roots, old: SecretData = {}): SecretData => {
  switch (trust.kind) {
    case 'own':
      return { 'etcd-ca.crt': roots.trust.authorities.etcd }
    case 'shared':
      return { 'etcd-ca.crt': trust.ca }
    case 'given':
      return { 'etcd-ca.crt': trust.ca, 'etcd-client.crt': trust.cert, 'etcd-client.key': trust.key }
    case 'kept':
      return Object.fromEntries(
        ['etcd-ca.crt', 'etcd-client.crt', 'etcd-client.key'].flatMap((name) => (old[name] ? [[name, old[name]]] : [])),
      )
  }
}

const signerOf = (trust: StoreTrust): StoreSigner => {
  if (trust.kind === 'shared') return { kind: 'shared', user: trust.user }
  return { kind: trust.kind === 'own' ? 'own' : 'none' }
}

/** The Secrets that containers and clients use: good leaves are kept, others issued anew, and what goes with them is written out. */
export const consumerSecrets = async (input: {
  readonly inputs: Omit<PkiInputs, 'storeSigner'>
  readonly roots: Roots
  readonly storeTrust?: StoreTrust
  readonly agent: AgentAuthorities
  readonly existing: Secrets
  readonly now: Date
}): Promise<Map<string, SecretData>> => {
  const { roots, agent, existing, now, storeTrust = { kind: 'own' } } = input
  const inputs: PkiInputs = { ...input.inputs, storeSigner: signerOf(storeTrust) }
  const authorities: Record<Authority, KeyPair> = {
    ...roots.authorities,
    agent: agent.client,
    serving: servingAuthority(roots),
    store: storeTrust.kind === 'shared' ? storeTrust.authority : roots.authorities.etcd,
  }
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
  if (storeTrust.kind === 'own') add(secretNames.etcd, etcdFiles(roots))
  add(secretNames.kubeApiServer, apiServerFiles(roots, agent.servingCert))
  add(secretNames.kubeApiServer, storeFiles(storeTrust, roots, existing.get(secretNames.kubeApiServer)))
  add(secretNames.kubeControllerManager, controllerManagerFiles(inputs, roots, agent.servingCert))
  for (const part of ['syncer', 'meter'] as const) {
    add(secretNames[part], partFiles(part, inputs, roots, secrets.get(secretNames[part]) ?? {}))
  }
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
