import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import { addressManagerLabel, serviceAddressesAnnotation } from '../tenancy/marks.ts'
import { parseUsedAddresses } from '../tenancy/slices.ts'
import { aNamespace } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import { http, serviceStory } from '../testing/service-story.ts'
import { type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'
import { syncerLeaseName } from './lease.ts'
import { burntAddress } from './sync-address.ts'

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { namespaces, services, ipAddresses, leases, endpointSlices } = resourceTypes
const soon = { deadlineMs: 30_000 }
const long = { timeout: 60_000 }

// Addresses asked for by name lie in the first sixteen of a slice, of which the allocator gives out the last only.

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let acme: SyncTenant

beforeAll(async () => {
  const superFlags = ['--service-cluster-ip-range=10.96.0.0/16,fd00:96::/108']
  clusters = await startSyncClusters(['acme'], { log, superFlags, isDualStack: true })
  acme = clusters.tenants[0] as SyncTenant
  syncer = await runSyncer(clusters, { log })
  await acme.api.client.create(namespaces, aNamespace({ metadata: { name: 'shop' } }))
}, 300_000)

afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)

const { at, agree, below, burnt, create, foreign, freed, inSuper, inTenant, patch, told } = serviceStory(() => ({
  clusters,
  tenant: acme,
}))
const superOf = () => clusters.superApi.client
const ipv6Of = (spec: { clusterIPs?: string[] }): string => spec.clusterIPs?.find((address) => address.includes(':')) ?? ''
const superNameOf = (name: string) => ({ name, namespace: below() })
const stopSyncer = async (): Promise<void> => {
  await syncer?.stop()
  syncer = undefined
}
const startSyncer = async (): Promise<void> => {
  syncer = await runSyncer(clusters, { log })
}

test.for<[name: string, spec: object, families: string[]]>([
  ['plain', {}, ['IPv4']],
  ['prefers', { ipFamilyPolicy: 'PreferDualStack' }, ['IPv4', 'IPv6']],
  ['requires', { ipFamilyPolicy: 'RequireDualStack' }, ['IPv4', 'IPv6']],
  ['ipv6-first', { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6', 'IPv4'] }, ['IPv6', 'IPv4']],
  ['ipv6-only', { ipFamilies: ['IPv6'] }, ['IPv6']],
  [
    'by-name',
    { ipFamilyPolicy: 'RequireDualStack', clusterIP: '10.96.4.3', clusterIPs: ['10.96.4.3', 'fd00:96::403'] },
    ['IPv4', 'IPv6'],
  ],
  ['headless', { clusterIP: 'None', ipFamilyPolicy: 'RequireDualStack' }, ['IPv4', 'IPv6']],
  ['node-port', { type: 'NodePort', ipFamilyPolicy: 'RequireDualStack' }, ['IPv4', 'IPv6']],
  ['balanced', { type: 'LoadBalancer', ipFamilyPolicy: 'RequireDualStack' }, ['IPv4', 'IPv6']],
])('%s: the same addresses on both sides, and in no other family', long, async ([name, spec, families]) => {
  const { spec: made } = await create(name, { ports: [http], ...spec })
  expect(made.ipFamilies).toEqual(families)
  const { spec: live } = await agree(name)
  expect(live).toMatchObject({ clusterIPs: made.clusterIPs, ipFamilies: families })
  if (made.clusterIP !== 'None') for (const address of made.clusterIPs) expect(address).toMatch(/^10\.96\.4\.|^fd00:96::4/)
})

test('a second address comes, goes, and comes back as another one, under the same Service', long, async () => {
  const { spec: first } = await create('changes', { ports: [http] })
  const { metadata } = await agree('changes')
  for (const ipFamilyPolicy of ['RequireDualStack', 'SingleStack', 'PreferDualStack']) {
    const { spec } = await patch('changes', {
      ipFamilyPolicy,
      ...(ipFamilyPolicy === 'SingleStack' && { ipFamilies: ['IPv4'], clusterIPs: [first.clusterIP] }),
    })
    expect(spec.clusterIPs).toHaveLength(ipFamilyPolicy === 'SingleStack' ? 1 : 2)
    expect((await agree('changes')).metadata.uid).toBe(metadata.uid)
  }
  // While nobody looks it goes and comes back as another: what cannot move in place is made anew.
  await stopSyncer()
  const before = ipv6Of((await inTenant('changes')).spec)
  await patch('changes', { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'], clusterIPs: [first.clusterIP] })
  await create('took-it', { ports: [http], ipFamilies: ['IPv6'], clusterIP: before })
  await patch('changes', { ipFamilyPolicy: 'RequireDualStack' })
  await startSyncer()
  const { spec } = await agree('changes')
  expect(ipv6Of(spec)).not.toBe(before)
  expect((await agree('took-it')).spec.clusterIP).toBe(before)
})

test('endpoints of both families go down, those that mean nodes or Services do not', long, async () => {
  // By name: what is about endpoints is not to wait for an address that super may still hold of a Service that has just given it up.
  const clusterIPs = ['10.96.4.6', 'fd00:96::406']
  await create('bare', { ports: [http], ipFamilyPolicy: 'RequireDualStack', clusterIP: clusterIPs[0], clusterIPs })
  await agree('bare')
  const slice = (name: string, addressType: string, address: string) =>
    acme.api.client.create(endpointSlices, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...at(name), labels: { 'kubernetes.io/service-name': 'bare' } },
      addressType,
      endpoints: [{ addresses: [address] }],
      ports: [{ name: 'http', port: 8080 }],
    })
  await slice('bare-4', 'IPv4', '192.0.2.7')
  await slice('bare-6', 'IPv6', '2001:db8::7')
  await slice('bare-service', 'IPv6', 'fd00:96::405')
  const live = () => superOf().list(endpointSlices, { namespace: below(), labelSelector: 'kubernetes.io/service-name' })
  await eventually(
    async () => {
      expect((await live()).items.map(({ addressType }) => String(addressType)).toSorted()).toEqual(['IPv4', 'IPv6'])
      return true
    },
    { ...soon, describe: 'a slice of each family in super' },
  )
  expect((await told('bare-service', 'EndpointAddressNotAllowed'))['message']).toMatch(/fd00:96::405 is the address of a Service/)
})

test('an IPv6 address that somebody else has in super is not given out until it is free again', long, async () => {
  await foreign('holder', { ipFamilies: ['IPv6'], clusterIP: 'fd00:96::40a', ports: [http] })
  await burnt('fd00:96::40a')
  expect((await acme.api.client.get(ipAddresses, { name: 'fd00:96::40a' }))?.metadata.labels).toMatchObject({
    'ipaddress.kubernetes.io/ip-family': 'IPv6',
  })
  await expect(create('wants', { ipFamilies: ['IPv6'], clusterIP: 'fd00:96::40a', ports: [http] })).rejects.toThrow(/allocated/)
  await superOf().delete(services, { name: 'holder', namespace: 'default' })
  await freed('fd00:96::40a')
})

test('a Service that loses one of its two addresses in a race gets another, and is told', long, async () => {
  await stopSyncer()
  const before = await create('racer', { ports: [http], ipFamilyPolicy: 'RequireDualStack' })
  const lost = ipv6Of(before.spec)
  await foreign('winner', { ipFamilies: ['IPv6'], clusterIP: lost, ports: [http] })
  await startSyncer()
  await eventually(async () => ![lost, ''].includes(ipv6Of((await inTenant('racer')).spec)) && agree('racer'), soon)
  const after = await inTenant('racer')
  expect(after.metadata.uid).toBe(before.metadata.uid)
  expect(after.spec).toMatchObject({ ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'] })
  expect((await told('racer', 'ServiceAddressChanged'))['message']).toBe(
    `${lost} is in use outside of this cluster: the address of this Service is ${after.spec.clusterIPs.join(', ')} now`,
  )
  await burnt(lost)
  await superOf().delete(services, { name: 'winner', namespace: 'default' })
  await freed(lost)
})

test('a Service that loses only its second address keeps the first one', long, async () => {
  const { spec: first, metadata } = await create('upgraded', { ports: [http] })
  await agree('upgraded')
  await stopSyncer()
  const lost = ipv6Of((await patch('upgraded', { ipFamilyPolicy: 'PreferDualStack' })).spec)
  await foreign('quicker', { ipFamilies: ['IPv6'], clusterIP: lost, ports: [http] })
  await startSyncer()
  await eventually(async () => ![lost, ''].includes(ipv6Of((await inTenant('upgraded')).spec)) && agree('upgraded'), soon)
  const after = await inTenant('upgraded')
  expect(after.spec).toMatchObject({
    clusterIP: first.clusterIP,
    ipFamilyPolicy: 'PreferDualStack',
    ipFamilies: ['IPv4', 'IPv6'],
  })
  expect(after.metadata.uid).toBe(metadata.uid)
  await superOf().delete(services, { name: 'quicker', namespace: 'default' })
})

test('a Service whose second address is asked for and taken goes on with its first one', long, async () => {
  await stopSyncer()
  const addresses = { clusterIP: '10.96.4.9', clusterIPs: ['10.96.4.9', 'fd00:96::40d'] }
  await create('stubborn', { ports: [http], ipFamilyPolicy: 'RequireDualStack', ...addresses })
  await foreign('squatter', { ipFamilies: ['IPv6'], clusterIP: 'fd00:96::40d', ports: [http] })
  await startSyncer()
  expect((await told('stubborn', 'ServiceAddressTaken'))['message']).toMatch(/^spec.clusterIPs: fd00:96::40d is in use/)
  await patch('stubborn', { selector: { app: 'changed' } })
  await eventually(async () => (await inSuper('stubborn'))?.['spec'].selector?.app === 'changed', soon)
  expect((await inSuper('stubborn'))?.['spec'].clusterIPs).toEqual(['10.96.4.9'])
  await superOf().delete(services, { name: 'squatter', namespace: 'default' })
  await agree('stubborn')
})

test('a Service that lost its second address twice gets another one twice', long, async () => {
  await create('unlucky', { ports: [http], ipFamilyPolicy: 'PreferDualStack' })
  const { spec: first } = await agree('unlucky')
  for (const squatter of ['one', 'two']) {
    await stopSyncer()
    const lost = ipv6Of((await inTenant('unlucky')).spec)
    const name = superNameOf('unlucky')
    await superOf().patch(services, name, {
      spec: { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'], clusterIPs: [first.clusterIP] },
    })
    await foreign(squatter, { ipFamilies: ['IPv6'], clusterIP: lost, ports: [http] })
    await startSyncer()
    await eventually(async () => ![lost, ''].includes(ipv6Of((await inTenant('unlucky')).spec)) && agree('unlucky'), soon)
    expect((await inTenant('unlucky')).spec.clusterIP).toBe(first.clusterIP)
  }
  for (const name of ['one', 'two']) await superOf().delete(services, { name, namespace: 'default' })
})

test('an address that is asked for in another spelling is found taken all the same', long, async () => {
  await stopSyncer()
  await create('shouting', { ipFamilies: ['IPv6'], clusterIP: 'FD00:96:0::40C', ports: [http] })
  await foreign('whispering', { ipFamilies: ['IPv6'], clusterIP: 'fd00:96::40c', ports: [http] })
  await startSyncer()
  await told('shouting', 'ServiceAddressTaken')
  await superOf().delete(services, { name: 'whispering', namespace: 'default' })
  await eventually(() => inSuper('shouting'), soon)
  await acme.api.client.delete(services, at('shouting'))
  await eventually(async () => !(await inSuper('shouting')), soon)
})

test('a Service goes down when its address is free, also where the tenant had its address down as burnt', long, async () => {
  await stopSyncer()
  await create('robbed', { ipFamilies: ['IPv6'], clusterIP: 'fd00:96::40e', ports: [http] })
  await foreign('robber', { ipFamilies: ['IPv6'], clusterIP: 'fd00:96::40e', ports: [http] })
  // As it is left when the tenant's API server repairs the address at the moment in which it is burnt.
  await acme.api.client.delete(ipAddresses, { name: 'fd00:96::40e' })
  await acme.api.client.create(ipAddresses, burntAddress('fd00:96::40e'))
  await startSyncer()
  await told('robbed', 'ServiceAddressTaken')
  await superOf().delete(services, { name: 'robber', namespace: 'default' })
  await eventually(() => inSuper('robbed'), soon)
  await acme.api.client.delete(services, at('robbed'))
})

/** An address that super holds, and that its repair of addresses leaves alone: as a write that failed half-way leaves it, for a minute. */
const held = (address: string, service: string) =>
  superOf().create(ipAddresses, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: {
      name: address,
      labels: { [addressManagerLabel]: 'a-test', 'ipaddress.kubernetes.io/ip-family': 'IPv6' },
    },
    spec: { parentRef: { group: '', resource: 'services', namespace: below(), name: service } },
  })

test.for<[name: string, address: string, holder: string]>([
  ['left-behind', 'fd00:96::407', 'left-behind'],
  ['after-another', 'fd00:96::408', 'earlier'],
])(
  '%s: an address that super still holds for a Service which has it no more is waited for',
  long,
  async ([name, address, holder]) => {
    if (holder !== name) {
      await create(holder, { ports: [http] })
      await agree(holder)
    }
    const { spec: first } = await create(name, { ports: [http] })
    await agree(name)
    await held(address, holder)
    await patch(name, { ipFamilyPolicy: 'RequireDualStack', clusterIPs: [first.clusterIP, address] })
    await told(name, 'SyncFailed')
    await superOf().delete(ipAddresses, { name: address })
    await agree(name)
  },
)

test('an address of neither slice is refused', long, async () => {
  const range = 'fd00:96::9900/120'
  await acme.api.client.create(resourceTypes.serviceCIDRs, { metadata: { name: 'more' }, spec: { cidrs: [range] } })
  const spec = { ipFamilies: ['IPv6'], clusterIP: 'fd00:96::9907', ports: [http] }
  await eventually(() => create('outside', spec), soon)
  await told('outside', 'ServiceAddressOutsideSlice')
  expect(await inSuper('outside')).toBeUndefined()
  await acme.api.client.delete(services, at('outside'))
})

test('the manager is told how many addresses of each family are in use', long, async () => {
  const addresses = (await acme.api.client.list(ipAddresses)).items.map(({ metadata }) => metadata.name ?? '')
  const ofIpv6 = addresses.filter((address) => address.startsWith('fd00:96::4')).length
  const ofIpv4 = addresses.filter((address) => address.startsWith('10.96.4.')).length
  expect(ofIpv6).toBeGreaterThan(5)
  await eventually(
    async () => {
      const lease = await superOf().get(leases, { name: syncerLeaseName, namespace: acme.controlPlaneNamespace })
      expect(parseUsedAddresses(lease?.metadata.annotations?.[serviceAddressesAnnotation])).toEqual({
        IPv4: ofIpv4,
        IPv6: ofIpv6,
      })
      return true
    },
    { ...soon, describe: 'the count in the Lease' },
  )
})

test('and in the end both sides agree', { timeout: 120_000 }, async () => {
  const report = await verifyOnce(clusters, acme)
  expect([...report.differences, ...report.moving]).toEqual([])
})
