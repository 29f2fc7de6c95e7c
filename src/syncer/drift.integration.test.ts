import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import { mirroredLabel, tenantLabel, wantedHashAnnotation } from '../tenancy/marks.ts'
import { superNamespace, tenantIdentity } from '../tenancy/names.ts'
import { aConfigMap, aNamespace, aPod, aSecret } from '../testing/builders.ts'
import type { Child } from '../testing/child.ts'
import { startControllers } from '../testing/controller-manager.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import { type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { namespaces, pods, services, configMaps, secrets, endpointSlices, ingresses, networkPolicies, events } = resourceTypes
const { persistentVolumeClaims, persistentVolumes, podDisruptionBudgets, nodes, storageClasses, ingressClasses } = resourceTypes
const { runtimeClasses, priorityClasses, volumeAttributesClasses, csiDrivers, csiNodes, roleBindings } = resourceTypes
const soon = { deadlineMs: 60_000 }
/** The time in which what was done by hand has to be put right or told. */
const repair = { deadlineMs: 5_000 }
const long = { timeout: 120_000 }

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let acme: SyncTenant
let below: string
const controllers: Child[] = []

const superOf = () => clusters.superApi.client
const inTenant = () => acme.api.client

interface Kind {
  readonly type: ResourceType
  /** As a user of the tenant writes it. */
  readonly make: (name: string) => KubeObject
  /** A hand in super changes this. */
  readonly spoil: Record<string, unknown>
  /** True once that is undone. */
  readonly isWhole: (live: KubeObject) => boolean
}

const labels = { app: 'web' }
const meta = (name: string) => ({ name, namespace: 'shop', labels })
const plain = (live: KubeObject): boolean => live.metadata.labels?.['app'] === 'web'
const spoiltLabel = { metadata: { labels: { app: 'spoilt' } } }

/** Every kind that has a pair in super, beside Namespaces. */
const pairs: readonly Kind[] = [
  {
    type: configMaps,
    make: (name) => aConfigMap({ metadata: { name, namespace: 'shop' } }),
    spoil: { data: { key: 'spoilt' } },
    isWhole: ({ data }) => data.key === 'value',
  },
  {
    type: secrets,
    make: (name) => aSecret({ metadata: { name, namespace: 'shop' } }),
    spoil: { data: { key: 'c3BvaWx0' } },
    isWhole: ({ data }) => data.key === 'dmFsdWU=',
  },
  {
    type: services,
    make: (name) => ({ metadata: meta(name), spec: { selector: labels, ports: [{ port: 80 }] } }),
    spoil: { spec: { selector: { app: 'spoilt' } } },
    isWhole: ({ spec }) => spec.selector.app === 'web',
  },
  {
    type: endpointSlices,
    make: (name) => ({
      metadata: { ...meta(name), labels: { ...labels, 'kubernetes.io/service-name': 'none' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['192.0.2.10'] }],
      ports: [{ port: 80, name: 'http', protocol: 'TCP' }],
    }),
    spoil: { endpoints: [{ addresses: ['192.0.2.66'] }] },
    isWhole: ({ endpoints }) => endpoints[0].addresses[0] === '192.0.2.10',
  },
  {
    type: persistentVolumeClaims,
    make: (name) => ({
      metadata: meta(name),
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'standard', resources: { requests: { storage: '1Gi' } } },
    }),
    // All else of a claim is super's, or cannot change.
    spoil: { metadata: { annotations: { [wantedHashAnnotation]: 'spoilt' } } },
    isWhole: ({ metadata: { annotations } }) => annotations?.[wantedHashAnnotation] !== 'spoilt',
  },
  {
    type: ingresses,
    make: (name) => ({
      metadata: meta(name),
      spec: { ingressClassName: 'public', defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
    }),
    spoil: { spec: { defaultBackend: { service: { name: 'spoilt' } } } },
    isWhole: ({ spec }) => spec.defaultBackend.service.name === 'web',
  },
  {
    type: networkPolicies,
    make: (name) => ({ metadata: meta(name), spec: { podSelector: { matchLabels: labels }, policyTypes: ['Ingress'] } }),
    spoil: { spec: { podSelector: { matchLabels: { app: 'spoilt' } } } },
    isWhole: ({ spec }) => spec.podSelector.matchLabels.app === 'web',
  },
  {
    type: podDisruptionBudgets,
    make: (name) => ({ metadata: meta(name), spec: { minAvailable: 1, selector: { matchLabels: labels } } }),
    spoil: { spec: { selector: { matchLabels: { app: 'spoilt' } } } },
    isWhole: ({ spec }) => spec.selector.matchLabels.app === 'web',
  },
  { type: pods, make: (name) => aPod({ metadata: meta(name) }), spoil: spoiltLabel, isWhole: plain },
]
const byKind = pairs.map((kind): [string, Kind] => [kind.type.kind, kind])

beforeAll(async () => {
  clusters = await startSyncClusters(['acme'], { log })
  acme = clusters.tenants[0] as SyncTenant
  below = superNamespace(acme.ref, 'shop')
  controllers.push(
    await startControllers(clusters.superApi, [
      'namespace-controller',
      'persistentvolumeclaim-protection-controller',
      'volumeattributesclass-protection-controller',
    ]),
    await startControllers(acme.api, ['volumeattributesclass-protection-controller', 'persistentvolume-protection-controller']),
  )
  const client = superOf()
  await client.create(ingressClasses, { metadata: { name: 'public' }, spec: { controller: 'example.com/proxy' } })
  await client.create(storageClasses, { metadata: { name: 'standard' }, provisioner: 'disks.example', reclaimPolicy: 'Delete' })
  await client.create(runtimeClasses, { metadata: { name: 'sandbox' }, handler: 'runsc' })
  await client.create(priorityClasses, { metadata: { name: 'high' }, value: 1000, description: 'before others' })
  await client.create(volumeAttributesClasses, {
    metadata: { name: 'gold' },
    driverName: 'disks.example',
    parameters: { iops: '9' },
  })
  await client.create(csiDrivers, { metadata: { name: 'disks.example' }, spec: { attachRequired: true, podInfoOnMount: false } })
  const drivers = [{ name: 'disks.example', nodeID: 'node-1', topologyKeys: ['zone'] }]
  await client.create(csiNodes, { metadata: { name: 'node-1' }, spec: { drivers } })
  const sync = { nodeSelector: {}, classes: { priority: { allowed: ['high'] } } }
  const { name, namespace } = acme.ref
  await client.patch(resourceTypes.tenantControlPlanes, { name, namespace }, { spec: { sync } })

  syncer = await runSyncer(clusters, { log })
  await inTenant().create(namespaces, aNamespace({ metadata: { name: 'shop', labels } }))
  const env = [
    { name: 'A', valueFrom: { configMapKeyRef: { name: 'main', key: 'key', optional: true } } },
    { name: 'B', valueFrom: { secretKeyRef: { name: 'main', key: 'key', optional: true } } },
    { name: 'C', valueFrom: { configMapKeyRef: { name: 'taken', key: 'key', optional: true } } },
    { name: 'D', valueFrom: { secretKeyRef: { name: 'taken', key: 'key', optional: true } } },
  ]
  const sources = [{ serviceAccountToken: { path: 'token', expirationSeconds: 3607 } }]
  await inTenant().create(resourceTypes.serviceAccounts, { metadata: { name: 'default', namespace: 'shop' } })
  await inTenant().create(
    pods,
    aPod({
      metadata: { name: 'user', namespace: 'shop' },
      spec: {
        serviceAccountName: 'default',
        containers: [{ name: 'main', image: 'registry.example/web:1', env }],
        volumes: [{ name: 'token', projected: { sources } }],
      },
    }),
  )
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await Promise.all(controllers.map((child) => child.end()))
  await clusters?.stop()
}, 60_000)

const live = (type: ResourceType, name: string) => superOf().get<KubeObject>(type, { name, namespace: below })
const ours = ({ metadata }: KubeObject): boolean => metadata.labels?.[tenantLabel] === acme.ref.uid
const expectNoDifference = async (): Promise<void> => {
  const { differences, moving } = await verifyOnce(clusters, acme)
  expect([...differences, ...moving]).toEqual([])
}

describe.each(byKind)('%s in super', (_name, { type, make, spoil, isWhole }) => {
  const ref = () => ({ name: 'main', namespace: below })
  const whole = (uid?: string) =>
    eventually(
      async () => {
        const object = await live(type, 'main')
        if (!object) throw new Error('it is not there')
        if (object.metadata.uid === uid) throw new Error('it is still the old one')
        return ours(object) && isWhole(object) ? object : Promise.reject(new Error(JSON.stringify(object)))
      },
      { ...repair, describe: `a whole ${type.kind}` },
    )

  test('edited: it is put right', long, async () => {
    await inTenant().create(type, make('main'))
    await eventually(() => live(type, 'main'), soon)
    await whole()
    await superOf().patch(type, ref(), spoil, { type: 'merge' })
    await whole()
  })

  test('without our label: it is put back', long, async () => {
    await superOf().patch(type, ref(), { metadata: { labels: { [tenantLabel]: null } } }, { type: 'merge' })
    await whole()
  })

  test('deleted: it is there again, and a pod ends in the tenant', long, async () => {
    const before = await whole()
    await superOf().delete(type, ref(), { gracePeriodSeconds: 0 })
    if (type !== pods) {
      await whole(before.metadata.uid)
      return
    }
    await eventually(async () => !(await inTenant().get(pods, { name: 'main', namespace: 'shop' })), repair)
    await inTenant().create(type, make('main'))
    await eventually(() => live(type, 'main'), repair)
  })

  test("a stranger's under our name: it is told and left alone", long, async () => {
    const { metadata, ...rest } = make('taken')
    await superOf().create(type, { ...rest, metadata: { ...metadata, namespace: below, labels: { of: 'stranger' } } })
    await inTenant().create(type, make('taken'))
    const since = performance.now()
    const told = await eventually(async () => {
      const { items } = await inTenant().list<KubeObject>(events, { namespace: 'shop' })
      return items.find(
        ({ involvedObject, reason }) =>
          involvedObject.kind === type.kind && involvedObject.name === 'taken' && reason === 'SyncFailed',
      )
    }, repair)
    expect(performance.now() - since).toBeLessThan(repair.deadlineMs)
    expect(told.message).toContain('in the way')
    expect(told.message).not.toContain(below)
    expect((await live(type, 'taken'))?.metadata.labels).toEqual({ of: 'stranger' })

    await inTenant().delete(type, { name: 'taken', namespace: 'shop' }, { gracePeriodSeconds: 0 })
    await superOf().delete(type, { name: 'taken', namespace: below }, { gracePeriodSeconds: 0 })
  })
})

describe("a pod's tokens in super", () => {
  const tokens = async () =>
    (await superOf().list<KubeObject>(secrets, { namespace: below })).items.find(({ metadata }) =>
      metadata.name?.startsWith('user.'),
    )

  test.for(['edited', 'deleted'])('%s: they are there again', long, async (how) => {
    const before = await eventually(tokens, soon)
    const [key = ''] = Object.keys(before['data'])
    const ref = { name: before.metadata.name ?? '', namespace: below }
    if (how === 'deleted') await superOf().delete(secrets, ref)
    else await superOf().patch(secrets, ref, { data: { [key]: 'c3BvaWx0' } }, { type: 'merge' })
    await eventually(async () => {
      const now = (await tokens())?.['data'][key]
      return now !== undefined && Buffer.from(now, 'base64').toString().split('.').length === 3
    }, repair)
  })
})

/** Kinds that come up whole, with what a tenant's administrator may change of them, and whether that is undone. */
const copies: readonly (readonly [
  type: ResourceType,
  name: string,
  spoil: Record<string, unknown>,
  isWhole: (live: KubeObject) => boolean,
])[] = [
  [
    nodes,
    'node-2',
    { metadata: { labels: { 'kubernetes.io/os': 'none' } } },
    ({ metadata }) => metadata.labels?.['kubernetes.io/os'] === 'linux',
  ],
  [storageClasses, 'standard', { allowVolumeExpansion: true }, ({ allowVolumeExpansion }) => !allowVolumeExpansion],
  [ingressClasses, 'public', { spec: { parameters: { kind: 'X', name: 'x' } } }, ({ spec }) => !spec.parameters],
  [runtimeClasses, 'sandbox', { overhead: { podFixed: { cpu: '1' } } }, ({ overhead }) => !overhead],
  [priorityClasses, 'high', { description: 'spoilt' }, ({ description }) => description === 'before others'],
  [volumeAttributesClasses, 'gold', { metadata: { labels: { [mirroredLabel]: null } } }, () => true],
  [csiDrivers, 'disks.example', { spec: { podInfoOnMount: true } }, ({ spec }) => !spec.podInfoOnMount],
  [csiNodes, 'node-1', { spec: { drivers: [] } }, ({ spec }) => spec.drivers.length === 1],
]

describe.each(copies.map((copy): [string, (typeof copies)[number]] => [copy[0].kind, copy]))(
  '%s in the tenant',
  (_name, [type, name, spoil, isWhole]) => {
    const whole = (uid?: string) =>
      eventually(
        async () => {
          const object = await inTenant().get<KubeObject>(type, { name })
          if (!object || object.metadata.uid === uid) throw new Error('it is not there')
          return (
            (object.metadata.labels?.[mirroredLabel] === 'true' && isWhole(object)) ||
            Promise.reject(new Error(JSON.stringify(object)))
          )
        },
        { ...repair, describe: `a whole ${type.kind}` },
      )

    test('edited: it is put right', long, async () => {
      await eventually(() => inTenant().get(type, { name }), soon)
      await whole()
      await inTenant().patch(type, { name }, spoil, { type: 'merge' })
      await whole()
    })

    test('without our label: it is put back', long, async () => {
      await inTenant().patch(type, { name }, { metadata: { labels: { [mirroredLabel]: null } } }, { type: 'merge' })
      await whole()
    })

    test('deleted: it is there again', long, async () => {
      const uid = (await inTenant().get<KubeObject>(type, { name }))?.metadata.uid
      await inTenant().delete(type, { name })
      await whole(uid)
    })

    test('gone in super, it is gone in the tenant', long, async () => {
      if (type === nodes || type === storageClasses || type === ingressClasses) return
      const before = (await superOf().get<KubeObject>(type, { name })) as KubeObject
      await superOf().delete(type, { name })
      await eventually(async () => !(await inTenant().get(type, { name })), repair)
      const { uid: _uid, resourceVersion: _version, creationTimestamp: _time, ...metadata } = before.metadata
      await superOf().create(type, { ...before, metadata })
      await whole()
    })
  },
)

test("a volume's copy, spoilt and unlabelled, is put right", long, async () => {
  const claim = await eventually(() => live(persistentVolumeClaims, 'main'), soon)
  const capacity = { storage: '1Gi' }
  const spec = {
    accessModes: ['ReadWriteOnce'],
    capacity,
    storageClassName: 'standard',
    csi: { driver: 'disks.example', volumeHandle: 'disk-1' },
  }
  const claimRef = { kind: 'PersistentVolumeClaim', namespace: below, name: 'main', uid: claim.metadata.uid }
  await superOf().create(persistentVolumes, { metadata: { name: 'disk-1' }, spec: { ...spec, claimRef } })
  await superOf().patch(persistentVolumeClaims, { name: 'main', namespace: below }, { spec: { volumeName: 'disk-1' } })
  await superOf().patch(
    persistentVolumeClaims,
    { name: 'main', namespace: below },
    { status: { phase: 'Bound', capacity } },
    { subresource: 'status' },
  )
  await superOf().patch(persistentVolumes, { name: 'disk-1' }, { status: { phase: 'Bound' } }, { subresource: 'status' })
  const volume = () => inTenant().get<KubeObject>(persistentVolumes, { name: 'disk-1' })
  await eventually(volume, soon)
  await inTenant().patch(
    persistentVolumes,
    { name: 'disk-1' },
    { metadata: { labels: { [mirroredLabel]: null } }, spec: { capacity: { storage: '9Gi' } } },
    { type: 'merge' },
  )
  await eventually(async () => {
    const now = await volume()
    return now?.metadata.labels?.[mirroredLabel] === 'true' && now['spec'].capacity.storage === '1Gi'
  }, repair)
})

test("a class of the tenant's own under a name of super's is left alone, and told of", long, async () => {
  const own = { metadata: { name: 'later' }, provisioner: 'own.example' }
  await inTenant().create(storageClasses, own)
  await superOf().create(storageClasses, { metadata: { name: 'later' }, provisioner: 'disks.example' })
  await eventually(async () => {
    const { items } = await inTenant().list<KubeObject>(events, { namespace: 'default' })
    return items.some(({ reason, involvedObject }) => reason === 'ClassDiffers' && involvedObject.name === 'later')
  }, repair)
  expect(await inTenant().get(storageClasses, { name: 'later' })).toMatchObject(own)
  await inTenant().delete(storageClasses, { name: 'later' })
  await eventually(
    async () => (await inTenant().get<KubeObject>(storageClasses, { name: 'later' }))?.['provisioner'] === 'disks.example',
    repair,
  )
})

test('after all this both sides are equal', long, async () => {
  await expectNoDifference()
})

test('rights that were taken away in a super namespace are given again when they are needed', long, async () => {
  await superOf().delete(roleBindings, { name: 'berth-tenant', namespace: below })
  const asTenant = superOf().as(tenantIdentity(acme.ref.uid))
  await eventually(
    () =>
      asTenant.list(pods, { namespace: below }).then(
        () => false,
        () => true,
      ),
    { describe: 'the loss to be heeded' },
  )
  await inTenant().patch(
    services,
    { name: 'main', namespace: 'shop' },
    { spec: { sessionAffinity: 'ClientIP' } },
    { type: 'merge' },
  )
  await eventually(async () => (await live(services, 'main'))?.['spec'].sessionAffinity === 'ClientIP', repair)
  await expectNoDifference()
})

test('a super namespace without our label gets it back; one that was deleted is filled again', long, async () => {
  const get = () => superOf().get<KubeObject>(namespaces, { name: below })
  await superOf().patch(namespaces, { name: below }, { metadata: { labels: { [tenantLabel]: null } } }, { type: 'merge' })
  const { metadata } = await eventually(async () => {
    const now = await get()
    return now && ours(now) ? now : undefined
  }, repair)
  await expectNoDifference()

  await superOf().delete(namespaces, { name: below })
  await eventually(async () => {
    const now = await get()
    return now && now.metadata.uid !== metadata.uid && ours(now)
  }, soon)
  await eventually(async () => (await live(services, 'main')) && (await live(networkPolicies, 'main')), soon)
  await expectNoDifference()
})
