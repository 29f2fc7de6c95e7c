import { type KubeObject, objectKey } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import { specInForce } from '../apis/spec-in-force.ts'
import type { TenantClass } from '../apis/tenant-class.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { KubeClient, KubeConnection } from '../kube/client.ts'
import { createEventRecorder } from '../kube/events.ts'
import { type ChangeKind, createInformer } from '../kube/informer.ts'
import type { Log } from '../lib/log.ts'
import type { Tracing } from '../lib/tracing.ts'
import { type Controller, createController } from '../runtime/controller.ts'
import type { ControllerMetrics } from '../runtime/metrics.ts'
import { openS3 } from '../snapshots/s3-store.ts'
import { controlPlaneLabel, quotaUsedAnnotation, refusedAnnotation } from '../tenancy/marks.ts'
import { familiesInNeed, slicesOf, usedAddressesText } from '../tenancy/slices.ts'
import { withType } from './apply.ts'
import { keepClass } from './classes/keep-class.ts'
import { createCopyClient } from './data-stores/copy-client.ts'
import { createEtcdClient } from './data-stores/etcd-client.ts'
import { keepDataStore } from './data-stores/keep-data-store.ts'
import { createStoreClient } from './data-stores/store-client.ts'
import { createStoreMeter } from './data-stores/store-meter.ts'
import { createStorePool } from './data-stores/store-pool.ts'
import { createStranger } from './data-stores/store-stranger.ts'
import { createPlaces, type TellEvent } from './deps.ts'
import { showsName } from './exposure/certificate-shown.ts'
import { createRunsController } from './isolation-runs/controller.ts'
import { createMoveTasks } from './moves/move-tasks.ts'
import { syncerLease } from './names.ts'
import { createProbeController } from './network-probe/controller.ts'
import { watchNodes } from './node-watch.ts'
import type { AgentAuthorities } from './pki/keys.ts'
import type { RotationTimes } from './pki/rotation.ts'
import { reconcileTenant } from './reconcile.ts'
import { askCertificate } from './served-certificate.ts'
import { createSnapshotControllers } from './snapshots/controllers.ts'
import { createSliceLock, usedAddressesOf } from './steps/slice.ts'
import { type SuperCluster, type SuperLook, watchSuper } from './super-cluster.ts'
import { keepAgentAuthorities, keepAgentServing, nodeAddresses, publishAgentClientCa } from './system-keys.ts'
import { createTenantClients } from './tenant-clients.ts'
import type { TenantMetrics } from './tenant-metrics.ts'

export interface ManagerOptions {
  readonly kube: KubeClient
  readonly superCluster: SuperCluster
  /** Makes a client of a tenant's API server. */
  readonly connectTenant: (connection: KubeConnection) => KubeClient
  readonly log: Log
  readonly registry: string
  /** Berth's own image; without it no snapshots are taken. */
  readonly image?: string | undefined
  /** How long rotations wait for what they cannot see. */
  readonly rotationTimes: RotationTimes
  readonly metrics?: ControllerMetrics
  readonly tenantMetrics?: TenantMetrics
  readonly tracing?: Tracing | undefined
  /** Tenants in work at once. Default 8. */
  readonly concurrency?: number
  readonly signal: AbortSignal
}

/** What the leader runs. */
export interface Manager {
  start(): Promise<void>
  stop(): Promise<void>
}

const day = 24 * 3_600_000

/** Kinds in control-plane namespaces whose changes wake their tenant. */
const watched: readonly ResourceType[] = [resourceTypes.pods, resourceTypes.deployments, resourceTypes.statefulSets]

export const createManager = (options: ManagerOptions): Manager => {
  const { kube, superCluster, log, signal } = options
  const now = () => new Date()
  const tenantClients = createTenantClients(options.connectTenant)
  const recorder = createEventRecorder({ client: kube, component: 'berth-manager', log })
  const lock = createSliceLock()
  const storeMeter = createStoreMeter()
  const stores = createStorePool(createStoreClient)
  const moveTasks = createMoveTasks()
  const stranger = createStranger()
  let agent: (AgentAuthorities & { serving: { cert: string; key: string } }) | undefined

  const keyOfUid = new Map<string, string>()
  const wake = (uid: string | undefined): void => {
    const key = uid === undefined ? undefined : keyOfUid.get(uid)
    if (key !== undefined) tenants.enqueue(key)
  }
  const wakeByLabel = (_: unknown, { metadata }: KubeObject): void => wake(metadata.labels?.[controlPlaneLabel])
  const tell: TellEvent = (tenant, note) => {
    recorder.record(withType(tenant, resourceTypes.tenantControlPlanes), note)
  }
  const { image, registry, metrics } = options
  const { snapshots, schedules, knownSnapshots } = createSnapshotControllers({
    kube,
    log,
    now,
    tell,
    image,
    registry,
    metrics,
    keyOfUid,
    onDrill: (key) => tenants.enqueue(key),
  })

  const tenantInformer = createInformer<TenantControlPlane>({
    client: kube,
    type: resourceTypes.tenantControlPlanes,
    log,
    onEvent: (kind, tenant, old) => {
      const uid = tenant.metadata.uid ?? ''
      if (kind === 'deleted') {
        keyOfUid.delete(uid)
        void tenantClients.forget(uid).catch(() => {})
      } else keyOfUid.set(uid, objectKey(tenant))
      tenants.enqueue(objectKey(tenant))
      schedules.enqueue(objectKey(tenant))
      runs.tenantChanged(kind === 'deleted' ? undefined : tenant, kind === 'deleted' ? tenant : old)
      const { kind: storeKind, name } = specInForce(tenant).dataStore
      // Of a tenant that leaves it to its class it is known a little later.
      const isNews = kind !== 'updated' || (old !== undefined && specInForce(old).dataStore.name !== name)
      if (isNews && storeKind === 'shared' && name !== undefined) dataStores.enqueue(name)
      for (const className of [tenant.spec.className, old?.spec.className])
        if (className !== undefined) classes.enqueue(className)
    },
  })
  const planeInformers = watched.map((type) =>
    createInformer({ client: kube, type, log, labelSelector: controlPlaneLabel, metadataOnly: true, onEvent: wakeByLabel }),
  )
  // Deletion goes on when a namespace is gone: a control plane's own, or one of the tenant's pods.
  const namespaceInformer = createInformer({
    client: kube,
    type: resourceTypes.namespaces,
    log,
    metadataOnly: true,
    labelSelector: controlPlaneLabel,
    onEvent: wakeByLabel,
  })
  // Renewals are no news: a syncer that fell silent is found at the next look.
  const planeOf = (namespace: string | undefined) =>
    tenantInformer.list().find(({ status }) => status?.controlPlaneNamespace === namespace)
  const leaseInformer = createInformer({
    client: kube,
    type: resourceTypes.leases,
    log,
    metadataOnly: true,
    fieldSelector: `metadata.name=${syncerLease}`,
    onEvent: (kind, lease, old) => {
      const used = usedAddressesOf(lease)
      const refused = lease.metadata.annotations?.[refusedAnnotation]
      const quota = lease.metadata.annotations?.[quotaUsedAnnotation]
      const before = old?.metadata.annotations
      if (kind === 'updated' && (refused !== before?.[refusedAnnotation] || quota !== before?.[quotaUsedAnnotation]))
        wake(planeOf(lease.metadata.namespace)?.metadata.uid)
      if (kind !== 'added' && usedAddressesText(used) === usedAddressesText(usedAddressesOf(old))) return
      const plane = planeOf(lease.metadata.namespace)
      if (kind === 'added' || familiesInNeed(slicesOf(plane?.status), used).length > 0) wake(plane?.metadata.uid)
    },
  })
  options.tenantMetrics?.watch(() => ({ tenants: tenantInformer.list(), snapshots: knownSnapshots() }))
  const onNode = (): void => systemKeys.enqueue('vn-agent')
  const probe = createProbeController(
    {
      kube: superCluster.kube,
      image,
      now,
      tenants: () => tenantInformer.list(),
      onChange: () => tenantInformer.list().forEach((tenant) => tenants.enqueue(objectKey(tenant))),
    },
    options,
  )
  const runs = createRunsController(
    { kube, image, registry, now, tenants: () => tenantInformer.list(), onChange: (key) => tenants.enqueue(key) },
    options,
  )
  /** Of super's keys, where it is another cluster: this management. */
  let owner: string | undefined
  const stopping = new AbortController()
  const onSuperChange = (look: SuperLook): void => {
    if (look.kind === 'away') log.error({ reason: look.message }, 'super is away')
    else log.info('super is back')
    for (const tenant of tenantInformer.list()) tenants.enqueue(objectKey(tenant))
    onNode()
  }
  const onSuperNode = (kind: ChangeKind): void => {
    onNode()
    if (kind !== 'updated') probe.nodesChanged()
  }
  const superNodes = watchNodes({ client: superCluster.kube, log, onEvent: onSuperNode })
  const nodes = superCluster.isApart ? watchNodes({ client: kube, log, onEvent: () => {} }) : superNodes

  const dataStoreInformer = createInformer({
    client: kube,
    type: resourceTypes.dataStores,
    log,
    optional: true,
    onEvent: (_, { metadata }) => dataStores.enqueue(metadata.name ?? ''),
  })

  const classInformer = createInformer<TenantClass>({
    client: kube,
    type: resourceTypes.tenantClasses,
    log,
    optional: true,
    onEvent: (kind, { metadata }, old) => {
      classes.enqueue(metadata.name ?? '')
      // Its limits hold for every tenant at once. What it says itself comes to them with a revision.
      if (kind !== 'deleted' && old?.metadata.generation === metadata.generation) return
      for (const tenant of tenantInformer.list()) if (tenant.spec.className === metadata.name) tenants.enqueue(objectKey(tenant))
    },
  })

  const concurrency = options.concurrency ?? 8
  const firstStarts = createPlaces(Math.floor(concurrency / 2))
  const tenants: Controller = createController({
    name: 'tenants',
    log,
    concurrency,
    sources: [tenantInformer, ...planeInformers, namespaceInformer, leaseInformer],
    backoff: { firstMs: 250, capMs: 30_000 },
    ...(options.metrics && { metrics: options.metrics }),
    tracing: options.tracing,
    reconcile: (key, roundSignal) => {
      const [namespace = '', name = ''] = key.split('/')
      return reconcileTenant(
        { namespace, name },
        {
          kube,
          superCluster,
          firstStarts,
          tenantClients,
          connectEtcd: createEtcdClient,
          connectStore: stores.connect,
          storeMeter,
          connectCopy: createCopyClient,
          moveTasks,
          agentAuthorities: () => {
            if (!agent) throw new Error('the manager reconciles before its own keys are there')
            return agent
          },
          nodes: () => nodes.list(),
          snapshots: knownSnapshots,
          enforcement: () => probe.enforcement(),
          runTrouble: (tenant) => runs.trouble(tenant),
          showsName,
          tell,
          now,
          log: log.child({ tenant: key }),
          tracing: options.tracing,
          registry: options.registry,
          image,
          openStore: openS3,
          askCertificate,
          rotationTimes: options.rotationTimes,
          signal: roundSignal,
          lock,
        },
      )
    },
  })
  const systemKeys: Controller = createController({
    name: 'system-keys',
    log,
    concurrency: 1,
    // A super cluster apart may be away when the manager starts.
    sources: superCluster.isApart ? [nodes] : [superNodes],
    ...(options.metrics && { metrics: options.metrics }),
    tracing: options.tracing,
    reconcile: async (_, roundSignal) => {
      // The first of several pages of nodes would be issued for alone.
      if (!agent || !superNodes.hasSynced) return { kind: 'wait', retryAfterMs: 1000 }
      const inSuper = { kube: superCluster.kube, signal: roundSignal, now }
      await publishAgentClientCa(agent, { ...inSuper, owner })
      await keepAgentServing(agent.serving, nodeAddresses(superNodes.list()), inSuper)
      return { kind: 'wait', retryAfterMs: day }
    },
  })

  const dataStores: Controller = createController({
    name: 'data-stores',
    log,
    concurrency: 2,
    sources: [dataStoreInformer],
    ...(options.metrics && { metrics: options.metrics }),
    tracing: options.tracing,
    reconcile: (name, roundSignal) =>
      keepDataStore(name, {
        kube,
        connectStore: stores.connect,
        stranger,
        storeMeter,
        tenants: () => tenantInformer.list(),
        tell: (store, note) => recorder.record(withType(store, resourceTypes.dataStores), note),
        now,
        log: log.child({ dataStore: name }),
        signal: roundSignal,
      }),
  })

  const classes: Controller = createController({
    name: 'tenant-classes',
    log,
    // Each decides how many of its tenants are changed at once: one at a time of each.
    concurrency: 2,
    sources: [classInformer],
    ...(options.metrics && { metrics: options.metrics }),
    tracing: options.tracing,
    reconcile: (name, roundSignal) =>
      keepClass(name, {
        kube,
        tenants: () => tenantInformer.list(),
        tell: (tenantClass, note) => recorder.record(withType(tenantClass, resourceTypes.tenantClasses), note),
        now,
        log: log.child({ tenantClass: name }),
        signal: roundSignal,
      }),
  })

  return {
    start: async () => {
      agent = await keepAgentAuthorities({ kube, signal, now })
      if (superCluster.isApart)
        owner = (await kube.get(resourceTypes.namespaces, { name: 'kube-system' }, { signal }))?.metadata.uid
      // Tenants that are exposed by nodes ask for those in their first round.
      if (superCluster.isApart) {
        superNodes.start()
        void watchSuper(superCluster, { onChange: onSuperChange, signal: stopping.signal })
      }
      systemKeys.enqueue('vn-agent')
      await systemKeys.start()
      await Promise.all([tenants.start(), snapshots.start(), schedules.start()])
      // Its tenants are those that the other one knows of.
      await Promise.all([dataStores.start(), classes.start(), probe.start(), runs.start()])
    },
    stop: async () => {
      stopping.abort()
      await Promise.all(
        [tenants, dataStores, classes, systemKeys, snapshots, schedules, probe, runs].map((controller) => controller.stop()),
      )
      if (superCluster.isApart) await superNodes.stop()
      await moveTasks.stop()
      await recorder.flush({ deadlineMs: 2000 })
      stores.close()
      await tenantClients.close()
    },
  }
}
