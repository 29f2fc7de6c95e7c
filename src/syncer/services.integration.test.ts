import { isDeepStrictEqual } from 'node:util'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import { addressManagerLabel, berthDomain, detourAnnotation } from '../tenancy/marks.ts'
import { aNamespace } from '../testing/builders.ts'
import type { Child } from '../testing/child.ts'
import { startControllers } from '../testing/controller-manager.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import { http, serviceStory } from '../testing/service-story.ts'
import { patchPlane, type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { namespaces, services, endpointSlices, ipAddresses, serviceCIDRs, tenantControlPlanes } = resourceTypes
const endpoints: ResourceType = { group: '', version: 'v1', plural: 'endpoints', kind: 'Endpoints', namespaced: true }
const soon = { deadlineMs: 30_000 }
const long = { timeout: 60_000 }
// Addresses asked for by name lie in the first sixteen of a slice, ports of nodes in the first 86 of their range: there allocators give out the last only (KEP-3070, KEP-3668).

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let acme: SyncTenant
let controllers: Child | undefined

beforeAll(async () => {
  // A super with both families: a tenant has addresses of one.
  clusters = await startSyncClusters(['acme'], { log, superFlags: ['--service-cluster-ip-range=10.96.0.0/16,fd00:96::/108'] })
  acme = clusters.tenants[0] as SyncTenant
  controllers = await startControllers(acme.api, ['endpointslice-mirroring-controller', 'service-cidr-controller'])
  await patchPlane(clusters, acme, { sync: { loadBalancerClasses: ['example.com/lb', 'example.com/other'] } })
  syncer = await runSyncer(clusters, { log })
  await acme.api.client.create(namespaces, aNamespace({ metadata: { name: 'shop' } }))
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await controllers?.end()
  await clusters?.stop()
}, 60_000)

const tenant = () => acme.api.client
const superOf = () => clusters.superApi.client
const { at, agree, below, burnt, create, foreign, freed, inSuper, inTenant, patch, told } = serviceStory(() => ({
  clusters,
  tenant: acme,
}))
const stopSyncer = async (): Promise<void> => {
  await syncer?.stop()
  syncer = undefined
}
const startSyncer = async (): Promise<void> => {
  syncer = await runSyncer(clusters, { log })
}

describe('super has what the tenant has, and each change of it', () => {
  test.for<[name: string, spec: object, ...changes: object[]]>([
    ['plain', { ports: [http] }, { selector: { app: 'other' } }, { selector: null }, { selector: { app: 'again' } }],
    [
      'ports',
      {
        ports: [
          { ...http, appProtocol: 'kubernetes.io/h2c' },
          { name: 'dns', port: 53, protocol: 'UDP' },
          { name: 'sig', port: 7, protocol: 'SCTP', targetPort: 'sig' },
        ],
      },
      { ports: [{ ...http, port: 81 }] },
      {
        ports: [
          { ...http, port: 81, appProtocol: 'example.com/x' },
          { name: 'dns', port: 53, protocol: 'UDP' },
        ],
      },
    ],
    ['address', { clusterIP: '10.96.4.2', ports: [http] }],
    ['headless', { clusterIP: 'None', ports: [http], publishNotReadyAddresses: true }, { publishNotReadyAddresses: false }],
    ['headless-bare', { clusterIP: 'None', selector: null, ports: [] }],
    [
      'prefers-dual',
      { ipFamilyPolicy: 'PreferDualStack', ports: [http] },
      { ipFamilyPolicy: 'SingleStack' },
      { ipFamilyPolicy: 'PreferDualStack' },
    ],
    [
      'affinity',
      { sessionAffinity: 'ClientIP', ports: [http] },
      { sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } },
      { sessionAffinity: 'None', sessionAffinityConfig: null },
    ],
    [
      'policies',
      { internalTrafficPolicy: 'Local', trafficDistribution: 'PreferClose', ports: [http] },
      { internalTrafficPolicy: 'Cluster', trafficDistribution: null },
    ],
    [
      'node-port',
      { type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ ...http, nodePort: 30_023 }] },
      { ports: [{ ...http, nodePort: 30_024 }] },
      { externalTrafficPolicy: 'Cluster' },
      { type: 'ClusterIP', ports: [{ ...http, nodePort: null }] },
    ],
    [
      'balanced',
      { type: 'LoadBalancer', loadBalancerClass: 'example.com/lb', externalTrafficPolicy: 'Local', ports: [http] },
      { externalTrafficPolicy: 'Cluster' },
      { externalTrafficPolicy: 'Local' },
      { type: 'NodePort' },
      { type: 'LoadBalancer', loadBalancerClass: 'example.com/other', loadBalancerSourceRanges: ['192.0.2.0/24'] },
    ],
    [
      'without-node-ports',
      { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [http] },
      { allocateLoadBalancerNodePorts: true, ports: [{ ...http, nodePort: 30_025 }] },
      { allocateLoadBalancerNodePorts: false, ports: [{ ...http, nodePort: null }] },
      { ports: [{ ...http, port: 8080, nodePort: 0 }] },
    ],
    [
      'external',
      { type: 'ExternalName', externalName: 'db.example', selector: null, ports: null },
      { externalName: 'db2.example' },
      { type: 'ClusterIP', externalName: null, ports: [http], selector: { app: 'db' } },
      { type: 'ExternalName', externalName: 'db.example', clusterIP: null, clusterIPs: null },
      { type: 'ClusterIP', externalName: null, clusterIP: 'None' },
    ],
  ])('%s', long, async ([name, spec, ...changes]) => {
    const { uid } = (await create(name, spec)).metadata
    await agree(name)
    for (const change of changes) {
      await patch(name, change)
      await agree(name)
    }
    expect((await inTenant(name)).metadata.uid).toBe(uid)
  })

  test(
    'a Service that is deleted and made anew at once is a new one below too, finalizers of a load balancer or not',
    long,
    async () => {
      const spec = { type: 'LoadBalancer', clusterIP: '10.96.4.3', ports: [http] }
      await create('phoenix', spec)
      const old = await agree('phoenix')
      const finalizers = ['service.kubernetes.io/load-balancer-cleanup']
      await superOf().patch(services, { name: 'phoenix', namespace: below() }, { metadata: { finalizers } })
      await tenant().delete(services, at('phoenix'))
      const fresh = await create('phoenix', spec)
      await eventually(async () => (await inSuper('phoenix'))?.metadata.deletionTimestamp, soon)
      expect((await inTenant('phoenix')).metadata.finalizers).toBeUndefined()
      await superOf().patch(services, { name: 'phoenix', namespace: below() }, { metadata: { finalizers: null } })
      await eventually(
        async () => (await inSuper('phoenix'))?.metadata.uid !== old.metadata.uid && (await agree('phoenix')),
        soon,
      )
      expect((await inTenant('phoenix')).metadata.uid).toBe(fresh.metadata.uid)
    },
  )

  test("finalizers of the tenant stay with the tenant's, and those of super with super's", long, async () => {
    await create('kept', { ports: [http] }, { finalizers: ['example.com/mine'] })
    const live = await agree('kept')
    expect(live.metadata.finalizers).toBeUndefined()
    await superOf().patch(services, { name: 'kept', namespace: below() }, { metadata: { finalizers: ['example.com/super'] } })
    await patch('kept', { ports: [http, { name: 'more', port: 81, protocol: 'TCP' }] })
    expect((await agree('kept')).metadata.finalizers).toEqual(['example.com/super'])
    expect((await inTenant('kept')).metadata.finalizers).toEqual(['example.com/mine'])
    await tenant().patch(services, at('kept'), { metadata: { finalizers: null } })
    await superOf().patch(services, { name: 'kept', namespace: below() }, { metadata: { finalizers: null } })
  })

  test('by server-side apply, again and again: it stays the same Service at the same address', long, async () => {
    const apply = (port: number) => {
      const spec = { selector: { app: 'web' }, ports: [{ name: 'http', port, protocol: 'TCP', targetPort: 8080 }] }
      return tenant().apply<KubeObject>(
        services,
        { apiVersion: 'v1', kind: 'Service', metadata: at('applied'), spec },
        { fieldManager: 'user' },
      )
    }
    const made = await apply(80)
    const below80 = await agree('applied')
    await apply(80)
    await apply(81)
    const below81 = await agree('applied')
    const now = await inTenant('applied')
    expect([now.metadata.uid, now['spec'].clusterIP]).toEqual([made.metadata.uid, made['spec'].clusterIP])
    expect([below81.metadata.uid, below81['spec'].clusterIP]).toEqual([below80.metadata.uid, made['spec'].clusterIP])
    expect(below81['spec'].ports).toMatchObject([{ port: 81 }])
  })
})

describe('endpoints of a Service without a selector', () => {
  const superSlices = async (name: string) =>
    (
      await superOf().list<KubeObject>(endpointSlices, {
        namespace: below(),
        labelSelector: `kubernetes.io/service-name=${name}`,
      })
    ).items

  test('by an EndpointSlice', long, async () => {
    await create('by-slice', { selector: null, ports: [http] })
    await tenant().create(endpointSlices, {
      metadata: { name: 'by-slice-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'by-slice' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['192.0.2.10'], conditions: { ready: true } }],
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    })
    const [slice] = await eventually(
      async () => ((await superSlices('by-slice')).length === 1 ? superSlices('by-slice') : undefined),
      soon,
    )
    expect(slice?.['endpoints']).toMatchObject([{ addresses: ['192.0.2.10'] }])
    await tenant().delete(endpointSlices, at('by-slice-1'))
    await eventually(async () => (await superSlices('by-slice')).length === 0, soon)
  })

  test('by Endpoints, which the controllers of the tenant turn into slices', long, async () => {
    await create('by-endpoints', { selector: null, ports: [http] })
    await tenant().create(endpoints, {
      metadata: at('by-endpoints'),
      subsets: [{ addresses: [{ ip: '192.0.2.11' }], ports: [{ name: 'http', port: 8080 }] }],
    })
    const addresses = async () => (await superSlices('by-endpoints')).flatMap((slice) => slice['endpoints']?.[0]?.addresses ?? [])
    await eventually(async () => String(await addresses()) === '192.0.2.11', soon)
    await tenant().patch(endpoints, at('by-endpoints'), {
      subsets: [{ addresses: [{ ip: '192.0.2.12' }], ports: [{ name: 'http', port: 8080 }] }],
    })
    await eventually(async () => String(await addresses()) === '192.0.2.12', soon)
  })
})

describe('ports of nodes that somebody else has', () => {
  const taken = {
    type: 'NodePort',
    ports: [
      { ...http, nodePort: 30_050 },
      { name: 'b', port: 81, protocol: 'TCP', nodePort: 30_051 },
    ],
  }

  test('one that is taken becomes another, the rest stay, and the tenant is told', long, async () => {
    // Not at an address of a tenant's, by chance.
    await foreign('early', { ...taken, clusterIP: '10.96.0.21' })
    await create('late', { ...taken, ports: [taken.ports[0], { ...taken.ports[1], nodePort: 30_052 }] })
    await eventually(async () => (await inTenant('late')).spec.ports[0].nodePort !== 30_050, soon)
    const live = await agree('late')
    expect(live.spec.ports[1].nodePort).toBe(30_052)
    expect((await told('late', 'NodePortChanged'))['message']).toBe(`30050 is in use, it is ${live.spec.ports[0].nodePort} now`)
    // Asked for in a change.
    await patch('late', { ports: [live.spec.ports[0], { ...live.spec.ports[1], nodePort: 30_051 }] })
    await eventually(async () => (await inTenant('late')).spec.ports[1].nodePort === 30_052, soon)
    await agree('late')
  })

  test('a health check port as well', long, async () => {
    const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30_060, ports: [http] }
    await foreign('early-health', { ...local, clusterIP: '10.96.0.22', ports: [{ ...http, nodePort: 30_061 }] })
    const { uid } = (await create('late-health', local)).metadata
    await eventually(async () => (await inTenant('late-health')).spec.healthCheckNodePort !== 30_060, soon)
    await agree('late-health')
    const service = await inTenant('late-health')
    expect(service.spec).toMatchObject({ externalTrafficPolicy: 'Local', type: 'LoadBalancer' })
    expect(service.metadata).toMatchObject({ uid })
    expect(service.metadata.annotations?.[detourAnnotation]).toBeUndefined()
  })
})

test('the status of a load balancer comes from super, unless a controller of the tenant gives it', long, async () => {
  await create('lb', { type: 'LoadBalancer', ports: [http] })
  await agree('lb')
  const loadBalancer = { ingress: [{ ip: '203.0.113.7', ipMode: 'Proxy', ports: [{ port: 80, protocol: 'TCP' }] }] }
  const setStatus = (status: object) =>
    superOf().patch(services, { name: 'lb', namespace: below() }, { status }, { subresource: 'status' })
  await setStatus({
    loadBalancer,
    conditions: [
      {
        type: 'example.com/Ok',
        status: 'True',
        reason: 'Ok',
        message: '',
        lastTransitionTime: '2026-11-21T08:00:00Z',
        observedGeneration: 77,
      },
    ],
  })
  await eventually(async () => isDeepStrictEqual((await inTenant('lb')).status.loadBalancer, loadBalancer), soon)
  await eventually(async () => (await inTenant('lb')).status.conditions?.[0]?.type === 'example.com/Ok', soon)
  expect((await inTenant('lb')).status.conditions[0].observedGeneration).toBeUndefined()
  await setStatus({ loadBalancer: { ingress: null }, conditions: null })
  await eventually(async () => isDeepStrictEqual((await inTenant('lb')).status, { loadBalancer: {} }), soon)

  const own = { ingress: [{ hostname: 'tunnel.example' }] }
  await tenant().patch(services, at('lb'), { status: { loadBalancer: own } }, { subresource: 'status' })
  await patch('lb', { ports: [{ ...http, port: 82 }] })
  await agree('lb')
  expect((await inTenant('lb')).status.loadBalancer).toEqual(own)
})

describe('addresses that somebody else has in super', () => {
  test('are not given out by the tenant until they are free again, whatever the tenant does', long, async () => {
    await foreign('holder', { clusterIP: '10.96.4.4', ports: [http] })
    await burnt('10.96.4.4')
    await expect(create('wants', { clusterIP: '10.96.4.4', ports: [http] })).rejects.toThrow(/already allocated/)
    await tenant().delete(ipAddresses, { name: '10.96.4.4' })
    await burnt('10.96.4.4')
    // Outside of the slice nothing is burnt.
    await foreign('elsewhere', { clusterIP: '10.96.99.100', ports: [http] })
    await superOf().delete(services, { name: 'holder', namespace: 'default' })
    await freed('10.96.4.4')
    expect(await tenant().get(ipAddresses, { name: '10.96.99.100' })).toBeUndefined()
    await create('wants', { clusterIP: '10.96.4.4', ports: [http] })
    await agree('wants')
    expect((await tenant().list(ipAddresses, { labelSelector: `${addressManagerLabel}=${berthDomain}` })).items).toEqual([])
  })

  test('are noticed while no syncer ran, and a forged mark is taken away', long, async () => {
    await stopSyncer()
    await foreign('quiet', { clusterIP: '10.96.4.5', ports: [http] })
    await tenant().create(ipAddresses, {
      metadata: { name: '10.96.4.6', labels: { [addressManagerLabel]: berthDomain } },
      spec: { parentRef: { group: berthDomain, resource: 'addresses', name: 'mine' } },
    })
    await startSyncer()
    await burnt('10.96.4.5')
    await freed('10.96.4.6')
    await superOf().delete(services, { name: 'quiet', namespace: 'default' })
    await freed('10.96.4.5')
  })

  test('and that a Service of the tenant got in a race are changed, with all else as it was', long, async () => {
    await stopSyncer()
    const metadata = {
      labels: { team: 'a' },
      annotations: { 'example.com/note': 'x' },
      finalizers: ['example.com/mine'],
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: '11111111-1111-4111-8111-111111111111' }],
    }
    const spec = {
      type: 'LoadBalancer',
      loadBalancerClass: 'example.com/lb',
      externalTrafficPolicy: 'Local',
      internalTrafficPolicy: 'Local',
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 90 } },
      trafficDistribution: 'PreferClose',
      publishNotReadyAddresses: true,
      ipFamilyPolicy: 'PreferDualStack',
      ports: [
        { ...http, nodePort: 30_070 },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    }
    const before = await create('racer', spec, metadata)
    const lost = before.spec.clusterIP
    await foreign('winner', { clusterIP: lost, ports: [http] })
    await startSyncer()
    // On its detour it has no address at all.
    await eventually(
      async () => ![undefined, '', lost].includes((await inTenant('racer')).spec.clusterIP) && agree('racer'),
      soon,
    )
    const after = await inTenant('racer')
    const { clusterIP, clusterIPs, ...rest } = before.spec
    expect(after.spec).toMatchObject(rest)
    expect(clusterIPs).toEqual([clusterIP])
    expect(after.metadata).toMatchObject({ uid: before.metadata.uid, ...metadata })
    expect(Object.keys(after.metadata.annotations ?? {})).toEqual(['example.com/note'])
    expect((await told('racer', 'ServiceAddressChanged'))['message']).toBe(
      `${lost} is in use outside of this cluster: the address of this Service is ${after.spec.clusterIP} now`,
    )
    await burnt(lost)
    await tenant().patch(services, at('racer'), { metadata: { finalizers: null } })
    await superOf().delete(services, { name: 'winner', namespace: 'default' })
  })

  test('and that a user asked for by name are waited for', long, async () => {
    await stopSyncer()
    await create('patient', { clusterIP: '10.96.4.7', ports: [http] })
    await foreign('first', { clusterIP: '10.96.4.7', ports: [http] })
    await startSyncer()
    await told('patient', 'ServiceAddressTaken')
    expect((await inTenant('patient')).spec.clusterIP).toBe('10.96.4.7')
    await superOf().delete(services, { name: 'first', namespace: 'default' })
    await agree('patient')
  })

  test('a change of address that was cut off half way is finished', long, async () => {
    await stopSyncer()
    const { spec, metadata } = await create('cut', { ports: [http], selector: { app: 'main' } })
    const { clusterIP: _ip, clusterIPs: _ips, ...rest } = spec
    const over = { type: 'ExternalName', externalName: 'address-is-changing.invalid', clusterIP: null, clusterIPs: null }
    const note = JSON.stringify({ over, to: { ...rest, externalName: null } })
    await tenant().patch(services, at('cut'), { spec: over, metadata: { annotations: { [detourAnnotation]: note } } })
    await startSyncer()
    await eventually(async () => (await inTenant('cut')).spec.type === 'ClusterIP' && agree('cut'), soon)
    expect((await inTenant('cut')).metadata).toMatchObject({ uid: metadata.uid })
    // A note that is none, or that the object does not follow, only goes.
    for (const text of ['{', JSON.stringify({ over: { type: 'ExternalName' }, to: { selector: { app: 'forged' } } })]) {
      await tenant().patch(services, at('cut'), { metadata: { annotations: { [detourAnnotation]: text } } })
      await eventually(async () => (await inTenant('cut')).metadata.annotations?.[detourAnnotation] === undefined, soon)
    }
    expect((await inTenant('cut')).spec.selector).toEqual({ app: 'main' })
  })

  test("an address that goes from one of the tenant's Services to another waits for the first to let go", long, async () => {
    await create('giver', { clusterIP: '10.96.4.8', ports: [http] })
    await agree('giver')
    await superOf().patch(services, { name: 'giver', namespace: below() }, { metadata: { finalizers: ['example.com/slow'] } })
    await tenant().delete(services, at('giver'))
    await eventually(async () => (await inSuper('giver'))?.metadata.deletionTimestamp, soon)
    await create('taker', { clusterIP: '10.96.4.8', ports: [http] })
    await told('taker', 'ServiceAddressTaken')
    await superOf().patch(services, { name: 'giver', namespace: below() }, { metadata: { finalizers: null } })
    await agree('taker')
  })
})

test('an address of a range that is not ours is refused, until the slices of the tenant grow to hold it', long, async () => {
  const range = '10.96.77.0/24'
  await tenant().create(serviceCIDRs, { metadata: { name: 'more' }, spec: { cidrs: [range] } })
  await eventually(() => create('wide', { clusterIP: '10.96.77.7', ports: [http] }), soon)
  await told('wide', 'ServiceAddressOutsideSlice')
  expect(await inSuper('wide')).toBeUndefined()
  await foreign('grabber', { clusterIP: '10.96.77.8', ports: [http] })
  const served = syncer?.engine.tenants.get(acme.ref.uid)
  await superOf().patch(
    tenantControlPlanes,
    { name: 'acme', namespace: 'tenants' },
    { status: { serviceSlices: ['10.96.4.0/24', range] } },
    { subresource: 'status' },
  )
  await agree('wide')
  await eventually(() => tenant().get(ipAddresses, { name: '10.96.77.8' }), soon)
  // Without a break in its syncing.
  expect(syncer?.engine.tenants.get(acme.ref.uid)).toBe(served)
})

test('and in the end both sides agree', { timeout: 120_000 }, async () => {
  const report = await verifyOnce(clusters, acme)
  expect([...report.differences, ...report.moving, ...report.refused]).toEqual([])
})
