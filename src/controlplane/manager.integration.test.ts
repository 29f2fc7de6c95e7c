import { afterAll, beforeAll, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { createLog } from '../lib/log.ts'
import { createLeaderElection, type LeaderElection } from '../runtime/leader.ts'
import { eventually } from '../testing/eventually.ts'
import { installedObjects } from '../testing/installed-rights.ts'
import { startPlaneWorld } from '../testing/plane-world.ts'
import { freePorts } from '../testing/ports.ts'
import { createWebhook, type Webhook } from './admission/webhook.ts'
import { createManager, type Manager } from './manager.ts'
import { defaultRotationTimes } from './pki/rotation.ts'
import { sameCluster } from './super-cluster.ts'

// All of the manager at work under its own account, as its door puts it together: what it watches and tells, no single reconcile shows.
const log = createLog({ process: 'test', level: 'silent' })
const { tenantControlPlanes, tenantClasses, dataStores, controlPlaneSnapshots, events, namespaces, nodes } = resourceTypes
const stop = new AbortController()

let world: Awaited<ReturnType<typeof startPlaneWorld>>
let manager: Manager
let webhook: Webhook
let election: LeaderElection
beforeAll(async () => {
  world = await startPlaneWorld()
  const { kube, managerKube } = world
  const status = { addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] }
  await kube.create(nodes, { metadata: { name: 'n1' } })
  await kube.patch(nodes, { name: 'n1' }, { status }, { type: 'merge', subresource: 'status' })
  const superCluster = sameCluster(managerKube)
  for (const object of await installedObjects({}, 'ValidatingWebhookConfiguration'))
    await kube.create(resourceTypes.validatingWebhookConfigurations, object)
  const [port = 0] = await freePorts(1)
  webhook = createWebhook({ kube: managerKube, superCluster, port, log })
  await webhook.start()
  await eventually(() => webhook.complaint() === undefined, { describe: 'the webhook' })
  manager = createManager({
    kube: managerKube,
    superCluster,
    connectTenant: () => ({ ...kube, close: async () => {} }),
    log,
    registry: 'registry.k8s.io',
    image: 'berth:test',
    rotationTimes: defaultRotationTimes,
    signal: stop.signal,
  })
  const started = new Promise<void>((resolve, reject) => {
    election = createLeaderElection({
      client: managerKube,
      lease: { namespace: 'berth-system', name: 'berth-manager' },
      identity: 'test',
      log,
      onElected: () => void manager.start().then(resolve, reject),
      onLost: () => {},
    })
  })
  election.start()
  await started
})
afterAll(async () => {
  stop.abort()
  await election?.stop()
  await manager?.stop()
  await webhook?.stop()
  await world?.stop()
})

const conditionOf = (object: KubeObject | undefined, type: string) =>
  ((object?.['status']?.conditions ?? []) as readonly { type: string; status: string }[]).find((each) => each.type === type)

test('a tenant becomes Ready and goes again, and Events tell of it', async () => {
  const tenant = await world.createTenant()
  await eventually(
    async () => {
      await world.playCluster(tenant)
      return conditionOf(await world.read(tenant), 'Ready')?.status === 'True'
    },
    { deadlineMs: 50_000, everyMs: 200, describe: 'Ready' },
  )
  await eventually(async () => (await world.kube.list(events, { namespace: 'home' })).items.length > 0, {
    describe: 'an Event',
  })
  await world.kube.delete(tenantControlPlanes, { name: tenant.metadata.name ?? '', namespace: 'home' })
  await eventually(
    async () => {
      for (const namespace of (await world.kube.list(namespaces)).items.filter(({ metadata }) => metadata.deletionTimestamp))
        await world.kube
          .replace(namespaces, { ...namespace, spec: { finalizers: [] } }, { subresource: 'finalize' })
          .catch(() => {})
      return (await world.read(tenant)) === undefined
    },
    { deadlineMs: 50_000, everyMs: 200, describe: 'the tenant gone' },
  )
})

test('classes, data stores and snapshots are taken note of', async () => {
  const { kube } = world
  const apiVersion = 'berth.dev/v1alpha1'
  await kube.create<KubeObject>(tenantClasses, { apiVersion, kind: 'TenantClass', metadata: { name: 'gold' }, spec: {} })
  await kube.create<KubeObject>(dataStores, {
    apiVersion,
    kind: 'DataStore',
    metadata: { name: 'shared' },
    spec: { endpoints: ['https://store.example.org:2379'], secretRef: { namespace: 'home', name: 'store' } },
  })
  await kube.create<KubeObject>(controlPlaneSnapshots, {
    apiVersion,
    kind: 'ControlPlaneSnapshot',
    metadata: { name: 'one', namespace: 'home' },
    spec: {
      tenantName: 'nobody',
      storage: { s3: { endpoint: 'https://s3.example.org', bucket: 'berth', secretName: 'keys' } },
    },
  })
  for (const [type, ref] of [
    [tenantClasses, { name: 'gold' }],
    [dataStores, { name: 'shared' }],
    [controlPlaneSnapshots, { name: 'one', namespace: 'home' }],
  ] as const)
    await eventually(async () => (await kube.get(type, ref))?.['status']?.conditions, { describe: `status of ${ref.name}` })
})
