import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type ApiKey, keyOf, keySecret, keySecretName } from '../../access/key-object.ts'
import { type KeyText, keyText, newKey } from '../../access/key-text.ts'
import { missingScopes, platformScopes, scopes } from '../../access/scopes.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { AppError, hasCode } from '../../lib/errors.ts'
import { systemNamespace } from '../../tenancy/names.ts'
import { answers, json, nothing, writing } from '../answers.ts'
import { isSeenBy } from '../authenticate.ts'
import { pageOf } from '../cursor.ts'
import type { ApiDeps } from '../deps.ts'
import { apiKeySchema, newApiKeySchema, page, pageQuery } from '../schemas.ts'
import type { ApiServer, Principal } from '../server.ts'
import { perform } from '../write.ts'
import { headersOfKeyed } from './shared.ts'

const type = resourceTypes.secrets
const keyParams = z.object({ key: z.string().describe('Id of the API key') })
const maxLifeSeconds = 10 * 365 * 86_400

const newApiKey = z
  .strictObject({
    name: z.string().min(1).max(100).describe('For people'),
    organization: z
      .string()
      .max(63)
      .optional()
      .describe('The one that it will see; keys of an organisation make only such of their own'),
    scopes: z.array(z.enum(scopes)).min(1).max(scopes.length),
    expiresInSeconds: z.int().min(60).max(maxLifeSeconds).optional().describe('Unset: it does not expire'),
  })
  .meta({
    id: 'NewApiKey',
    // What is refused below, for the document.
    if: { required: ['organization'] },
    // oxlint-disable-next-line unicorn/no-thenable -- a word of JSON Schema
    then: { properties: { scopes: { items: { not: { enum: platformScopes } } } } },
  })

/** Without its digest, and without what ties it to a namespace. */
const show = ({ digest: _digest, organizationUid: _uid, ...key }: ApiKey) => key

const isSeen = ({ organizationUid }: ApiKey, principal: Principal | undefined): boolean =>
  principal !== undefined && (principal.organization === undefined || principal.organizationUid === organizationUid)

/** What a new key may be, for who makes it: no more than they are themselves. */
const checkNew = (
  body: z.output<typeof newApiKey>,
  principal: Principal,
  deps: ApiDeps,
): Pick<ApiKey, 'organization' | 'organizationUid'> => {
  const organization = body.organization ?? principal.organization
  const namespace = organization === undefined ? undefined : deps.caches.organization(organization)
  if (organization !== undefined && !(namespace && isSeenBy(namespace, principal)))
    throw new AppError('ORGANIZATION_NOT_FOUND', `there is no organisation ${JSON.stringify(organization)}`, {})
  const missing = missingScopes(principal.scopes, body.scopes)
  if (missing.length > 0)
    throw new AppError('SCOPE_MISSING', `nobody gives away what they do not have: ${missing.join(', ')}`, { scope: missing[0] })
  const wrong = organization === undefined ? [] : body.scopes.filter((scope) => platformScopes.includes(scope))
  if (wrong.length > 0) {
    const errors = [{ pointer: '/scopes', detail: `${wrong.join(', ')} is for keys of the platform` }]
    throw new AppError('REQUEST_INVALID', `a key of an organisation cannot have ${wrong.join(', ')}`, { errors })
  }
  return namespace && organization !== undefined ? { organization, organizationUid: namespace.metadata.uid ?? '' } : {}
}

const told = (id: string): AppError =>
  new AppError(
    'API_KEY_TOLD',
    `API key ${id} of this Idempotency-Key is made, and was told once: if it did not arrive, revoke it and make another one with another Idempotency-Key`,
    {},
  )

/** Makes a key. Throws API_KEY_TOLD when that was done before: its secret is stored nowhere, so nobody can tell it again. */
const makeKey = async (
  given: KeyText,
  of: Omit<ApiKey, 'id' | 'digest' | 'createdAt' | 'lastUsedAt'>,
  { kube, caches }: ApiDeps,
) => {
  try {
    const made = await kube.create<KubeObject>(type, keySecret(given, of))
    caches.observe.key(made)
    const key = keyOf(made)
    if (key) return key
  } catch (error) {
    if (hasCode(error, 'KUBE_ALREADY_EXISTS')) throw told(given.id)
    throw error
  }
  throw new AppError('INTERNAL', 'the API key that was written is none', {})
}

const readKey = async (id: string, { principal }: FastifyRequest, { kube }: ApiDeps): Promise<ApiKey> => {
  const isId = /^[a-z0-9]{16}$/.test(id)
  const secret = isId ? await kube.get<KubeObject>(type, { name: keySecretName(id), namespace: systemNamespace }) : undefined
  const key = secret && keyOf(secret)
  if (key && isSeen(key, principal)) return key
  throw new AppError('API_KEY_NOT_FOUND', 'there is no such API key', {})
}

export const apiKeyRoutes = (app: ApiServer, deps: ApiDeps): void => {
  const { kube, caches, now } = deps
  const tags = ['API keys']

  app.get(
    '/v1/api-keys',
    {
      config: { needs: { scope: 'keys:read' } },
      schema: {
        tags,
        operationId: 'listApiKeys',
        summary: 'List API keys',
        querystring: pageQuery,
        response: answers({ 200: json('Those that the API key may see', page(apiKeySchema)) }),
      },
    },
    async ({ query, principal }) => {
      const seen = caches.keys().filter((key) => isSeen(key, principal))
      const { items, nextCursor } = pageOf(seen, ({ id }) => id, query)
      return { items: items.map(show), ...(nextCursor !== undefined && { nextCursor }) }
    },
  )

  app.post(
    '/v1/api-keys',
    {
      config: { needs: { scope: 'keys:write' } },
      schema: {
        tags,
        operationId: 'createApiKey',
        summary: 'Make an API key. It is told once: the same Idempotency-Key again is 409 with API_KEY_TOLD, which names its id',
        headers: headersOfKeyed,
        body: newApiKey,
        response: answers({ 201: json('It is made', newApiKeySchema) }, ...writing),
      },
    },
    async (request, reply) => {
      const { body, principal } = request
      if (!principal) throw new AppError('UNAUTHENTICATED', 'an API key is needed', {})
      const { expiresInSeconds, name, scopes: held } = body
      return perform(
        {
          kind: 'write',
          takesTime: false,
          isSecret: true,
          wanted: { keyId: newKey().id },
          run: async (record) => {
            const id = String(record.wanted['keyId'])
            if (record.answer) throw told(id)
            const of = checkNew(body, principal, deps)
            const expires = expiresInSeconds !== undefined && {
              expiresAt: new Date(now() + expiresInSeconds * 1000).toISOString(),
            }
            const given = { ...newKey(), id }
            const key = await makeKey(given, { name, scopes: held, ...of, ...expires }, deps)
            const headers = { location: `/v1/api-keys/${id}`, 'cache-control': 'no-store' }
            return { answer: { status: 201, headers, body: { ...show(key), key: keyText(given) } } }
          },
        },
        { request, reply },
        deps,
      )
    },
  )

  app.get(
    '/v1/api-keys/:key',
    {
      config: { needs: { scope: 'keys:read' } },
      schema: {
        tags,
        operationId: 'getApiKey',
        summary: 'Show an API key, without itself',
        params: keyParams,
        response: answers({ 200: json('The API key', apiKeySchema) }),
      },
    },
    async (request) => show(await readKey(request.params.key, request, deps)),
  )

  app.delete(
    '/v1/api-keys/:key',
    {
      config: { needs: { scope: 'keys:write' } },
      schema: {
        tags,
        operationId: 'deleteApiKey',
        summary: 'Revoke an API key: within a second no process takes it any more',
        params: keyParams,
        response: answers({ 204: nothing('It is revoked') }),
      },
    },
    async (request, reply) => {
      const key = await readKey(request.params.key, request, deps)
      await kube.delete(type, { name: keySecretName(key.id), namespace: systemNamespace })
      return reply.code(204).send()
    },
  )
}
