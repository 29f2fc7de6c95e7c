import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import { namespaceLabelKey, superNamespace } from '../tenancy/names.ts'
import { aNamespace } from '../testing/builders.ts'
import type { Child } from '../testing/child.ts'
import { startControllers } from '../testing/controller-manager.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import { type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'
import type { V1LabelSelector } from './pods/json-types.ts'

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { namespaces, networkPolicies, podDisruptionBudgets, deployments, pods, events, secrets } = resourceTypes
const { ingresses, ingressClasses, storageClasses, volumeAttributesClasses, persistentVolumes } = resourceTypes
const claims = resourceTypes.persistentVolumeClaims
const soon = { deadlineMs: 60_000 }
/** The time in which drift made by hand has to be gone. */
const repair = { deadlineMs: 5_000 }

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let acme: SyncTenant
let below: string
const controllers: Child[] = []

beforeAll(async () => {
  clusters = await startSyncClusters(['acme', 'globex'], { log })
  acme = clusters.tenants[0] as SyncTenant
  below = superNamespace(acme.ref, 'shop')
  // Budgets are counted by the real controllers of both sides; the workload lives in the tenant only.
  controllers.push(
    await startControllers(clusters.superApi, ['disruption-controller']),
    await startControllers(acme.api, ['disruption-controller', 'deployment-controller', 'replicaset-controller']),
  )
  const { client } = clusters.superApi
  await client.create(ingressClasses, { metadata: { name: 'public' }, spec: { controller: 'example.com/proxy' } })
  await client.create(storageClasses, {
    metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'example.com/disk',
    allowVolumeExpansion: true,
  })
  await client.create(volumeAttributesClasses, {
    metadata: { name: 'gold' },
    driverName: 'example.com/disk',
    parameters: { iops: '9' },
  })
  syncer = await runSyncer(clusters, { log })
  for (const { api } of clusters.tenants)
    await api.client.create(namespaces, aNamespace({ metadata: { name: 'shop', labels: { team: 'a' } } }))
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await Promise.all(controllers.map((child) => child.end()))
  await clusters?.stop()
}, 60_000)

const inSuper = (type: ResourceType, name: string) => clusters.superApi.client.get<KubeObject>(type, { name, namespace: below })

/** Waits for the Event by which the tenant is told. */
const told = (reason: string) =>
  eventually(
    async () =>
      (await acme.api.client.list<KubeObject>(events, { namespace: 'shop' })).items.find((event) => event.reason === reason),
    { ...soon, describe: `an Event ${reason}` },
  )

describe('NetworkPolicies', () => {
  const ref = { name: 'web', namespace: 'shop' }
  const peers = [{ namespaceSelector: { matchLabels: { team: 'a' } }, podSelector: { matchLabels: { app: 'web' } } }]

  test("super's select the tenant's namespaces by the tenant's labels, also after a change of these", {
    timeout: 120_000,
  }, async () => {
    const { client } = acme.api
    await client.create(networkPolicies, {
      metadata: ref,
      spec: { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ from: peers, ports: [{ port: 'http', protocol: 'TCP' }] }] },
    })
    const policy = await eventually(() => inSuper(networkPolicies, 'web'), soon)
    const { matchLabels, matchExpressions } = policy.spec.ingress[0].from[0].namespaceSelector as Required<V1LabelSelector>
    const selected = async (): Promise<(string | undefined)[]> => {
      const labelSelector = [
        ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
        ...matchExpressions.map(({ key }) => key),
      ].join(',')
      const { items } = await clusters.superApi.client.list<KubeObject>(namespaces, { labelSelector })
      return items.map(({ metadata }) => metadata.name)
    }
    // globex has a namespace of this name with these labels as well.
    expect(await selected()).toEqual([below])
    await client.create(namespaces, aNamespace({ metadata: { name: 'late' } }))
    await client.patch(namespaces, { name: 'late' }, { metadata: { labels: { team: 'a' } } })
    await client.patch(namespaces, { name: 'shop' }, { metadata: { labels: { team: 'b' } } })
    await eventually(async () => String(await selected()) === superNamespace(acme.ref, 'late'), soon)
  })

  test('drift in super is put right, one more peer too, and a change in the tenant goes down', { timeout: 120_000 }, async () => {
    const { client } = acme.api
    const superClient = clusters.superApi.client
    const before = (await inSuper(networkPolicies, 'web')) as KubeObject
    await superClient.patch(
      networkPolicies,
      { name: 'web', namespace: below },
      [{ op: 'add', path: '/spec/ingress/0/from/-', value: { ipBlock: { cidr: '0.0.0.0/0' } } }],
      { type: 'json' },
    )
    await eventually(async () => (await inSuper(networkPolicies, 'web'))?.spec.ingress[0].from.length === 1, repair)
    await superClient.delete(networkPolicies, { name: 'web', namespace: below })
    const again = await eventually(() => inSuper(networkPolicies, 'web'), repair)
    expect(again.spec).toEqual(before.spec)
    await client.patch(networkPolicies, ref, { spec: { ingress: [{ from: [{ namespaceSelector: {} }] }] } })
    await eventually(async () => (await inSuper(networkPolicies, 'web'))?.spec.ingress[0].from[0].podSelector === undefined, soon)
    expect((await verifyOnce(clusters, acme)).differences).toEqual([])
    await client.delete(networkPolicies, ref)
    await eventually(async () => !(await inSuper(networkPolicies, 'web')), soon)
  })

  test('one that cannot hold is refused with an Event', { timeout: 60_000 }, async () => {
    const { client } = acme.api
    await client.create(networkPolicies, {
      metadata: { name: 'odd', namespace: 'shop' },
      spec: { podSelector: { matchLabels: { [namespaceLabelKey('a')]: 'b' } }, policyTypes: ['Ingress'] },
    })
    await told('SelectorNotSupported')
    expect(await inSuper(networkPolicies, 'odd')).toBeUndefined()
    await client.delete(networkPolicies, { name: 'odd', namespace: 'shop' })
  })
})

describe('PodDisruptionBudgets', () => {
  const labels = { app: 'db' }
  const evict = (name: string) =>
    clusters.superApi.client.create(
      pods,
      { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: below } },
      { subresource: 'eviction' },
    )
  const allowed = async () => (await inSuper(podDisruptionBudgets, 'db'))?.status?.disruptionsAllowed

  test('a drain in super heeds them, by what the tenant has counted', { timeout: 240_000 }, async () => {
    const { client } = acme.api
    await client.create(podDisruptionBudgets, {
      metadata: { name: 'db', namespace: 'shop' },
      spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
    })
    await client.create(deployments, {
      metadata: { name: 'db', namespace: 'shop' },
      spec: {
        replicas: 3,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'registry.example/db:1' }] } },
      },
    })
    await eventually(async () => (await allowed()) === 1, { ...soon, describe: 'a budget in super that lets one pod go' })
    expect((await inSuper(podDisruptionBudgets, 'db'))?.spec).toEqual({ minAvailable: 2, selector: { matchLabels: labels } })

    clusters.kubelet.hold()
    const [first, second] = (await clusters.superApi.client.list<KubeObject>(pods, { namespace: below, labelSelector: 'app=db' }))
      .items
    await evict(first?.metadata.name ?? '')
    // Its successor does not run yet.
    await expect(evict(second?.metadata.name ?? '')).rejects.toMatchObject({ code: 'KUBE_TOO_MANY_REQUESTS' })
    clusters.kubelet.release()
    await eventually(async () => (await allowed()) === 1, soon)
    const evicted = { name: first?.metadata.name ?? '', namespace: 'shop' }
    await eventually(async () => (await client.get(pods, evicted)) === undefined, { ...soon, describe: 'the end of the pod' })

    await client.patch(deployments, { name: 'db', namespace: 'shop' }, { spec: { replicas: 5 } })
    await eventually(async () => (await inSuper(podDisruptionBudgets, 'db'))?.spec.minAvailable === 4, soon)
    await eventually(async () => (await allowed()) === 1, soon)
    expect((await verifyOnce(clusters, acme)).differences).toEqual([])

    await client.delete(podDisruptionBudgets, { name: 'db', namespace: 'shop' })
    await eventually(async () => (await inSuper(podDisruptionBudgets, 'db')) === undefined, {
      ...soon,
      describe: 'its end in super',
    })
  })
})

describe('Ingresses', () => {
  const backend = { service: { name: 'web', port: { number: 80 } } }
  const rules = [{ host: 'shop.example', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }]
  const create = (name: string, spec: Record<string, unknown>, annotations: Record<string, string> = {}) =>
    acme.api.client.create(ingresses, { metadata: { name, namespace: 'shop', annotations }, spec: { rules, ...spec } })

  test('one of an offered class goes down with its certificate, and its address comes up', { timeout: 120_000 }, async () => {
    const { client } = acme.api
    const superClient = clusters.superApi.client
    await client.create(secrets, {
      metadata: { name: 'cert', namespace: 'shop' },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': 'Yw==', 'tls.key': 'aw==' },
    })
    const ssl = { 'nginx.ingress.kubernetes.io/ssl-redirect': 'false' }
    await create(
      'web',
      { ingressClassName: 'public', tls: [{ hosts: ['shop.example'], secretName: 'cert' }] },
      { ...ssl, note: 'x' },
    )
    const ingress = await eventually(() => inSuper(ingresses, 'web'), soon)
    expect(ingress.spec).toEqual({ ingressClassName: 'public', rules, tls: [{ hosts: ['shop.example'], secretName: 'cert' }] })
    expect(ingress.metadata.annotations).toMatchObject(ssl)
    expect(ingress.metadata.annotations).not.toHaveProperty('note')
    expect((await inSuper(secrets, 'cert'))?.data).toEqual({ 'tls.crt': 'Yw==', 'tls.key': 'aw==' })

    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } }
    await superClient.patch(ingresses, { name: 'web', namespace: below }, { status }, { subresource: 'status' })
    const ref = { name: 'web', namespace: 'shop' }
    await eventually(
      async () => (await client.get<KubeObject>(ingresses, ref))?.status?.loadBalancer?.ingress?.[0].ip === '192.0.2.7',
      repair,
    )

    await superClient.patch(
      ingresses,
      { name: 'web', namespace: below },
      [{ op: 'add', path: '/spec/rules/-', value: { host: 'planted.example' } }],
      { type: 'json' },
    )
    await eventually(async () => (await inSuper(ingresses, 'web'))?.spec.rules.length === 1, repair)
    expect((await verifyOnce(clusters, acme)).differences).toEqual([])
    await client.delete(ingresses, ref)
    await eventually(async () => !(await inSuper(ingresses, 'web')) && !(await inSuper(secrets, 'cert')), soon)
  })

  test('one that may not go down is told so', { timeout: 60_000 }, async () => {
    await create('internal', { ingressClassName: 'internal' })
    await told('IngressClassNotAllowed')
    await create('snippet', { ingressClassName: 'public' }, { 'nginx.ingress.kubernetes.io/server-snippet': 'return 200;' })
    await told('IngressAnnotationNotAllowed')
    expect(await inSuper(ingresses, 'internal')).toBeUndefined()
    await clusters.superApi.client.create(ingressClasses, {
      metadata: { name: 'internal' },
      spec: { controller: 'example.com/proxy' },
    })
    await eventually(() => inSuper(ingresses, 'internal'), { ...repair, describe: 'an Ingress whose class is offered now' })
    expect(await inSuper(ingresses, 'snippet')).toBeUndefined()
  })
})

describe('claims', () => {
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
  const create = (name: string, more: Record<string, unknown> = {}) =>
    acme.api.client.create(claims, { metadata: { name, namespace: 'shop' }, spec: { ...spec, ...more } })
  const inTenant = (name: string) => acme.api.client.get<KubeObject>(claims, { name, namespace: 'shop' })
  const setStatus = (name: string, status: object) =>
    clusters.superApi.client.patch(claims, { name, namespace: below }, { status }, { subresource: 'status' })

  test('is bound, grows, changes its attributes and is cloned', { timeout: 120_000 }, async () => {
    const { client } = acme.api
    const superClient = clusters.superApi.client
    await eventually(() => client.get(storageClasses, { name: 'standard' }), soon)
    await create('data')
    const claim = await eventually(() => inSuper(claims, 'data'), soon)
    expect(claim.spec).toMatchObject({ ...spec, storageClassName: 'standard' })

    // What provisioner and binder of super do.
    const capacity = { storage: '1Gi' }
    await superClient.create(persistentVolumes, {
      metadata: { name: 'disk-1' },
      spec: {
        accessModes: spec.accessModes,
        capacity,
        storageClassName: 'standard',
        csi: { driver: 'example.com', volumeHandle: 'disk-1' },
        claimRef: { kind: 'PersistentVolumeClaim', namespace: below, name: 'data', uid: claim.metadata.uid },
      },
    })
    await superClient.patch(claims, { name: 'data', namespace: below }, { spec: { volumeName: 'disk-1' } })
    await setStatus('data', { phase: 'Bound', accessModes: spec.accessModes, capacity })
    await eventually(async () => (await inTenant('data'))?.status.phase === 'Bound', soon)
    expect((await inTenant('data'))?.spec.volumeName).toBe('disk-1')

    const change = { resources: { requests: { storage: '2Gi' } }, volumeAttributesClassName: 'gold' }
    await client.patch(claims, { name: 'data', namespace: 'shop' }, { spec: change })
    await eventually(async () => (await inSuper(claims, 'data'))?.spec.volumeAttributesClassName === 'gold', soon)
    expect((await inSuper(claims, 'data'))?.spec).toMatchObject({ ...change, volumeName: 'disk-1' })
    const resizing = { type: 'FileSystemResizePending', status: 'True' }
    await setStatus('data', { conditions: [resizing], allocatedResources: { storage: '2Gi' } })
    await eventually(async () => (await inTenant('data'))?.status.conditions?.[0].type === resizing.type, soon)
    expect((await inTenant('data'))?.status.allocatedResources).toEqual({ storage: '2Gi' })
    await setStatus('data', { conditions: null, capacity: { storage: '2Gi' }, currentVolumeAttributesClassName: 'gold' })
    const grown = await eventually(async () => {
      const seen = await inTenant('data')
      return seen?.status.capacity.storage === '2Gi' ? seen : undefined
    }, soon)
    expect(grown.status).toMatchObject({ currentVolumeAttributesClassName: 'gold' })
    expect(grown.status.conditions).toBeUndefined()

    const source = { kind: 'PersistentVolumeClaim', name: 'data' }
    await create('clone', { dataSource: source, volumeMode: 'Block', accessModes: ['ReadWriteMany'] })
    const clone = await eventually(() => inSuper(claims, 'clone'), soon)
    expect(clone.spec).toMatchObject({ dataSource: source, volumeMode: 'Block', accessModes: ['ReadWriteMany'] })
    expect((await verifyOnce(clusters, acme)).differences).toEqual([])
  })

  test('goes in super when only pods of the tenant hold it, and not while its controllers do', { timeout: 60_000 }, async () => {
    const { client } = acme.api
    const at = (name: string) => ({ name, namespace: 'shop' })
    const hold = (name: string, finalizers: readonly string[] | null) =>
      client.patch(claims, at(name), { metadata: { finalizers } }, { type: 'merge' })
    for (const [name, ...more] of [['used'], ['saved', 'example.com/backup']] as const) {
      await create(name)
      await eventually(() => inSuper(claims, name), soon)
      await hold(name, ['kubernetes.io/pvc-protection', ...more])
      await client.delete(claims, at(name))
    }
    await eventually(async () => (await inSuper(claims, 'used'))?.metadata.deletionTimestamp, soon)
    expect((await inSuper(claims, 'saved'))?.metadata.deletionTimestamp).toBeUndefined()
    await hold('saved', ['kubernetes.io/pvc-protection'])
    await eventually(async () => (await inSuper(claims, 'saved'))?.metadata.deletionTimestamp, soon)
    for (const name of ['used', 'saved']) {
      await hold(name, null)
      await clusters.superApi.client.patch(
        claims,
        { name, namespace: below },
        { metadata: { finalizers: null } },
        { type: 'merge' },
      )
      await eventually(async () => !(await inSuper(claims, name)), soon)
    }
  })

  test('one that may not go down is told so', { timeout: 60_000 }, async () => {
    await create('foreign', { storageClassName: 'platinum' })
    await told('StorageClassNotAllowed')
    await create('restored', { dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 'monday' } })
    await told('DataSourceNotSupported')
    expect(await inSuper(claims, 'foreign')).toBeUndefined()
    expect(await inSuper(claims, 'restored')).toBeUndefined()
  })
})
