import { X509Certificate } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { isResting } from '../apis/conditions.ts'
import { tenantControlPlaneCrd } from '../apis/crd.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { KubeClient } from '../kube/client.ts'
import { createLog } from '../lib/log.ts'
import { agentRecordRef } from '../tenancy/agent-record.ts'
import { componentLabel, controlPlaneLabel, hibernationAnnotation, tenantLabel } from '../tenancy/marks.ts'
import { controlPlaneNamespace } from '../tenancy/names.ts'
import { startApiServer, type TestApiServer } from '../testing/api-server.ts'
import { eventually } from '../testing/eventually.ts'
import { type Fault, failingClient } from '../testing/failing-client.ts'
import type { Deps } from './deps.ts'
import { syncerLease } from './names.ts'
import { refOf } from './observe.ts'
import type { AgentAuthorities } from './pki/keys.ts'
import { reconcileTenant } from './reconcile.ts'
import type { Transition } from './status.ts'
import { createSliceLock, type SliceLock } from './steps/slice.ts'
import { keepAgentAuthorities } from './system-keys.ts'
import { createTenantClients } from './tenant-clients.ts'

// A real API server without kubelet and controllers: the test plays these, and the same server plays the tenant's.
let server: TestApiServer
let kube: KubeClient
let agent: AgentAuthorities
const type = resourceTypes.tenantControlPlanes
const log = createLog({ process: 'test', level: 'silent' })

beforeAll(async () => {
  server = await startApiServer({ flags: ['--service-cluster-ip-range=10.96.0.0/12'] })
  kube = server.client
  await kube.create(resourceTypes.customResourceDefinitions, tenantControlPlaneCrd())
  await eventually(() => kube.list(type), { describe: 'the new resource' })
  for (const name of ['berth-system', 'berth-tenants', 'home']) {
    await kube.create(resourceTypes.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  }
  await kube.create(resourceTypes.serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'default' },
  })
  const signal = new AbortController().signal
  agent = await keepAgentAuthorities({ kube, signal, now: () => new Date() })
})
afterAll(() => server?.stop())

/** One process's life: clients and memory that a kill takes away. */
const aProcess = (fault?: Fault): { deps: Deps & { lock: SliceLock }; writes: () => readonly string[]; calls: () => number } => {
  const failing = failingClient(kube, fault)
  const deps = {
    kube: failing.client,
    tenantClients: createTenantClients(() => failing.client),
    agentAuthorities: () => agent,
    tell: () => {},
    now: () => new Date(),
    log,
    registry: 'registry.k8s.io',
    signal: new AbortController().signal,
    lock: createSliceLock(),
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
const playCluster = async (tenant: TenantControlPlane, { unprobed }: { readonly unprobed?: string } = {}): Promise<void> => {
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
      if (await kube.get(resourceTypes.pods, { name, namespace })) continue
      const { spec } = workload.spec.template
      const claims = (workload.spec.volumeClaimTemplates ?? []) as KubeObject[]
      const volumes = [...(spec.volumes ?? []), ...claims.map((claim) => ({ name: claim.metadata.name, emptyDir: {} }))]
      await kube.create(resourceTypes.pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...metadata, name, labels: { ...metadata.labels, [componentLabel]: name } },
        spec: { ...spec, volumes },
      })
      const containerStatuses = [{ name, ready: true, restartCount: 0, image: 'x', imageID: 'x', state: { running: {} } }]
      const ready = { type: 'Ready', status: name === unprobed ? 'False' : 'True' }
      const podStatus = { phase: 'Running', conditions: [ready], containerStatuses }
      await kube.patch(resourceTypes.pods, { name, namespace }, { status: podStatus }, { type: 'merge', subresource: 'status' })
    }
  }
  const lease = { name: syncerLease, namespace }
  const spec = { holderIdentity: 'test', renewTime: new Date().toISOString().replace('Z', '000Z') }
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

// The tenant's side is the same server for all: its DNS Service has an address of one tenant's slice.
afterEach(async () => {
  await kube.delete(resourceTypes.services, { name: 'kube-dns', namespace: 'kube-system' })
})

const certificateOf = async (tenant: TenantControlPlane, secret: string, key: string): Promise<X509Certificate> => {
  const object = await kube.get(resourceTypes.secrets, { name: secret, namespace: controlPlaneNamespace(refOf(tenant)) })
  return new X509Certificate(Buffer.from(object?.data[key], 'base64'))
}

describe('a tenant', () => {
  test('comes up, with one revision of each workload, and then nothing is written any more', async () => {
    const tenant = await createTenant()
    const ready = await drive(tenant)
    expect(ready.status).toMatchObject({
      version: 'v1.37.1',
      serviceSlice: expect.stringMatching(/\/24$/),
      observedGeneration: 1,
    })
    const workloads = (await inventory(tenant)).filter((line) => /^(Deployment|StatefulSet)/.test(line))
    expect(workloads).toEqual([
      'Deployment/kube-apiserver generation 1',
      'Deployment/kube-controller-manager generation 1',
      'StatefulSet/etcd generation 1',
    ])

    // What only speeds up the first start is taken back once.
    const last = aProcess()
    await reconcile(tenant, last)
    expect(last.writes()).toEqual([expect.stringContaining('publishNotReadyAddresses')])
    for (const idle of [last, aProcess()]) {
      const before = idle.writes().length
      await reconcile(tenant, idle)
      expect(idle.writes().slice(before)).toEqual([])
    }
    expect((await read(tenant))?.metadata.resourceVersion).toBe(ready.metadata.resourceVersion)
  })

  test('that answers before the probe of super has seen it is not cut off again', async () => {
    const tenant = await createTenant()
    const [name, namespace] = ['kube-apiserver', controlPlaneNamespace(refOf(tenant))]
    const told: Transition[] = []
    const process = aProcess()
    const deps = { ...process.deps, tell: (_tenant: unknown, transition: Transition) => void told.push(transition) }
    const round = async () => {
      await reconcile(tenant, { ...process, deps })
      const service = await kube.get(resourceTypes.services, { name, namespace })
      const condition = (await read(tenant))?.status?.conditions?.find(({ type: name }) => name === 'APIServerReady')
      return [condition?.status, service?.spec.publishNotReadyAddresses ?? false]
    }
    await round()
    for (let i = 0; i < 5; i += 1) {
      await playCluster(tenant, { unprobed: 'kube-apiserver' })
      expect(await round()).toEqual(['True', true])
    }
    expect((await read(tenant))?.status?.version).toBeDefined()

    const status = (value: string) => ({ status: { conditions: [{ type: 'Ready', status: value }] } })
    const probe = (value: string) =>
      kube.patch(resourceTypes.pods, { name, namespace }, status(value), { type: 'merge', subresource: 'status' })
    await probe('True')
    expect(await round()).toEqual(['True', false])
    expect(told.filter((transition) => transition.type === 'Warning')).toEqual([])
    // From now on super's probe decides who gets requests.
    await probe('False')
    expect((await round()).at(1)).toBe(false)
  })

  test('gives each container only its own keys, and no authority key to etcd or the API server', async () => {
    const tenant = await createTenant()
    await drive(tenant)
    const namespace = controlPlaneNamespace(refOf(tenant))
    const keysOf = async (name: string) =>
      Object.keys((await kube.get(resourceTypes.secrets, { name, namespace }))?.data ?? {}).sort()
    expect(await keysOf('etcd-keys')).toEqual(['ca.crt', 'peer.crt', 'peer.key', 'server.crt', 'server.key'])
    expect((await keysOf('kube-apiserver-keys')).filter((key) => key.endsWith('.key'))).toEqual([
      'agent-client.key',
      'etcd-client.key',
      'front-proxy-client.key',
      'sa.key',
      'serving.key',
    ])
    const pods = await listIn(namespace, resourceTypes.statefulSets)
    const volumes: KubeObject[] = pods.flatMap(({ spec }) => spec.template.spec.volumes)
    expect(volumes.flatMap((volume) => volume['secret']?.secretName ?? [])).toEqual(['etcd-keys'])
  })

  test('gets its certificates again when they are lost, without new roots', async () => {
    const tenant = await createTenant()
    await drive(tenant)
    const namespace = controlPlaneNamespace(refOf(tenant))
    const before = await certificateOf(tenant, 'kube-apiserver-keys', 'serving.crt')
    const root = await certificateOf(tenant, 'cluster-ca', 'tls.crt')
    await kube.delete(resourceTypes.secrets, { name: 'kube-apiserver-keys', namespace })
    await drive(tenant)
    const after = await certificateOf(tenant, 'kube-apiserver-keys', 'serving.crt')
    expect(after.serialNumber).not.toBe(before.serialNumber)
    expect(after.verify(root.publicKey)).toBe(true)
    expect((await inventory(tenant)).filter((line) => line.startsWith('Deployment'))).toEqual([
      'Deployment/kube-apiserver generation 1',
      'Deployment/kube-controller-manager generation 1',
    ])
  })

  test('does not take over a Secret of its kubeconfig name, and says so', async () => {
    const tenant = await createTenant()
    const metadata = { name: `${tenant.metadata.name}-kubeconfig`, namespace: 'home' }
    await kube.create(resourceTypes.secrets, { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { mine: 'yes' } })
    await expect(drive(tenant)).rejects.toThrow(/is not Berth's: delete or rename it/)
    expect((await read(tenant))?.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'False', reason: 'SuperObjectForeign' }),
    )
    expect((await kube.get(resourceTypes.secrets, metadata))?.data).toEqual({ mine: 'eWVz' })
  })

  test('two tenants never get overlapping slices, asked for at once', async () => {
    const tenants = await Promise.all([createTenant(), createTenant(), createTenant(), createTenant()])
    const process = aProcess()
    await Promise.all(tenants.map((tenant) => reconcile(tenant, process)))
    const slices = await Promise.all(tenants.map(async (tenant) => (await read(tenant))?.status?.serviceSlice))
    expect(new Set(slices).size).toBe(4)
  })

  test('gets another slice when super gave its first address away before it was claimed', async () => {
    const tenant = await createTenant()
    const process = aProcess({ call: 12, carriedOut: true })
    await reconcile(tenant, process).catch(() => {})
    const slice = (await read(tenant))?.status?.serviceSlice ?? ''
    const namespace = controlPlaneNamespace(refOf(tenant))
    await kube.delete(resourceTypes.services, { name: 'kube-apiserver', namespace }).catch(() => false)
    await kube.create(resourceTypes.services, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: `thief-${count}`, namespace: 'home' },
      spec: { clusterIP: slice.replace('.0/24', '.1'), ports: [{ port: 80 }] },
    })
    const ready = await drive(tenant)
    expect(ready.status?.serviceSlice).not.toBe(slice)
  })
})

describe('a tenant that is paused', () => {
  const setState = (tenant: TenantControlPlane, state: string) =>
    kube.patch(type, { name: tenant.metadata.name ?? '', namespace: 'home' }, { spec: { state } }, { type: 'merge' })
  const podsLeft = async (tenant: TenantControlPlane) =>
    (await listIn(controlPlaneNamespace(refOf(tenant)), resourceTypes.pods)).map(({ metadata }) => metadata.name ?? '').sort()
  const readyReason = async (tenant: TenantControlPlane) =>
    (await read(tenant))?.status?.conditions?.find(({ type: of }) => of === 'Ready')?.reason
  const revisions = async (tenant: TenantControlPlane): Promise<string[]> => {
    const namespace = controlPlaneNamespace(refOf(tenant))
    const workloads = [
      ...(await listIn(namespace, resourceTypes.deployments)),
      ...(await listIn(namespace, resourceTypes.statefulSets)),
    ]
    return workloads.map(({ metadata, spec }) => `${metadata.name} ${JSON.stringify(spec.template)}`)
  }

  const withStorage = async (work: () => Promise<TenantControlPlane>): Promise<TenantControlPlane> => {
    const name = 'standard'
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
    await kube.create(resourceTypes.storageClasses, {
      metadata: { name, annotations },
      provisioner: 'disks.example',
    } as KubeObject)
    try {
      return await work()
    } finally {
      await kube.delete(resourceTypes.storageClasses, { name })
    }
  }

  test('goes on running when its data are in its pods, and says so', async () => {
    const tenant = await createTenant()
    await drive(tenant)
    await setState(tenant, 'Paused')
    await reconcile(tenant)
    expect(await podsLeft(tenant)).toHaveLength(3)
    const conditions = (await read(tenant))?.status?.conditions?.map(
      ({ type: of, status, reason }) => `${of}=${status} ${reason}`,
    )
    expect(conditions).toEqual(expect.arrayContaining(['Ready=True Usable', 'Paused=False DataWouldBeLost']))
  })

  test('goes to zero from the top down, rests without a write, and comes back with the same revisions', async () => {
    const tenant = await withStorage(async () => drive(await createTenant()))
    await reconcile(tenant)
    const before = await revisions(tenant)
    await setState(tenant, 'Paused')
    const stages: string[] = []
    for (let round = 0; round < 8 && (await readyReason(tenant)) !== 'Paused'; round += 1) {
      await reconcile(tenant)
      await playCluster(tenant)
      stages.push((await podsLeft(tenant)).join(' '))
    }
    // What uses another goes before it.
    expect([...new Set(stages)]).toEqual(['etcd kube-apiserver', 'etcd', ''])
    const status = (await read(tenant))?.status
    expect(status?.conditions?.map((each) => `${each.type}=${each.status} ${each.reason}`)).toEqual([
      'CertificatesReady=True Issued',
      'DataStoreReady=False Paused',
      'APIServerReady=False Paused',
      'ControllerManagerReady=False Paused',
      'DNSReady=False Paused',
      'SyncReady=False Paused',
      'Ready=False Paused',
      'Paused=True Paused',
    ])
    const idle = aProcess()
    await reconcile(tenant, idle)
    expect(idle.writes()).toEqual([])

    await setState(tenant, 'Running')
    const woken = await drive(tenant)
    expect(await podsLeft(tenant)).toEqual(['etcd', 'kube-apiserver', 'kube-controller-manager'])
    expect(woken.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Paused', status: 'False', reason: 'Running' }),
    )
    expect(await revisions(tenant)).toEqual(before)
  })

  /** What the syncer notes in its Lease. */
  const syncerNotes = (tenant: TenantControlPlane, note: string | null) =>
    kube.patch(
      resourceTypes.leases,
      { name: syncerLease, namespace: controlPlaneNamespace(refOf(tenant)) },
      { metadata: { annotations: { [hibernationAnnotation]: note } } },
      { type: 'merge' },
    )
  const conditionsOf = async (tenant: TenantControlPlane): Promise<string[]> =>
    ((await read(tenant))?.status?.conditions ?? []).map((each) => `${each.type}=${each.status} ${each.reason}`)

  test('with its pods waits for the syncer to end them, and is not called usable meanwhile', async () => {
    const tenant = await withStorage(async () => drive(await createTenant()))
    const told: Transition[] = []
    const process = aProcess()
    let laterMs = 0
    const round = async () => {
      await playCluster(tenant)
      const tell = (_tenant: unknown, transition: Transition) => void told.push(transition)
      const now = () => new Date(Date.now() + laterMs)
      await reconcile(tenant, { ...process, deps: { ...process.deps, tell, now } })
      return conditionsOf(tenant)
    }
    await setState(tenant, 'Hibernated')
    for (const note of [null, 'ending: 2']) {
      await syncerNotes(tenant, note)
      expect(await round()).toEqual(
        expect.arrayContaining(['APIServerReady=True Serving', 'SyncReady=False Hibernating', 'Paused=False Hibernating']),
      )
      expect(await podsLeft(tenant)).toHaveLength(3)
    }
    await syncerNotes(tenant, 'ended: 0')
    for (let i = 0; i < 6 && (await readyReason(tenant)) !== 'Hibernated'; i += 1) await round()
    expect(await conditionsOf(tenant)).toEqual(expect.arrayContaining(['Ready=False Hibernated', 'Paused=True Hibernated']))
    expect(await podsLeft(tenant)).toEqual([])
    // What was wanted is no warning.
    expect(told.filter((transition) => transition.type === 'Warning')).toEqual([])

    // Not to be paused before its pods run again.
    await setState(tenant, 'Paused')
    for (let i = 0; i < 4; i += 1) await round()
    expect(await conditionsOf(tenant)).toContain('Paused=False Waking')
    await syncerNotes(tenant, 'waking: 1')
    expect(await round()).toEqual(expect.arrayContaining(['SyncReady=False Waking', 'Ready=False Waking']))
    // They are not waited for beyond a minute, and what was begun then is brought to its end.
    laterMs = 61_000
    for (let i = 0; i < 6 && (await readyReason(tenant)) !== 'Paused'; i += 1) await round()
    for (let i = 0; i < 3; i += 1) await round()
    expect(await podsLeft(tenant)).toEqual([])
    expect(await conditionsOf(tenant)).toEqual(expect.arrayContaining(['Ready=False Paused', 'Paused=True Paused']))
  })

  test('from its beginning has all but what runs, and starts when it is woken', async () => {
    const tenant = await createTenant({ state: 'Hibernated' })
    await reconcile(tenant)
    await reconcile(tenant)
    expect(await readyReason(tenant)).toBe('Hibernated')
    await setState(tenant, 'Running')
    expect((await drive(tenant)).status).toMatchObject({ version: 'v1.37.1' })
  })
})

describe('a manager that is killed', () => {
  test('at any call, before or after the server carried it out, goes on to the same end', { timeout: 300_000 }, async () => {
    const whole = await createTenant()
    const undisturbed = aProcess()
    await drive(whole, undisturbed)
    const wanted = await inventory(whole)
    const calls = undisturbed.calls()
    expect(calls).toBeGreaterThan(60)
    await kube.delete(resourceTypes.services, { name: 'kube-dns', namespace: 'kube-system' })

    for (let call = 1; call <= calls; call += 1) {
      const carriedOut = call % 2 === 0
      const tenant = await createTenant()
      await drive(tenant, aProcess({ call, carriedOut })).catch(() => {})
      const cut = (await read(tenant))?.status?.serviceSlice
      const root = await certificateOf(tenant, 'cluster-ca', 'tls.crt').catch(() => undefined)
      const ready = await drive(tenant)
      const message = `cut off at call ${call}, ${carriedOut ? 'carried out' : 'not carried out'}`
      expect(await inventory(tenant), message).toEqual(wanted)
      if (cut) expect(ready.status?.serviceSlice, message).toBe(cut)
      if (root) expect((await certificateOf(tenant, 'cluster-ca', 'tls.crt')).serialNumber, message).toBe(root.serialNumber)
      await reconcile(tenant)
      const settled = await read(tenant)
      const idle = aProcess()
      await reconcile(tenant, idle)
      expect((await read(tenant))?.status, message).toEqual(settled?.status)
      expect(idle.writes(), message).toEqual([])
      await kube.delete(resourceTypes.services, { name: 'kube-dns', namespace: 'kube-system' })
    }
  })

  test('at any call of a deletion goes on until nothing is left', async () => {
    // The namespace controller is not there: the test plays it.
    const finalize = async (tenant: TenantControlPlane): Promise<void> => {
      for (const label of [controlPlaneLabel, tenantLabel]) {
        const { items } = await kube.list(resourceTypes.namespaces, { labelSelector: `${label}=${tenant.metadata.uid}` })
        for (const namespace of items.filter(({ metadata }) => metadata.deletionTimestamp)) {
          await kube.replace(resourceTypes.namespaces, { ...namespace, spec: { finalizers: [] } }, { subresource: 'finalize' })
        }
      }
    }
    // Of a deletion that nothing disturbs.
    let calls = Infinity
    for (let call = 0; call <= calls; call += 1) {
      const tenant = await createTenant()
      await drive(tenant)
      const metadata = { name: `super-${tenant.metadata.name}`, labels: { [tenantLabel]: tenant.metadata.uid ?? '' } }
      await kube.create(resourceTypes.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata })
      await kube.delete(type, { name: tenant.metadata.name ?? '', namespace: 'home' })

      const killed = aProcess(call === 0 ? undefined : { call, carriedOut: call % 2 === 1 })
      for (let round = 0; round < 6 && (await read(tenant)); round += 1) {
        await reconcile(tenant, killed).catch(() => {})
        await finalize(tenant)
      }
      if (call === 0) calls = killed.calls()
      for (let round = 0; round < 6 && (await read(tenant)); round += 1) {
        await reconcile(tenant)
        await finalize(tenant)
      }
      expect(await read(tenant), `cut off at call ${call}`).toBeUndefined()
      expect(await kube.get(resourceTypes.namespaces, { name: metadata.name })).toBeUndefined()
      expect(await kube.get(resourceTypes.namespaces, { name: controlPlaneNamespace(refOf(tenant)) })).toBeUndefined()
      expect(
        await kube.get(resourceTypes.secrets, { name: `${tenant.metadata.name}-kubeconfig`, namespace: 'home' }),
      ).toBeUndefined()
      expect(await kube.get(resourceTypes.configMaps, agentRecordRef(tenant.metadata.uid ?? ''))).toBeUndefined()
      await kube.delete(resourceTypes.services, { name: 'kube-dns', namespace: 'kube-system' })
    }
  })
})
