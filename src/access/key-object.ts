import { z } from 'zod'
import type { KubeObject } from '../apis/kube-object.ts'
import { apiKeyLabel, apiKeyOrganizationLabel, lastUsedAnnotation, managedByBerth, managedByLabel } from '../tenancy/marks.ts'
import { systemNamespace } from '../tenancy/names.ts'
import { type KeyText, secretDigest } from './key-text.ts'
import { type Scope, scopes } from './scopes.ts'

/** What is known of an API key. The secret itself is not. */
export interface ApiKey {
  readonly id: string
  /** For people. */
  readonly name: string
  /** The one organisation that it sees; undefined: the platform's, which sees all. */
  readonly organization?: string
  /** UID of its namespace: one of the same name that is made later is another organisation. */
  readonly organizationUid?: string
  readonly scopes: readonly Scope[]
  /** SHA-256 of the secret, in hex. */
  readonly digest: string
  readonly createdAt: string
  /** After this it is none any more. */
  readonly expiresAt?: string
  readonly lastUsedAt?: string
}

const stored = z.object({
  id: z.string().regex(/^[a-z0-9]{16}$/),
  name: z.string().max(253),
  organization: z.string().min(1).max(63).optional(),
  organizationUid: z.string().min(1).max(64).optional(),
  scopes: z.array(z.enum(scopes)),
  digest: z.string().length(64),
  expiresAt: z.iso.datetime().optional(),
})

const secretType = 'berth.dev/api-key'

/** Name of the Secret of a key. */
export const keySecretName = (id: string): string => `api-key-${id}`

/** The Secret that is a new key. */
export const keySecret = (
  { id, secret }: KeyText,
  { name, organization, organizationUid, scopes: held, expiresAt }: Omit<ApiKey, 'id' | 'digest' | 'createdAt' | 'lastUsedAt'>,
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: secretType,
  metadata: {
    name: keySecretName(id),
    namespace: systemNamespace,
    labels: {
      [managedByLabel]: managedByBerth,
      [apiKeyLabel]: id,
      ...(organization !== undefined && { [apiKeyOrganizationLabel]: organization }),
    },
  },
  stringData: {
    key: JSON.stringify({ id, name, organization, organizationUid, scopes: held, expiresAt, digest: secretDigest(secret) }),
  },
})

/**
 * The key that a Secret is; undefined for one that is none, that is not under its own name or that is going. What cannot be read opens nothing.
 */
export const keyOf = ({ metadata, type, data }: KubeObject): ApiKey | undefined => {
  const encoded: unknown = data?.key
  if (type !== secretType || metadata.deletionTimestamp !== undefined || typeof encoded !== 'string') return undefined
  let document: unknown
  try {
    document = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'))
  } catch {
    return undefined
  }
  const parsed = stored.safeParse(document)
  if (!parsed.success || keySecretName(parsed.data.id) !== metadata.name) return undefined
  const { organization, organizationUid, expiresAt, ...rest } = parsed.data
  // Of one without the other nobody knows whose it is.
  if ((organization === undefined) !== (organizationUid === undefined)) return undefined
  const lastUsedAt = metadata.annotations?.[lastUsedAnnotation]
  return {
    ...rest,
    createdAt: metadata.creationTimestamp ?? '',
    ...(organization !== undefined && { organization }),
    ...(organizationUid !== undefined && { organizationUid }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(lastUsedAt !== undefined && { lastUsedAt }),
  }
}

/** True from the moment on that a key was made to end at. */
export const isExpired = ({ expiresAt }: Pick<ApiKey, 'expiresAt'>, now: number): boolean =>
  expiresAt !== undefined && Date.parse(expiresAt) <= now
