import { z } from 'zod'
import type { JobKind } from '../job-kind.ts'

const payload = z.strictObject({
  namespace: z.string().min(1).max(63),
  name: z.string().min(1).max(253),
  /** Of the Secret: an endpoint made anew under an old name does not get the old one's events. */
  uid: z.string().min(1).max(64),
  eventId: z
    .string()
    .max(128)
    .regex(/^[\w.-]+$/),
  /** JSON that names objects, as it goes out. */
  body: z.string().max(12 * 1024),
})
export type DeliveryPayload = z.output<typeof payload>

/** Fifteen tries over less than 24 hours: pauses from 10 s, doubling, up to six hours. Then a dead letter. */
export const webhookDelivery: JobKind<DeliveryPayload> = {
  name: 'webhook-delivery',
  payload,
  attempts: 15,
  backoff: { firstMs: 10_000, capMs: 6 * 3600_000 },
  timeLimitMs: 30_000,
  concurrency: 100,
  perGroup: 10,
}

/** The delivery that a stored payload is; undefined for one that does not fit. */
export const readDelivery = (stored: unknown): DeliveryPayload | undefined => {
  const parsed = payload.safeParse(stored)
  return parsed.success ? parsed.data : undefined
}
