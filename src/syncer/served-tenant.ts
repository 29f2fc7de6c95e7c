import { setImmediate as yieldToOthers } from 'node:timers/promises'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { explainError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { FairQueue } from '../runtime/fair-queue.ts'
import { tenantClasses } from '../tenancy/classes.ts'
import { tenantLabel } from '../tenancy/marks.ts'
import { superNamespace } from '../tenancy/names.ts'
import { afterFailure, afterPause, afterSuccess, type Breaker, breakerLimit, closedBreaker } from './breaker.ts'
import type { CacheBudget, Overflow } from './cache-budget.ts'
import { claimView } from './claims.ts'
import { readBacklog } from './event-pump.ts'
import { everyKey } from './every-key.ts'
import { hearNodes } from './hear-nodes.ts'
import { createHibernator } from './hibernation.ts'
import { keyOf, storeKey } from './keys.ts'
import { openSyncRecord, syncerLeaseSeconds } from './lease.ts'
import type { SyncerMetrics } from './metrics.ts'
import { createOverfull } from './overfull.ts'
import { patrol } from './patrol.ts'
import { every } from './periodic.ts'
import { fillQuota } from './quota/fill-quota.ts'
import { createQuotaWord } from './quota/quota-word.ts'
import type { SyncContext } from './resource.ts'
import { definitionName, offeredDefinitions } from './resources/custom-kinds.ts'
import { informerOf, type SuperSide, type SyncDeps } from './sides.ts'
import { createStoreJudge, objectsInSuper } from './store-judge.ts'
import type { SuperCaches } from './super-caches.ts'
import { driftedAddresses, usedAddresses } from './sync-address.ts'
import { enqueueFences, moveFences } from './sync-fences.ts'
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
  /** Super's networks have changed. */
  networksChanged(): void
  readonly frozen: string | undefined
  start(): void
  stop(): Promise<void>
}

export interface ServeOptions {
  readonly management: KubeClient
  readonly superClient: KubeClient
  readonly superCaches: SuperSide & Pick<SuperCaches, 'watchDefinition' | 'networks'>
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
  readonly budget: CacheBudget
  readonly writesPerSecond?: number | undefined
  /** What was true when it was served first is no more: it has to be served anew. */
  readonly onStale: () => void
}

/** One tenant's life in this process: listing, brake, work, leases, patrol, breaker. */
export const serveTenant = async (source: TenantSource, options: ServeOptions): Promise<ServedTenant> => {
  const { management, superClient, superCaches, queue, metrics, holder, now } = options
  const ctx: Omit<SyncContext, 'nodes' | 'policies'> = {
    ...source.ctx,
    ...superCaches.networks.of(source.tenant.uid),
    ...claimView(superCaches.claims, source.tenant.uid),
    classes: tenantClasses(source.classRules, ({ plural }) => informerOf(superCaches.informers, plural)),
  }
  const { uid } = ctx.tenant
  const log = options.log.child({ tenant: uid })
  const stopping = new AbortController()
  const timers = new Set<NodeJS.Timeout>()
  let breaker: Breaker = closedBreaker
  const share = options.budget.open((over) => void overflow(over))
  const words = { refused: () => side.refusals.text(), quota: () => quotaWord.text }
  const record = await openSyncRecord(management, source.controlPlaneNamespace, { holder, now, ...words })
  let listed = false
  let { resume, hibernates } = source
  /** Checks under way of the store's identity: nothing is done for the tenant meanwhile. */
  let checks = 0

  const enqueue = (key: string): void => queue.add({ tenant: uid, key })
  const side = openTenant({
    ctx,
    tenantClient: options.connect(source.kubeconfig),
    superClient,
    superSide: superCaches,
    now,
    nodeSelector: source.nodeSelector,
    log,
    enqueue,
    spend: (bytes) => share.spend(bytes),
    writesPerSecond: options.writesPerSecond,
    onRelist: ({ gone }) => {
      if (listed && gone > 0) checkStore()
    },
  })

  const hearPools = hearNodes(side, source.pools, { superSide: superCaches, enqueue })
  const quotaWord = createQuotaWord(side, { log, now, signal: stopping.signal })
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

  const superObjects = () => objectsInSuper(side, superCaches)
  const judge = createStoreJudge({
    tenant: side,
    superSide: superCaches,
    management,
    record,
    restored: source.restored,
    word: () => resume,
    onVerdict: (frozen) => metrics.frozen(uid, frozen),
    log,
    signal: stopping.signal,
  })

  const checkStore = (): void => {
    checks += 1
    setLimit()
    void judge().finally(() => {
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
    quotaWord.tell()
    const serviceAddresses = usedAddresses(side)
    await record.write({}, serviceAddresses)
    void hibernator.want(hibernates)
    if (!(await isStoreReplaced())) return
    checks += 1
    setLimit()
    await judge()
    // All that is cached is of the old one.
    if (!stopping.signal.aborted) options.onStale()
  }

  /** What was refused for its address may go down now, what others have of the new addresses is to be burnt, and pods reach them. */
  const enqueueServices = (): void => {
    for (const plural of ['services', 'endpointslices']) enqueueAll(plural)
    enqueueFences(side, enqueue)
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

  const overfull = createOverfull({
    record,
    word: () => resume,
    log,
    letGo: async () => {
      stopping.abort()
      await side.stop()
    },
  })
  /** Its objects are more than may be kept here. */
  const overflow = async (over: Overflow): Promise<void> => {
    if (stopping.signal.aborted) return
    await overfull.enter(over)
    options.onStale()
  }

  const run = async (): Promise<void> => {
    if (await overfull.isSo()) {
      metrics.frozen(uid, true)
      return every({ ms: leaseEveryMs, what: 'lease', run: () => record.write() }, { log, signal: stopping.signal })
    }
    for (const { kind } of offeredDefinitions(ctx.customKinds)) superCaches.watchDefinition(definitionName(kind))
    side.start()
    await untilListed()
    await judge()
    // Before any pod is looked at: one that sleeps must not be taken for one that has ended.
    await hibernator.want(hibernates)
    await fillQuota(side, { objects: superObjects, superSide: superCaches, settled: options.settled, log })
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
    hear: ({ resume: word, ctx: { serviceSlices }, hibernates: wanted, pools }) => {
      if (wanted !== hibernates) {
        hibernates = wanted
        if (listed) void hibernator.want(hibernates)
      }
      if (String(serviceSlices) !== String(side.ctx.serviceSlices)) {
        side.setSlices(serviceSlices)
        if (listed) enqueueServices()
      }
      hearPools(pools)
      if (word === resume) return
      resume = word
      if (record.current.overfull) return options.onStale()
      if (listed) checkStore()
    },
    namespaceLost: (tenantNamespace) => {
      side.readyNamespaces.delete(tenantNamespace)
      side.config.forget(superNamespace(ctx.tenant, tenantNamespace))
      for (const plural of side.resources.keys()) enqueueAll(plural, tenantNamespace)
      side.writtenConfig.clear()
    },
    holdEvent,
    networksChanged: () => moveFences(side, superCaches.networks.of(uid), enqueue),
    start: () => {
      setLimit()
      void run().catch((error: unknown) => {
        if (!stopping.signal.aborted) log.error({ error: explainError(error) }, 'tenant could not be listed')
      })
    },
    stop: async () => {
      stopping.abort()
      share.close()
      for (const timer of timers) clearTimeout(timer)
      await side.stop()
    },
  }
}
