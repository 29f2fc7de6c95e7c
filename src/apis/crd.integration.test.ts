import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApiServer, type TestApiServer } from '../testing/api-server.ts'
import { eventually } from '../testing/eventually.ts'
import { tenantControlPlaneCrd } from './crd.ts'
import { dataStoreCrd } from './data-store-crd.ts'
import type { KubeObject } from './kube-object.ts'
import { resourceTypes } from './resource-types.ts'
import { tenantClassCrd } from './tenant-class-crd.ts'
import { tenantControlPlaneSpec } from './tenant-control-plane.ts'

let server: TestApiServer
const type = resourceTypes.tenantControlPlanes

const aTenant = (name: string, spec: Record<string, unknown> = {}): KubeObject => ({
  apiVersion: 'berth.dev/v1alpha1',
  kind: 'TenantControlPlane',
  metadata: { name, namespace: 'default' },
  spec,
})

beforeAll(async () => {
  server = await startApiServer()
  await server.client.create(resourceTypes.customResourceDefinitions, tenantControlPlaneCrd())
  await server.client.create(resourceTypes.customResourceDefinitions, dataStoreCrd())
  await server.client.create(resourceTypes.customResourceDefinitions, tenantClassCrd())
  await eventually(() => server.client.list(resourceTypes.tenantClasses), { describe: 'the new resource' })
  await eventually(() => server.client.list(type), { describe: 'the new resource' })
  await eventually(() => server.client.list(resourceTypes.dataStores), { describe: 'the new resource' })
})
afterAll(() => server?.stop())

const widget = { group: 'example.com', version: 'v1', plural: 'widgets', kind: 'Widget' }

const given = { kind: 'external', endpoints: ['https://10.1.2.3:2379', 'https://[fd00::5]:2379'], secretName: 'etcd' }
const pool = { kind: 'shared', name: 'pool' }

describe('a tenant that cannot be', () => {
  test.for<[name: string, spec: Record<string, unknown>, refusal: RegExp]>([
    [
      'of an unknown version',
      { version: 'v1.30.0' },
      /spec\.version: Unsupported value: "v1\.30\.0": supported values: "v1\.37\.1", "v1\.36\.3"/,
    ],
    [
      'of no generation of keys',
      { certificates: { authorities: { generation: 0 } } },
      /spec\.certificates\.authorities\.generation/,
    ],
    ['with two etcd members', { dataStore: { replicas: 2 } }, /spec\.dataStore\.replicas: .*odd number of members: 1 or 3/],
    ['with a slice that is no CIDR', { network: { serviceSlice: '10.96.4' } }, /spec\.network\.serviceSlice: .*must be a CIDR/],
    [
      'with host bits in its slice',
      { network: { serviceSlice: '10.96.4.1/24' } },
      /spec\.network\.serviceSlice: .*host bits are zero/,
    ],
    [
      'with a slice too small',
      { network: { serviceSlice: '10.96.4.0/29' } },
      /spec\.network\.serviceSlice: .*\/28 \(16 addresses, the smallest/,
    ],
    ['with an IPv6 slice', { network: { serviceSlice: 'fd00:4::/120' } }, /spec\.network\.serviceSlice: .*must be IPv4/],
    ['with a cluster domain that is none', { network: { clusterDomain: 'a_b' } }, /spec\.network\.clusterDomain/],
    ['with a name no certificate can carry', { apiServer: { extraSANs: ['a b'] } }, /spec\.apiServer\.extraSANs\[0\]/],
    [
      'with a flag of Berth',
      { apiServer: { extraArgs: { 'etcd-servers': 'https://evil' } } },
      /spec\.apiServer\.extraArgs: .*not to be set: etcd-\*.*the data store and its encryption are kept by Berth/,
    ],
    [
      'with a flag of its controller manager that Berth sets',
      { controllerManager: { extraArgs: { controllers: '*' } } },
      /spec\.controllerManager\.extraArgs: .*not to be set: controllers.*Berth sets it/,
    ],
    [
      'with too many flags',
      { apiServer: { extraArgs: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`flag-${index}`, '1'])) } },
      /spec\.apiServer\.extraArgs: .*must have at most 32 items/,
    ],
    [
      'with a port of its way in and no name',
      { apiServer: { exposure: { port: 8443 } } },
      /spec\.apiServer\.exposure\.port: .*port goes with hostname/,
    ],
    [
      'with a node port and no type that has one',
      { apiServer: { exposure: { type: 'LoadBalancer', nodePort: 30_000 } } },
      /spec\.apiServer\.exposure\.nodePort: .*nodePort goes with type NodePort/,
    ],
    [
      'with a load balancer class and no load balancer',
      { apiServer: { exposure: { type: 'NodePort', loadBalancerClass: 'x' } } },
      /spec\.apiServer\.exposure: .*go with type LoadBalancer/,
    ],
    [
      'with source ranges that are none',
      { apiServer: { exposure: { type: 'LoadBalancer', sourceRanges: ['10.0.0.1'] } } },
      /sourceRanges: .*each must be a CIDR/,
    ],
    ['with a host name that is none', { apiServer: { exposure: { hostname: 'a_b' } } }, /spec\.apiServer\.exposure\.hostname/],
    ['of an unknown size', { size: 'huge' }, /spec\.size: Unsupported value: "huge"/],
    [
      "with a kind of Berth's own",
      { sync: { customKinds: [{ ...widget, group: 'berth.dev' }] } },
      /spec\.sync\.customKinds\[0\]\.group: .*Berth's own kinds are not for tenants/,
    ],
    [
      'with a kind of the Gateway API that nobody has rules for',
      {
        sync: {
          customKinds: [{ group: 'gateway.networking.k8s.io', version: 'v1', plural: 'referencegrants', kind: 'ReferenceGrant' }],
        },
      },
      /spec\.sync\.customKinds\[0\]: .*only Gateway, HTTPRoute, GRPCRoute of version v1/,
    ],
    [
      'with a kind by the name of one that is known',
      { sync: { customKinds: [{ ...widget, kind: 'Pod' }] } },
      /spec\.sync\.customKinds\[0\]\.kind: .*not synced by declaration/,
    ],
    [
      'with a kind of the core group',
      { sync: { customKinds: [{ ...widget, group: 'apps' }] } },
      /spec\.sync\.customKinds\[0\]\.group/,
    ],
    ['with a host that is none', { sync: { ingressHosts: ['*'] } }, /spec\.sync\.ingressHosts\[0\]/],
    [
      'on a shared store without its name',
      { dataStore: { kind: 'shared' } },
      /name: .*name goes with kind shared, which needs it/,
    ],
    [
      'with the name of a store and one of its own',
      { dataStore: { name: 'pool' } },
      /name: .*name goes with kind shared, which needs it/,
    ],
    [
      'on an external store without keys',
      { dataStore: { kind: 'external', endpoints: ['https://etcd.a.svc:2379'] } },
      /secretName: .*secretName goes with kind external, which needs it/,
    ],
    [
      'with a prefix on a shared store',
      { dataStore: { kind: 'shared', name: 'pool', prefix: '/a/' } },
      /prefix: .*prefix goes with kind external only/,
    ],
    [
      'with a storage class for what it does not store',
      { dataStore: { kind: 'shared', name: 'pool', storageClassName: 'fast' } },
      /storageClassName goes with kind dedicated only/,
    ],
    ...['a/', '/a', '/', '//a/', '/a/../b/', '/a/./'].map((prefix): [string, Record<string, unknown>, RegExp] => [
      `with ${prefix} as its prefix`,
      { dataStore: { ...given, prefix } },
      /spec\.dataStore\.prefix: .*should match/,
    ]),
    ...['http://a:2379', 'https://a', 'https://a:2379/b', 'https://u@a:2379', 'https://a b:1', 'a:2379'].map(
      (endpoint): [string, Record<string, unknown>, RegExp] => [
        `with ${endpoint} as its store`,
        { dataStore: { ...given, endpoints: [endpoint] } },
        /spec\.dataStore\.endpoints\[0\]: .*should match/,
      ],
    ),
    ...[
      'https://127.0.0.1:2379',
      'https://169.254.169.254:80',
      'https://0.0.0.0:1',
      'https://[::1]:1',
      'https://[::ffff:127.0.0.1]:1',
      'https://[fe80::1]:1',
    ].map((endpoint): [string, Record<string, unknown>, RegExp] => [
      `with ${endpoint} as its store`,
      { dataStore: { ...given, endpoints: [endpoint] } },
      /spec\.dataStore\.endpoints\[0\]: .*loopback and link-local addresses are no data stores/,
    ]),
    ['with too many API servers', { apiServer: { replicas: 6 } }, /spec\.apiServer\.replicas: .*less than or equal to 5/],
  ])('%s is refused with field and reason', async ([, spec, refusal]) => {
    await expect(server.client.create(type, aTenant('refused', spec))).rejects.toThrow(refusal)
  })

  test('with a name too long is refused', async () => {
    await expect(server.client.create(type, aTenant('a'.repeat(41)))).rejects.toThrow(/at most 40 characters/)
    await server.client.create(type, aTenant('a'.repeat(40)))
  })
})

describe('a change that cannot be', () => {
  const change = async (from: Record<string, unknown>, to: Record<string, unknown>): Promise<unknown> => {
    const name = `change-${Math.random().toString(36).slice(2)}`
    await server.client.create(type, aTenant(name, from))
    return server.client.patch(type, { name, namespace: 'default' }, { spec: to }, { type: 'merge' })
  }

  test.for<[name: string, from: Record<string, unknown>, to: Record<string, unknown>, refusal: RegExp]>([
    ['back to an older version', { version: 'v1.37.1' }, { version: 'v1.36.3' }, /spec\.version: .*cannot go back/],
    [
      'of the slice',
      { network: { serviceSlice: '10.96.4.0/24' } },
      { network: { serviceSlice: '10.96.5.0/24' } },
      /serviceSlice: .*cannot be changed/,
    ],
    ['to a slice of its own', {}, { network: { serviceSlice: '10.96.5.0/24' } }, /serviceSlice: .*cannot be changed/],
    ['of the cluster domain', {}, { network: { clusterDomain: 'b.c' } }, /clusterDomain: .*cannot be changed/],
    ['of its class into none', { className: 'gold' }, { className: null }, /className: .*cannot be taken away/],
    [
      'to a schedule without a storage',
      {},
      { backup: { schedule: '0 3 * * *' } },
      /backup\.storage: .*a schedule needs a storage/,
    ],
    ['of its storage class', {}, { dataStore: { storageClassName: 'x' } }, /storageClassName: .*cannot be changed/],
    [
      'of its authorities back to older ones',
      { certificates: { authorities: { generation: 2 } } },
      { certificates: { authorities: { generation: 1 } } },
      /spec\.certificates\.authorities\.generation: .*cannot go back/,
    ],
    [
      'of its authorities by two generations',
      {},
      { certificates: { authorities: { generation: 3 } } },
      /spec\.certificates\.authorities\.generation: .*moves by one/,
    ],
    [
      'of its service-account keys by two generations',
      {},
      { certificates: { serviceAccountKeys: { generation: 3 } } },
      /spec\.certificates\.serviceAccountKeys\.generation: .*moves by one/,
    ],
    [
      'of its old authorities into what is not known',
      {},
      { certificates: { authorities: { old: 'Keep' } } },
      /spec\.certificates\.authorities\.old: Unsupported value: "Keep"/,
    ],
  ])('%s is refused', async ([, from, to, refusal]) => {
    await expect(change(from, to)).rejects.toThrow(refusal)
  })

  test.for<[name: string, from: Record<string, unknown>, to: Record<string, unknown>]>([
    ['of its class', { className: 'gold' }, { className: 'silver' }],
    ['to a class', {}, { className: 'gold' }],
    [
      'to a schedule of its own, of a tenant whose class has the storage',
      { className: 'gold' },
      { backup: { schedule: '0 3 * * *' } },
    ],
    ['to a kind of store, where it was left to a default', {}, { dataStore: pool }],
    ['to the next minor', { version: 'v1.36.3' }, { version: 'v1.37.1' }],
    ['of size and replicas', {}, { size: 'medium', apiServer: { replicas: 2 } }],
    ['of the size of a disk that is not there yet', { dataStore: { storageSize: '4Gi' } }, { dataStore: { storageSize: '2Gi' } }],
    ['of the number of etcd members', {}, { dataStore: { replicas: 3 } }],
    [
      'of the way in',
      { apiServer: { exposure: { type: 'NodePort', nodePort: 30_001 } } },
      { apiServer: { exposure: { type: 'LoadBalancer', hostname: 'acme.example.com', nodePort: null } } },
    ],
    ['of flags', {}, { apiServer: { extraArgs: { 'event-ttl': '2h' } }, controllerManager: { extraArgs: { v: '3' } } }],
    [
      'to the next generation of keys',
      {},
      { certificates: { authorities: { generation: 2 }, serviceAccountKeys: { generation: 2, old: 'CutNow' } } },
    ],
    ['of the keys of an external store', { dataStore: given }, { dataStore: { secretName: 'other' } }],
    ['to another kind of store', { dataStore: pool }, { dataStore: { kind: 'dedicated', name: null, storageSize: '4Gi' } }],
    ['to a shared store', { dataStore: { storageClassName: 'x' } }, { dataStore: { ...pool, storageClassName: null } }],
    ['to another shared store', { dataStore: pool }, { dataStore: { name: 'other' } }],
    ['of the prefix', { dataStore: given }, { dataStore: { prefix: '/b/' } }],
    ['to another etcd', { dataStore: given }, { dataStore: { endpoints: ['https://10.1.2.4:2379'] } }],
    ['of size on a shared store', { dataStore: pool }, { size: 'large' }],
  ])('%s is taken', async ([, from, to]) => {
    await expect(change(from, to)).resolves.toMatchObject({
      spec: JSON.parse(JSON.stringify(to, (_, value) => value ?? undefined)),
    })
  })
})

type Store = Record<string, unknown>

test.for<[name: string, noted: Store, from: Store, to: Store, isTaken: boolean]>([
  ['a larger one', { storageSize: '2Gi' }, {}, { storageSize: '4Gi' }, true],
  ['the same in other words', { storageSize: '2Gi' }, { storageSize: '2Gi' }, { storageSize: '2048Mi' }, true],
  ['a smaller one', { storageSize: '4Gi' }, { storageSize: '4Gi' }, { storageSize: '3999Mi' }, false],
  ['a smaller one than the default', { storageSize: '2Gi' }, {}, { storageSize: '1Gi' }, false],
  ['one that looks smaller', { storageSize: '900Mi' }, { storageSize: '900Mi' }, { storageSize: '1Gi' }, true],
  ['none any more, which is the default', { storageSize: '4Gi' }, { storageSize: '4Gi' }, { storageSize: null }, false],
  ['none any more, as it is the default', { storageSize: '2Gi' }, { storageSize: '2Gi' }, { storageSize: null }, true],
  ['what it has, where more could not be had', { storageSize: '2Gi' }, { storageSize: '9Gi' }, { storageSize: '2Gi' }, true],
  ['another field, where it says less than it has', { storageSize: '4Gi' }, { storageSize: '1Gi' }, { replicas: 3 }, true],
  ['a store elsewhere', { storageSize: '4Gi' }, { storageSize: '4Gi' }, { kind: 'shared', name: 'a', storageSize: null }, true],
])('of a disk, %s', async ([, noted, from, to, isTaken]) => {
  const ref = { name: `disk-${Math.random().toString(36).slice(2)}`, namespace: 'default' }
  const created = await server.client.create(type, aTenant(ref.name, { dataStore: from }))
  const status = { dataStore: { kind: 'dedicated', ...noted } }
  await server.client.replace(type, { ...created, status }, { subresource: 'status' })
  const changed = server.client.patch(type, ref, { spec: { dataStore: to } }, { type: 'merge' })
  if (isTaken) await expect(changed).resolves.toBeDefined()
  else await expect(changed).rejects.toThrow(/spec\.dataStore\.storageSize: .*a disk never shrinks/)
})

test.for<[phase: string, isTaken: boolean]>([
  ['Blocked', true],
  ['Verifying', true],
  ['Failed', true],
  ['Done', false],
])('an upgrade that is %s can be taken back: %s', async ([phase, isTaken]) => {
  const ref = { name: `upgrade-${phase.toLowerCase()}`, namespace: 'default' }
  const created = await server.client.create(type, aTenant(ref.name, { version: 'v1.37.1' }))
  const upgrade = { from: 'v1.36.3', to: 'v1.37.1', request: 'r', phase, message: 'm', startedAt: '2026-06-01T00:00:00Z' }
  await server.client.replace(type, { ...created, status: { upgrade } }, { subresource: 'status' })
  const back = server.client.patch(type, ref, { spec: { version: 'v1.36.3' } }, { type: 'merge' })
  if (isTaken) await expect(back).resolves.toMatchObject({ spec: { version: 'v1.36.3' } })
  else await expect(back).rejects.toThrow(/spec\.version: .*cannot go back/)
})

const groups = {
  apiServer: {},
  controllerManager: {},
  dataStore: {},
  certificates: { authorities: {}, serviceAccountKeys: {} },
  network: {},
  sync: {},
  backup: {},
  upgrade: {},
  isolation: {},
}

test('what a user did not write is not stored, but for the groups it would be in', async () => {
  const created = await server.client.create(type, aTenant('defaults', { size: 'medium', network: { clusterDomain: 'a.b' } }))
  expect(created.spec).toEqual({ ...groups, size: 'medium', network: { clusterDomain: 'a.b' } })
})

test('an object that an older Berth stored with every default stays as it is, and changes as it did', async () => {
  const spec = JSON.parse(JSON.stringify(tenantControlPlaneSpec.parse({ version: 'v1.36.3' })))
  const name = 'stored-before'
  const created = await server.client.create(type, aTenant(name, spec))
  expect(created.spec).toEqual(spec)
  const change = (to: object) => server.client.patch(type, { name, namespace: 'default' }, { spec: to }, { type: 'merge' })
  await expect(change({ network: { clusterDomain: 'other.local' } })).rejects.toThrow(/clusterDomain cannot be changed/)
  await expect(change({ certificates: { authorities: { generation: 3 } } })).rejects.toThrow(/moves by one/)
  await expect(change({ version: 'v1.37.1', size: 'large' })).resolves.toMatchObject({
    spec: { ...spec, version: 'v1.37.1', size: 'large' },
  })
})

test('a version that was left to a default cannot go back either, once it runs', async () => {
  const at = { name: 'left-to-default', namespace: 'default' }
  await server.client.create(type, aTenant(at.name))
  const change = (version: string | null) => server.client.patch(type, at, { spec: { version } }, { type: 'merge' })
  await change('v1.36.3')
  await change(null)
  await server.client.patch(type, at, { status: { version: 'v1.37.1' } }, { type: 'merge', subresource: 'status' })
  await expect(change('v1.36.3')).rejects.toThrow(/spec\.version: .*cannot go back/)
  await change('v1.37.1')
  await change(null)
  await expect(change('v1.36.3')).rejects.toThrow(/cannot go back/)
})

describe('a TenantClass', () => {
  const aClass = (name: string, spec: Record<string, unknown>): KubeObject => ({
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'TenantClass',
    metadata: { name },
    spec,
  })

  test.for<[name: string, spec: Record<string, unknown>, refusal: RegExp]>([
    ['with a version that is not served', { defaults: { version: 'v1.12.0' } }, /spec\.defaults\.version: Unsupported value/],
    ['with a limit of a size that is none', { limits: { sizes: ['huge'] } }, /spec\.limits\.sizes\[0\]: Unsupported value/],
    ['with two members of etcd', { defaults: { dataStore: { replicas: 2 } } }, /odd number of members/],
    ['with a shared store and no name', { defaults: { dataStore: { kind: 'shared' } } }, /name goes with kind shared/],
    ['with an etcd of one tenant for all', { defaults: { dataStore: { kind: 'external' } } }, /for one tenant/],
    [
      "with a flag of Berth's",
      { defaults: { apiServer: { extraArgs: { 'etcd-servers': 'https://evil' } } } },
      /spec\.defaults\.apiServer\.extraArgs: .*not to be set/,
    ],
    [
      'with a request above its limit',
      { sizes: { small: { etcd: { requests: { memory: '2Gi' }, limits: { memory: '1024Mi' } } } } },
      /spec\.sizes\.small\.etcd\.limits: .*cannot be more than the limit/,
    ],
    ['with no room to change anybody', { rollout: { maxConcurrent: 0 } }, /spec\.rollout\.maxConcurrent/],
  ])('%s is refused', async ([, spec, refusal]) => {
    await expect(server.client.create(resourceTypes.tenantClasses, aClass('refused', spec))).rejects.toThrow(refusal)
  })

  test('with a name too long is refused', async () => {
    await expect(server.client.create(resourceTypes.tenantClasses, aClass('a'.repeat(64), {}))).rejects.toThrow(/63 characters/)
  })

  test('holds what its operator wrote, and no defaults of tenants', async () => {
    const spec = {
      defaults: { size: 'medium', apiServer: { extraArgs: { v: '2' } }, dataStore: { kind: 'shared', name: 'pool' } },
    }
    const made = await server.client.create(resourceTypes.tenantClasses, aClass('whole', spec))
    expect(made.spec).toEqual({ ...spec, rollout: {} })
  })
})

describe('a DataStore', () => {
  const aStore = (name: string, spec: Record<string, unknown>): KubeObject => ({
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'DataStore',
    metadata: { name },
    spec,
  })
  const endpoint = 'https://etcd.stores.svc:2379'

  test.for<[name: string, spec: Record<string, unknown>, refusal: RegExp]>([
    ['without endpoints', { endpoints: [], secretRef: { name: 'a' } }, /spec\.endpoints: .*at least 1/],
    ['with ten', { endpoints: Array(10).fill(endpoint), secretRef: { name: 'a' } }, /spec\.endpoints: .*at most 9/],
    ['without keys', { endpoints: [endpoint] }, /spec\.secretRef: Required/],
    ['at a node itself', { endpoints: ['https://127.0.0.1:2379'], secretRef: { name: 'a' } }, /loopback and link-local/],
  ])('%s is refused', async ([, spec, refusal]) => {
    await expect(server.client.create(resourceTypes.dataStores, aStore('refused', spec))).rejects.toThrow(refusal)
  })

  test("takes its Secret from Berth's own namespace unless told otherwise", async () => {
    const made = await server.client.create(
      resourceTypes.dataStores,
      aStore('pool', { endpoints: [endpoint], secretRef: { name: 'a' } }),
    )
    expect(made['spec'].secretRef).toEqual({ name: 'a', namespace: 'berth-system' })
  })
})
