import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient, ObjectRef } from '../kube/client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { superNamespace, tenantIdentity, tenantIdentityName } from '../tenancy/names.ts'
import { aNamespace } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { installedObjects, isAllowed, serviceAccountGroups } from '../testing/installed-rights.ts'
import { policiesInForce } from '../testing/policies-in-force.ts'
import { makeSuperNamespace } from '../testing/super-namespace.ts'
import { aSyncContext } from '../testing/sync-builders.ts'
import { type SyncClusters, startSyncClusters } from '../testing/sync-clusters.ts'
import { fencesOf } from './network/fences.ts'
import { namespaceFittings } from './sync-namespace.ts'

// What who got hold of the syncer's own account in super can do with it: raw writes under that account and its real rights, no syncer anywhere.
const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const {
  namespaces,
  roleBindings,
  clusterRoles,
  clusterRoleBindings,
  roles,
  networkPolicies,
  serviceAccounts,
  secrets,
  validatingAdmissionPolicyBindings,
} = resourceTypes
const soon = { deadlineMs: 30_000 }
const rbac = 'rbac.authorization.k8s.io'
const account = 'system:serviceaccount:berth-system:berth-syncer'

const acme = aSyncContext()
const zoo = { ...acme, tenant: { ...acme.tenant, uid: 'zoo-uid', name: 'zoo' } }
const mark = 'berth.dev/tenant'
/** Somebody's who is no tenant, with a name as Berth might have given it. */
const theirs = 'team-payroll-aaaaaaaaaaaaaaaa'
const notOfTenants = ['kube-system', 'berth-system', 'berth-tenants', 'default', theirs]

let clusters: SyncClusters
let syncer: KubeClient
let shop: string
let cages: string
const superOf = () => clusters.superApi.client
let sequence = 0
const next = () => `raw-${(sequence += 1)}`

beforeAll(async () => {
  // It is asked for them, and refused, on purpose.
  const superRefused = ['berth-syncer', 'tenant'].flatMap((who) => [`${who} get /secrets`, `${who} list /secrets`])
  clusters = await startSyncClusters([], { log, superRefused })
  syncer = createKubeClient(clusters.syncerConnection, { userAgent: 'berth-test' })
  await policiesInForce(superOf())
  // Its own work goes through: all that a namespace gets.
  ;[shop, cages] = (await Promise.all([
    makeSuperNamespace('shop', { ctx: acme, syncer }),
    makeSuperNamespace('cages', { ctx: zoo, syncer }),
  ])) as [string, string]
  await superOf().create(namespaces, aNamespace({ metadata: { name: theirs } }))
  for (const namespace of [...notOfTenants, shop, cages])
    await superOf().create(secrets, { metadata: { name: 'password', namespace }, stringData: { value: `of ${namespace}` } })
}, 300_000)

afterAll(async () => {
  await syncer?.close()
  await clusters?.stop()
}, 60_000)

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
/** `done`, or what super said. */
const answer = (request: Promise<unknown>): Promise<string> => request.then(() => 'done', messageOf)

const bindingIn = (namespace: string, fields: object = {}): KubeObject => ({
  ...namespaceFittings(acme, namespace)[0],
  metadata: { name: next(), namespace },
  ...fields,
})
const subject = (fields: object = {}) => ({
  kind: 'ServiceAccount',
  name: tenantIdentityName(acme.tenant.uid),
  namespace: 'berth-tenants',
  ...fields,
})
const roleRef = (name: string, kind = 'ClusterRole') => ({ apiGroup: rbac, kind, name })

test.for(['both', 'super'])('it is held where super is, by the name it has there: --side %s', async (side) => {
  const kinds = ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding', 'ServiceAccount', 'ClusterRoleBinding']
  const objects = await installedObjects({ side }, ...kinds)
  const those = (kind: string) => objects.filter((each) => each.kind === kind)
  const names = ['berth-syncer-namespaces', 'berth-syncer-bindings', 'berth-syncer-fittings']
  for (const kind of ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'])
    expect(those(kind).map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(names))
  const given = those('ClusterRoleBinding').find(({ metadata }) => metadata.name === 'berth:syncer-super')
  const [{ namespace = '', name = '' } = {}] = (given?.subjects ?? []) as readonly { namespace?: string; name?: string }[]
  expect(`system:serviceaccount:${namespace}:${name}`).toBe(account)
  for (const { metadata, spec } of those('ValidatingAdmissionPolicy').filter((each) => names.includes(each.metadata.name ?? '')))
    expect([metadata.name, spec.matchConditions[0].expression]).toEqual([
      metadata.name,
      `request.userInfo.username == '${account}'`,
    ])
})

describe('it binds', () => {
  beforeAll(async () => {
    // Rights that it has itself: for all that RBAC says, it may hand those on.
    const rules = [{ apiGroups: [''], resources: ['nodes', 'namespaces'], verbs: ['get', 'list'] }]
    await superOf().create(clusterRoles, { metadata: { name: 'reader' }, rules } as KubeObject)
    const own = { apiGroups: [''], resources: ['pods'], verbs: ['list'] }
    await superOf().create(roles, { metadata: { name: 'berth:tenant', namespace: shop }, rules: [own] } as KubeObject)
  })

  test.for(['berth:tenant', 'berth:tenant-custom-kinds'])("%s to a tenant in that tenant's namespace", async (name) => {
    expect(await answer(syncer.create(roleBindings, bindingIn(shop, { roleRef: roleRef(name) })))).toBe('done')
  })

  test.for(notOfTenants)('nothing in %s', async (namespace) => {
    for (const name of ['berth:tenant', 'berth:tenant-custom-kinds'])
      expect(await answer(syncer.create(roleBindings, bindingIn(namespace, { roleRef: roleRef(name) })))).toMatch(
        /binds roles in namespaces of tenants only/,
      )
  })

  test("nothing in another tenant's namespace", async () => {
    expect(await answer(syncer.create(roleBindings, bindingIn(cages)))).toMatch(/namespace's own tenant only/)
  })

  test.for<[name: string, subjects: object[]]>([
    ['nobody', []],
    ['another too', [subject(), subject({ name: tenantIdentityName(zoo.tenant.uid) })]],
    ['an account of that name elsewhere', [subject({ namespace: 'kube-system' })]],
    ['itself', [subject({ name: 'berth-syncer', namespace: 'berth-system' })]],
    ['a user of that name', [{ apiGroup: rbac, kind: 'User', name: tenantIdentity(acme.tenant.uid) }]],
    ['a user with the fields of an account', [subject({ apiGroup: rbac, kind: 'User' })]],
    ['everybody', [{ apiGroup: rbac, kind: 'Group', name: 'system:authenticated' }]],
  ])('nothing to %s', async ([, subjects]) => {
    expect(await answer(syncer.create(roleBindings, bindingIn(shop, { subjects })))).toMatch(/namespace's own tenant only/)
  })

  test.for([roleRef('reader'), roleRef('berth:tenant', 'Role')])('no other role: $kind $name', async (other) => {
    expect(await answer(syncer.create(roleBindings, bindingIn(shop, { roleRef: other })))).toMatch(/roles of tenants only/)
  })

  test('nothing by a change either, should it be given that right by mistake', async () => {
    const metadata = { name: 'by-mistake' }
    const rules = [{ apiGroups: [rbac], resources: ['rolebindings'], verbs: ['get', 'update', 'patch'] }]
    await superOf().create(clusterRoles, { metadata, rules } as KubeObject)
    const subjects = [{ kind: 'ServiceAccount', name: 'berth-syncer', namespace: 'berth-system' }]
    await superOf().create(clusterRoleBindings, { metadata, roleRef: roleRef(metadata.name), subjects } as KubeObject)
    const inShop = await syncer.create<KubeObject>(roleBindings, bindingIn(shop))
    const patch = (ref: ObjectRef, change: object) => answer(syncer.patch(roleBindings, ref, change, { type: 'merge' }))
    const ref = { name: inShop.metadata.name ?? '', namespace: shop }
    const harmless = { metadata: { annotations: { 'example.org/seen': 'yes' } } }
    await eventually(async () => (await patch(ref, harmless)) === 'done', { ...soon, describe: 'the mistake in force' })
    expect(await patch(ref, { subjects: [subject({ name: tenantIdentityName(zoo.tenant.uid) })] })).toMatch(/own tenant only/)
    const foreign = bindingIn('kube-system', { subjects: [] })
    await superOf().create(roleBindings, foreign)
    const foreignRef = { name: foreign.metadata.name ?? '', namespace: 'kube-system' }
    expect(await patch(foreignRef, { subjects: [subject()] })).toMatch(/in namespaces of tenants only/)
  })
})

describe('of namespaces', () => {
  const change = (name: string, metadata: { labels?: object; annotations?: object }) =>
    syncer.get<KubeObject>(namespaces, { name }).then((live) =>
      syncer.replace(namespaces, {
        ...live,
        metadata: {
          ...live?.metadata,
          labels: { ...live?.metadata.labels, ...metadata.labels },
          annotations: { ...live?.metadata.annotations, ...metadata.annotations },
        },
      } as KubeObject),
    )
  const unlabel = (name: string, annotations: object = {}) =>
    superOf().patch(namespaces, { name }, { metadata: { labels: { [mark]: null }, annotations } }, { type: 'merge' })
  const remove = (name: string) => answer(syncer.delete(namespaces, { name }))
  const ours = { [mark]: acme.tenant.uid }
  const lookingLikeOurs = { 'berth.dev/uid': 'u', 'berth.dev/name': 'n' }

  test.for<[name: string, metadata: KubeObject['metadata']]>([
    ['of nobody', { name: superNamespace(acme.tenant, 'of-nobody') }],
    ['of nobody, with our annotations', { name: superNamespace(acme.tenant, 'like-ours'), annotations: lookingLikeOurs }],
    ['by the name of something to come', { name: 'team-b', labels: ours }],
    ['by a name that super chooses', { generateName: 'team-b-', labels: ours }],
  ])('it makes none %s', async ([, metadata]) => {
    expect(await answer(syncer.create(namespaces, aNamespace({ metadata })))).toMatch(/makes namespaces of tenants only/)
  })

  test.for(notOfTenants)('it does not change %s, nor make it a tenant’s', async (name) => {
    const refused = /changes and deletes namespaces of tenants only/
    expect(await answer(change(name, { annotations: { 'example.org/seen': 'yes' } }))).toMatch(refused)
    expect(await answer(change(name, { labels: ours }))).toMatch(refused)
    expect(await answer(change(name, { labels: ours, annotations: lookingLikeOurs }))).toMatch(refused)
    expect(await answer(change(name, { annotations: lookingLikeOurs }))).toMatch(refused)
  })

  // Those of super itself nobody may delete.
  test.for(['berth-system', 'berth-tenants', theirs])('it does not delete %s', async (name) => {
    expect(await remove(name)).toMatch(/changes and deletes namespaces of tenants only/)
  })

  test('it changes one of a tenant, but not whose it is', async () => {
    expect(await answer(change(shop, { labels: { 'ns.berth.dev/abc': 'x' } }))).toBe('done')
    expect(await answer(change(shop, { labels: { [mark]: zoo.tenant.uid } }))).toMatch(/whose a namespace is/)
    expect(await answer(change(shop, { labels: { [mark]: undefined } }))).toMatch(/whose a namespace is/)
    expect(await answer(change(shop, { labels: { [mark]: '' } }))).toMatch(/whose a namespace is/)
  })

  test('it puts back the label of one that lost it, and deletes what was left so', async () => {
    const name = await makeSuperNamespace('unlabelled', { ctx: acme, syncer })
    await unlabel(name)
    expect(await answer(change(name, { labels: { 'ns.berth.dev/abc': 'x' } }))).toMatch(/whose a namespace is/)
    expect(await answer(change(name, { labels: ours }))).toBe('done')
    await unlabel(name)
    expect(await remove(name)).toBe('done')
  })

  test('it deletes one of a tenant', async () => {
    expect(await remove(await makeSuperNamespace('old', { ctx: acme, syncer }))).toBe('done')
  })

  test('it does not know one again that lost its annotations too, nor by them alone', async () => {
    const refused = /changes and deletes namespaces of tenants only/
    const lost = await makeSuperNamespace('lost', { ctx: acme, syncer })
    await unlabel(lost, { 'berth.dev/uid': null })
    expect(await answer(change(lost, { labels: ours }))).toMatch(refused)
    expect(await remove(lost)).toMatch(refused)
    const alike = aNamespace({ metadata: { name: 'team-c', annotations: lookingLikeOurs } })
    await superOf().create(namespaces, alike)
    expect(await answer(change('team-c', { labels: ours }))).toMatch(refused)
  })
})

describe('what it fits namespaces with', () => {
  const policy = (namespace: string, name: string): KubeObject =>
    ({ metadata: { name, namespace }, spec: { podSelector: {} } }) as KubeObject
  const workload = (namespace: string, name = 'berth-workload'): KubeObject => ({ metadata: { name, namespace } })

  test("goes into a tenant's namespaces, is changed there and goes", async () => {
    const fences = fencesOf(acme, shop)
    expect(fences.length).toBeGreaterThan(2)
    for (const fence of fences) {
      const made = await syncer.create<KubeObject>(networkPolicies, fence)
      const labels = { ...made.metadata.labels, seen: 'yes' }
      expect(await answer(syncer.replace(networkPolicies, { ...made, metadata: { ...made.metadata, labels } }))).toBe('done')
      const { name = '', namespace = '' } = made.metadata
      expect(await answer(syncer.delete(networkPolicies, { name, namespace }))).toBe('done')
    }
    const agents = { name: 'berth-agents', namespace: shop }
    expect(await answer(syncer.create(networkPolicies, policy(shop, agents.name)))).toBe('done')
    expect(await answer(syncer.delete(networkPolicies, agents))).toBe('done')
  })

  test.for(notOfTenants)('does not go into %s', async (namespace) => {
    const refused = /fits namespaces of tenants only/
    const name = 'berth-closed'
    expect(await answer(syncer.create(networkPolicies, policy(namespace, name)))).toMatch(refused)
    expect(await answer(syncer.create(serviceAccounts, workload(namespace)))).toMatch(refused)
    const there = await superOf().create<KubeObject>(networkPolicies, policy(namespace, name))
    const opened = { ...there, spec: { podSelector: {}, ingress: [{}] } }
    expect(await answer(syncer.replace(networkPolicies, opened))).toMatch(refused)
    expect(await answer(syncer.delete(networkPolicies, { name, namespace }))).toMatch(refused)
  })

  test("is nothing of the tenant's", async () => {
    const refused = /written in its name, not by the syncer/
    expect(await answer(syncer.create(networkPolicies, policy(shop, 'main')))).toMatch(refused)
    expect(await answer(syncer.create(serviceAccounts, workload(shop, 'default')))).toMatch(refused)
    await superOf().create(networkPolicies, policy(shop, 'main'))
    expect(await answer(syncer.delete(networkPolicies, { name: 'main', namespace: shop }))).toMatch(refused)
  })
})

describe('Secrets', () => {
  const groupsOf = (user: string): readonly string[] =>
    user === account ? serviceAccountGroups : ['system:serviceaccounts', 'system:serviceaccounts:berth-tenants']
  /** Which of these ways to Secrets super leaves open; without a namespace: to those of all. */
  const waysOf = async (user: string, namespace: string, name?: string): Promise<string[]> => {
    const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection']
    const ways = verbs.map(async (verb) => {
      const resourceAttributes = { verb, group: '', resource: 'secrets', namespace, ...(name !== undefined && { name }) }
      return (await isAllowed(superOf(), { user, groups: groupsOf(user) }, resourceAttributes)) ? [verb] : []
    })
    return (await Promise.all(ways)).flat()
  }
  const passwordsIn = (client: KubeClient, namespace: string): Promise<string[]> =>
    client.list<KubeObject>(secrets, { namespace }).then(
      ({ items }) => items.map(({ metadata }) => metadata.name ?? ''),
      (error: unknown) => [messageOf(error)],
    )

  test('are not for its own account to read, in any namespace, but for its ways into tenants', async () => {
    for (const namespace of ['', ...notOfTenants, shop, cages]) {
      expect([namespace, await waysOf(account, namespace)]).toEqual([namespace, []])
      expect([namespace, await waysOf(account, namespace, 'password')]).toEqual([namespace, []])
    }
    expect(await waysOf(account, 'berth-acme', 'syncer-kubeconfig')).toEqual(['list', 'watch'])
    for (const namespace of [...notOfTenants, shop]) {
      expect((await passwordsIn(syncer, namespace))[0]).toMatch(/cannot list resource "secrets"/)
      await expect(syncer.get(secrets, { name: 'password', namespace })).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' })
    }
  })

  test("are not for it to read in a tenant's name, but those of that tenant's own namespaces", async () => {
    const asAcme = syncer.as(tenantIdentity(acme.tenant.uid))
    expect(await passwordsIn(asAcme, shop)).toEqual(['password'])
    expect(await waysOf(tenantIdentity(acme.tenant.uid), shop)).toContain('list')
    const { items } = await superOf().list<KubeObject>(roleBindings)
    const bound = items.filter(({ subjects = [] }) =>
      subjects.some((each: { namespace?: string }) => each.namespace === 'berth-tenants'),
    )
    // Of all that was tried before, nothing is there.
    expect(bound.filter(({ metadata }) => [...notOfTenants, cages].includes(metadata.namespace ?? '')).map(subjectsOf)).toEqual([
      [tenantIdentityName(zoo.tenant.uid)],
    ])
    for (const namespace of [...notOfTenants, cages]) {
      expect((await passwordsIn(asAcme, namespace))[0]).toMatch(/cannot list resource "secrets"/)
      expect([namespace, await waysOf(tenantIdentity(acme.tenant.uid), namespace)]).toEqual([namespace, []])
    }
  })
  const subjectsOf = ({ subjects = [] }: KubeObject): string[] => subjects.map(({ name }: { name: string }) => name)

  test('would be, by one binding, without the policy', async () => {
    await superOf().delete(validatingAdmissionPolicyBindings, { name: 'berth-syncer-bindings' })
    await eventually(async () => (await answer(syncer.create(roleBindings, bindingIn(theirs)))) === 'done', {
      ...soon,
      describe: 'the policy out of force',
    })
    const asAcme = syncer.as(tenantIdentity(acme.tenant.uid))
    await eventually(async () => (await passwordsIn(asAcme, theirs)).includes('password'), { ...soon, describe: 'the theft' })
  })
})
