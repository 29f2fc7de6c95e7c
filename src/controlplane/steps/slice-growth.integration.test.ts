import { afterAll, beforeAll, expect, test } from 'vitest'
import { resourceTypes } from '../../apis/resource-types.ts'
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
import { createSliceLock, growSlices } from './slice.ts'
import { releaseSlices } from './slice-claims.ts'

const type = resourceTypes.tenantControlPlanes
let server: TestApiServer
let kube: KubeClient

beforeAll(async () => {
  server = await startPlaneServer('10.96.0.0/21')
  kube = server.client
}, 120_000)
afterAll(() => server?.stop())

const told: string[] = []
const tell: TellEvent = (_, { reason }) => void told.push(reason)
const deps = () => ({
  kube,
  superCluster: sameCluster(kube),
  tell,
  signal: new AbortController().signal,
  lock: createSliceLock(),
})

/** Of the eight /24 of super's range the first is super's own, in the sixth there is a Service. */
const createTenant = async (name: string, serviceSlice: string, spec: object = {}): Promise<TenantControlPlane> => {
  const metadata = { name, namespace: 'default' }
  await kube.create(type, { apiVersion: 'berth.dev/v1alpha1', kind: 'TenantControlPlane', metadata, spec })
  const status = { serviceSlice }
  return inForce(await kube.patch<TenantControlPlane>(type, metadata, { status }, { type: 'merge', subresource: 'status' }))
}
const read = async (name: string): Promise<TenantControlPlane | undefined> => {
  const stored = await kube.get<TenantControlPlane>(type, { name, namespace: 'default' })
  return stored && inForce(stored)
}
const grow = async (name: string, used: number, given = deps()) => {
  const tenant = await read(name)
  if (!tenant) throw new Error(`no tenant ${name}`)
  return (await growSlices(tenant, { IPv4: used }, given)).status?.serviceSlices
}

test('slices grow as they fill, never overlap, and end where the plan or the range does', { timeout: 60_000 }, async () => {
  await kube.create(resourceTypes.services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'foreign', namespace: 'default' },
    spec: { clusterIP: '10.96.5.9', ports: [{ port: 80 }] },
  })
  await createTenant('wide', '10.96.1.0/24', { network: { maxServiceSlices: 3 } })
  await createTenant('other', '10.96.2.0/24')
  expect(await grow('wide', 190)).toBeUndefined()
  expect(told).toEqual([])

  // Both at the same moment, from one process.
  const shared = deps()
  const both = (await Promise.all([grow('wide', 191, shared), grow('other', 254, shared)])).flat()
  expect(new Set(both)).toEqual(new Set(['10.96.1.0/24', '10.96.2.0/24', '10.96.3.0/24', '10.96.4.0/24']))
  expect(both).toHaveLength(4)
  expect((await read('wide'))?.status?.serviceSlices).toHaveLength(2)
  expect(told.splice(0)).toEqual(['ServiceSliceAdded', 'ServiceSliceAdded'])

  expect(await grow('wide', 400)).toHaveLength(3)
  expect(told.splice(0)).toEqual(['ServiceSliceAdded'])
  // The plan allows no more: told once.
  const once = deps()
  expect(await grow('wide', 700, once)).toHaveLength(3)
  expect(await grow('wide', 701, once)).toHaveLength(3)
  expect(told.splice(0)).toEqual(['ServiceAddressesExhausted'])
  // The last /24 of the range goes to the other, then there is none left.
  expect(await grow('other', 500)).toHaveLength(3)
  expect(await grow('other', 760)).toHaveLength(3)
  expect(told.splice(0)).toEqual(['ServiceSliceAdded', 'ServiceAddressesExhausted'])
  const all = [...((await read('wide'))?.status?.serviceSlices ?? []), ...((await read('other'))?.status?.serviceSlices ?? [])]
  expect(new Set(all).size).toBe(6)
  expect(all).not.toContain('10.96.5.0/24')
})

test('nothing is given to a tenant that has changed meanwhile', async () => {
  const stale = await createTenant('stale', '10.96.0.16/28')
  await kube.patch(type, { name: 'stale', namespace: 'default' }, { metadata: { labels: { a: 'b' } } }, { type: 'merge' })
  await releaseSlices((await read('other'))?.metadata.uid ?? '', deps())
  await kube.delete(type, { name: 'other', namespace: 'default' })
  await expect(growSlices(stale, { IPv4: 14 }, deps())).rejects.toMatchObject({ code: 'KUBE_CONFLICT' })
  expect((await read('stale'))?.status?.serviceSlices).toBeUndefined()
  await releaseSlices(stale.metadata.uid ?? '', deps())
})

test('of two leaders that pick the same slice one gets it, and the other the next one', async () => {
  const rival = await createTenant('rival', '10.96.0.32/28')
  let raced = false
  const late: KubeClient = {
    ...kube,
    // The other leader is quicker, by as little as can be.
    create: async (of, object, options) => {
      if (!raced) await growSlices(rival, { IPv4: 14 }, deps())
      raced = true
      return kube.create(of, object, options)
    },
  }
  await expect(grow('stale', 14, { ...deps(), superCluster: sameCluster(late) })).rejects.toMatchObject({ code: 'KUBE_CONFLICT' })
  const [, picked] = (await read('rival'))?.status?.serviceSlices ?? []
  expect((await read('stale'))?.status?.serviceSlices).toBeUndefined()
  const slices = await grow('stale', 14)
  expect(slices).toHaveLength(2)
  expect(slices).not.toContain(picked)
})

test('a leader that dies between its claim and its record has claimed for the next one', async () => {
  const dying: KubeClient = { ...kube, replace: () => Promise.reject(new Error('killed')) }
  await createTenant('cut', '10.96.0.48/28')
  const addresses = async () => (await kube.list(resourceTypes.ipAddresses, { labelSelector: controlPlaneLabel })).items.length
  const before = await addresses()
  await expect(grow('cut', 14, { ...deps(), kube: dying })).rejects.toThrow('killed')
  expect(await addresses()).toBe(before + 1)
  await grow('cut', 14)
  expect(await addresses()).toBe(before + 1)
  await releaseSlices((await read('cut'))?.metadata.uid ?? '', deps())
  expect(await addresses()).toBe(before)
})

test('the tenant has a ServiceCIDR for each slice but the first', async () => {
  expect(serviceRanges(['10.96.4.0/24'])).toEqual([])
  for (const range of serviceRanges(['10.96.4.0/24', '10.96.9.0/24'])) {
    const live = await kube.apply(typeOf(range), range, { fieldManager: 'test' })
    expect(live.spec.cidrs).toEqual(['10.96.9.0/24'])
  }
})
