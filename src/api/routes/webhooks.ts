import { z } from 'zod'
import { resourceTypes } from '../../apis/resource-types.ts'
import { addDelivery } from '../../jobs/webhooks/delivery.ts'
import { type Endpoint, rotatedSecrets } from '../../jobs/webhooks/endpoint.ts'
import { pingEventType } from '../../jobs/webhooks/event-types.ts'
import { createTokenBuckets } from '../../kube/token-bucket.ts'
import { AppError, hasCode } from '../../lib/errors.ts'
import { shortHash } from '../../tenancy/names.ts'
import { answers, json, nothing, writing } from '../answers.ts'
import { pageOf } from '../cursor.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, matches } from '../etag.ts'
import { page, pageQuery } from '../schemas.ts'
import type { ApiServer } from '../server.ts'
import { issuedWebhook, newWebhook, rotation, sent, webhookPatch, webhookSchema } from '../webhook-schemas.ts'
import {
  changeWebhook,
  checkUrl,
  createWebhook,
  listWebhooks,
  newestSecret,
  newWebhookSecret,
  readWebhook,
  webhookNotFound,
  webhookOf,
  withDeliveries,
} from '../webhooks.ts'
import { perform } from '../write.ts'
import { anyBody, headersOfWrite, orgParams } from './shared.ts'

const webhookParams = orgParams.extend({ webhook: z.string().describe('Id of the webhook') })
const tags = ['Webhooks']
/** How long two secrets sign, unless it is said. */
const overlapSeconds = 86_400

export const webhookRoutes = (app: ApiServer, deps: ApiDeps): void => {
  const { kube, webhooks, now } = deps
  const tests = createTokenBuckets({ burst: 10, refillMs: 60_000, keys: 10_000 })
  const path = (organization: string, id: string) => `/v1/organizations/${organization}/webhooks/${id}`

  app.get(
    '/v1/organizations/:org/webhooks',
    {
      config: { needs: { scope: 'webhooks:read' } },
      schema: {
        tags,
        operationId: 'listWebhooks',
        summary: 'List webhooks',
        params: orgParams,
        querystring: pageQuery,
        response: answers({ 200: json('By id', page(webhookSchema)) }),
      },
    },
    async ({ params, query }) => {
      const all = await listWebhooks(params.org, deps)
      const { items, nextCursor } = pageOf(all, ({ object }) => object.metadata.name ?? '', query)
      return { items: items.map(webhookOf), ...(nextCursor !== undefined && { nextCursor }) }
    },
  )

  app.post(
    '/v1/organizations/:org/webhooks',
    {
      config: { needs: { scope: 'webhooks:write' } },
      schema: {
        tags,
        operationId: 'createWebhook',
        summary: 'Make a webhook: what happens to tenants of the organisation is sent to its URL, signed',
        params: orgParams,
        headers: headersOfWrite,
        body: newWebhook,
        response: answers({ 201: json('It is made', issuedWebhook) }, ...writing),
      },
    },
    async (request, reply) => {
      const { body } = request
      const organization = request.params.org
      checkUrl(body.url, webhooks.rules)
      return perform(
        {
          kind: 'write',
          organization,
          takesTime: false,
          isSecret: true,
          run: async (record) => {
            const from = new Date(now()).toISOString()
            const wanted: Endpoint = {
              url: body.url,
              events: [...(body.events ?? ['*'])],
              secrets: [{ value: body.secret ?? newWebhookSecret(), from }],
              state: body.enabled === false ? 'disabled' : 'enabled',
              ...(body.description !== undefined && { description: body.description }),
            }
            const made = await createWebhook(organization, wanted, record, deps)
            const location = path(organization, made.object.metadata.name ?? '')
            const headers = { etag: etagOf(made.object.metadata), location, 'cache-control': 'no-store' }
            return {
              answer: { status: 201, headers, body: { ...webhookOf(made), secret: newestSecret(made, new Date(now())) } },
            }
          },
        },
        { request, reply },
        deps,
      )
    },
  )

  app.get(
    '/v1/organizations/:org/webhooks/:webhook',
    {
      config: { needs: { scope: 'webhooks:read' } },
      schema: {
        tags,
        operationId: 'getWebhook',
        summary: 'Show a webhook, without its secrets',
        params: webhookParams,
        response: answers({ 200: json('The webhook; its state is in ETag', webhookSchema) }),
      },
    },
    async ({ params }, reply) => {
      const webhook = await readWebhook({ organization: params.org, id: params.webhook }, deps)
      return reply.header('etag', etagOf(webhook.object.metadata)).send(webhookOf(webhook))
    },
  )

  app.patch(
    '/v1/organizations/:org/webhooks/:webhook',
    {
      config: { needs: { scope: 'webhooks:write' } },
      schema: {
        tags,
        operationId: 'updateWebhook',
        summary: 'Change a webhook by a JSON merge patch; enabled again it takes dead letters that are replayed',
        consumes: anyBody,
        params: webhookParams,
        headers: headersOfWrite,
        body: webhookPatch,
        response: answers({ 200: json('The webhook as it is now', webhookSchema) }, ...writing),
      },
    },
    async (request, reply) => {
      const { body, params } = request
      if (body.url !== undefined) checkUrl(body.url, webhooks.rules)
      const changed = ({ description: old, reason, ...before }: Endpoint): Endpoint => {
        const description = body.description === undefined ? old : body.description
        return {
          ...before,
          ...(typeof description === 'string' && { description }),
          ...(body.url !== undefined && { url: body.url }),
          ...(body.events && { events: [...body.events] }),
          ...(body.enabled === undefined ? reason !== undefined && { reason } : { state: body.enabled ? 'enabled' : 'disabled' }),
        }
      }
      return perform(
        {
          kind: 'write',
          organization: params.org,
          takesTime: false,
          run: async (record) => {
            const place = { organization: params.org, id: params.webhook }
            const after = await changeWebhook(place, changed, { record, ifMatch: request.headers['if-match'] }, deps)
            return { answer: { status: 200, headers: { etag: etagOf(after.object.metadata) }, body: webhookOf(after) } }
          },
        },
        { request, reply },
        deps,
      )
    },
  )

  app.delete(
    '/v1/organizations/:org/webhooks/:webhook',
    {
      config: { needs: { scope: 'webhooks:write' } },
      schema: {
        tags,
        operationId: 'deleteWebhook',
        summary: 'Delete a webhook; what waits to be sent to it goes with it',
        params: webhookParams,
        headers: headersOfWrite,
        response: answers({ 204: nothing('It is deleted') }, 409, 412, 422),
      },
    },
    async (request, reply) => {
      const { org: organization, webhook: id } = request.params
      const found = await readWebhook({ organization, id }, deps).catch((error: unknown) => {
        if (hasCode(error, 'WEBHOOK_NOT_FOUND')) return undefined
        throw error
      })
      const ifMatch = request.headers['if-match']
      return perform(
        {
          kind: 'write',
          organization,
          // Whoever asks again means the one that was there then.
          wanted: { uid: found?.object.metadata.uid },
          takesTime: false,
          run: async (record) => {
            const { uid } = record.wanted
            if (typeof uid !== 'string') throw webhookNotFound()
            if (ifMatch !== undefined && found && !matches(ifMatch, found.object.metadata))
              throw new AppError('PRECONDITION_FAILED', `webhook ${id} is no longer as If-Match says`, {})
            await kube.delete(resourceTypes.secrets, { name: id, namespace: organization }, { uid }).catch((error: unknown) => {
              if (!hasCode(error, 'KUBE_CONFLICT')) throw error
            })
            return {}
          },
        },
        { request, reply },
        deps,
      )
    },
  )

  app.post(
    '/v1/organizations/:org/webhooks/:webhook/rotate-secret',
    {
      config: { needs: { scope: 'webhooks:write' } },
      schema: {
        tags,
        operationId: 'rotateWebhookSecret',
        summary: 'Give a webhook a new secret; the one before signs beside it for a while',
        params: webhookParams,
        headers: headersOfWrite,
        body: rotation,
        response: answers({ 200: json('The webhook with its new secret', issuedWebhook) }, ...writing),
      },
    },
    async (request, reply) => {
      const { body, params } = request
      return perform(
        {
          kind: 'write',
          organization: params.org,
          takesTime: false,
          isSecret: true,
          run: async (record) => {
            const place = { organization: params.org, id: params.webhook }
            const at = new Date(now())
            const value = body?.secret ?? newWebhookSecret()
            const overlapMs = (body?.overlapSeconds ?? overlapSeconds) * 1000
            const changed = (before: Endpoint): Endpoint => ({
              ...before,
              secrets: [...rotatedSecrets(before.secrets, { value, now: at, overlapMs })],
            })
            // Asked again it was rotated by then, and perhaps once more since: what is told is the one in force.
            const after = record.answer
              ? await readWebhook(place, deps)
              : await changeWebhook(place, changed, { record, ifMatch: request.headers['if-match'] }, deps)
            const headers = { etag: etagOf(after.object.metadata), 'cache-control': 'no-store' }
            return { answer: { status: 200, headers, body: { ...webhookOf(after), secret: newestSecret(after, at) } } }
          },
        },
        { request, reply },
        deps,
      )
    },
  )

  app.post(
    '/v1/organizations/:org/webhooks/:webhook/test',
    {
      config: { needs: { scope: 'webhooks:write' } },
      schema: {
        tags,
        operationId: 'testWebhook',
        summary: `Send ${pingEventType} to a webhook, whatever events it wants`,
        params: webhookParams,
        headers: headersOfWrite,
        response: answers({ 200: json('It is on its way; the deliveries say what came of it', sent) }, 409, 422),
      },
    },
    async (request, reply) => {
      const { org: organization, webhook: id } = request.params
      return perform(
        {
          kind: 'write',
          organization,
          takesTime: false,
          run: async (record) => {
            const { object, endpoint } = await readWebhook({ organization, id }, deps)
            if (endpoint.state === 'disabled') throw new AppError('STATE_CONFLICT', `webhook ${id} is disabled: enable it`, {})
            // Each may wait for a day, in a queue that is for all.
            if (!tests.take(organization, now()))
              throw new AppError(
                'RATE_LIMITED',
                `organisation ${organization} tests webhooks too often: one in a minute is well`,
                {
                  retryAfterMs: 60_000,
                },
              )
            const eventId = `evt-${shortHash(['ping', record.id], 24)}`
            const event = { id: eventId, type: pingEventType, time: record.createdAt, organization, webhook: { id } }
            const { uid = '' } = object.metadata
            await withDeliveries(deps, (queue) =>
              addDelivery({ namespace: organization, name: id, uid, eventId, body: JSON.stringify(event) }, queue),
            )
            return { answer: { status: 200, headers: {}, body: { eventId } } }
          },
        },
        { request, reply },
        deps,
      )
    },
  )
}
