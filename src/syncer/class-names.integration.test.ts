import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aNamespace, aPod } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import { patchPlane, type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

/** Classes that a tenant knows by names of its own, whatever the platform calls them. */

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { namespaces, pods, persistentVolumeClaims, persistentVolumes, ingresses, events } = resourceTypes
const { storageClasses, ingressClasses, runtimeClasses, priorityClasses } = resourceTypes
const namespace = 'shop'
const soon = { deadlineMs: 30_000 }
const long = { timeout: 120_000 }

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let acme: SyncTenant

beforeAll(async () => {
  clusters = await startSyncClusters(['acme'], { log })
  acme = clusters.tenants[0] as SyncTenant
  const client = superOf()
  await client.create(storageClasses, { metadata: { name: 'gold-ssd-3' }, provisioner: 'disks.example', reclaimPolicy: 'Delete' })
  await client.create(storageClasses, { metadata: { name: 'archive' }, provisioner: 'tape.example', reclaimPolicy: 'Retain' })
  await client.create(ingressClasses, { metadata: { name: 'nginx-7' }, spec: { controller: 'example.com/proxy' } })
  await client.create(runtimeClasses, { metadata: { name: 'gvisor-2026' }, handler: 'runsc' })
  await client.create(priorityClasses, { metadata: { name: 'tier-4' }, value: 1000 })
  await patchPlane(clusters, acme, {
    sync: {
      classes: {
        storage: { default: 'gold-ssd-3', selector: {}, names: { fast: 'gold-ssd-3' } },
        ingress: { names: { public: 'nginx-7' } },
        runtime: { allowed: ['gvisor-2026'], names: { sandbox: 'gvisor-2026' } },
        priority: { allowed: ['tier-4'], names: { high: 'tier-4' } },
      },
    },
  })
  syncer = await runSyncer(clusters, { log })
  await acme.api.client.create(namespaces, aNamespace({ metadata: { name: namespace } }))
}, 300_000)
afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)

const superOf = () => clusters.superApi.client
const inTenant = () => acme.api.client
const below = () => superNamespace(acme.ref, namespace)
const namesIn = async (type: ResourceType) =>
  (await inTenant().list(type)).items
    .map(({ metadata }) => metadata.name ?? '')
    .filter((name) => !name.startsWith('system-'))
    .toSorted()
const specBelow = (type: ResourceType, name: string): Promise<KubeObject['spec']> =>
  eventually(async () => (await superOf().get<KubeObject>(type, { name, namespace: below() }))?.spec, {
    ...soon,
    describe: `${type.kind} ${name} in super`,
  })

test('show under the names that they have here, and under no other', long, async () => {
  for (const [type, ...names] of [
    [storageClasses, 'fast'],
    [ingressClasses, 'public'],
    [runtimeClasses, 'sandbox'],
    [priorityClasses, 'high'],
  ] as const) {
    await eventually(
      async () => {
        const seen = await namesIn(type)
        if (seen.join() !== names.join()) throw new Error(`it sees ${seen.join()}`)
        return true
      },
      { ...soon, describe: `${type.kind} ${names.join()}` },
    )
  }
})

test('are what super calls them below', long, async () => {
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
  await inTenant().create(persistentVolumeClaims, { metadata: { name: 'data', namespace }, spec })
  expect((await specBelow(persistentVolumeClaims, 'data')).storageClassName).toBe('gold-ssd-3')
  const rules = [{ host: 'a.example.com' }]
  await inTenant().create(ingresses, { metadata: { name: 'web', namespace }, spec: { ingressClassName: 'public', rules } })
  expect((await specBelow(ingresses, 'web')).ingressClassName).toBe('nginx-7')
  const boxed = { runtimeClassName: 'sandbox', priorityClassName: 'high' }
  await inTenant().create(
    pods,
    aPod({ metadata: { name: 'web', namespace }, spec: { containers: [{ name: 'main', image: 'web:1' }], ...boxed } }),
  )
  expect(await specBelow(pods, 'web')).toMatchObject({
    runtimeClassName: 'gvisor-2026',
    priorityClassName: 'tier-4',
    priority: 1000,
  })
})

test('come up by the names here, with the claim and its volume', long, async () => {
  const claim = await superOf().get<KubeObject>(persistentVolumeClaims, { name: 'data', namespace: below() })
  await superOf().create(persistentVolumes, {
    metadata: { name: 'disk-1' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      storageClassName: 'gold-ssd-3',
      csi: { driver: 'disks.example', volumeHandle: 'disk-1' },
      claimRef: { kind: 'PersistentVolumeClaim', namespace: below(), name: 'data', uid: claim?.metadata.uid },
    },
  })
  const ref = { name: 'data', namespace: below() }
  await superOf().patch(persistentVolumeClaims, ref, { spec: { volumeName: 'disk-1' } })
  const status = { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } }
  await superOf().patch(persistentVolumeClaims, ref, { status }, { subresource: 'status' })
  const volume = await eventually(() => inTenant().get<KubeObject>(persistentVolumes, { name: 'disk-1' }), {
    ...soon,
    describe: 'the volume in the tenant',
  })
  expect(volume.spec.storageClassName).toBe('fast')
  const bound = await eventually(
    async () => {
      const live = await inTenant().get<KubeObject>(persistentVolumeClaims, { name: 'data', namespace })
      return live?.status?.phase === 'Bound' ? live : undefined
    },
    { ...soon, describe: 'the claim bound' },
  )
  expect(bound.spec.storageClassName).toBe('fast')
  await eventually(
    async () => (await inTenant().get<KubeObject>(pods, { name: 'web', namespace }))?.status?.phase === 'Running',
    {
      ...soon,
      describe: 'the pod running',
    },
  )
  expect((await verifyOnce(clusters, acme)).differences).toEqual([])
})

test('of a class whose volumes are kept there is nothing, until the operator names it', long, async () => {
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'archive' }
  await inTenant().create(persistentVolumeClaims, { metadata: { name: 'kept', namespace }, spec })
  await eventually(
    async () => {
      const { items } = await inTenant().list<KubeObject>(events, { namespace })
      return items.some(({ involvedObject, message }) => involvedObject?.name === 'kept' && /archive/.test(String(message)))
    },
    { ...soon, describe: 'the word that the class is not for this tenant' },
  )
  expect(await superOf().get(persistentVolumeClaims, { name: 'kept', namespace: below() })).toBeUndefined()
  await patchPlane(clusters, acme, { sync: { classes: { storage: { allowed: ['archive'] } } } })
  expect((await specBelow(persistentVolumeClaims, 'kept')).storageClassName).toBe('archive')
})

test('two names for one class are refused', long, async () => {
  const names = { one: 'gold-ssd-3', two: 'gold-ssd-3' }
  await expect(patchPlane(clusters, acme, { sync: { classes: { storage: { names } } } })).rejects.toThrow(
    /one name in the tenant/,
  )
})
