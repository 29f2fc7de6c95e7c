import type { JobKind } from './job-kind.ts'
import { webhookDelivery } from './webhooks/delivery-kind.ts'

/** Every kind of job that Berth has. */
export const jobKinds: readonly JobKind[] = [webhookDelivery]
