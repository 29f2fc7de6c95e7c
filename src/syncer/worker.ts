import { apiVersionOf } from '../apis/resource-types.ts'
import { AppError, explainError, hasCode } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Span, Tracing } from '../lib/tracing.ts'
import type { FairQueue, QueueItem } from '../runtime/fair-queue.ts'
import { superNamespace } from '../tenancy/names.ts'
import { keyOf, parseKey, storeKey } from './keys.ts'
import { hasPod, queueLeftovers } from './leftovers.ts'
import type { SyncSample } from './metrics.ts'
import { dropPodSecrets } from './pod-secrets.ts'
import { mirroredByPlural } from './resources/mirrored.ts'
import type { SyncDeps, SyncResult, TenantSide } from './sides.ts'
import { syncAddress } from './sync-address.ts'
import { syncConfig } from './sync-config.ts'
import { syncDefinition } from './sync-definition.ts'
import { syncEvent } from './sync-event.ts'
import { syncFences } from './sync-fences.ts'
import { syncMirrored } from './sync-mirrored.ts'
import { syncNode } from './sync-node.ts'
import { syncObject } from './sync-object.ts'
import { syncVolume } from './sync-volume.ts'

/** When an object of a declared kind is looked at again whose kind is not listed yet on one of the sides. */
const unwatchedAgainMs = 500

/** A declared kind is first watched when both sides know it: until both are listed, what one lacks says nothing. */
const isWatched = (kind: string, { tenant, superSide }: SyncDeps): boolean =>
  [tenant, superSide].every(({ informers }) => informers.get(kind)?.hasSynced)

/** Does one key's work. */
export const syncKey = async (text: string, deps: SyncDeps): Promise<SyncResult> => {
  const key = parseKey(text)
  const resource = deps.tenant.resources.get(key.resource)
  if (resource?.type.custom && !isWatched(key.resource, deps)) return { kind: 'done', againAfterMs: unwatchedAgainMs }
  if (resource) return resource.byReference ? syncConfig(resource, key, deps) : syncObject(resource, key, deps)
  const mirrored = mirroredByPlural.get(key.resource)
  if (mirrored) return syncMirrored(mirrored, key, deps)
  switch (key.resource) {
    case 'nodes':
      return syncNode(key, deps)
    case 'persistentvolumes':
      return syncVolume(key, deps)
    case 'ipaddresses':
      return syncAddress(key, deps)
    case 'events':
      return syncEvent(key, deps)
    case 'tokens': {
      const [name = '', uid = ''] = key.name.split(':')
      const pod = { name, uid, namespace: key.namespace }
      // Told by each side when it has lost the pod; the last of the two counts.
      if (!hasPod(pod, deps)) await dropPodSecrets(pod, deps)
      return { kind: 'done' }
    }
    case 'fences':
      return syncFences(key, deps)
    case 'definitions':
      return syncDefinition(key, deps)
    case 'leftovers':
      return queueLeftovers(key, deps)
    default:
      throw new Error(`no sync for ${key.resource}`)
  }
}

/** Takes super's words out of a message that a tenant will read. */
export const forTenant = (message: string, { ctx }: Pick<TenantSide, 'ctx'>, namespace: string): string =>
  message
    .replaceAll(superNamespace(ctx.tenant, namespace), namespace)
    .replaceAll(/User "system:serviceaccount:berth-tenants:[^"]*"/g, 'the tenant')
    .replaceAll(/\bberth[a-z-]*:[^\s"]+/g, 'berth')

export interface WorkerOptions {
  readonly queue: FairQueue
  readonly log: Log
  /** Undefined while nothing may be done for the tenant. */
  readonly depsOf: (tenant: string) => SyncDeps | undefined
  readonly isServed: (tenant: string) => boolean
  /** Told of each call's outcome as far as the tenant's API server is concerned. */
  readonly onTenantAnswer: (tenant: string, answered: boolean) => void
  readonly onSynced?: (item: QueueItem, sample: SyncSample) => void
  /** Each sync of an object is a trace. */
  readonly tracing?: Tracing | undefined
}

interface TenantWaits {
  /** Keys that wait, by the key they wait for. */
  readonly waiters: Map<string, Set<string>>
  /** What each key waited for last: waiting twice for the same is a pause, or two keys would chase each other. */
  readonly last: Map<string, string>
}

/** When a key taken from a tenant that is paused just then is looked at again. */
const pausedAgainMs = 1_000

/** Shortest pause of a key that asks to come again at once: its own write has to reach the cache. */
const againAtOnceMs = 20

export interface Worker {
  /** Works one key off that has waited so long. */
  run(item: QueueItem, waitedMs?: number): Promise<void>
  /** Resolves when all that is being done for a tenant now is done. */
  settled(tenant: string): Promise<void>
  /** The tenant is no longer served here. */
  forget(tenant: string): void
}

/** Runs keys from the queue: success wakes those who waited, failure comes again with a growing pause and is told to the tenant. */
export const createWorker = ({ queue, log, depsOf, isServed, onTenantAnswer, onSynced, tracing }: WorkerOptions): Worker => {
  const waits = new Map<string, TenantWaits>()

  const waitsOf = (tenant: string): TenantWaits => {
    const known = waits.get(tenant)
    if (known) return known
    const fresh: TenantWaits = { waiters: new Map(), last: new Map() }
    waits.set(tenant, fresh)
    return fresh
  }

  const wake = ({ tenant, key }: QueueItem): void => {
    const ofTenant = waits.get(tenant)
    ofTenant?.last.delete(key)
    const waiting = ofTenant?.waiters.get(key)
    if (!waiting) return
    ofTenant?.waiters.delete(key)
    for (const waiter of waiting) queue.add({ tenant, key: waiter })
  }

  const waitFor = (item: QueueItem, wanted: string): void => {
    const { waiters, last } = waitsOf(item.tenant)
    const waiting = waiters.get(wanted)
    if (waiting) waiting.add(item.key)
    else waiters.set(wanted, new Set([item.key]))
    if (last.get(item.key) === wanted) {
      queue.retry(item)
      return
    }
    last.set(item.key, wanted)
    queue.forget(item)
    queue.add({ tenant: item.tenant, key: wanted })
  }

  const failed = (item: QueueItem, error: unknown, deps: SyncDeps): void => {
    const { namespace } = parseKey(item.key)
    if (hasCode(error, 'KUBE_FORBIDDEN') && namespace !== '' && deps.tenant.readyNamespaces.delete(namespace)) {
      // Somebody took the tenant's rights in this super namespace away: they are looked after with the namespace.
      deps.enqueue(keyOf('namespaces', '', namespace))
    }
    const isRefusal = hasCode(error, 'KUBE_FORBIDDEN', 'KUBE_INVALID', 'SUPER_OBJECT_FOREIGN')
    if (isRefusal && queue.failures(item) >= 3) deps.tenant.refusedKeys.add(item.key)
    const { server } = deps.tenant.tenantClient
    if (queue.failures(item) >= 1) deps.tenant.refusals.failed(item.key, error, server)
    const unanswered = hasCode(error, 'KUBE_UNREACHABLE', 'KUBE_TIMEOUT') && error.details['server'] === server
    onTenantAnswer(item.tenant, !unanswered)
    if (hasCode(error, 'KUBE_CONFLICT', 'KUBE_NOT_FOUND', 'KUBE_FORBIDDEN') && queue.failures(item) < 3) {
      // The other side moved on meanwhile and its event is on the way; or super has still to notice a new namespace's RoleBinding.
      queue.retry(item)
      return
    }
    const retryAfterMs = error instanceof AppError ? Number(error.details['retryAfterMs'] ?? 0) : 0
    const pauseMs = queue.retry(item, retryAfterMs)
    log.warn({ tenant: item.tenant, key: item.key, error: explainError(error), pauseMs: Math.round(pauseMs) }, 'sync failed')
    if (!unanswered && queue.failures(item) >= 2) tellTenant(item, error, deps)
    // Nobody waits for what fails: they go on without it and say so themselves.
    wake(item)
  }

  const run = (item: QueueItem, waitedMs: number): Promise<void> => {
    if (!tracing) return runWithin(item, waitedMs)
    const { resource, namespace, name } = parseKey(item.key)
    const attributes = {
      'berth.tenant': item.tenant,
      'berth.kind': resource,
      'k8s.namespace.name': namespace || undefined,
      'berth.name': name,
      'berth.waited_ms': Math.round(waitedMs),
    }
    const span = tracing.begin(`sync ${resource}`, { caller: {}, attributes })
    return span.within(() => runWithin(item, waitedMs, span))
  }

  const runWithin = async (item: QueueItem, waitedMs: number, span?: Span): Promise<void> => {
    const deps = depsOf(item.tenant)
    if (!deps) {
      // Paused at this very moment: not lost, if the tenant is still served here.
      if (isServed(item.tenant)) queue.addAfter(item, pausedAgainMs)
      span?.end()
      return
    }
    const began = performance.now()
    let error: unknown
    try {
      const result = await syncKey(item.key, deps)
      onTenantAnswer(item.tenant, true)
      deps.tenant.refusedKeys.delete(item.key)
      deps.tenant.refusals.passed(item.key)
      if (result.kind === 'wait-for') waitFor(item, result.key)
      else {
        queue.forget(item)
        if (result.againAfterMs !== undefined) queue.addAfter(item, Math.max(againAtOnceMs, result.againAfterMs))
        wake(item)
      }
    } catch (caught) {
      error = caught
      failed(item, caught, deps)
    }
    span?.end(error)
    onSynced?.(item, { waitedSeconds: waitedMs / 1000, workSeconds: (performance.now() - began) / 1000, error })
  }
  const atWork = new Map<string, Set<Promise<void>>>()
  const tracked = async (item: QueueItem, waitedMs = 0): Promise<void> => {
    const turn = run(item, waitedMs)
    const turns = atWork.get(item.tenant) ?? new Set()
    atWork.set(item.tenant, turns.add(turn))
    try {
      await turn
    } finally {
      turns.delete(turn)
      if (turns.size === 0) atWork.delete(item.tenant)
    }
  }
  return {
    run: tracked,
    settled: async (tenant) => void (await Promise.allSettled(atWork.get(tenant) ?? new Set<Promise<void>>())),
    forget: (tenant) => void waits.delete(tenant),
  }
}

const tellTenant = (item: QueueItem, error: unknown, { tenant }: SyncDeps): void => {
  const { resource, namespace, name } = parseKey(item.key)
  const type = tenant.resources.get(resource)?.type
  const object = tenant.informers.get(resource)?.get(storeKey(namespace, name))
  if (!object || !type) return
  // Caches of metadata hold no kind of their own.
  const named = { ...object, apiVersion: apiVersionOf(type), kind: type.kind }
  tenant.recorder.record(named, {
    type: 'Warning',
    reason: 'SyncFailed',
    message: forTenant(explainError(error), tenant, namespace),
  })
}
