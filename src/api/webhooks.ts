import { randomBytes } from 'node:crypto'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { JobQueue } from '../jobs/job-queue.ts'
import { type Endpoint, endpointObject, endpointPatch, readEndpoint, signingSecrets } from '../jobs/webhooks/endpoint.ts'
import { checkedTarget, type TargetRules } from '../jobs/webhooks/target.ts'
import { AppError, hasCode } from '../lib/errors.ts'
import { lastOperationAnnotation, madeByOperationAnnotation, webhookLabel } from '../tenancy/marks.ts'
import type { ApiDeps } from './deps.ts'
import { matches } from './etag.ts'
import { isObjectName } from './names.ts'
import type { OperationRecord } from './operation-record.ts'

const type = resourceTypes.secrets

/** Endpoints that one organisation may have: each event is sent to all of them. */
export const maxWebhooks = 20

/** An endpoint of an organisation and the Secret that it is. */
export interface Webhook {
  readonly object: KubeObject
  readonly endpoint: Endpoint
}

export interface WebhookPlace {
  readonly organization: string
  /** Name of its Secret. */
  readonly id: string
}

export const webhookNotFound = (): AppError => new AppError('WEBHOOK_NOT_FOUND', 'there is no such webhook', {})

/** A new secret: 256 random bits, with a start by which leaked ones are found. */
export const newWebhookSecret = (): string => `whsec_${randomBytes(32).toString('base64url')}`

/** An endpoint as the HTTP API shows it: without its secrets. */
export const webhookOf = ({ object, endpoint }: Webhook) => {
  const { name: id = '', namespace: organization = '', creationTimestamp: createdAt = '' } = object.metadata
  const { url, events, state, reason, description, secrets } = endpoint
  return {
    id,
    organization,
    url,
    events,
    ...(description !== undefined && { description }),
    enabled: state === 'enabled',
    ...(reason !== undefined && { disabledReason: reason }),
    createdAt,
    secrets: secrets.map(({ from, until }) => ({ from, ...(until !== undefined && { until }) })),
  }
}

/** The secret that signs first at a moment. */
export const newestSecret = ({ endpoint }: Webhook, now: Date): string => signingSecrets(endpoint, now)[0] ?? ''

/** The webhook that a Secret is; undefined for one that is none, is going or cannot be read. */
const webhookIn = (object: KubeObject): Webhook | undefined => {
  if (object.metadata.deletionTimestamp !== undefined) return undefined
  try {
    const endpoint = readEndpoint(object)
    return endpoint && { object, endpoint }
  } catch (error) {
    if (hasCode(error, 'SPEC_INVALID')) return undefined
    throw error
  }
}

export const listWebhooks = async (organization: string, { kube }: ApiDeps): Promise<readonly Webhook[]> => {
  const { items } = await kube.list<KubeObject>(type, { namespace: organization, labelSelector: `${webhookLabel}=true` })
  return items.flatMap((object) => webhookIn(object) ?? [])
}

/** Throws WEBHOOK_NOT_FOUND: also for a Secret of the organisation that is something else. */
export const readWebhook = async ({ organization, id }: WebhookPlace, { kube }: ApiDeps): Promise<Webhook> => {
  const object = isObjectName(id) ? await kube.get<KubeObject>(type, { name: id, namespace: organization }) : undefined
  const webhook = object && webhookIn(object)
  if (webhook) return webhook
  throw webhookNotFound()
}

/** Throws REQUEST_INVALID for a URL that nothing would be sent to. */
export const checkUrl = (url: string, rules: TargetRules): void => {
  try {
    checkedTarget(url, rules)
  } catch (error) {
    if (!hasCode(error, 'WEBHOOK_REFUSED')) throw error
    const errors = [{ pointer: '/url', detail: error.message }]
    throw new AppError('REQUEST_INVALID', `wrong: /url: ${error.message}`, { errors })
  }
}

const tooMany = (organization: string): AppError =>
  new AppError('QUOTA_EXCEEDED', `organisation ${organization} has ${maxWebhooks} webhooks, which is as many as it may`, {})

/** Makes the webhook of a record, or finds that it has made it. Throws QUOTA_EXCEEDED, WEBHOOK_NOT_FOUND for one that was deleted since. */
export const createWebhook = async (
  organization: string,
  wanted: Endpoint,
  record: OperationRecord,
  deps: ApiDeps,
): Promise<Webhook> => {
  const { kube } = deps
  const id = `webhook-${record.id.slice(0, 16)}`
  const place = { organization, id }
  const there = await kube.get<KubeObject>(type, { name: id, namespace: organization })
  if (there || record.answer) {
    const webhook = await readWebhook(place, deps)
    if (webhook.object.metadata.annotations?.[madeByOperationAnnotation] === record.id) return webhook
    throw new AppError('STATE_CONFLICT', 'the webhook could not be given a name: ask again', {})
  }
  if ((await listWebhooks(organization, deps)).length >= maxWebhooks) throw tooMany(organization)
  const object = endpointObject({ namespace: organization, name: id }, wanted)
  const annotations = { [madeByOperationAnnotation]: record.id }
  const made = await kube.create<KubeObject>(type, { ...object, metadata: { ...object.metadata, annotations } })
  // Several may have been made at once. Of those that stay the last one saw all others: so whoever sees too many goes again, be it with others.
  if ((await listWebhooks(organization, deps)).length > maxWebhooks) {
    await kube.delete(type, { name: id, namespace: organization }, { uid: made.metadata.uid ?? '' })
    throw tooMany(organization)
  }
  return { object: made, endpoint: wanted }
}

/** Changes a webhook as it was read, once for a record. Throws WEBHOOK_NOT_FOUND, PRECONDITION_FAILED, KUBE_CONFLICT. */
export const changeWebhook = async (
  { organization, id }: WebhookPlace,
  changed: (before: Endpoint) => Endpoint,
  { record, ifMatch }: { readonly record: OperationRecord; readonly ifMatch: string | undefined },
  deps: ApiDeps,
): Promise<Webhook> => {
  const before = await readWebhook({ organization, id }, deps)
  const { uid, resourceVersion, annotations } = before.object.metadata
  if (annotations?.[lastOperationAnnotation] === record.id) return before
  if (ifMatch !== undefined && !matches(ifMatch, before.object.metadata))
    throw new AppError('PRECONDITION_FAILED', `webhook ${id} is no longer as If-Match says`, {})
  const endpoint = changed(before.endpoint)
  const ref = { name: id, namespace: organization }
  const object = await deps.kube.patch<KubeObject>(
    type,
    ref,
    {
      metadata: { uid, resourceVersion, annotations: { [lastOperationAnnotation]: record.id } },
      ...endpointPatch(ref, endpoint),
    },
    { type: 'merge' },
  )
  return { object, endpoint }
}

/** Works with the queue of deliveries. What is wrong with it is told in words that name no server. */
export const withDeliveries = async <T>({ webhooks }: ApiDeps, work: (queue: JobQueue) => Promise<T>): Promise<T> => {
  try {
    return await work(await webhooks.queue())
  } catch (error) {
    if (hasCode(error, 'QUEUE_UNREACHABLE', 'CONFIG_INVALID'))
      throw new AppError('QUEUE_UNREACHABLE', 'the queue of deliveries does not answer; ask again in a while', { cause: error })
    if (hasCode(error, 'QUEUE_FULL'))
      throw new AppError('QUEUE_FULL', 'too many deliveries are waiting; ask again in a while', { cause: error })
    throw error
  }
}
