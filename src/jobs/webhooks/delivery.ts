import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError, explainError } from '../../lib/errors.ts'
import { handle, type JobContext, type JobHandler } from '../job-kind.ts'
import type { JobQueue } from '../job-queue.ts'
import { judgeAnswer } from './answer.ts'
import { type DeliveryPayload, webhookDelivery } from './delivery-kind.ts'
import { disablingPatch, type EndpointRef, signingSecrets } from './endpoint.ts'
import type { EndpointReader } from './endpoint-reader.ts'
import type { Poster } from './post.ts'
import { eventIdHeader, sign, signatureHeader } from './signature.ts'
import { checkedUrl, hostOf, type Resolve, resolveTarget, type TargetRules } from './target.ts'

export interface DeliveryDeps {
  readonly client: Pick<KubeClient, 'patch'>
  readonly endpoints: EndpointReader
  readonly poster: Pick<Poster, 'post'>
  readonly resolve: Resolve
  readonly rules: TargetRules
  readonly now: () => Date
}

/** Why a delivery failed is shown to whose it is: what the management cluster says is for the log. */
const ofManagement = async <T>(work: () => Promise<T>, { log, signal }: JobContext): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    if (signal.aborted || !(error instanceof AppError) || !error.code.startsWith('KUBE_')) throw error
    log.warn({ reason: explainError(error), code: error.code }, 'the webhook cannot be read or changed')
    throw new AppError('WEBHOOK_FAILED', 'the management cluster does not answer as it should')
  }
}

/** Sends one event to one endpoint, once. */
const deliver = async (delivery: DeliveryPayload, context: JobContext, deps: DeliveryDeps): Promise<void> => {
  const { namespace, name, uid, eventId, body } = delivery
  const { signal, log } = context
  const found = await ofManagement(() => deps.endpoints.read({ namespace, name }, signal), context)
  if (!found || found.uid !== uid) {
    log.info({ namespace, name }, 'the webhook is gone, and its event with it')
    return
  }
  const { endpoint } = found
  if (endpoint.state === 'disabled')
    throw new AppError('WEBHOOK_REFUSED', `webhook ${namespace}/${name} is disabled: enable it, then replay`, { namespace, name })
  const target = await resolveTarget(checkedUrl(endpoint.url, deps.rules), deps.rules, deps.resolve)
  const now = deps.now()
  const secrets = signingSecrets(endpoint, now)
  if (secrets.length === 0)
    throw new AppError('WEBHOOK_REFUSED', `webhook ${namespace}/${name} has no secret in force: rotate it, then replay`, {
      namespace,
      name,
    })
  const answer = await deps.poster.post({
    target,
    body,
    signal,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'berth-webhooks',
      [eventIdHeader]: eventId,
      [signatureHeader]: sign(body, Math.floor(now.getTime() / 1000), secrets),
    },
  })
  const verdict = judgeAnswer(answer, hostOf(target.url), now)
  switch (verdict.kind) {
    case 'delivered':
      return
    case 'failed':
      throw verdict.error
    case 'gone': {
      const reason = `its receiver answered 410 at ${now.toISOString()}`
      const patch = { metadata: { uid }, ...disablingPatch(reason) }
      await ofManagement(
        () => deps.client.patch(resourceTypes.secrets, { name, namespace }, patch, { type: 'merge', signal }),
        context,
      )
      deps.endpoints.forget({ namespace, name })
      throw new AppError('WEBHOOK_REFUSED', `webhook ${namespace}/${name} is disabled now: ${reason}`, { namespace, name })
    }
  }
}

/** What runs deliveries. */
export const deliveryHandler = (deps: DeliveryDeps): JobHandler =>
  handle(webhookDelivery, (delivery, context) => deliver(delivery, context, deps))

export interface DeliveryInput extends EndpointRef {
  readonly uid: string
  readonly eventId: string
  /** JSON that names objects and holds no secrets. */
  readonly body: string
}

/** Adds the delivery of an event to an endpoint; again is once while it is not done. Throws SPEC_INVALID, QUEUE_FULL. */
export const addDelivery = async (delivery: DeliveryInput, queue: Pick<JobQueue, 'add'>): Promise<void> => {
  const { namespace, name, uid, eventId, body } = delivery
  const options = { group: namespace, deduplicationId: `${eventId}.${uid}` }
  await queue.add(webhookDelivery, { namespace, name, uid, eventId, body }, options)
}
