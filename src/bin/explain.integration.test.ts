import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { refOf } from '../controlplane/observe.ts'
import { controlPlaneNamespace } from '../tenancy/names.ts'
import { kubeconfigText } from '../testing/api-server.ts'
import { startPlaneWorld } from '../testing/plane-world.ts'

// The program as people run it, by somebody who may do what `kubectl apply` takes, and read no Secret.
const world = await startPlaneWorld()
const { kube, createTenant, drive, reconcile, playCluster, read } = world
const type = resourceTypes.tenantControlPlanes
const program = join(import.meta.dirname, 'cli.ts')

let folder: string
let kubeconfig: string
let tenant: TenantControlPlane

const run = (text: string, ...args: readonly string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    const env = { ...process.env, KUBECONFIG: kubeconfig, NO_COLOR: '1' }
    const given = [program, 'explain', 'change', '-f', '-', '-n', 'home', ...args]
    const child = execFile(process.execPath, given, { env, timeout: 60_000 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, out, err })
    })
    child.stdin?.end(text)
  })
const named = (name: string | undefined, spec: object) =>
  JSON.stringify({ apiVersion: 'berth.dev/v1alpha1', kind: 'TenantControlPlane', metadata: { name }, spec })
const explain = (spec: object, ...args: readonly string[]) => run(named(tenant.metadata.name, spec), ...args)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-explain-'))
  kubeconfig = join(folder, 'config')
  await writeFile(kubeconfig, kubeconfigText(await world.connectionAs('operator')))
  const rule = (apiGroup: string, resources: string[], verbs: string[]) => ({ apiGroups: [apiGroup], resources, verbs })
  await kube.create(resourceTypes.clusterRoles, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'operator' },
    rules: [
      rule('berth.dev', ['tenantcontrolplanes'], ['get', 'create', 'patch']),
      rule('berth.dev', ['tenantclasses'], ['get']),
      rule('', ['configmaps', 'persistentvolumeclaims'], ['list']),
      rule('apps', ['deployments', 'statefulsets'], ['list']),
      rule('storage.k8s.io', ['storageclasses'], ['list']),
    ],
  })
  await kube.create(resourceTypes.clusterRoleBindings, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'operator' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'operator' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'operator' }],
  })
  tenant = await drive(await createTenant())
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await world.stop()
})

describe('berth explain change', () => {
  test('of a flag: what restarts, as a table, and 1', async () => {
    const { code, out, err } = await explain({ apiServer: { extraArgs: { 'event-ttl': '2h' } } })
    expect(out).toMatch(
      /^TENANT +OBJECT +EFFECT +DETAIL\n\S+ +Deployment\/kube-apiserver +restarts +flags --event-ttl=2h; a new one/,
    )
    expect(out.trim().split('\n')).toHaveLength(2)
    expect(err).toMatch(/^tenant t1: Deployment\/kube-apiserver restarts$/m)
    expect(code).toBe(1)
  })

  test('of what starts nothing anew: 0', async () => {
    const { code, out, err } = await explain({ apiServer: { replicas: 2, extraSANs: ['a.example.com'] } })
    expect(out).toMatch(/^t1 +Certificate\/kube-apiserver +changes +also for a\.example\.com/m)
    expect(out).toMatch(/^t1 +Deployment\/kube-apiserver +scales +1 -> 2$/m)
    expect(err).toContain('tenant t1: nothing would start anew')
    expect(code).toBe(0)
    expect((await explain({})).err).toContain('tenant t1: nothing would change')
  })

  test('of several tenants, one of them new; and nothing is written', async () => {
    const before = await read(tenant)
    const text = `${named(tenant.metadata.name, { size: 'medium' })}\n---\n${named('brand-new', {})}`
    const { code, out } = await run(text, '-o', 'json')
    expect(code).toBe(1)
    const { tenants } = JSON.parse(out)
    expect(tenants).toMatchObject([
      { name: 't1', isNew: false, refusals: [] },
      { name: 'brand-new', isNew: true, refusals: [] },
    ])
    expect(tenants[1].effects).toContainEqual(expect.objectContaining({ object: 'StatefulSet/etcd', effect: 'made' }))
    expect(await kube.get(type, { name: 'brand-new', namespace: 'home' })).toBeUndefined()
    expect((await read(tenant))?.metadata.resourceVersion).toBe(before?.metadata.resourceVersion)
    expect((await run(text, '-o', 'name')).out).toBe(
      'home/t1 StatefulSet/etcd\nhome/t1 Deployment/kube-apiserver\nhome/t1 Deployment/kube-controller-manager\n',
    )
  })

  test.for<[name: string, spec: object, refusal: RegExp]>([
    ['admission', { version: 'v1.36.3' }, /version cannot go back/],
    ['admission, for a flag', { apiServer: { extraArgs: { 'etcd-servers': 'x' } } }, /etcd-\*/],
    ['the manager, for a flag', { apiServer: { extraArgs: { etcd_servers: 'x' } } }, /"etcd_servers": it is no name of a flag/],
    ['the manager, for a pause that loses data', { state: 'Paused' }, /etcd's data are in its pods/],
  ])('of what is refused by %s: its words, and 4', async ([, spec, refusal]) => {
    const { code, err, out } = await explain(spec)
    expect(err).toMatch(refusal)
    expect(out).toBe('')
    expect(code).toBe(4)
  })

  test('of a class: what it fills in, within its limits', async () => {
    await kube.create(resourceTypes.tenantClasses, {
      apiVersion: 'berth.dev/v1alpha1',
      kind: 'TenantClass',
      metadata: { name: 'gold' },
      spec: { defaults: { size: 'medium' }, limits: { sizes: ['medium'] } },
    })
    const { code, out } = await explain({ className: 'gold' }, '-o', 'name')
    expect(out).toContain('StatefulSet/etcd\n')
    expect(code).toBe(1)
    const beyond = await explain({ className: 'gold', size: 'large' })
    expect(beyond.err).toMatch(/spec\.size: large is beyond what TenantClass gold allows \(one of medium\)/)
    expect(beyond.code).toBe(4)
    expect((await run(named('new-one', { className: 'silver' }))).err).toMatch(/there is no TenantClass silver: create it/)
  })

  test.for<[name: string, text: string, told: RegExp]>([
    ['something else', '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"x"}}', /is no TenantControlPlane/],
    ['nothing', '', /no TenantControlPlane in the file/],
  ])('of %s: 2', async ([, text, told]) => {
    const { code, err } = await run(text)
    expect(err).toMatch(told)
    expect(code).toBe(2)
  })

  test('goes by what an apply noted before: what is written no more goes', async () => {
    const apiServer = { extraArgs: { v: '3' } }
    const note = JSON.stringify({ spec: { apiServer } })
    const other: KubeObject = await kube.create(type, {
      apiVersion: 'berth.dev/v1alpha1',
      kind: 'TenantControlPlane',
      metadata: { name: 'noted', namespace: 'home', annotations: { 'kubectl.kubernetes.io/last-applied-configuration': note } },
      spec: { apiServer },
    })
    await reconcile(other as TenantControlPlane)
    const { out } = await run(named('noted', {}))
    expect(out).toMatch(/^noted +Deployment\/kube-apiserver +restarts +without --v;/m)
    // Of one that was not applied, it stays.
    expect((await explain({})).err).toContain('nothing would change')
  })

  test('says what the manager then does', async () => {
    const workloads = async (): Promise<Map<string, string>> => {
      const namespace = controlPlaneNamespace(refOf(tenant))
      const lists = await Promise.all(
        [resourceTypes.deployments, resourceTypes.statefulSets].map((of) => world.listIn(namespace, of)),
      )
      return new Map(lists.flat().map(({ metadata, spec }) => [metadata.name ?? '', JSON.stringify(spec.template)]))
    }
    for (const spec of [
      { apiServer: { extraSANs: ['a.example.com'] } },
      { apiServer: { extraArgs: { 'event-ttl': '2h' } } },
      { controllerManager: { extraArgs: { v: '3' } } },
      { apiServer: { exposure: { hostname: 'b.example.com' } }, dataStore: { replicas: 1 } },
      { size: 'medium' },
    ]) {
      const said = (await explain(spec, '-o', 'name')).out.match(/(?<=\/)[a-z-]+$/gm) ?? []
      const before = await workloads()
      await kube.patch(type, { name: tenant.metadata.name ?? '', namespace: 'home' }, { spec }, { type: 'merge' })
      for (let round = 0; round < 3; round += 1) {
        await reconcile(tenant)
        await playCluster(tenant)
      }
      const changed = [...(await workloads())].filter(([name, template]) => before.get(name) !== template).map(([name]) => name)
      expect(changed.sort(), JSON.stringify(spec)).toEqual([...said].sort())
    }
  })
})
