import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import { inForce } from '../../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient } from '../../kube/client.ts'
import { controlPlaneLabel } from '../../tenancy/marks.ts'
import type { TestApiServer } from '../../testing/api-server.ts'
import { startPlaneServer } from '../../testing/plane-server.ts'
import { typeOf } from '../apply.ts'
import { serviceRanges } from '../components/service-ranges.ts'
import type { TellEvent } from '../deps.ts'
import { sameCluster } from '../super-cluster.ts'
import { createSliceLock, growSlices, recordSlice } from './slice.ts'
import { releaseSlices } from './slice-claims.ts'

const type = resourceTypes.tenantControlPlanes
let server: TestApiServer
let kube: KubeClient

/** Of the IPv6 range's four blocks of 256 the first is super's own. */
beforeAll(async () => {
  server = await startPlaneServer('10.96.0.0/16,fd00:96::/118')
  kube = server.client
}, 120_000)
afterAll(() => server?.stop())

const told: string[] = []
const tell: TellEvent = (_, { reason, message }) => void told.push(`${reason}: ${message}`)
const deps = () => ({
  kube,
  superCluster: sameCluster(kube),
  tell,
  signal: new AbortController().signal,
  lock: createSliceLock(),
})
const at = (name: string) => ({ name, namespace: 'default' })
const create = (name: string, spec: object = {}): Promise<TenantControlPlane> =>
  kube.create<KubeObject>(type, {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'TenantControlPlane',
    metadata: at(name),
    spec,
  }) as Promise<TenantControlPlane>
const read = async (name: string): Promise<TenantControlPlane> => {
  const tenant = await kube.get<TenantControlPlane>(type, at(name))
  if (!tenant) throw new Error(`no tenant ${name}`)
  return inForce(tenant)
}
const statusSlices = async (name: string) => {
  const { status } = await read(name)
  return [status?.serviceSlice, status?.serviceSlices]
}

test('a tenant gets a slice of each family, at once and for good', async () => {
  const tenant = await create('first')
  const recorded = await recordSlice(tenant, deps())
  expect(await statusSlices('first')).toEqual(['10.96.1.0/24', ['10.96.1.0/24', 'fd00:96::100/120']])
  await recordSlice(recorded, deps())
  expect((await read('first')).metadata.resourceVersion).toBe(recorded.metadata.resourceVersion)
  expect(told).toEqual([])
})

test('one that asks for an IPv4 slice gets an IPv6 one beside it', async () => {
  await recordSlice(await create('asks', { network: { serviceSlice: '10.96.7.0/28' } }), deps())
  expect(await statusSlices('asks')).toEqual(['10.96.7.0/28', ['10.96.7.0/28', 'fd00:96::200/120']])
})

test('what a leader claimed before it died is what the next one records', async () => {
  const tenant = await create('late')
  const dying: KubeClient = { ...kube, replace: () => Promise.reject(new Error('killed')) }
  await expect(recordSlice(tenant, { ...deps(), kube: dying })).rejects.toThrow('killed')
  expect(await statusSlices('late')).toEqual([undefined, undefined])
  const claim = await kube.get<KubeObject>(resourceTypes.ipAddresses, { name: 'fd00:96::300' })
  expect(claim).toMatchObject({
    metadata: { labels: { [controlPlaneLabel]: tenant.metadata.uid } },
    spec: { parentRef: { group: 'berth.dev', resource: 'tenantcontrolplanes', namespace: 'default', name: 'late' } },
  })
  await recordSlice(await read('late'), deps())
  expect(await statusSlices('late')).toEqual(['10.96.2.0/24', ['10.96.2.0/24', 'fd00:96::300/120']])
})

test('a ServiceCIDR object makes no family: a super of one stays so, and one with IPv6 first has no tenants', async () => {
  const range = (name: string, cidrs: string[]) => ({ metadata: { name }, spec: { cidrs } })
  const withRanges = (...items: object[]): KubeClient => ({
    ...kube,
    list: (async (of: ResourceType, options: object) =>
      of.plural === 'servicecidrs' ? { items, metadata: {} } : kube.list(of, options)) as KubeClient['list'],
  })
  const tenant = await create('lone')
  const ipv6First = withRanges(range('kubernetes', ['fd00:96::/118', '10.96.0.0/16']))
  await expect(recordSlice(tenant, { ...deps(), superCluster: sameCluster(ipv6First) })).rejects.toThrow(
    /have IPv6 addresses first/,
  )
  await recordSlice(tenant, {
    ...deps(),
    superCluster: sameCluster(withRanges(range('kubernetes', ['10.96.0.0/16']), range('more', ['fd00:96::/118']))),
  })
  expect(await statusSlices('lone')).toEqual(['10.96.3.0/24', undefined])
})

test('where no IPv6 block is left the tenant has IPv4, and its operator is told', async () => {
  await recordSlice(await create('full'), deps())
  expect(await statusSlices('full')).toEqual(['10.96.4.0/24', undefined])
  expect(told.splice(0)).toEqual([
    "NoIPv6Slice: no free /120 is left in 10.96.0.0/16, fd00:96::/118: the tenant's Services have IPv4 addresses only, for good",
  ])
})

test('a family grows when its own slices are full', async () => {
  await releaseSlices((await read('late')).metadata.uid ?? '', deps())
  await kube.delete(type, at('late'))
  const tenant = await read('first')
  expect(await growSlices(tenant, { IPv4: 20, IPv6: 191 }, deps())).toBe(tenant)
  await growSlices(tenant, { IPv4: 20, IPv6: 192 }, deps())
  const [, slices] = await statusSlices('first')
  expect(slices).toEqual(['10.96.1.0/24', 'fd00:96::100/120', 'fd00:96::300/120'])
  expect(told.splice(0)).toEqual(['ServiceSliceAdded: Services may have addresses of fd00:96::300/120 too'])
  // A tenant of one family never grows into the other.
  const full = await read('full')
  expect(await growSlices(full, { IPv6: 1000 }, deps())).toBe(full)
  // Both at once; of IPv6 there is no more.
  const once = deps()
  await growSlices(await read('first'), { IPv4: 254, IPv6: 510 }, once)
  expect((await statusSlices('first'))[1]).toHaveLength(4)
  expect(told.splice(0)).toEqual([
    expect.stringMatching(/^ServiceSliceAdded: Services may have addresses of 10\.96\.\d+\.0\/24 too$/),
    expect.stringMatching(/^ServiceAddressesExhausted: no free block of 256 IPv6 addresses is left/),
  ])
  // What the flags of the tenant's API server do not name are ranges of their own there.
  const ranges = serviceRanges((await read('first')).status?.serviceSlices ?? [])
  expect(ranges).toHaveLength(2)
  for (const range of ranges) await kube.apply(typeOf(range), range, { fieldManager: 'test' })
})
