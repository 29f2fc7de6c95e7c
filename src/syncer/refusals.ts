import { type WebhookRefusal, webhookRefusal, webhookRemedy } from '../kube/webhook-refusal.ts'
import { AppError } from '../lib/errors.ts'
import { parseKey } from './keys.ts'

/** Keys that are remembered: what is told names one of them and a number. */
const mostKeys = 1_000

/** What the tenant's own webhooks keep the syncer from writing. */
export interface Refusals {
  /** A key that failed. What the tenant's webhooks had no part in changes nothing. */
  failed(key: string, error: unknown, tenantServer: string): void
  /** A key that was done, or is not looked at any more. */
  passed(key: string): void
  /** For people: which webhook, how much waits for it, and what to do; undefined: nothing. */
  text(): string | undefined
}

/** The same text for the same refusals, whatever their order: it is compared with what was told before. */
export const createRefusals = (user: string): Refusals => {
  const byKey = new Map<string, WebhookRefusal>()
  return {
    failed: (key, error, tenantServer) => {
      const refusal = webhookRefusal(error)
      // Super has webhooks too; those are not the tenant's to mend.
      if (!refusal || !(error instanceof AppError) || error.details['server'] !== tenantServer) return
      if (byKey.size < mostKeys || byKey.has(key)) byKey.set(key, refusal)
    },
    passed: (key) => void byKey.delete(key),
    text: () => {
      const [first] = [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1))
      if (!first) return undefined
      const [key, refusal] = first
      const { resource, namespace, name } = parseKey(key)
      const waiting = [...byKey.values()].filter(({ webhook }) => webhook === refusal.webhook).length
      const object = `${resource} ${namespace === '' ? name : `${namespace}/${name}`}`
      const what = waiting > 1 ? `${waiting} objects, ${object} among them` : object
      return `webhook ${refusal.webhook} of the tenant keeps Berth from writing what super says of ${what}: ${webhookRemedy(refusal, user)}`
    },
  }
}
