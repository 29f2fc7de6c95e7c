import { afterAll, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { controlPlaneLabel, orphanSuperAnnotation } from '../tenancy/marks.ts'
import { superDoorName } from '../tenancy/names.ts'
import { startApiServer } from '../testing/api-server.ts'
import { eventually } from '../testing/eventually.ts'
import { applyInstalledRights, managerUser, serviceAccountGroups } from '../testing/installed-rights.ts'
import { startPlaneWorld } from '../testing/plane-world.ts'
import type { Transition } from './status.ts'
import { clusterApart, sameCluster } from './super-cluster.ts'

const superServer = await startApiServer({ flags: ['--service-cluster-ip-range=10.112.0.0/16'] })
const inSuper = superServer.client
for (const name of ['berth-system', 'berth-tenants'])
  await inSuper.create(resourceTypes.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
await applyInstalledRights(inSuper, { side: 'super' })
// As the manager's account there, with just the rights that the manifests give it.
const managerInSuper = createKubeClient(await superServer.connectionAs(managerUser, serviceAccountGroups), {
  userAgent: 'berth-manager',
})
await eventually(() => managerInSuper.list(resourceTypes.ipAddresses), { describe: 'the ClusterRoles in force' })
const world = await startPlaneWorld()
const { kube, createTenant, read, remove, listIn, aProcess, reconcile } = world
afterAll(async () => {
  await managerInSuper.close()
  await Promise.all([world.stop(), superServer.stop()])
})

/** A manager's process that was given the other API server for super; each look is a new one. */
const apart = () => {
  const process = aProcess()
  const superCluster = clusterApart({ kube: managerInSuper, server: superServer.connection.server, now: () => (looks += 10_000) })
  return { ...process, deps: { ...process.deps, superCluster } }
}
let looks = 0
const conditionOf = async (tenant: TenantControlPlane, type: string) =>
  (await read(tenant))?.status?.conditions?.find((each) => each.type === type)
const labelOf = ({ metadata }: TenantControlPlane) => `${controlPlaneLabel}=${metadata.uid}`
const door = (tenant: TenantControlPlane) => ({ namespace: 'berth-tenants', name: superDoorName(tenant.metadata.uid ?? '') })
/** What super has of a tenant. */
const traces = async (tenant: TenantControlPlane): Promise<string[]> => {
  const types = [resourceTypes.services, resourceTypes.endpointSlices, resourceTypes.configMaps, resourceTypes.ipAddresses]
  const lists = await Promise.all(types.map((type) => inSuper.list(type, { labelSelector: labelOf(tenant) })))
  return lists.flatMap(({ items }, index) => items.map(({ metadata }) => `${types[index]?.kind} ${metadata.name}`))
}
/** Until the workloads are there; who would run them is not. */
const begun = async (spec: Record<string, unknown> = {}): Promise<TenantControlPlane> => {
  const tenant = await createTenant(spec)
  const process = apart()
  for (let round = 0; round < 3; round += 1) {
    await reconcile(tenant, process).catch(() => {})
    await world.playCluster(tenant)
  }
  return (await read(tenant)) ?? tenant
}

test('slices, the first address and the record for vn-agent are in super, the control plane and its keys in management', async () => {
  const tenant = await begun()
  const { status } = tenant
  expect(status?.superCluster?.isApart).toBe(true)
  expect(status?.serviceSlice).toMatch(/^10\.112\.\d+\.0\/24$/)
  const service = await inSuper.get(resourceTypes.services, door(tenant))
  expect(service?.spec.clusterIP).toBe(status?.serviceSlice?.replace(/0\/24$/, '1'))
  expect(service?.spec.selector).toBeUndefined()
  expect((await traces(tenant)).map((each) => each.split(' ')[0] ?? '').toSorted()).toEqual(['ConfigMap', 'IPAddress', 'Service'])
  const namespace = status?.controlPlaneNamespace ?? ''
  expect(await inSuper.get(resourceTypes.namespaces, { name: namespace })).toBeUndefined()
  const claims = await kube.list(resourceTypes.ipAddresses, { labelSelector: controlPlaneLabel })
  expect(claims.items).toEqual([])
  const [deployment] = await listIn(namespace, resourceTypes.deployments)
  expect(JSON.stringify(deployment)).toContain(`--etcd-servers=https://etcd.${namespace}.svc:2379`)
  const own = await kube.get(resourceTypes.services, { namespace, name: 'kube-apiserver' })
  expect(own?.spec.clusterIP).toMatch(/^10\.(9[6-9]|10\d|11[01])\./)
  expect((await traces(tenant)).length).toBeGreaterThan(0)
  expect(await remove(tenant, apart())).toBe(true)
  expect(await traces(tenant)).toEqual([])
})

test('a manager that was given another super cluster, or none, leaves a tenant alone and says so', async () => {
  const tenant = await begun()
  const before = await traces(tenant)
  const process = aProcess()
  await reconcile(tenant, process)
  expect(await conditionOf(tenant, 'Ready')).toMatchObject({
    status: 'False',
    reason: 'SuperMismatch',
    message: expect.stringContaining('start the manager as it was') as unknown,
  })
  // Management as if it were a super cluster apart: another UID.
  const other = clusterApart({ kube, server: 'https://other', now: () => (looks += 10_000) })
  await reconcile(tenant, { ...process, deps: { ...process.deps, superCluster: other } })
  expect(await conditionOf(tenant, 'Ready')).toMatchObject({
    reason: 'SuperMismatch',
    message: expect.stringContaining('give it the kubeconfig of the former') as unknown,
  })
  expect(await remove(tenant, { ...process, deps: { ...process.deps, superCluster: sameCluster(kube) } }, 4)).toBe(false)
  expect(await conditionOf(tenant, 'Deleting')).toMatchObject({ reason: 'SuperMismatch' })
  expect(await traces(tenant)).toEqual(before)
  const right = apart()
  for (let round = 0; round < 4 && (await read(tenant)); round += 1) await reconcile(tenant, right)
  expect(await read(tenant)).toBeUndefined()
  expect(await traces(tenant)).toEqual([])
})

test('a super cluster that is away is told; a deletion waits for it, and goes on an explicit word', {
  timeout: 120_000,
}, async () => {
  const tenant = await begun()
  const waiting = await createTenant()
  superServer.freeze()
  try {
    await reconcile(waiting, apart())
    expect(await conditionOf(waiting, 'Ready')).toMatchObject({ reason: 'SuperUnreachable' })
    expect((await read(waiting))?.status?.serviceSlice).toBeUndefined()

    const told: Transition[] = []
    const process = apart()
    const deps = { ...process.deps, tell: (_: unknown, transition: Transition) => void told.push(transition) }
    expect(await remove(tenant, { ...process, deps }, 4)).toBe(false)
    const deleting = await conditionOf(tenant, 'Deleting')
    expect(deleting).toMatchObject({
      reason: 'SuperUnreachable',
      message: expect.stringContaining(`${orphanSuperAnnotation}=true`) as unknown,
    })
    // All that is in management is gone already.
    expect(await kube.get(resourceTypes.namespaces, { name: tenant.status?.controlPlaneNamespace ?? '' })).toBeUndefined()
    const word = { metadata: { annotations: { [orphanSuperAnnotation]: 'true' } } }
    const ref = { name: tenant.metadata.name ?? '', namespace: 'home' }
    await kube.patch(resourceTypes.tenantControlPlanes, ref, word, { type: 'merge' })
    expect(await remove(tenant, { ...process, deps }, 3)).toBe(true)
    expect(told).toContainEqual(
      expect.objectContaining({ reason: 'SuperLeft', message: expect.stringContaining(tenant.metadata.uid ?? '') as unknown }),
    )
  } finally {
    superServer.thaw()
  }
  expect((await traces(tenant)).length).toBeGreaterThan(0)
  await reconcile(waiting, apart())
  expect((await read(waiting))?.status?.superCluster?.isApart).toBe(true)
  // The word counts for nothing when super answers.
  const word = { metadata: { annotations: { [orphanSuperAnnotation]: 'true' } } }
  await kube.patch(resourceTypes.tenantControlPlanes, { name: waiting.metadata.name ?? '', namespace: 'home' }, word, {
    type: 'merge',
  })
  expect(await remove(waiting, apart())).toBe(true)
  expect(await traces(waiting)).toEqual([])
})
