import { setTimeout as sleep, setImmediate as yieldToOthers } from 'node:timers/promises'
import type { KubeObject } from '../apis/kube-object.ts'
import { kindKey, type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { KubeClient } from '../kube/client.ts'
import { type ChangeKind, createInformer } from '../kube/informer.ts'
import { explainError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Tracing } from '../lib/tracing.ts'
import { FairQueue } from '../runtime/fair-queue.ts'
import { tenantLabel } from '../tenancy/marks.ts'
import { type CacheLimits, createCacheBudget } from './cache-budget.ts'
import { pumpEvents } from './event-pump.ts'
import { hearersOf } from './event-subject.ts'
import { keyOf, tokensKey } from './keys.ts'
import type { SyncerMetrics } from './metrics.ts'
import { isFence } from './network/fences.ts'
import { taintKeysOf } from './own-nodes.ts'
import { isInside } from './resources/addresses.ts'
import { mirroredByPlural } from './resources/mirrored.ts'
import { type ServedTenant, serveTenant } from './served-tenant.ts'
import { openSuperCaches } from './super-caches.ts'
import { ownerOf } from './super-object.ts'
import { fencedNamespace, fencesKey } from './sync-fences.ts'
import { type TenantSource, tenantSources } from './tenant-source.ts'
import { createWorker } from './worker.ts'

export interface EngineOptions {
  /** The cluster with the TenantControlPlanes. */
  readonly management: KubeClient
  /** The cluster whose nodes run the pods. */
  readonly superClient: KubeClient
  readonly log: Log
  readonly metrics: SyncerMetrics
  /** Name of this process in Leases. */
  readonly holder: string
  /** Berth's own image, which all nodes have. */
  readonly image?: string
  /** True when this process serves the tenant. */
  readonly owns: (tenantUid: string) => boolean
  readonly connect: (kubeconfig: string) => KubeClient
  /** CIDRs that the operator names as super's own, beside those that super tells. */
  readonly superRanges?: readonly string[]
  readonly tracing?: Tracing | undefined
  /** Default: no limit. */
  readonly cacheLimits?: CacheLimits
  /** Most changes in super for one tenant in a second. Default: no limit. */
  readonly writesPerSecond?: number | undefined
  readonly now?: () => number
}

export interface Engine {
  start(): Promise<void>
  /** Looks again at which tenants are served here, after `owns` has changed. */
  reassign(): void
  stop(): Promise<void>
  /** Tenants served now. */
  readonly tenants: ReadonlyMap<string, ServedTenant>
}

/** Units of work at once: all tenants, and one tenant. One hung tenant holds at most its own share until its breaker opens. */
const concurrency = { all: 128, perTenant: 32 }
/** Longest wait for the first lists at start. */
/** After how long serving a tenant is tried again when its beginning failed. */
const beginAgainMs = 5000
const startDeadlineMs = 120_000

/** Watches super once for all tenants and each tenant once, turns what happens into keys, and works them off fairly. */
export const createEngine = (options: EngineOptions): Engine => {
  const { management, superClient, log, metrics, owns, now = Date.now } = options
  const tenants = new Map<string, ServedTenant>()
  const queue = new FairQueue({ concurrency: concurrency.all, perTenant: concurrency.perTenant })
  const budget = createCacheBudget(options.cacheLimits ?? { perTenant: Infinity, all: Infinity })
  const stopping = new AbortController()
  let started = false
  metrics.watchQueue(() => [...tenants.keys()].map((uid) => [uid, queue.depth(uid)] as const))

  let taintKeys: readonly string[] = []
  /** A key that was seen once stays known: what comes and goes must not have pods written over again each time. */
  const hearTaints = (superNode: KubeObject): void => {
    if (taintKeysOf([superNode]).every((key) => taintKeys.includes(key))) return
    taintKeys = [...new Set([...taintKeys, ...taintKeysOf([superNode])])].toSorted()
    for (const { side } of tenants.values()) side.hearNodes({ taintKeys })
  }

  const toAllTenants = (key: string): void => {
    for (const uid of tenants.keys()) queue.add({ tenant: uid, key })
  }

  const onSuperEvent = (
    type: ResourceType,
    event: ChangeKind,
    object: KubeObject,
    { old, own }: { old: KubeObject | undefined; own: boolean },
  ): void => {
    const { name = '' } = object.metadata
    for (const item of superCaches.claims.heard({ type, event, object, old }, tenants)) queue.add(item)
    if (type === resourceTypes.customResourceDefinitions) {
      toAllTenants(keyOf('definitions', '', name))
      return
    }
    if (mirroredByPlural.has(kindKey(type))) {
      toAllTenants(keyOf(type.plural, '', name))
      return
    }
    switch (type.kind) {
      case 'Node':
        if (event !== 'deleted') hearTaints(object)
        for (const [uid, { side }] of tenants) {
          if (side.podsByNode.isUsed(name) || side.nodeSelector || side.informers.get('nodes')?.get(name))
            queue.add({ tenant: uid, key: keyOf('nodes', '', name) })
        }
        return
      case 'PersistentVolume': {
        const superNs = superCaches.informers.get('namespaces')?.get(object.spec?.claimRef?.namespace ?? '')
        const uid = superNs?.metadata.labels?.[tenantLabel]
        if (uid !== undefined && tenants.has(uid)) queue.add({ tenant: uid, key: keyOf('persistentvolumes', '', name) })
        return
      }
      case 'IPAddress': {
        const superNs = superCaches.informers.get('namespaces')?.get(object.spec?.parentRef?.namespace ?? '')
        const holder = superNs?.metadata.labels?.[tenantLabel]
        for (const [uid, { side }] of tenants) {
          // That a tenant's own Service has its address is no news.
          const concerns = holder === undefined ? isInside(name, side.ctx.serviceSlices) : holder === uid && event === 'deleted'
          if (concerns) queue.add({ tenant: uid, key: keyOf('ipaddresses', '', name) })
        }
        return
      }
      default: {
        if (type === resourceTypes.networkPolicies && [object, old].some((each) => each && isFence(each))) {
          const fenced = own ? undefined : fencedNamespace(object, superCaches)
          if (fenced && tenants.has(fenced.tenantUid)) queue.add({ tenant: fenced.tenantUid, key: fencesKey(fenced.name) })
          return
        }
        const owner = ownerOf(object)
        const before = old && ownerOf(old)
        const gone = event === 'deleted'
        for (const [uid, isGone] of [
          [before?.tenantUid, gone || before?.tenantUid !== owner?.tenantUid],
          [owner?.tenantUid, gone],
        ] as const)
          if (uid !== undefined) tenants.get(uid)?.side.quota?.observe(kindKey(type), object, isGone)
        // Somebody changed whose it is.
        if (before && before.tenantUid !== owner?.tenantUid && tenants.has(before.tenantUid)) {
          queue.add({ tenant: before.tenantUid, key: keyOf(kindKey(type), before.namespace, before.name) })
        }
        if (!owner || !tenants.get(owner.tenantUid)?.side.resources.has(kindKey(type)) || (own && type.kind === 'Pod')) return
        if (type.kind === 'Pod' && event === 'deleted') {
          queue.add({ tenant: owner.tenantUid, key: tokensKey({ ...owner, uid: owner.objectUid }) })
        }
        if (type.kind === 'PersistentVolumeClaim' && object.spec?.volumeName) {
          queue.add({ tenant: owner.tenantUid, key: keyOf('persistentvolumes', '', object.spec.volumeName) })
        }
        if (type.kind === 'Namespace' && event === 'deleted') tenants.get(owner.tenantUid)?.namespaceLost(owner.name)
        queue.add({ tenant: owner.tenantUid, key: keyOf(kindKey(type), owner.namespace, owner.name) })
      }
    }
  }
  const superCaches = openSuperCaches({
    client: superClient,
    log,
    namedRanges: options.superRanges ?? [],
    isApart: superClient !== management,
    onEvent: onSuperEvent,
    onNetworks: () => {
      for (const tenant of tenants.values()) tenant.networksChanged()
    },
  })

  const worker = createWorker({
    queue,
    log,
    depsOf: (uid) => tenants.get(uid)?.deps(),
    isServed: (uid) => tenants.has(uid),
    onTenantAnswer: (uid, answered) => tenants.get(uid)?.answered(answered),
    onSynced: (item, sample) => metrics.synced(item, sample),
    tracing: options.tracing,
  })

  const onEventInSuper = (event: KubeObject): void => {
    for (const uid of hearersOf(event, { superSide: superCaches, tenants })) tenants.get(uid)?.holdEvent(event)
  }

  let superUid: string | undefined
  const sources = tenantSources({
    superCluster: () => ({ uid: superUid, isApart: superClient !== management }),
    planes: createInformer<TenantControlPlane>({
      client: management,
      type: resourceTypes.tenantControlPlanes,
      log,
      onEvent: () => reassign(),
    }),
    kubeconfigs: createInformer({
      client: management,
      type: resourceTypes.secrets,
      log,
      fieldSelector: 'metadata.name=syncer-kubeconfig',
      onEvent: () => reassign(),
    }),
  })

  const begin = async (source: TenantSource): Promise<void> => {
    const { uid } = source.tenant
    const onStale = (): void => {
      end(uid)
      reassign()
    }
    const settled = () => worker.settled(uid)
    const tenant = await serveTenant(source, { ...options, now, queue, superCaches, settled, budget, onStale })
    if (stopping.signal.aborted || tenants.has(uid)) return tenant.stop()
    tenants.set(uid, tenant)
    tenant.start()
    log.info({ tenant: uid, name: source.tenant.name }, 'tenant served')
  }

  const end = (uid: string): void => {
    const tenant = tenants.get(uid)
    if (!tenant) return
    tenants.delete(uid)
    queue.drop(uid)
    worker.forget(uid)
    metrics.forget(uid)
    log.info({ tenant: uid }, 'tenant no longer served')
    tenant.stop().catch((error: unknown) => log.warn({ tenant: uid, error: explainError(error) }, 'tenant did not stop cleanly'))
  }

  const beginning = new Set<string>()
  const reassign = (): void => {
    if (!started || stopping.signal.aborted) return
    const wanted = new Map(
      sources
        .list()
        .filter(({ tenant }) => owns(tenant.uid))
        .map((source) => [source.tenant.uid, source]),
    )
    for (const [uid, tenant] of tenants) {
      const source = wanted.get(uid)
      // A changed source (kubeconfig, slice, policy) is served anew: state is cheap to rebuild and never half old.
      if (!source || source.revision !== tenant.revision) end(uid)
      else tenant.hear(source)
    }
    for (const [uid, source] of wanted) {
      if (tenants.has(uid) || beginning.has(uid)) continue
      beginning.add(uid)
      begin(source)
        .then(
          () => 0,
          (error: unknown) => {
            log.error({ tenant: uid, error: explainError(error) }, 'tenant cannot be served yet')
            return beginAgainMs
          },
        )
        // What changed meanwhile has passed this tenant over, and what failed is tried again.
        .then((pauseMs) => sleep(pauseMs, undefined, { signal: stopping.signal, ref: false }))
        .then(
          () => {
            beginning.delete(uid)
            reassign()
          },
          () => {},
        )
    }
  }

  return {
    tenants,
    reassign,
    start: async () => {
      superCaches.start()
      sources.start()
      const wait = { deadlineMs: startDeadlineMs, signal: stopping.signal }
      await Promise.all([superCaches.whenSynced(wait), sources.whenSynced(wait)])
      superUid = (await superClient.get(resourceTypes.namespaces, { name: 'kube-system' }))?.metadata.uid
      started = true
      queue.start((item, waitedMs) => worker.run(item, waitedMs))
      void pumpEvents(onEventInSuper, { client: superClient, log, signal: stopping.signal })
      await yieldToOthers()
      reassign()
    },
    stop: async () => {
      stopping.abort()
      await queue.stop()
      await Promise.all([...tenants.values()].map((tenant) => tenant.stop()))
      await Promise.all([superCaches.stop(), sources.stop()])
    },
  }
}
