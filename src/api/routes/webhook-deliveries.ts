import { z } from 'zod'
import type { JobView } from '../../jobs/job-queue.ts'
import { jobStates } from '../../jobs/job-states.ts'
import { readDelivery } from '../../jobs/webhooks/delivery-kind.ts'
import { AppError, hasCode } from '../../lib/errors.ts'
import { answers, json, nothing, writing } from '../answers.ts'
import { pageOf } from '../cursor.ts'
import type { ApiDeps } from '../deps.ts'
import { page, pageQuery } from '../schemas.ts'
import type { ApiServer } from '../server.ts'
import { withDeliveries } from '../webhooks.ts'
import { perform } from '../write.ts'
import { headersOfWrite, orgParams } from './shared.ts'

const text = z.string()
const time = text.meta({ format: 'date-time' })
const deliverySchema = z
  .object({
    id: text,
    webhook: text,
    eventId: text,
    type: text.optional().describe('Of the event'),
    state: z.enum(jobStates).describe('dead: given up; it waits to be replayed'),
    failures: z.int().describe('Tries that failed'),
    addedAt: time,
    at: time.optional().describe('When it is tried next; of a dead one, when it was given up'),
    reason: text.optional().describe('Why the last try failed'),
  })
  .meta({ id: 'WebhookDelivery' })
const deliveryParams = orgParams.extend({ delivery: z.string().describe('Id of the delivery') })
const listQuery = pageQuery.extend({
  state: z.enum(jobStates).optional(),
  webhook: z.string().max(253).optional().describe('Only those to this webhook'),
})
const replayBody = z
  .strictObject({ webhook: z.string().min(1).max(253).optional().describe('Unset: those of all webhooks') })
  .nullish()
const replayed = z.object({ replayed: z.int() }).meta({ id: 'Replayed' })

/** Deliveries of an organisation that are looked at. */
const mostDeliveries = 10_000
const tags = ['Webhooks']

const typeOf = (body: string): string | undefined => {
  try {
    const { type } = JSON.parse(body) as { type?: unknown }
    return typeof type === 'string' ? type : undefined
  } catch {
    return undefined
  }
}

/** A delivery as its organisation sees it; undefined for a job that is something else. */
const deliveryOf = ({ id, payload, state, failures, addedAt, at, reason }: JobView) => {
  const delivery = readDelivery(payload)
  if (!delivery) return undefined
  const type = typeOf(delivery.body)
  return {
    id,
    webhook: delivery.name,
    eventId: delivery.eventId,
    ...(type !== undefined && { type }),
    state,
    failures,
    addedAt: addedAt.toISOString(),
    ...(at && { at: at.toISOString() }),
    ...(reason !== undefined && { reason }),
  }
}
type Delivery = NonNullable<ReturnType<typeof deliveryOf>>

export const webhookDeliveryRoutes = (app: ApiServer, deps: ApiDeps): void => {
  /** Those of one organisation, which are the jobs of its group. */
  const deliveriesOf = async (organization: string, state?: JobView['state']): Promise<readonly Delivery[]> =>
    withDeliveries(deps, async (queue) => {
      const jobs = await queue.list({ group: organization, limit: mostDeliveries, ...(state && { states: [state] }) })
      return jobs.flatMap((job) => deliveryOf(job) ?? [])
    })
  const retry = (id: string): Promise<void> => withDeliveries(deps, (queue) => queue.retry(id))

  app.get(
    '/v1/organizations/:org/webhook-deliveries',
    {
      config: { needs: { scope: 'webhooks:read' } },
      schema: {
        tags,
        operationId: 'listWebhookDeliveries',
        summary: 'List deliveries that are not done: those that wait, run or were given up',
        params: orgParams,
        querystring: listQuery,
        response: answers({ 200: json('Oldest first', page(deliverySchema)) }),
      },
    },
    async ({ params, query }) => {
      const { state, webhook, ...place } = query
      const all = await deliveriesOf(params.org, state)
      const wanted = all.filter((each) => webhook === undefined || each.webhook === webhook)
      const { items, nextCursor } = pageOf(wanted, ({ addedAt, id }) => `${addedAt} ${id}`, place)
      return { items, ...(nextCursor !== undefined && { nextCursor }) }
    },
  )

  app.post(
    '/v1/organizations/:org/webhook-deliveries/:delivery/replay',
    {
      config: { needs: { scope: 'webhooks:write' } },
      schema: {
        tags,
        operationId: 'replayWebhookDelivery',
        summary: 'Give a dead delivery all its tries again',
        params: deliveryParams,
        headers: headersOfWrite,
        response: answers({ 204: nothing('It will be tried again') }, 409, 422),
      },
    },
    async (request, reply) => {
      const { org: organization, delivery: id } = request.params
      return perform(
        {
          kind: 'write',
          organization,
          takesTime: false,
          run: async () => {
            const own = (await deliveriesOf(organization)).find((each) => each.id === id)
            if (!own) throw new AppError('JOB_NOT_FOUND', 'there is no such delivery: it is done, or was never there', {})
            if (own.state !== 'dead')
              throw new AppError('JOB_CONFLICT', 'the delivery is not dead: it is tried again by itself', {})
            await retry(id)
            return {}
          },
        },
        { request, reply },
        deps,
      )
    },
  )

  app.post(
    '/v1/organizations/:org/webhook-deliveries/replay',
    {
      config: { needs: { scope: 'webhooks:write' } },
      schema: {
        tags,
        operationId: 'replayWebhookDeliveries',
        summary: 'Give all dead deliveries all their tries again',
        params: orgParams,
        headers: headersOfWrite,
        body: replayBody,
        response: answers({ 200: json('How many', replayed) }, ...writing),
      },
    },
    async (request, reply) => {
      const { body, params } = request
      return perform(
        {
          kind: 'write',
          organization: params.org,
          takesTime: false,
          run: async () => {
            const dead = await deliveriesOf(params.org, 'dead')
            const wanted = dead.filter(({ webhook }) => body?.webhook === undefined || webhook === body.webhook)
            let count = 0
            for (const { id } of wanted) {
              try {
                await retry(id)
                count += 1
              } catch (error) {
                // Replayed by somebody else, or too old, at the same moment.
                if (!hasCode(error, 'JOB_NOT_FOUND', 'JOB_CONFLICT')) throw error
              }
            }
            return { answer: { status: 200, headers: {}, body: { replayed: count } } }
          },
        },
        { request, reply },
        deps,
      )
    },
  )
}
