import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { controlPlaneLabel, managedByLabel } from '../../tenancy/marks.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import type { Child } from '../../testing/child.ts'
import { startControllers } from '../../testing/controller-manager.ts'
import { eventually } from '../../testing/eventually.ts'
import { runCli } from '../program.ts'

// The commands against a real API server, with the controllers that end namespaces and dependents.
const { deployments, daemonSets, clusterRoles, namespaces, tenantControlPlanes, customResourceDefinitions } = resourceTypes

let api: TestApiServer
let controllers: Child
let folder: string
beforeAll(async () => {
  api = await startApiServer()
  controllers = await startControllers(api, ['namespace-controller', 'garbage-collector-controller'])
  folder = await mkdtemp(join(tmpdir(), 'berth-install-'))
})
afterAll(async () => {
  await controllers?.end('SIGKILL')
  await api?.stop()
  await rm(folder, { recursive: true, force: true })
})

const berth = async (args: readonly string[], { stdin = '' } = {}) => {
  const out: string[] = []
  const err: string[] = []
  const unused = () => Promise.reject(new Error('not asked for'))
  const code = await runCli(
    args,
    {
      env: { KUBECONFIG: api.kubeconfigPath, HOME: folder },
      stdin: Readable.from([stdin]),
      stdout: { write: (text) => void out.push(text) },
      stderr: { write: (text) => void err.push(text) },
      signal: new AbortController().signal,
      now: Date.now,
      explainChange: unused,
      explainObject: unused,
      diagnose: unused,
      verify: unused,
    },
    { version: '1.2.3' },
  )
  return { code, out: out.join(''), err: err.join('') }
}
const install = (...args: string[]) => berth(['install', '--timeout', '0', ...args])
const uninstall = (...args: string[]) => berth(['uninstall', '--timeout', '30', ...args])
const inSystem = (name: string) => ({ name, namespace: 'berth-system' })
const imageOf = (workload: KubeObject | undefined): unknown => workload?.['spec'].template.spec.containers[0].image

describe('berth install', () => {
  test('prints with --dry-run, and asks no cluster', async () => {
    const { code, out } = await berth(
      ['install', '--dry-run', '--kubeconfig', '/nowhere', '--image', 'r.example.org/b:v2', '-f', '-'],
      {
        stdin: 'manager: {replicas: 2}\nimage: {pullPolicy: Always}',
      },
    )
    expect(code).toBe(0)
    const objects = parseAllDocuments(out).map((document) => document.toJS() as KubeObject)
    const manager = objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'berth-manager')
    expect(manager?.['spec'].replicas).toBe(2)
    expect(imageOf(manager)).toBe('r.example.org/b:v2')
    expect(manager?.['spec'].template.spec.containers[0].imagePullPolicy).toBe('Always')
  })

  test('refuses values that are none, with their file', async () => {
    const file = join(folder, 'values.yaml')
    await writeFile(file, 'manager: {replicas: none}')
    expect(await install('-f', file)).toMatchObject({ code: 2, err: expect.stringMatching(/values\.yaml: manager\.replicas: /) })
    expect(await install('-f', '/nowhere')).toMatchObject({ code: 2, err: expect.stringContaining('cannot read /nowhere') })
  })

  test('makes everything, and again nothing', async () => {
    const first = await install()
    expect(first.err).toBe('')
    expect(first.code).toBe(0)
    expect(first.out).toMatch(/^Berth \(both\) on https:\S+: 78 created$/m)
    const again = await install()
    expect(again.out).toMatch(/: 78 unchanged\n$/)
  })

  test('says what does not serve when the time is over', async () => {
    const { code, err } = await berth(['install', '--timeout', '1'])
    expect(code).toBe(4)
    expect(err).toMatch(
      /not there after 1 s: .*deployment\.apps\/berth-manager in berth-system: no controller has looked at it yet/,
    )
  })

  test('waits until all pods of all workloads serve', async () => {
    const running = berth(['install', '--timeout', '30'])
    for (const [type, name] of [
      [deployments, 'berth-manager'],
      [deployments, 'berth-syncer'],
      [daemonSets, 'berth-vn-agent'],
    ] as const) {
      const live = await api.client.get(type, inSystem(name))
      const counts = { replicas: 1, updatedReplicas: 1, availableReplicas: 1, readyReplicas: 1 }
      const ofNodes = {
        currentNumberScheduled: 1,
        desiredNumberScheduled: 1,
        updatedNumberScheduled: 1,
        numberAvailable: 1,
        numberMisscheduled: 0,
        numberReady: 1,
      }
      const status = { observedGeneration: live?.metadata.generation, ...(type === daemonSets ? ofNodes : counts) }
      await api.client.patch(type, inSystem(name), { status }, { type: 'merge', subresource: 'status' })
    }
    expect(await running).toMatchObject({ code: 0, out: expect.stringMatching(/Berth serves\n$/) })
  })

  test('brings an older installation to this one, and takes away what it no longer has', async () => {
    const role = { metadata: { name: 'berth:of-old', labels: { 'berth.dev/install': 'both' } }, rules: [] }
    await api.client.create(clusterRoles, role)
    const replicas = { spec: { replicas: 3 } }
    await api.client.patch(deployments, inSystem('berth-manager'), replicas, { type: 'merge' })
    const { out } = await install('--image', 'r.example.org/berth:v2')
    expect(out).toContain('clusterrole.rbac.authorization.k8s.io/berth:of-old removed')
    expect(out).toContain('deployment.apps/berth-manager in berth-system changed')
    const manager = await api.client.get(deployments, inSystem('berth-manager'))
    expect(imageOf(manager)).toBe('r.example.org/berth:v2')
    expect(manager?.['spec'].replicas).toBe(1)
  })

  test('refuses where another side, or Helm, holds it', async () => {
    expect(await install('--side', 'management')).toMatchObject({ code: 4, err: expect.stringContaining('say --side both') })
    const label = (value: string) => ({ metadata: { labels: { [managedByLabel]: value } } })
    await api.client.patch(namespaces, { name: 'berth-system' }, label('Helm'), { type: 'merge' })
    for (const command of [install, uninstall])
      expect(await command()).toMatchObject({ code: 4, err: expect.stringContaining('installed here by Helm, release berth') })
    await api.client.patch(namespaces, { name: 'berth-system' }, label('berth'), { type: 'merge' })
  })
})

describe('berth uninstall', () => {
  const tenant = {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'TenantControlPlane',
    metadata: { name: 'acme', namespace: 'default' },
    spec: {},
  }
  const survivors = async (): Promise<string[]> => {
    const kinds = [
      resourceTypes.clusterRoles,
      resourceTypes.clusterRoleBindings,
      resourceTypes.validatingWebhookConfigurations,
      namespaces,
    ]
    const lists = await Promise.all(kinds.map(async (type) => (await api.client.list(type)).items))
    return lists.flat().flatMap(({ metadata: { name = '' } }) => (name.startsWith('berth') ? [name] : []))
  }

  test('refuses while there are tenants, volumes or what is left of tenants, and names them', async () => {
    await api.client.create(tenantControlPlanes, tenant)
    const before = await survivors()
    const refused = await uninstall()
    expect(refused.code).toBe(4)
    expect(refused.err).toMatch(/nothing was removed: there are tenants: default\/acme\. Delete them first/)
    expect((await uninstall('--check')).code).toBe(4)
    expect(await survivors()).toEqual(before)
    await api.client.delete(tenantControlPlanes, { name: 'acme', namespace: 'default' })

    const plane = { metadata: { name: 'berth-acme-x', labels: { [controlPlaneLabel]: 'u' } } }
    await api.client.create(namespaces, plane)
    expect((await uninstall()).err).toContain('namespaces of control planes: berth-acme-x')
    await api.client.delete(namespaces, { name: 'berth-acme-x' })
    await eventually(async () => !(await api.client.get(namespaces, { name: 'berth-acme-x' })), {
      describe: 'the namespace gone',
    })

    const claims = resourceTypes.persistentVolumeClaims
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
    await api.client.create(claims, { metadata: inSystem('backups'), spec })
    expect((await uninstall()).err).toContain('perhaps with snapshots of tenants: berth-system/backups')
    await api.client.patch(claims, inSystem('backups'), { metadata: { finalizers: null } }, { type: 'merge' })
    await api.client.delete(claims, inSystem('backups'))
    expect(await uninstall('--check')).toMatchObject({ code: 0 })
  })

  test('with --crds refuses while there are objects that would go along', async () => {
    await api.client.create(resourceTypes.tenantClasses, {
      apiVersion: 'berth.dev/v1alpha1',
      kind: 'TenantClass',
      metadata: { name: 'gold' },
      spec: {},
    })
    expect((await uninstall('--crds')).err).toContain('there are tenantclasses, which go with their definition: gold')
    await api.client.delete(resourceTypes.tenantClasses, { name: 'gold' })
  })

  test('removes what is ours alone, and leaves the definitions', async () => {
    await api.client.patch(clusterRoles, { name: 'berth:tenant' }, { metadata: { labels: null } }, { type: 'merge' })
    await api.client.create(clusterRoles, { metadata: { name: 'berth-reader' }, rules: [] })
    const { code, out, err } = await uninstall()
    expect(err).toBe('clusterrole.rbac.authorization.k8s.io/berth:tenant is not of Berth and stays\n')
    expect(code).toBe(0)
    expect(out).toMatch(/72 removed\ndefinitions stay: tenantcontrolplanes\.berth\.dev, /)
    expect((await survivors()).toSorted()).toEqual(['berth-reader', 'berth:tenant'])
    const webhookAt = out.indexOf('validatingwebhookconfiguration')
    expect(webhookAt).toBeLessThan(out.indexOf('deployment.apps/berth-manager'))
    expect(out.indexOf('deployment.apps/berth-manager')).toBeLessThan(out.indexOf('clusterrolebinding'))
    expect(out.indexOf('clusterrolebinding')).toBeLessThan(out.indexOf('namespace/berth-system'))
  })

  test('again removes nothing, with --crds the definitions', async () => {
    expect((await uninstall()).out).toContain('nothing of Berth was there')
    expect((await uninstall('--crds')).out).toContain(
      'customresourcedefinition.apiextensions.k8s.io/datastores.berth.dev removed',
    )
    const { items } = await api.client.list(customResourceDefinitions)
    expect(items).toEqual([])
  })

  test('and an install after it makes everything again', async () => {
    expect((await install()).out).toMatch(/: (77|78) created/)
  })
})
