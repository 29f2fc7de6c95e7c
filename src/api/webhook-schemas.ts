import { z } from 'zod'
import { tenantEventTypes } from '../jobs/webhooks/event-types.ts'

/** What is told and asked of webhooks. */

const text = z.string()
const time = text.meta({ format: 'date-time' })
const url = z.string().min(1).max(2048).describe('https; what it stands for has to be public, unless an operator allows more')
const events = z
  .array(z.enum(['*', 'tenant.*', ...tenantEventTypes]))
  .min(1)
  .max(20)
const description = z.string().min(1).max(200)
const secret = z
  .string()
  .min(16)
  .max(256)
  .regex(/^[\x21-\x7e]+$/, 'visible ASCII characters')
const daySeconds = 86_400

export const newWebhook = z
  .strictObject({
    url,
    events: events.optional().describe('Unset: all'),
    description: description.optional().describe('For people'),
    enabled: z.boolean().optional().describe('Unset: true'),
    secret: secret.optional().describe('Unset: one is made'),
  })
  .meta({ id: 'NewWebhook' })
export const webhookPatch = z
  .strictObject({
    url: url.optional(),
    events: events.optional(),
    description: description.nullable().optional(),
    enabled: z.boolean().optional(),
  })
  .meta({ id: 'WebhookPatch', description: 'JSON merge patch (RFC 7396): null takes a field away' })
export const rotation = z
  .strictObject({
    secret: secret.optional().describe('Unset: one is made'),
    overlapSeconds: z
      .int()
      .min(0)
      .max(7 * daySeconds)
      .optional()
      .describe('How long the secret before signs beside the new one. Unset: 86400'),
  })
  .nullish()

export const webhookSchema = z
  .object({
    id: text,
    organization: text,
    url: text,
    events: z.array(text),
    description: text.optional(),
    enabled: z.boolean(),
    disabledReason: text.optional().describe('Why Berth has disabled it'),
    createdAt: time,
    secrets: z.array(z.object({ from: time, until: time.optional() })).describe('When each of its secrets signs'),
  })
  .meta({ id: 'Webhook' })
export const issuedWebhook = webhookSchema
  .extend({ secret: text.describe('The secret, told this once') })
  .meta({ id: 'IssuedWebhook' })
export const sent = z.object({ eventId: text }).meta({ id: 'SentTest' })
