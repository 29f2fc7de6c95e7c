import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from '../apis/kube-object.ts'
import { kindKey, type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { createEventRecorder } from '../kube/events.ts'
import { type ChangeKind, createInformer, type Informer } from '../kube/informer.ts'
import type { Log } from '../lib/log.ts'
import { tenantIdentity } from '../tenancy/names.ts'
import { waitingForClass } from './class-users.ts'
import { ConfigIndex } from './config-index.ts'
import { isLive } from './decide.ts'
import { HeldUp } from './held-up.ts'
import { keyOf, storeKey, tokensKey } from './keys.ts'
import { OwnPolicies } from './network/openness.ts'
import { OwnNodes, type SuperNodesView } from './own-nodes.ts'
import { PodsByNode } from './pods-by-node.ts'
import { createTenantQuota } from './quota/tenant-quota.ts'
import { ReferenceIndex, referenceKey } from './references.ts'
import { createRefusals } from './refusals.ts'
import type { SyncContext, SyncedResource } from './resource.ts'
import { definitionName, offeredDefinitions } from './resources/custom-kinds.ts'
import { resourcesOf, syncedResources } from './resources/index.ts'
import { mirroredKinds } from './resources/mirrored.ts'
import type { SuperSide, TenantSide } from './sides.ts'
import { isBurnt } from './sync-address.ts'
import type { SuperField } from './tenant-source.ts'
import { createWritePace } from './write-pace.ts'

/** Kinds that come up whole from super: watched in the tenant so that what somebody changes there is put right. */
const mirroredTypes: readonly { readonly type: ResourceType; readonly optional?: boolean }[] = [
  { type: resourceTypes.nodes },
  { type: resourceTypes.persistentVolumes },
  { type: resourceTypes.ipAddresses },
  ...mirroredKinds,
]

export interface TenantOptions {
  readonly ctx: Omit<SyncContext, 'nodes' | 'policies'>
  readonly tenantClient: KubeClient
  /** Super as the syncer's own account; the tenant's identity is put on top. */
  readonly superClient: KubeClient
  readonly superSide: Pick<SuperSide, 'informers'>
  readonly now: () => number
  readonly nodeSelector: TenantSide['nodeSelector']
  readonly log: Log
  readonly enqueue: (key: string) => void
  /** After a cache was listed anew, before its handlers hear of what vanished: `gone` objects of `before` are no longer there. */
  readonly onRelist: (relist: { resource: string; before: number; gone: number }) => void
  /** Told how many bytes more or less are kept of the tenant; false: no more is to be. */
  readonly spend: (bytes: number) => boolean
  /** Most changes in super in a second; undefined: no limit. */
  readonly writesPerSecond: number | undefined
}

export interface RunningTenant extends TenantSide {
  start(): void
  /** Resolves when every cache has been listed once. */
  whenSynced(options: { deadlineMs: number; signal?: AbortSignal }): Promise<void>
  stop(): Promise<void>
  /** The tenant's Service range has grown. */
  setSlices(serviceSlices: readonly string[]): void
  /** Something of super's nodes has changed: pods that have none yet go by it. */
  hearNodes(news: Partial<SuperNodesView>): void
  /** True when super's networks have changed. */
  setNetworks(networks: Pick<SyncContext, SuperField>): boolean
}

interface Tracked {
  readonly resource: SyncedResource | undefined
  readonly type: ResourceType
  readonly event: ChangeKind
  readonly object: KubeObject
  readonly own: boolean
}

/** Opens one tenant: clients, caches and the handlers that turn what happens there into keys. */
export const openTenant = (options: TenantOptions): RunningTenant => {
  const { tenantClient, log, enqueue } = options
  const nodes = new OwnNodes()
  const policies = new OwnPolicies()
  let ctx: SyncContext = { ...options.ctx, nodes, policies }
  const superClient = options.superClient.as(tenantIdentity(ctx.tenant.uid))
  const informers = new Map<string, Informer<KubeObject>>()
  const references = new ReferenceIndex()
  const podsByNode = new PodsByNode()
  const justBound = new Set<string>()
  const recorder = createEventRecorder({ client: tenantClient, component: 'berth-syncer', log })

  const writtenConfig = new Set<string>()
  const resizes: TenantSide['resizes'] = new Map()
  const config = new ConfigIndex({
    superClient,
    tenantUid: ctx.tenant.uid,
    log,
    onDrift: (plural, { tenantNamespace, tenantName, objectUid, renewAt }) => {
      if (renewAt !== undefined) {
        enqueue(keyOf('pods', tenantNamespace, tenantName))
        enqueue(tokensKey({ namespace: tenantNamespace, name: tenantName, uid: objectUid }))
        return
      }
      const key = keyOf(plural, tenantNamespace, tenantName)
      writtenConfig.delete(key)
      enqueue(key)
    },
  })

  const { superSide } = options
  const quota = createTenantQuota({
    hard: ctx.isolation.quota.hard,
    look: ({ kind, namespace, name }) =>
      config.find(namespace, kind, name)
        ? { metadata: { namespace, name } }
        : superSide.informers.get(kind)?.get(storeKey(namespace, name)),
    overheadOf: (runtimeClass) => superSide.informers.get('runtimeclasses')?.get(runtimeClass)?.['overhead']?.podFixed,
    enqueue,
    now: options.now,
  })

  /** Pods without a node go by what the tenant says of its Nodes. */
  const enqueueUnbound = (): void => {
    for (const { metadata, spec } of informers.get(resourceTypes.pods.plural)?.list() ?? []) {
      if (!spec?.nodeName) enqueue(keyOf(resourceTypes.pods.plural, metadata.namespace ?? '', metadata.name ?? ''))
    }
  }

  /** Pods go by what the policies of their namespace select. */
  const enqueuePods = (namespace: string): void => {
    for (const { metadata } of informers.get(resourceTypes.pods.plural)?.list() ?? []) {
      if (metadata.namespace === namespace) enqueue(keyOf(resourceTypes.pods.plural, namespace, metadata.name ?? ''))
    }
  }

  const track = ({ resource, type, event, object, own }: Tracked): void => {
    const { namespace = '', name = '', uid = '' } = object.metadata
    const key = keyOf(kindKey(type), namespace, name)
    const present = event !== 'deleted'
    if (resource?.dependencies) {
      const targets = present && isLive(object) ? resource.dependencies(object) : []
      for (const changed of references.set(key, new Set(targets.map((target) => referenceKey(target, namespace)))))
        enqueue(changed)
    }
    if (type.kind === 'Pod') {
      if (!present || object.spec?.nodeName) justBound.delete(uid)
      if (!present) {
        resizes.delete(uid)
        enqueue(tokensKey({ namespace, name, uid }))
      }
      for (const node of podsByNode.set(key, present ? object.spec?.nodeName : undefined)) enqueue(keyOf('nodes', '', node))
    }
    if (event === 'added') {
      for (const waiting of waitingForClass(kindKey(type), name, (kind) => informers.get(kind)?.list() ?? [])) {
        enqueue(keyOf(waiting.kind, waiting.object.metadata.namespace ?? '', waiting.object.metadata.name ?? ''))
      }
    }
    if (type.kind === 'Node') {
      enqueue(keyOf('csinodes', '', name))
      if (nodes.set(name, present ? object : undefined)) enqueueUnbound()
    }
    if (type.kind === 'NetworkPolicy' && policies.set(namespace, name, present ? object : undefined)) enqueuePods(namespace)
    // Addresses that the tenant gave to its own Services are told by these.
    if (type.kind === 'IPAddress' && present && !isBurnt(object)) return
    if (type.kind === 'PersistentVolumeClaim' && object.spec?.volumeName)
      enqueue(keyOf('persistentvolumes', '', object.spec.volumeName))
    // The sync that wrote to a pod knows what it wrote; for other kinds the answer may hold what the other side has to see.
    if (!(own && type.kind === 'Pod')) enqueue(key)
  }

  const watchType = (type: ResourceType, resource: SyncedResource | undefined, optional = false): void => {
    informers.set(
      kindKey(type),
      createInformer({
        client: tenantClient,
        type,
        log,
        optional,
        spend: options.spend,
        ...(resource?.byReference && { metadataOnly: true }),
        ...(resource?.keepTenant && { keep: resource.keepTenant }),
        onEvent: (event, object, _old, own) => track({ resource, type, event, object, own }),
        onRelist: ({ before, gone }) => options.onRelist({ resource: kindKey(type), before, gone }),
      }),
    )
  }
  for (const resource of syncedResources) watchType(resource.type, resource)
  const resources = new Map(resourcesOf(ctx).map((resource) => [kindKey(resource.type), resource]))
  const definitions = offeredDefinitions(ctx.customKinds).map(({ kind }) => definitionName(kind))
  const definitionInformers = definitions.map((name) =>
    createInformer({
      client: tenantClient,
      type: resourceTypes.customResourceDefinitions,
      log,
      spend: options.spend,
      fieldSelector: `metadata.name=${name}`,
      onEvent: () => enqueue(keyOf('definitions', '', name)),
    }),
  )
  for (const { type, optional } of mirroredTypes) watchType(type, undefined, optional)

  return {
    get ctx() {
      return ctx
    },
    setSlices: (serviceSlices) => {
      ctx = { ...ctx, serviceSlices }
    },
    hearNodes: (news) => {
      if (nodes.hear(news)) enqueueUnbound()
    },
    setNetworks: (networks) => {
      const { superRanges, superPodRanges, superNodeRanges, apiServerDoor } = ctx
      if (isDeepStrictEqual(networks, { superRanges, superPodRanges, superNodeRanges, apiServerDoor })) return false
      ctx = { ...ctx, ...networks }
      return true
    },
    tenantClient,
    superClient,
    informers,
    resources,
    watchCustom: (declared) => {
      const key = definitionName(declared)
      const resource = resources.get(key)
      if (!resource || informers.has(key)) return
      watchType(resource.type, resource)
      informers.get(key)?.start()
    },
    references,
    podsByNode,
    justBound,
    pace: options.writesPerSecond === undefined ? undefined : createWritePace({ perSecond: options.writesPerSecond }),
    rest: undefined,
    refusedKeys: new Set(),
    refusals: createRefusals('berth:syncer'),
    heldUp: new HeldUp(),
    recorder,
    quota,
    nodeSelector: options.nodeSelector,
    config,
    writtenConfig,
    readyNamespaces: new Map(),
    translated: new WeakMap(),
    resizes,
    idleNodes: new Map(),
    nodesInMaking: new Map(),
    pendingCertificates: new Map(),
    pendingEvents: new Map(),
    toldEvents: new Map(),
    start: () => {
      for (const informer of [...informers.values(), ...definitionInformers]) informer.start()
    },
    whenSynced: async (wait) => {
      await Promise.all([...informers.values()].map((informer) => informer.whenSynced(wait)))
    },
    stop: async () => {
      await Promise.all([...informers.values(), ...definitionInformers].map((informer) => informer.stop()))
      await config.stop()
      await recorder.flush({ deadlineMs: 1_000 })
      await tenantClient.close()
    },
  }
}
