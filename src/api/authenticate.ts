import type { FastifyRequest } from 'fastify'
import { type ApiKey, isExpired, keyOf, keySecretName } from '../access/key-object.ts'
import { fitsDigest, parseKeyText } from '../access/key-text.ts'
import { hasScope } from '../access/scopes.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { createTokenBuckets } from '../kube/token-bucket.ts'
import { AppError, explainError } from '../lib/errors.ts'
import { lastUsedAnnotation } from '../tenancy/marks.ts'
import { systemNamespace } from '../tenancy/names.ts'
import type { ApiDeps } from './deps.ts'
import { isName } from './names.ts'
import { isOrganization } from './organization.ts'
import type { Needs, Principal } from './server.ts'

const unauthenticated = () =>
  new AppError(
    'UNAUTHENTICATED',
    'an API key is needed: Authorization: Bearer berth_...; this one is unknown, or has expired',
    {},
  )

const noOrganization = (name: string) =>
  new AppError('ORGANIZATION_NOT_FOUND', `there is no organisation ${JSON.stringify(name.slice(0, 100))}`, {})

/** The last use of a key is noted this often at most. */
const notedEveryMs = 60_000
/** Compared with when there is no such key, so that it takes as long. */
const noDigest = '0'.repeat(64)

export interface Authenticator {
  /** Who asks. Throws UNAUTHENTICATED. */
  readonly identify: (authorization: string | undefined) => Promise<Principal>
  /** Throws RATE_LIMITED. */
  readonly limit: (principal: Principal) => void
  /** True while a key is known and has not expired. */
  readonly isAlive: (principal: Principal) => boolean
}

/** Keys come from the cache; one that is not there yet is asked for, seldom, as it may have been made a moment ago by another process. */
export const createAuthenticator = ({ kube, caches, log, now, limits }: ApiDeps): Authenticator => {
  const unknownAsked = createTokenBuckets({ burst: 20, refillMs: 200, keys: 1 })
  const requests = createTokenBuckets({ burst: limits.burst, refillMs: 1000 / limits.perSecond, keys: 10_000 })
  const noted = new Map<string, number>()

  const find = async (id: string): Promise<ApiKey | undefined> => {
    const known = caches.key(id)
    if (known || !unknownAsked.take('', now())) return known
    const secret = await kube.get<KubeObject>(resourceTypes.secrets, { name: keySecretName(id), namespace: systemNamespace })
    return secret && keyOf(secret)
  }

  const noteUse = (key: ApiKey): void => {
    const before = Math.max(noted.get(key.id) ?? 0, key.lastUsedAt === undefined ? 0 : Date.parse(key.lastUsedAt))
    if (now() - before < notedEveryMs) return
    noted.set(key.id, now())
    const annotations = { [lastUsedAnnotation]: new Date(now()).toISOString() }
    const ref = { name: keySecretName(key.id), namespace: systemNamespace }
    kube.patch(resourceTypes.secrets, ref, { metadata: { annotations } }, { type: 'merge' }).catch((error: unknown) => {
      log.warn({ key: key.id, reason: explainError(error) }, 'last use of an API key not noted')
    })
  }

  return {
    identify: async (authorization) => {
      const [, text = ''] = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(authorization ?? '') ?? []
      const given = parseKeyText(text)
      if (!given) throw unauthenticated()
      const key = await find(given.id)
      const fits = fitsDigest(given.secret, key?.digest ?? noDigest)
      if (!key || !fits || isExpired(key, now())) throw unauthenticated()
      noteUse(key)
      const { id: keyId, organization, organizationUid, scopes } = key
      return { keyId, organization, organizationUid, scopes }
    },
    limit: ({ keyId, organization }) => {
      const who = organization === undefined ? `key ${keyId}` : `organisation ${organization}`
      if (requests.take(who, now())) return
      throw new AppError('RATE_LIMITED', `${who} asks too often: ${limits.perSecond} requests in a second are well`, {
        retryAfterMs: 1000,
      })
    },
    isAlive: ({ keyId }) => {
      const key = caches.key(keyId)
      return key !== undefined && !isExpired(key, now())
    },
  }
}

/** True for an organisation that a principal sees: the platform all, others their own, and no later one of the same name. */
export const isSeenBy = ({ metadata }: KubeObject, { organization, organizationUid }: Principal): boolean =>
  organization === undefined || (metadata.name === organization && metadata.uid === organizationUid)

/** The organisation that a path names, for this principal; undefined when it is not there for them, for whatever reason. */
const organizationFor = async (
  name: string,
  principal: Principal,
  { kube, caches }: ApiDeps,
): Promise<KubeObject | undefined> => {
  if (!isName(name) || (principal.organization !== undefined && principal.organization !== name)) return undefined
  const namespace = caches.organization(name) ?? (await kube.get<KubeObject>(resourceTypes.namespaces, { name }))
  return namespace && isOrganization(namespace) && isSeenBy(namespace, principal) ? namespace : undefined
}

/**
 * Whether a request may be. First the organisation: one that is not the key's own is not there (404), whatever it may do. Then the scope (403), which tells
 * nothing but of the key itself. The body has not been read by then.
 */
export const admit = async (
  request: FastifyRequest,
  needs: Needs,
  authenticator: Authenticator,
  deps: ApiDeps,
): Promise<void> => {
  if (!needs.scope) return
  const principal = await authenticator.identify(request.headers.authorization)
  request.principal = principal
  authenticator.limit(principal)
  const { org } = request.params as { org?: unknown }
  if (typeof org === 'string') {
    request.organization = await organizationFor(org, principal, deps)
    if (!request.organization) throw noOrganization(org)
  }
  if (needs.platformOnly && principal.organization !== undefined)
    throw new AppError('SCOPE_MISSING', 'this is for API keys of the platform; the one given is of an organisation', {})
  if (!hasScope(principal.scopes, needs.scope))
    throw new AppError('SCOPE_MISSING', `the API key lacks the scope ${needs.scope}`, { scope: needs.scope })
}
