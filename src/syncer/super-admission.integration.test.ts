import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { tenantIdentity } from '../tenancy/names.ts'
import { aNamespace } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { policiesInForce } from '../testing/policies-in-force.ts'
import {
  accountAccess,
  hostAccess,
  narrowed,
  type PodRow,
  settingsPassed,
  superPod,
  tolerations,
  wayOut,
  withinNarrowed,
} from '../testing/raw-writes.ts'
import { makeSuperNamespace } from '../testing/super-namespace.ts'
import { aSyncContext } from '../testing/sync-builders.ts'
import { type SyncClusters, startSyncClusters } from '../testing/sync-clusters.ts'

// Super's own policies, with nothing of Berth's before them: raw writes as who got hold of a tenant's identity would make them, no syncer anywhere.
const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const {
  pods,
  namespaces,
  services,
  endpointSlices,
  persistentVolumeClaims,
  secrets,
  configMaps,
  networkPolicies,
  runtimeClasses,
} = resourceTypes
const soon = { deadlineMs: 30_000 }

const baseline = aSyncContext()
const kept = {
  ...baseline,
  ...aSyncContext({ classes: { runtime: { forced: 'gvisor' } }, isolation: { nodePool: { nodeSelector: { pool: 'acme' } } } }),
  tenant: { ...baseline.tenant, uid: 'kept-uid', name: 'kept' },
}
const trusted = {
  ...aSyncContext({ isolation: { profile: 'privileged' } }),
  tenant: { ...baseline.tenant, uid: 'trusted-uid', name: 'trusted' },
}

const narrow = { ...aSyncContext({ isolation: narrowed }), tenant: { ...baseline.tenant, uid: 'narrow-uid', name: 'narrow' } }

let clusters: SyncClusters
let syncerAccount: KubeClient
let shop: string
let ofKept: string
let ofTrusted: string
let ofNarrow: string
const superOf = () => clusters.superApi.client
const asTenant = (uid: string) => superOf().as(tenantIdentity(uid))
let sequence = 0
const next = () => `raw-${(sequence += 1)}`

beforeAll(async () => {
  clusters = await startSyncClusters([], { log })
  syncerAccount = createKubeClient(clusters.syncerConnection, { userAgent: 'berth-test' })
  ;[shop, ofKept, ofTrusted, ofNarrow] = (await Promise.all(
    (
      [
        [baseline, 'shop'],
        [kept, 'kept'],
        [trusted, 'trusted'],
        [narrow, 'narrow'],
      ] as const
    ).map(([ctx, name]) => makeSuperNamespace(name, { ctx, syncer: syncerAccount })),
  )) as [string, string, string, string]
  // What an operator, or a controller of a distribution, may do: from here on Pod Security admission lets all in.
  for (const name of [shop, ofKept])
    await superOf().patch(
      namespaces,
      { name },
      { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } } },
      { type: 'merge' },
    )
  for (const name of ['gvisor', 'runc'])
    await superOf().create(runtimeClasses, {
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name },
      handler: name,
    } as KubeObject)
  await policiesInForce(superOf())
}, 300_000)

afterAll(async () => {
  await syncerAccount?.close()
  await clusters?.stop()
}, 60_000)

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** `made`, or what super said. */
const answer = async (
  client: KubeClient,
  type: ResourceType,
  object: KubeObject,
  options: { dryRun?: boolean } = {},
): Promise<string> => client.create(type, object, options).then(() => 'made', messageOf)

const tryPod = (
  row: PodRow['hostile'],
  { namespace, tenant, client = asTenant(tenant) }: { namespace: string; tenant: string; client?: KubeClient },
) => answer(client, pods, superPod(row, { name: next(), namespace, tenant }))

describe('a way to the machine is shut by super alone', () => {
  test.for(hostAccess)('$name', async ({ hostile, harmless = {}, told }) => {
    const { uid: tenant } = baseline.tenant
    expect(await tryPod(harmless, { namespace: shop, tenant })).toBe('made')
    expect(await tryPod(hostile, { namespace: shop, tenant })).toMatch(told)
    // Whoever makes it.
    expect(await tryPod(hostile, { namespace: shop, tenant, client: superOf() })).toMatch(told)
  })

  test('and open to a tenant that is trusted with the machines', async () => {
    const { uid: tenant } = trusted.tenant
    for (const { hostile, name } of hostAccess.filter((row) => !['gitRepo', 'the priority of the system'].includes(row.name)))
      expect([name, await tryPod(hostile, { namespace: ofTrusted, tenant })]).toEqual([name, 'made'])
  })
})

describe('machines that are not for tenants stay so', () => {
  test.for(tolerations)('$name', async ({ hostile, harmless = {}, told }) => {
    const { uid: tenant } = trusted.tenant
    expect(await tryPod(harmless, { namespace: ofTrusted, tenant })).toBe('made')
    expect(await tryPod(hostile, { namespace: ofTrusted, tenant })).toMatch(told)
  })
})

test('no image runs that was not pulled for it, where the operator says so', async () => {
  const { uid: tenant } = trusted.tenant
  const say = (value: string) => {
    const metadata = { annotations: { 'berth.dev/pull-always': value } }
    return superOf().patch(namespaces, { name: ofTrusted }, { metadata }, { type: 'merge' })
  }
  const pulled = (imagePullPolicy: string) => ({
    containers: [{ name: 'main', image: 'registry.example/web:1', imagePullPolicy }],
  })
  const attempt = (imagePullPolicy: string) => tryPod(pulled(imagePullPolicy), { namespace: ofTrusted, tenant })
  expect(await attempt('Never')).toBe('made')
  await say('true')
  await eventually(async () => /pulled each time/.test(await attempt('Never')), { ...soon, describe: 'the refusal' })
  expect(await attempt('IfNotPresent')).toMatch(/pulled each time/)
  expect(await attempt('Always')).toBe('made')
  await say('false')
  await eventually(async () => (await attempt('Never')) === 'made', { ...soon, describe: 'the word taken back' })
})

describe('an account of super is out of reach', () => {
  test.for(accountAccess)('$name', async ({ hostile, harmless = {}, told }) => {
    const { uid: tenant } = trusted.tenant
    expect(await tryPod(harmless, { namespace: ofTrusted, tenant })).toBe('made')
    expect(await tryPod(hostile, { namespace: ofTrusted, tenant })).toMatch(told)
  })
})

describe('what the operator has set holds', () => {
  const ways = { runtimeClassName: 'gvisor', nodeSelector: { pool: 'acme' } }
  test.for(wayOut)('$name', async ({ hostile, harmless = {}, told }) => {
    const { uid: tenant } = kept.tenant
    expect(await tryPod({ ...ways, ...harmless }, { namespace: ofKept, tenant })).toBe('made')
    expect(await tryPod({ ...ways, ...hostile }, { namespace: ofKept, tenant })).toMatch(told)
  })
})

describe('settings that are stricter than a Pod Security level hold', () => {
  const { uid: tenant } = narrow.tenant
  test.for(settingsPassed)('$name', async ({ hostile, harmless = {}, told }) => {
    expect(await tryPod({ ...withinNarrowed, ...harmless }, { namespace: ofNarrow, tenant })).toBe('made')
    expect(await tryPod({ ...withinNarrowed, ...hostile }, { namespace: ofNarrow, tenant })).toMatch(told)
  })

  test('for a debug container too', async () => {
    const name = next()
    await asTenant(tenant).create(pods, superPod(withinNarrowed, { name, namespace: ofNarrow, tenant }))
    const debug = (container: object) =>
      asTenant(tenant)
        .patch(
          pods,
          { name, namespace: ofNarrow },
          { spec: { ephemeralContainers: [{ name: 'a', image: 'x', imagePullPolicy: 'Always', ...container }] } },
          { type: 'strategic', subresource: 'ephemeralcontainers' },
        )
        .then(() => 'made', messageOf)
    expect(await debug({})).toMatch(/more rights/)
    expect(await debug({ securityContext: { allowPrivilegeEscalation: false, runAsUser: 0 } })).toMatch(/runs as root/)
    expect(await debug({ securityContext: { allowPrivilegeEscalation: false } })).toBe('made')
  })

  test('and a pod of Windows is not asked for fields of Linux', async () => {
    const windows = { ...withinNarrowed, hostUsers: undefined, os: { name: 'windows' } }
    const plain = { containers: [{ name: 'main', image: 'registry.example/web:1', imagePullPolicy: 'Always' }] }
    expect(await tryPod({ ...windows, ...plain }, { namespace: ofNarrow, tenant })).toBe('made')
  })
})

test('a debug container is held to the same', async () => {
  const { uid: tenant } = baseline.tenant
  const name = next()
  await asTenant(tenant).create(pods, superPod({}, { name, namespace: shop, tenant }))
  const debug = (container: object) =>
    asTenant(tenant)
      .patch(
        pods,
        { name, namespace: shop },
        { spec: { ephemeralContainers: [container] } },
        { type: 'strategic', subresource: 'ephemeralcontainers' },
      )
      .then(() => 'made', messageOf)
  expect(await debug({ name: 'a', image: 'x', securityContext: { privileged: true } })).toMatch(/privileged/)
  expect(await debug({ name: 'a', image: 'x', securityContext: { capabilities: { add: ['SYS_PTRACE'] } } })).toMatch(/capability/)
  expect(await debug({ name: 'a', image: 'x' })).toBe('made')
})

test("a pod's address is not for a tenant to say, its conditions are", async () => {
  const { uid: tenant } = baseline.tenant
  const name = next()
  await asTenant(tenant).create(pods, superPod({}, { name, namespace: shop, tenant }))
  const status = (fields: object) =>
    asTenant(tenant)
      .patch(pods, { name, namespace: shop }, { status: fields }, { type: 'strategic', subresource: 'status' })
      .then(() => 'made', messageOf)
  expect(await status({ podIPs: [{ ip: '10.124.0.11' }], podIP: '10.124.0.11' })).toMatch(/addresses of pods/)
  expect(await status({ conditions: [{ type: 'example.org/gate', status: 'True' }] })).toBe('made')
})

/** Objects beside pods, as somebody who speaks as the tenant writes them: hostile, harmless, and what super says. */
const object = (name: string, fields: object, metadata: object = {}): KubeObject =>
  ({ metadata: { name, labels: { 'berth.dev/tenant': baseline.tenant.uid }, ...metadata }, ...fields }) as KubeObject
const service = (spec: object) => ({ spec: { ports: [{ port: 80 }], ...spec } })
const slice = (address: string, more: object = {}) => ({
  addressType: address.includes(':') ? 'IPv6' : 'IPv4',
  endpoints: [{ addresses: [address], ...more }],
})
const claim = (spec: object = {}) => ({
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
})
const bound = { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }

type Row = readonly [name: string, type: ResourceType, hostile: object, harmless: object, told: RegExp, metadata?: object]
const rows: readonly Row[] = [
  ['an external IP', services, service({ externalIPs: ['192.0.2.1'] }), service({}), /external IP/],
  [
    'a load balancer at an address of its choice',
    services,
    service({ type: 'LoadBalancer', loadBalancerIP: '192.0.2.1' }),
    service({ type: 'LoadBalancer' }),
    /loadBalancerIP/,
  ],
  [
    'another name',
    services,
    { spec: { type: 'ExternalName', externalName: 'x.example' } },
    service({ type: 'NodePort' }),
    /ExternalName/,
  ],
  ['endpoints at a metadata service', endpointSlices, slice('fd00:ec2::254'), slice('fd00::1'), /metadata service/],
  ['endpoints at one of another cloud', endpointSlices, slice('168.63.129.16'), slice('192.0.2.1'), /metadata service/],
  [
    'endpoints that name a pod',
    endpointSlices,
    slice('192.0.2.1', { targetRef: { kind: 'Pod', name: 'x' } }),
    slice('192.0.2.2'),
    /targetRef/,
  ],
  [
    'endpoints by name',
    endpointSlices,
    { addressType: 'FQDN', endpoints: [{ addresses: ['x.example'] }] },
    slice('192.0.2.1'),
    /not names/,
  ],
  ['a claim to a volume by name', persistentVolumeClaims, claim({ volumeName: 'others' }), claim(), /volumeName/],
  ['a claim to a volume by label', persistentVolumeClaims, claim({ selector: { matchLabels: { a: 'b' } } }), claim(), /select/],
  ['a claim that says it is bound', persistentVolumeClaims, claim(), claim(), /binder/, bound],
  [
    'a Secret that super would fill with a token',
    secrets,
    { type: 'kubernetes.io/service-account-token' },
    { type: 'Opaque' },
    /tokens of this cluster/,
    { annotations: { 'kubernetes.io/service-account.name': 'berth-workload' } },
  ],
  [
    'a fitting',
    networkPolicies,
    { spec: { podSelector: {} } },
    { spec: { podSelector: {} } },
    /not for tenants to make/,
    { labels: { 'berth.dev/tenant': baseline.tenant.uid, 'app.kubernetes.io/managed-by': 'berth' } },
  ],
  [
    'an object of another tenant',
    configMaps,
    {},
    {},
    /its own berth.dev\/tenant label/,
    { labels: { 'berth.dev/tenant': 'other' } },
  ],
  ['an object of nobody', configMaps, {}, {}, /its own berth.dev\/tenant label/, { labels: {} }],
]

test.for(rows)("%s is not written in a tenant's name", async ([, type, hostile, harmless, told, metadata]) => {
  const client = asTenant(baseline.tenant.uid)
  const namespaced = (each: KubeObject): KubeObject => ({ ...each, metadata: { ...each.metadata, namespace: shop } })
  expect(await answer(client, type, namespaced(object(next(), harmless)))).toBe('made')
  expect(await answer(client, type, namespaced(object(next(), hostile, metadata)))).toMatch(told)
})

test('a claim is not led to another volume later', async () => {
  const client = asTenant(baseline.tenant.uid)
  const name = next()
  const made = await client.create<KubeObject>(persistentVolumeClaims, {
    ...object(name, claim()),
    metadata: { ...object(name, {}).metadata, namespace: shop },
  })
  expect(
    await client
      .replace(persistentVolumeClaims, { ...made, spec: { ...made.spec, volumeName: 'others' } })
      .then(() => 'made', messageOf),
  ).toMatch(/volumeName/)
})

test('what Berth fits a namespace with stays', async () => {
  const name = 'berth-base'
  const labels = { 'berth.dev/tenant': baseline.tenant.uid, 'app.kubernetes.io/managed-by': 'berth' }
  const made = await superOf().create<KubeObject>(networkPolicies, {
    metadata: { name, namespace: shop, labels },
    spec: { podSelector: {} },
  } as KubeObject)
  const client = asTenant(baseline.tenant.uid)
  expect(await client.delete(networkPolicies, { name, namespace: shop }).then(() => 'gone', messageOf)).toMatch(
    /not for tenants to change/,
  )
  const without = { ...made, metadata: { ...made.metadata, labels: { 'berth.dev/tenant': baseline.tenant.uid } } }
  expect(await client.replace(networkPolicies, without).then(() => 'made', messageOf)).toMatch(/not for tenants to change/)
})

test("a binding that lets a tenant into another's namespace by mistake lets nothing through", async () => {
  const [binding] = (await import('./sync-namespace.ts')).namespaceFittings(kept, shop)
  await superOf().create(resourceTypes.roleBindings, {
    ...binding,
    metadata: { ...binding?.metadata, name: 'by-mistake' },
  } as KubeObject)
  const intruder = asTenant(kept.tenant.uid)
  const forged = { ...object(next(), {}), metadata: { ...object(next(), {}).metadata, namespace: shop } }
  await eventually(async () => /another tenant's/.test(await answer(intruder, configMaps, forged)), {
    ...soon,
    describe: 'the binding in force',
  })
})

describe('labels and annotations of super namespaces are the syncer’s', () => {
  const stranger = 'namespace-tool'
  beforeAll(async () => {
    await superOf().create(resourceTypes.clusterRoles, {
      metadata: { name: stranger },
      rules: [{ apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'create', 'update', 'patch'] }],
    } as KubeObject)
    await superOf().create(resourceTypes.clusterRoleBindings, {
      metadata: { name: stranger },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: stranger },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: stranger }],
    } as KubeObject)
    const harmless = { metadata: { annotations: { 'example.org/seen': 'yes' } } }
    await eventually(() => superOf().as(stranger).patch(namespaces, { name: shop }, harmless, { type: 'merge' }), {
      ...soon,
      describe: 'a harmless change',
    })
  })

  test.for<[name: string, metadata: object]>([
    ['the level', { labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } }],
    ['whose it is', { labels: { 'berth.dev/tenant': 'other' } }],
    ['that it is a tenant’s', { labels: { 'berth.dev/tenant': null } }],
    ['a label of the tenant’s', { labels: { 'ns.berth.dev/abc': 'x' } }],
    ['what holds in it', { annotations: { 'berth.dev/pod-security': 'privileged' } }],
    ['that anything holds in it', { annotations: { 'berth.dev/capabilities': null } }],
  ])('%s', async ([, metadata]) => {
    expect(
      await superOf()
        .as(stranger)
        .patch(namespaces, { name: shop }, { metadata }, { type: 'merge' })
        .then(() => 'made', messageOf),
    ).toMatch(/only Berth's syncer/)
  })

  test('but whoever may do everything may do that too', async () => {
    const chief = 'chief'
    await superOf().create(resourceTypes.clusterRoleBindings, {
      metadata: { name: chief },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: chief }],
    } as KubeObject)
    const metadata = { labels: { 'ns.berth.dev/abc': 'x' } }
    await eventually(() => superOf().as(chief).patch(namespaces, { name: shop }, { metadata }, { type: 'merge' }), {
      ...soon,
      describe: 'a change by a cluster administrator',
    })
  })

  test('nor can another make a namespace that passes for a super namespace', async () => {
    const forged = aNamespace({ metadata: { name: 'forged', labels: { 'berth.dev/tenant': baseline.tenant.uid } } })
    expect(await answer(superOf().as(stranger), namespaces, forged)).toMatch(/only Berth's syncer/)
    expect(await answer(superOf().as(stranger), namespaces, aNamespace({ metadata: { name: 'honest' } }))).toBe('made')
  })
})
