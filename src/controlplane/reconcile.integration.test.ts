import { X509Certificate } from 'node:crypto'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { agentRecordRef } from '../tenancy/agent-record.ts'
import { controlPlaneLabel, tenantLabel } from '../tenancy/marks.ts'
import { controlPlaneNamespace } from '../tenancy/names.ts'
import { startPlaneWorld } from '../testing/plane-world.ts'
import { refOf } from './observe.ts'
import type { Transition } from './status.ts'

const type = resourceTypes.tenantControlPlanes
const world = await startPlaneWorld()
const { kube, aProcess, createTenant, read, reconcile, listIn, playCluster, drive, inventory } = world
afterAll(() => world.stop())
afterEach(() => world.clearDns())

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
    // The API server is made when etcd has a node.
    expect(await round()).toEqual(['False', true])
    expect(await kube.get(resourceTypes.deployments, { name, namespace })).toBeUndefined()
    await playCluster(tenant)
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
      metadata: { name: `thief-of-${tenant.metadata.name}`, namespace: 'home' },
      spec: { clusterIP: slice.replace('.0/24', '.1'), ports: [{ port: 80 }] },
    })
    const ready = await drive(tenant)
    expect(ready.status?.serviceSlice).not.toBe(slice)
  })
})

describe('a tenant whose spec changes', () => {
  const change = (tenant: TenantControlPlane, spec: object) =>
    kube.patch(type, { name: tenant.metadata.name ?? '', namespace: 'home' }, { spec }, { type: 'merge' })
  const conditionOf = async (tenant: TenantControlPlane, name: string) =>
    (await read(tenant))?.status?.conditions?.find((each) => each.type === name)
  const settled = async (): Promise<TenantControlPlane> => {
    const tenant = await drive(await createTenant())
    await reconcile(tenant)
    return tenant
  }

  test('to a flag that its API server cannot start with says so, while the old one serves', async () => {
    const tenant = await settled()
    const namespace = controlPlaneNamespace(refOf(tenant))
    await change(tenant, { apiServer: { extraArgs: { 'no-such-flag': 'x' } } })
    await reconcile(tenant)
    expect(await conditionOf(tenant, 'APIServerReady')).toMatchObject({ status: 'True', reason: 'RollingOut' })

    const old = await kube.get<KubeObject>(resourceTypes.pods, { name: 'kube-apiserver', namespace })
    const { labels = {} } = old?.metadata ?? {}
    const metadata = { name: 'kube-apiserver-new', namespace, labels }
    const made = await kube.create<KubeObject>(resourceTypes.pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: old?.['spec'],
    })
    const terminated = { exitCode: 1, reason: 'Error', message: 'Error: unknown flag: --no-such-flag\n' }
    const container = { name: 'kube-apiserver', ready: false, restartCount: 1, image: 'x', imageID: 'x' }
    const containerStatuses = [{ ...container, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated } }]
    const body = { status: { phase: 'Running', containerStatuses } }
    await kube.patch(resourceTypes.pods, made.metadata as { name: string }, body, { type: 'merge', subresource: 'status' })
    await reconcile(tenant)
    expect(await conditionOf(tenant, 'APIServerReady')).toMatchObject({
      status: 'True',
      reason: 'CrashLooping',
      message: expect.stringContaining('unknown flag: --no-such-flag'),
    })
    expect(await conditionOf(tenant, 'Ready')).toMatchObject({ status: 'True' })
  })

  test.for<[name: string, spec: object, type: string, workload: string]>([
    ['API server', { apiServer: { extraArgs: { etcd_servers: 'x' } } }, 'APIServerReady', 'kube-apiserver'],
    [
      'controller manager',
      { controllerManager: { extraArgs: { 'v=1 --master': 'x' } } },
      'ControllerManagerReady',
      'kube-controller-manager',
    ],
  ])('to a flag that is none is told so, and its %s stays as it is', async ([, spec, type, workload]) => {
    const tenant = await settled()
    await change(tenant, spec)
    await reconcile(tenant)
    await reconcile(tenant)
    expect(await conditionOf(tenant, type)).toMatchObject({
      status: 'True',
      reason: 'FlagRefused',
      message: expect.stringContaining('it is no name of a flag'),
    })
    expect(await inventory(tenant)).toContain(`Deployment/${workload} generation 1`)
  })

  test('to more names of its certificate gets another certificate, and starts nothing anew', async () => {
    const tenant = await settled()
    const before = (await inventory(tenant)).filter((line) => /^(Deployment|StatefulSet)/.test(line))
    await change(tenant, { apiServer: { extraSANs: ['api.example.com', '192.0.2.7'] } })
    await reconcile(tenant)
    const { subjectAltName } = await certificateOf(tenant, 'kube-apiserver-keys', 'serving.crt')
    expect(subjectAltName).toMatch(/DNS:api\.example\.com, IP Address:192\.0\.2\.7$/)
    expect((await inventory(tenant)).filter((line) => /^(Deployment|StatefulSet)/.test(line))).toEqual(before)
    const idle = aProcess()
    await reconcile(tenant, idle)
    expect(idle.writes()).toEqual([])
  })
})

describe('a manager that is killed', () => {
  test('at any call, before or after the server carried it out, goes on to the same end', { timeout: 600_000 }, async () => {
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

  test('at any call of a deletion goes on until nothing is left', { timeout: 600_000 }, async () => {
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
