import { setTimeout as sleep, setImmediate as yieldToOthers } from 'node:timers/promises'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { KubeClient } from '../kube/client.ts'
import { AppError, explainError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { FairQueue } from '../runtime/fair-queue.ts'
import { tenantLabel } from '../tenancy/marks.ts'
import { superNamespace } from '../tenancy/names.ts'
import { verdictOf } from './brake.ts'
import { afterFailure, afterPause, afterSuccess, type Breaker, breakerLimit, closedBreaker } from './breaker.ts'
import { tenantClasses } from './classes.ts'
import { readBacklog } from './event-pump.ts'
import { everyKey } from './every-key.ts'
import { createHibernator } from './hibernation.ts'
import { keyOf, storeKey } from './keys.ts'
import { openSyncRecord, syncerLeaseSeconds } from './lease.ts'
import type { SyncerMetrics } from './metrics.ts'
import { patrol } from './patrol.ts'
import { every } from './periodic.ts'
import type { SyncContext } from './resource.ts'
import { definitionName, offeredDefinitions } from './resources/custom-kinds.ts'
import { informerOf, type SuperSide, type SyncDeps } from './sides.ts'
import type { SuperCaches } from './super-caches.ts'
import { ownerOf } from './super-object.ts'
import { driftedAddresses, usedAddresses } from './sync-address.ts'
import { nodeLeaseEveryMs, renewNodeLeases } from './sync-node.ts'
import { openTenant, type RunningTenant } from './tenant.ts'
import type { TenantSource } from './tenant-source.ts'

/** A tenant's caches have to be listed within this; the informers go on trying meanwhile. */
const listDeadlineMs = 60_000
const leaseEveryMs = (syncerLeaseSeconds * 1000) / 3
/** A tenant that does not say in this time which store it has is asked again with the next Lease. */
const storeLookMs = 3_000
/** A missed watch event is repaired within five minutes. */
const patrolEveryMs = 5 * 60_000
/** Events of one tenant that wait for their turn; past that the oldest are dropped, as the API server itself does with events. */
const heldEvents = 2_000

export interface ServedTenant {
  readonly side: RunningTenant
  readonly revision: string
  /** Undefined while nothing may be done for it: not listed yet, or frozen. */
  deps(): SyncDeps | undefined
  answered(answered: boolean): void
  hear(source: TenantSource): void
  namespaceLost(tenantNamespace: string): void
  /** An Event of super waits for its turn to be told, if there is room for it. */
  holdEvent(event: KubeObject): void
  readonly frozen: string | undefined
  start(): void
  stop(): Promise<void>
}

export interface ServeOptions {
  readonly management: KubeClient
  readonly superClient: KubeClient
  readonly superCaches: SuperSide & Pick<SuperCaches, 'watchDefinition'>
  readonly queue: FairQueue
  readonly log: Log
  readonly metrics: SyncerMetrics
  readonly holder: string
  /** Berth's own image, which all nodes have. */
  readonly image?: string
  readonly connect: (kubeconfig: string) => KubeClient
  readonly now: () => number
  /** Resolves when all that is being done for the tenant at the moment of the call is done. */
  readonly settled: () => Promise<void>
  /** The tenant's data store is another one than when it was served first: it has to be served anew. */
  readonly onStoreReplaced: () => void
}

/** One tenant's life in this process: listing, brake, work, leases, patrol, breaker. */
export const serveTenant = async (source: TenantSource, options: ServeOptions): Promise<ServedTenant> => {
  const { management, superClient, superCaches, queue, metrics, holder, now } = options
  const { controlPlaneNamespace } = source
  const ctx: Omit<SyncContext, 'nodes'> = {
    ...source.ctx,
    classes: tenantClasses(source.classRules, ({ plural }) => informerOf(superCaches.informers, plural)),
  }
  const { uid } = ctx.tenant
  const log = options.log.child({ tenant: uid })
  const stopping = new AbortController()
  const timers = new Set<NodeJS.Timeout>()
  let breaker: Breaker = closedBreaker
  const record = await openSyncRecord(management, controlPlaneNamespace, { holder, now, refused: () => side.refusals.text() })
  let listed = false
  let { resume, hibernates } = source
  /** Checks under way of the store's identity: nothing is done for the tenant meanwhile. */
  let checks = 0

  const enqueue = (key: string): void => queue.add({ tenant: uid, key })
  const side = openTenant({
    ctx,
    tenantClient: options.connect(source.kubeconfig),
    superClient,
    nodeSelector: source.nodeSelector,
    log,
    enqueue,
    onRelist: ({ gone }) => {
      if (listed && gone > 0) checkStore()
    },
  })

  const isPaused = (): boolean => !listed || checks > 0 || record.current.frozen !== undefined
  const setLimit = (): void => queue.limit(uid, isPaused() ? 0 : breakerLimit(breaker))

  /** All objects of a kind, or those of one namespace. */
  const enqueueAll = (plural: string, namespace?: string): void => {
    for (const { metadata } of side.informers.get(plural)?.list() ?? []) {
      if (namespace === undefined || metadata.namespace === namespace)
        enqueue(keyOf(plural, metadata.namespace ?? '', metadata.name ?? ''))
    }
  }
  const hibernator = createHibernator({
    tenant: side,
    superSide: superCaches,
    noted: () => record.current.hibernation,
    note: (hibernation) => record.write({ hibernation }),
    enqueue,
    settled: options.settled,
    log,
    signal: stopping.signal,
  })

  const superObjects = function* (): Generator<[string, KubeObject]> {
    for (const [kind, resource] of side.resources) {
      // A declared kind that the tenant has not listed yet says nothing of what it lost.
      if (resource.superWatch === 'none' || !side.informers.get(kind)?.hasSynced) continue
      for (const object of superCaches.informers.get(kind)?.list() ?? []) {
        if (ownerOf(object)?.tenantUid === uid) yield [kind, object]
      }
    }
  }

  /** Compares what is in super with what the tenant still has, and freezes when it looks like a loss of data. */
  const judge = async (): Promise<void> => {
    const system = await side.tenantClient.get(resourceTypes.namespaces, { name: 'kube-system' })
    const presentStore = system?.metadata.uid
    if (!presentStore) throw new AppError('TENANT_UNREACHABLE', 'the tenant has no kube-system namespace yet', { tenant: uid })
    let total = 0
    let orphans = 0
    for (const [plural, object] of superObjects()) {
      const owner = ownerOf(object)
      total += 1
      if (
        !object.metadata.deletionTimestamp &&
        !side.informers.get(plural)?.get(storeKey(owner?.namespace ?? '', owner?.name ?? ''))
      )
        orphans += 1
    }
    // Asked anew: what this process was told last may be of before a restore.
    const plane = await management.get<TenantControlPlane>(resourceTypes.tenantControlPlanes, ctx.tenant)
    const restored = plane?.status?.restored ?? source.restored
    const seen = { presentStore, restored, resume, superObjects: total, orphans }
    const verdict = verdictOf(record.current, seen)
    if (verdict.frozen !== undefined && record.current.frozen === undefined)
      log.error({ reason: verdict.frozen }, 'syncing frozen')
    await record.write(verdict)
    metrics.frozen(uid, verdict.frozen !== undefined)
  }

  /** Judges; tries until it could, for the tenant or management may be away just now. */
  const judged = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        return await judge()
      } catch (error) {
        if (stopping.signal.aborted) return
        log.warn({ error: explainError(error) }, 'store identity not known yet')
        await sleep(1_000, undefined, { signal: stopping.signal }).catch(() => {})
      }
    }
  }

  const checkStore = (): void => {
    checks += 1
    setLimit()
    void judged().finally(() => {
      checks -= 1
      setLimit()
    })
  }

  const isStoreReplaced = async (): Promise<boolean> => {
    if (record.current.store === undefined || record.current.frozen !== undefined) return false
    const system = await side.tenantClient
      .get(resourceTypes.namespaces, { name: 'kube-system' }, { timeoutMs: storeLookMs })
      .catch(() => undefined)
    return system?.metadata.uid !== undefined && system.metadata.uid !== record.current.store
  }

  /** Says that the tenant is served, and looks whether it is still the same: watches of a data store that is gone stay silent for long. */
  const beat = async (): Promise<void> => {
    const serviceAddresses = usedAddresses(side)
    await record.write({}, serviceAddresses)
    void hibernator.want(hibernates)
    if (!(await isStoreReplaced())) return
    checks += 1
    setLimit()
    await judged()
    // All that is cached is of the old one.
    if (!stopping.signal.aborted) options.onStoreReplaced()
  }

  /** What was refused for its address may go down now, and what others have of the new addresses is to be burnt. */
  const enqueueServices = (): void => {
    for (const plural of ['services', 'endpointslices']) enqueueAll(plural)
    for (const address of driftedAddresses({ tenant: side, superSide: superCaches })) enqueue(keyOf('ipaddresses', '', address))
  }

  const untilListed = async (): Promise<void> => {
    try {
      await side.whenSynced({ deadlineMs: listDeadlineMs, signal: stopping.signal })
    } catch (error) {
      if (stopping.signal.aborted) throw error
      // The informers go on trying: a tenant that is away for long is served when it comes back.
      log.warn({ error: explainError(error) }, 'tenant not listed yet')
      return untilListed()
    }
  }

  const run = async (): Promise<void> => {
    for (const { kind } of offeredDefinitions(ctx.customKinds)) superCaches.watchDefinition(definitionName(kind))
    side.start()
    await untilListed()
    await judged()
    // Before any pod is looked at: one that sleeps must not be taken for one that has ended.
    await hibernator.want(hibernates)
    if (stopping.signal.aborted) return
    listed = true
    // Another word may have come meanwhile.
    void hibernator.want(hibernates)
    for (const key of everyKey({ tenant: side, superSide: superCaches }, superObjects())) enqueue(key)
    setLimit()
    tellBacklog().catch((error: unknown) => {
      if (!stopping.signal.aborted) log.warn({ error: explainError(error) }, 'events of before could not be read')
    })
    const life = { log, signal: stopping.signal }
    every({ ms: leaseEveryMs, what: 'lease', run: beat }, life)
    every({ ms: nodeLeaseEveryMs, what: 'node leases', run: () => renewNodeLeases({ tenant: side, now }) }, life)
    const patrols = { ms: patrolEveryMs, what: 'patrol', run: runPatrol }
    timers.add(setTimeout(() => every(patrols, life), patrolEveryMs))
  }

  const holdEvent = (event: KubeObject): void => {
    const { namespace = '', name = '' } = event.metadata
    const key = storeKey(namespace, name)
    if (!side.pendingEvents.has(key) && side.pendingEvents.size >= heldEvents) return
    side.pendingEvents.set(key, event)
    queue.addLater({ tenant: uid, key: keyOf('events', namespace, name) })
  }

  /** Tells what happened while nobody served the tenant. */
  const tellBacklog = async (): Promise<void> => {
    const namespaces = informerOf(superCaches.informers, 'namespaces')
      .list()
      .filter(({ metadata }) => metadata.labels?.[tenantLabel] === uid)
      .map(({ metadata }) => metadata.name ?? '')
    await readBacklog(namespaces, holdEvent, { client: superClient, signal: stopping.signal })
  }

  const runPatrol = async (): Promise<void> => {
    const current = deps()
    if (!current) return
    const drifted = await patrol(current, { enqueue, pause: () => yieldToOthers() })
    metrics.drift(uid, drifted.length)
    if (drifted.length > 0) log.warn({ drifted: drifted.length, first: drifted[0] }, 'patrol found drift')
  }

  const depsValue: SyncDeps = {
    tenant: side,
    superSide: superCaches,
    log,
    image: options.image,
    now,
    isFailing: (key) => queue.failures({ tenant: uid, key }) > 0,
    enqueue,
  }
  const deps = (): SyncDeps | undefined => (isPaused() || stopping.signal.aborted ? undefined : depsValue)

  const openBreaker = (next: Breaker): void => {
    if (next.kind === 'open' && breaker.kind !== 'open') {
      log.warn({ pauseMs: next.pauseMs }, 'tenant API server does not answer: paused')
      const timer = setTimeout(() => {
        timers.delete(timer)
        breaker = afterPause(breaker, performance.now())
        setLimit()
      }, next.pauseMs + 1)
      timers.add(timer)
    }
    if (next.kind !== breaker.kind) metrics.breaker(uid, next.kind === 'open')
    breaker = next
    setLimit()
  }

  return {
    side,
    revision: source.revision,
    deps,
    get frozen() {
      return record.current.frozen
    },
    answered: (answered) => {
      const next = answered ? afterSuccess(breaker) : afterFailure(breaker, performance.now())
      if (next !== breaker && (next.kind !== breaker.kind || next.kind === 'closed')) openBreaker(next)
    },
    hear: ({ resume: word, ctx: { serviceSlices }, hibernates: wanted }) => {
      if (wanted !== hibernates) {
        hibernates = wanted
        if (listed) void hibernator.want(hibernates)
      }
      if (String(serviceSlices) !== String(side.ctx.serviceSlices)) {
        side.setSlices(serviceSlices)
        if (listed) enqueueServices()
      }
      if (word === resume) return
      resume = word
      if (listed) checkStore()
    },
    namespaceLost: (tenantNamespace) => {
      side.readyNamespaces.delete(tenantNamespace)
      side.config.forget(superNamespace(ctx.tenant, tenantNamespace))
      for (const plural of side.resources.keys()) enqueueAll(plural, tenantNamespace)
      side.writtenConfig.clear()
    },
    holdEvent,
    start: () => {
      setLimit()
      void run().catch((error: unknown) => {
        if (!stopping.signal.aborted) log.error({ error: explainError(error) }, 'tenant could not be listed')
      })
    },
    stop: async () => {
      stopping.abort()
      for (const timer of timers) clearTimeout(timer)
      await side.stop()
    },
  }
}
