import { isResting } from '../apis/conditions.ts'
import type { ControlPlaneSnapshot } from '../apis/control-plane-snapshot.ts'
import { tenantControlPlaneCrd } from '../apis/crd.ts'
import { dataStoreCrd } from '../apis/data-store-crd.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import { controlPlaneSnapshotCrd } from '../apis/snapshot-crd.ts'
import { tenantClassCrd } from '../apis/tenant-class-crd.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { createCopyClient } from '../controlplane/data-stores/copy-client.ts'
import { createEtcdClient } from '../controlplane/data-stores/etcd-client.ts'
import { createStoreClient, type StoreConnection } from '../controlplane/data-stores/store-client.ts'
import { createStoreMeter } from '../controlplane/data-stores/store-meter.ts'
import { createStorePool } from '../controlplane/data-stores/store-pool.ts'
import { createPlaces, type Deps } from '../controlplane/deps.ts'
import { createMoveTasks } from '../controlplane/moves/move-tasks.ts'
import { syncerLease } from '../controlplane/names.ts'
import { refOf } from '../controlplane/observe.ts'
import { defaultRotationTimes } from '../controlplane/pki/rotation.ts'
import { reconcileTenant } from '../controlplane/reconcile.ts'
import { createSliceLock, type SliceLock } from '../controlplane/steps/slice.ts'
import { sameCluster } from '../controlplane/super-cluster.ts'
import { keepAgentAuthorities, publishAgentClientCa } from '../controlplane/system-keys.ts'
import { createTenantClients } from '../controlplane/tenant-clients.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { createLog } from '../lib/log.ts'
import { openS3 } from '../snapshots/s3-store.ts'
import { componentLabel, controlPlaneLabel } from '../tenancy/marks.ts'
import { controlPlaneNamespace } from '../tenancy/names.ts'
import { startApiServer } from './api-server.ts'
import { eventually } from './eventually.ts'
import { type Fault, failingClient } from './failing-client.ts'
import { applyInstalledRights, managerUser, serviceAccountGroups } from './installed-rights.ts'

const type = resourceTypes.tenantControlPlanes
const log = createLog({ process: 'test', level: 'silent' })

/** A real API server without kubelet and controllers, which this plays; the same server plays each tenant's. */
export const startPlaneWorld = async () => {
  const server = await startApiServer({ flags: ['--service-cluster-ip-range=10.96.0.0/12'] })
  const kube = server.client
  for (const crd of [tenantControlPlaneCrd(), tenantClassCrd(), controlPlaneSnapshotCrd(), dataStoreCrd()])
    await kube.create(resourceTypes.customResourceDefinitions, crd)
  for (const of of [type, resourceTypes.tenantClasses, resourceTypes.controlPlaneSnapshots, resourceTypes.dataStores])
    await eventually(() => kube.list(of), { describe: 'the new resource' })
  for (const name of ['berth-system', 'berth-tenants', 'home']) {
    await kube.create(resourceTypes.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  }
  await applyInstalledRights(kube)
  // As the manager's own account, with just the rights its manifest gives.
  const managerKube = createKubeClient(await server.connectionAs(managerUser, serviceAccountGroups), {
    userAgent: 'berth-manager',
  })
  await eventually(() => managerKube.list(resourceTypes.ipAddresses), { describe: 'the ClusterRoles in force' })
  await eventually(() => managerKube.list(resourceTypes.controllerRevisions, { namespace: 'berth-system' }), {
    describe: 'the Roles in force',
  })
  await kube.create(resourceTypes.serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'default' },
  })
  const signal = new AbortController().signal
  const agent = await keepAgentAuthorities({ kube: managerKube, signal, now: () => new Date() })
  await publishAgentClientCa(agent, { kube: managerKube, signal, now: () => new Date() })

  let nodes: readonly KubeObject[] = []
  const setNodes = (all: readonly KubeObject[]): void => {
    nodes = all
  }
  let snapshots: readonly ControlPlaneSnapshot[] = []
  /** What the manager's informer would know of snapshots. */
  const knowSnapshots = async (): Promise<void> => {
    snapshots = (await kube.list<ControlPlaneSnapshot>(resourceTypes.controlPlaneSnapshots)).items
  }
  /** Names of the certificate that an API server shows, by its pod's address: what its kubelet has brought to it so far. */
  const shown = new Map<string, readonly string[]>()

  /** Where an etcd really answers, by the endpoint that is asked for: pods of tenants' own are played. */
  const ownStores = new Map<string, string>()
  const really = (connection: StoreConnection): StoreConnection => ({
    ...connection,
    endpoints: connection.endpoints.map((each) => ownStores.get(each) ?? each),
  })

  /** One process's life: clients and memory that a kill takes away. */
  const aProcess = (
    fault?: Fault,
  ): { deps: Deps & { lock: SliceLock }; writes: () => readonly string[]; calls: () => number } => {
    const failing = failingClient(managerKube, fault)
    const tenantKube = failing.beside(kube)
    const deps = {
      kube: failing.client,
      superCluster: sameCluster(failing.client),
      // Clients of tenants are changed for others, and this one is everybody's.
      tenantClients: createTenantClients(() => ({ ...tenantKube, close: async () => {} })),
      connectEtcd: createEtcdClient,
      connectStore: createStorePool((connection) => createStoreClient(really(connection))).connect,
      storeMeter: createStoreMeter(),
      connectCopy: (connection: StoreConnection) => createCopyClient(really(connection)),
      moveTasks: createMoveTasks(),
      agentAuthorities: () => agent,
      nodes: () => nodes,
      snapshots: () => snapshots,
      enforcement: () => undefined,
      runTrouble: () => undefined,
      showsName: async ({ address }: { address: string }, name: string) => shown.get(address)?.includes(name) ?? false,
      tell: () => {},
      now: () => new Date(),
      log,
      registry: 'registry.k8s.io',
      image: 'berth:test',
      openStore: openS3,
      // Pods are played, so none of them serves.
      askCertificate: async () => undefined,
      rotationTimes: defaultRotationTimes,
      signal: new AbortController().signal,
      lock: createSliceLock(),
      firstStarts: createPlaces(1),
    }
    return { deps, writes: () => failing.writes, calls: () => failing.calls }
  }

  let count = 0
  const createTenant = async (spec: Record<string, unknown> = {}): Promise<TenantControlPlane> => {
    count += 1
    const metadata = { name: `t${count}`, namespace: 'home' }
    return (await kube.create(type, {
      apiVersion: 'berth.dev/v1alpha1',
      kind: 'TenantControlPlane',
      metadata,
      spec,
    })) as TenantControlPlane
  }
  const read = async (tenant: TenantControlPlane): Promise<TenantControlPlane | undefined> =>
    kube.get(type, { name: tenant.metadata.name ?? '', namespace: 'home' })

  const reconcile = (tenant: TenantControlPlane, process = aProcess()) =>
    reconcileTenant({ namespace: 'home', name: tenant.metadata.name ?? '' }, process.deps)

  const listIn = async (namespace: string, of: ResourceType): Promise<KubeObject[]> => (await kube.list(of, { namespace })).items

  /** What kubelet, controllers, the syncer and the tenant would do: every workload has a ready pod, DNS an endpoint, the Lease is fresh. */
  const playCluster = async (
    tenant: TenantControlPlane,
    { unprobed, now = new Date() }: { readonly unprobed?: string; readonly now?: Date } = {},
  ): Promise<void> => {
    const namespace = controlPlaneNamespace(refOf(tenant))
    const metadata = { namespace, labels: { [controlPlaneLabel]: tenant.metadata.uid ?? '' } }
    for (const of of [resourceTypes.statefulSets, resourceTypes.deployments]) {
      for (const workload of await listIn(namespace, of)) {
        const name = workload.metadata.name ?? ''
        const replicas = workload.spec.replicas
        const counts = { replicas, readyReplicas: replicas, updatedReplicas: replicas, availableReplicas: replicas }
        const status = { observedGeneration: workload.metadata.generation, ...counts }
        await kube.patch(of, { name, namespace }, { status }, { type: 'merge', subresource: 'status' })
        if (replicas === 0) {
          await kube.delete(resourceTypes.pods, { name, namespace }, { gracePeriodSeconds: 0 })
          continue
        }
        const { spec, metadata: marks } = workload.spec.template
        const { annotations } = marks
        if (await kube.get(resourceTypes.pods, { name, namespace })) {
          // As if it were the next pod.
          await kube.patch(resourceTypes.pods, { name, namespace }, { metadata: { annotations } }, { type: 'merge' })
          continue
        }
        const claims = (workload.spec.volumeClaimTemplates ?? []) as KubeObject[]
        const volumes = [...(spec.volumes ?? []), ...claims.map((claim) => ({ name: claim.metadata.name, emptyDir: {} }))]
        await kube.create(resourceTypes.pods, {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { ...metadata, name, annotations, labels: { ...metadata.labels, [componentLabel]: name } },
          spec: { ...spec, volumes },
        })
        const containerStatuses = [{ name, ready: true, restartCount: 0, image: 'x', imageID: 'x', state: { running: {} } }]
        const ready = { type: 'Ready', status: name === unprobed ? 'False' : 'True' }
        const conditions = [{ type: 'PodScheduled', status: 'True' }, ready]
        const podStatus = { phase: 'Running', conditions, containerStatuses }
        await kube.patch(resourceTypes.pods, { name, namespace }, { status: podStatus }, { type: 'merge', subresource: 'status' })
      }
    }
    const lease = { name: syncerLease, namespace }
    const spec = { holderIdentity: 'test', renewTime: now.toISOString().replace('Z', '000Z') }
    if (await kube.get(resourceTypes.leases, lease)) {
      // Of a paused tenant no syncer says anything.
      if (!isResting((await read(tenant))?.status?.conditions))
        await kube.patch(resourceTypes.leases, lease, { spec }, { type: 'merge' })
    } else if (await kube.get(resourceTypes.namespaces, { name: namespace })) {
      await kube.create(resourceTypes.leases, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: lease, spec })
    }
    if (await kube.get(resourceTypes.endpointSlices, { name: 'kube-dns-1', namespace: 'kube-system' })) return
    await kube.create(resourceTypes.endpointSlices, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'kube-dns-1', namespace: 'kube-system', labels: { 'kubernetes.io/service-name': 'kube-dns' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.1.1.1'], conditions: { ready: true } }],
    })
  }

  /** Rounds of one process until the tenant is Ready. */
  const drive = async (tenant: TenantControlPlane, process = aProcess()): Promise<TenantControlPlane> => {
    for (let round = 0; round < 12; round += 1) {
      await reconcile(tenant, process)
      const now = await read(tenant)
      if (now?.status?.conditions?.some(({ type: name, status }) => name === 'Ready' && status === 'True')) return now
      await playCluster(tenant)
    }
    throw new Error(`not ready after 12 rounds: ${JSON.stringify((await read(tenant))?.status)}`)
  }

  /** Asks for the deletion of a tenant and plays the namespace controller, until it is gone or the rounds are over. True when it is gone. */
  const remove = async (tenant: TenantControlPlane, process = aProcess(), rounds = 8): Promise<boolean> => {
    await kube.delete(type, { name: tenant.metadata.name ?? '', namespace: 'home' })
    for (let round = 0; round < rounds && (await read(tenant)); round += 1) {
      await reconcile(tenant, process)
      const { items } = await kube.list(resourceTypes.namespaces, {
        labelSelector: `${controlPlaneLabel}=${tenant.metadata.uid}`,
      })
      for (const namespace of items.filter(({ metadata }) => metadata.deletionTimestamp)) {
        await kube.replace(resourceTypes.namespaces, { ...namespace, spec: { finalizers: [] } }, { subresource: 'finalize' })
      }
    }
    return (await read(tenant)) === undefined
  }

  /** What there is of a tenant in management, by kind and name; with the generation of workloads, which counts their revisions. */
  const inventory = async (tenant: TenantControlPlane): Promise<string[]> => {
    const { secrets, services, networkPolicies, resourceQuotas, podDisruptionBudgets, deployments, statefulSets } = resourceTypes
    const namespace = controlPlaneNamespace(refOf(tenant))
    const kinds = [secrets, services, networkPolicies, resourceQuotas, podDisruptionBudgets, deployments, statefulSets]
    const lists = await Promise.all(
      kinds.map(async (of) =>
        (await listIn(namespace, of)).map(({ metadata }) => `${of.kind}/${metadata.name} generation ${metadata.generation ?? 0}`),
      ),
    )
    return lists.flat().sort()
  }

  /** DNS of a tenant, whose Service has an address of that tenant's slice: the next one has another. */
  const clearDns = () => kube.delete(resourceTypes.services, { name: 'kube-dns', namespace: 'kube-system' })

  return {
    kube,
    aProcess,
    createTenant,
    read,
    reconcile,
    listIn,
    playCluster,
    drive,
    remove,
    inventory,
    clearDns,
    setNodes,
    knowSnapshots,
    shown,
    ownStores,
    connectionAs: (user: string) => server.connectionAs(user),
    managerKube,
    stop: async () => {
      await managerKube.close()
      await server.stop()
    },
  }
}
