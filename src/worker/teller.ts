import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { JobQueue } from '../jobs/job-queue.ts'
import { addDelivery } from '../jobs/webhooks/delivery.ts'
import { readEndpoint } from '../jobs/webhooks/endpoint.ts'
import type { KubeClient } from '../kube/client.ts'
import { createInformer } from '../kube/informer.ts'
import { explainError, hasCode } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { createController, type Outcome } from '../runtime/controller.ts'
import type { ControllerMetrics } from '../runtime/metrics.ts'
import { organizationLabel, toldLabel, webhookLabel } from '../tenancy/marks.ts'
import { shortHash } from '../tenancy/names.ts'
import { isOrganization } from '../tenancy/organizations.ts'
import { eventBody } from './event-body.ts'
import { type Heard, hears } from './hears.ts'
import type { Part } from './parts.ts'
import { changeOf } from './told.ts'
import { stillNoted, type ToldObjects, type ToldRecord, toldObjects, toldWrites, wholeRecord } from './told-record.ts'

export interface TellerOptions {
  readonly kube: KubeClient
  /** Throws QUEUE_UNREACHABLE. */
  readonly queue: () => Promise<Pick<JobQueue, 'add' | 'epoch'>>
  readonly log: Log
  readonly now: () => Date
  readonly metrics?: ControllerMetrics
  /** How often it is looked whether the queue remembers still, ms. Default 30 s. */
  readonly lookEveryMs?: number
}

const { configMaps, namespaces: namespaceType, secrets, tenantControlPlanes } = resourceTypes

/**
 * Tells the webhooks of each organisation what happens to its tenants. First it is noted what is to be told and what is known then, in one write; then the
 * deliveries are added; then that is noted. So whoever comes after a process that was killed tells the same again under the same ids, and nothing is left out. A queue
 * that has lost what it held is told again what it was told in the last day.
 */
export const createTeller = (options: TellerOptions): Part => {
  const { kube, queue, log: parent, now, metrics, lookEveryMs = 30_000 } = options
  const log = parent.child({ part: 'events' })
  /** What was read and written, by organisation; of its namespace of this UID. */
  const known = new Map<string, { readonly uid: string; readonly objects: ToldObjects }>()
  const orgs = createInformer<KubeObject>({
    client: kube,
    type: namespaceType,
    log,
    labelSelector: organizationLabel,
    onEvent: (_kind, { metadata }) => controller.enqueue(metadata.name ?? ''),
  })
  const planes = createInformer<TenantControlPlane>({
    client: kube,
    type: tenantControlPlanes,
    log,
    indexNamespaces: true,
    onEvent: (_kind, { metadata }) => controller.enqueue(metadata.namespace ?? ''),
  })

  let epoch: string | undefined
  /** Which memory of the queue the events that were told are in. */
  const currentEpoch = async (): Promise<string> => (epoch ??= await (await queue()).epoch())
  const look = async (): Promise<void> => {
    try {
      const before = epoch
      epoch = await (await queue()).epoch()
      if (before === undefined || before === epoch) return
      log.warn('the queue has lost what it held: events of the last day are told again')
      for (const { metadata } of orgs.list()) controller.enqueue(metadata.name ?? '')
    } catch (error) {
      log.debug({ reason: explainError(error) }, 'the queue does not say whether it remembers')
    }
  }

  const read = async (organization: string, signal: AbortSignal): Promise<ToldObjects> => {
    const { items } = await kube.list<KubeObject>(configMaps, { namespace: organization, labelSelector: toldLabel, signal })
    return toldObjects(items)
  }
  const endpointsOf = async (organization: string, signal: AbortSignal): Promise<readonly Heard[]> => {
    const options = { namespace: organization, labelSelector: `${webhookLabel}=true`, signal }
    const { items } = await kube.list<KubeObject>(secrets, options)
    return items.flatMap((object) => {
      const { name = '', uid = '', creationTimestamp: createdAt = '' } = object.metadata
      try {
        const endpoint = readEndpoint(object)
        return endpoint ? [{ name, uid, createdAt, endpoint }] : []
      } catch (error) {
        log.warn({ organization, reason: explainError(error) }, 'webhook cannot be read')
        return []
      }
    })
  }

  const reconcile = async (organization: string, signal: AbortSignal): Promise<Outcome> => {
    const namespace = orgs.get(organization)
    const kept = known.get(organization)
    known.delete(organization)
    if (!namespace || !isOrganization(namespace) || namespace.metadata.deletionTimestamp) return { kind: 'done' }
    const { uid = '' } = namespace.metadata
    let objects = kept?.uid === uid ? kept.objects : await read(organization, signal)

    const write = async (wanted: ToldRecord): Promise<void> => {
      const written = new Map(objects)
      for (const [shard, object] of toldWrites(organization, wanted, objects)) {
        const isThere = object.metadata.resourceVersion !== undefined
        const now = await (isThere ? kube.replace(configMaps, object, { signal }) : kube.create(configMaps, object, { signal }))
        written.set(shard, now)
      }
      objects = written
    }
    /** Adds the deliveries of what is noted, and notes that. */
    const tell = async (): Promise<void> => {
      const { tenants, outbox } = wholeRecord(objects)
      if (outbox.length === 0) return
      const into = await currentEpoch()
      const due = new Set(outbox.filter(({ told }) => told?.in !== into))
      if (due.size === 0) return
      const endpoints = await endpointsOf(organization, signal)
      for (const event of due) {
        const heard = endpoints.filter((each) => hears(each, event))
        if (heard.length === 0) continue
        const body = eventBody(event, organization, planes.get(`${organization}/${event.tenant}`))
        for (const { name, uid: endpointUid } of heard)
          await addDelivery({ namespace: organization, name, uid: endpointUid, eventId: event.id, body }, await queue())
      }
      const at = now()
      const told = { in: into, at: at.toISOString() }
      await write({
        tenants,
        outbox: stillNoted(
          outbox.map((each) => (due.has(each) ? { ...each, told } : each)),
          at,
        ),
      })
    }

    try {
      // Before anything new is looked for: what is noted cannot grow while the queue is away.
      await tell()
      const { tenants: told, outbox } = wholeRecord(objects)
      const idOf = (parts: readonly string[]) => `evt-${shortHash(parts, 24)}`
      const { tenants, events } = changeOf({ told, planes: planes.byNamespace(organization), now: now(), idOf })
      const endpoints = events.length === 0 ? [] : await endpointsOf(organization, signal)
      const heard = events.filter((event) => endpoints.some((each) => hears(each, event)))
      await write({ tenants, outbox: [...stillNoted(outbox, now()), ...heard] })
      await tell()
    } catch (error) {
      // Gone with its namespace, which is told by a watch; or somebody else wrote, and is to be read.
      if (hasCode(error, 'KUBE_NOT_FOUND')) return { kind: 'wait', retryAfterMs: 5000 }
      throw error
    }
    known.set(organization, { uid, objects })
    return { kind: 'done' }
  }

  const controller = createController({
    name: 'webhook-events',
    reconcile,
    log,
    sources: [orgs, planes],
    ...(metrics && { metrics }),
  })
  let timer: NodeJS.Timeout | undefined
  let stopped: Promise<void> | undefined
  return {
    name: 'events',
    start: async () => {
      timer = setInterval(() => void look(), lookEveryMs)
      await controller.start()
    },
    stop: () => {
      clearInterval(timer)
      return (stopped ??= controller.stop())
    },
  }
}
