import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'

/** A tenant's key, ready to check signatures with. */
export interface TokenKey {
  /** As the API server writes it into the header of each token: base64url of SHA-256 over the key's DER. */
  readonly id: string
  readonly key: KeyObject
}

/** Throws for a text that is no RSA public key. */
export const tokenKeyOf = (pem: string): TokenKey => {
  const key = createPublicKey(pem)
  if (key.asymmetricKeyType !== 'rsa') throw new TypeError('a service-account key is not RSA')
  return {
    id: createHash('sha256')
      .update(key.export({ type: 'spki', format: 'der' }))
      .digest('base64url'),
    key,
  }
}

const publicKey = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g

/** All keys of a text: a tenant has two while they are rotated. Throws for a text with none, or with one that is no RSA public key. */
export const tokenKeysOf = (pem: string): readonly TokenKey[] => {
  const keys = (pem.match(publicKey) ?? []).map(tokenKeyOf)
  if (keys.length === 0) throw new TypeError('there is no public key')
  return keys
}

const maxTokenLength = 16 * 1024
const compact = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/

const jsonOf = (part: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/**
 * Whose token it is: the one whose key has signed it; undefined for every other token. That it still counts (audience, revocation, its pod) is for the
 * tenant's API server to say; an expired one is not even asked about.
 */
export const signerOf = <T extends TokenKey>(
  token: string,
  keyById: (id: string) => T | undefined,
  nowMs: number,
): T | undefined => {
  const [, header = '', claims = '', signature = ''] = token.length <= maxTokenLength ? (compact.exec(token) ?? []) : []
  const { alg, kid } = jsonOf(header)
  if (alg !== 'RS256' || typeof kid !== 'string') return undefined
  const found = keyById(kid)
  if (!found || !verify('RSA-SHA256', Buffer.from(`${header}.${claims}`), found.key, Buffer.from(signature, 'base64url'))) {
    return undefined
  }
  const { exp } = jsonOf(claims)
  // Tokens of Secrets have no end.
  if (exp !== undefined && !(typeof exp === 'number' && exp * 1000 > nowMs)) return undefined
  return found
}
