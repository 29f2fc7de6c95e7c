import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tenantControlPlaneCrd } from '../apis/crd.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { isolationRunLabel, isolationVerifiedAnnotation } from '../tenancy/marks.ts'
import { kubeconfigText, startApiServer, type TestApiServer } from '../testing/api-server.ts'
import { eventually } from '../testing/eventually.ts'
import { applyInstalled, applyInstalledRights, installedObjects, serviceAccountGroups } from '../testing/installed-rights.ts'
import { findNeighbour } from './neighbour.ts'
import { compliantPod } from './specimens.ts'

// Whom scheduled runs work as: what it may, and what it may not although its rights would let it.
const { namespaces, pods, nodes, persistentVolumes, persistentVolumeClaims, secrets, services } = resourceTypes
const { tenantControlPlanes, roleBindings, serviceAccounts } = resourceTypes
const signal = new AbortController().signal
const account = 'system:serviceaccount:berth-system:berth-isolation-verify'
const place = 'isolation-check-0000000a'
const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' }

let server: TestApiServer
let client: KubeClient

const aTenant = (name: string, namespace: string): Promise<KubeObject> =>
  server.client.create(tenantControlPlanes, {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'TenantControlPlane',
    metadata: { name, namespace, labels: { team: 'a' }, annotations: { 'example.org/note': 'mine' } },
    spec: {},
  })
const aPod = (namespace: string, name = 'p'): KubeObject =>
  compliantPod({ name, namespace, image: 'agnhost', args: ['pause'], pullAlways: false })
const aNamespace = (name: string, labels: Readonly<Record<string, string>> = restricted): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { [isolationRunLabel]: '1', ...labels } },
})

beforeAll(async () => {
  server = await startApiServer({ deadlineMs: 180_000 })
  const values = { isolationVerify: { enabled: true } }
  await server.client.create(resourceTypes.customResourceDefinitions, tenantControlPlaneCrd())
  await applyInstalledRights(server.client, values)
  for (const name of ['home', 'away']) await server.client.create(namespaces, { metadata: { name } })
  for (const namespace of ['home', 'away', 'default'])
    await server.client.create(serviceAccounts, { metadata: { name: 'default', namespace } })
  await eventually(() => aTenant('acme', 'home'), { deadlineMs: 60_000, describe: 'the CRD in force' })
  client = createKubeClient(await server.connectionAs(account, serviceAccountGroups), { userAgent: 'test' })
  await eventually(() => client.list(nodes), { deadlineMs: 60_000, describe: 'the rights in force' })
  const policies = await installedObjects(values, 'ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding')
  const ofOption = policies.filter(({ metadata }) => metadata.name === 'berth-isolation-verify')
  await applyInstalled(server.client, ofOption)
  await eventually(
    () =>
      client.create(namespaces, aNamespace('other'), { dryRun: true }).then(
        () => false,
        () => true,
      ),
    { deadlineMs: 60_000, describe: 'the policy in force' },
  )
}, 300_000)
afterAll(async () => {
  await client?.close()
  await server?.stop()
})

describe('the account of scheduled runs', () => {
  test('may do what a run does in super', async () => {
    expect(await client.get(namespaces, { name: 'kube-system' })).toBeDefined()
    await client.create(namespaces, aNamespace(place))
    await server.client.create(serviceAccounts, { metadata: { name: 'default', namespace: place } })
    await client.create(pods, aPod(place))
    expect(await client.get(pods, { name: 'p', namespace: place })).toBeDefined()
    expect((await client.list(pods, { fieldSelector: 'spec.nodeName=n1' })).items).toEqual([])
    await client.delete(pods, { name: 'p', namespace: place }, { gracePeriodSeconds: 0 })
    for (const type of [services, persistentVolumeClaims])
      expect(await client.get(type, { name: 'none', namespace: 'home' })).toBeUndefined()
    for (const type of [persistentVolumes, resourceTypes.customResourceDefinitions])
      expect(await client.get(type, { name: 'none' })).toBeUndefined()
    const listed = ['serviceAccounts', 'resourceQuotas', 'roleBindings', 'networkPolicies'] as const
    for (const name of listed) await client.list(resourceTypes[name], { namespace: 'home' })
    for (const type of [namespaces, persistentVolumes, resourceTypes.storageClasses]) await client.list(type)
    await client.delete(namespaces, { name: place })
  })

  test('records a result, and changes nothing else of a tenant', async () => {
    const ref = { name: 'acme', namespace: 'home' }
    const result = { metadata: { annotations: { [isolationVerifiedAnnotation]: '{}' } } }
    await client.patch(tenantControlPlanes, ref, result)
    expect((await client.get(tenantControlPlanes, ref))?.metadata.annotations).toMatchObject({
      'example.org/note': 'mine',
      [isolationVerifiedAnnotation]: '{}',
    })
    const others = [
      { spec: { size: 'large' } },
      { metadata: { labels: { team: 'b' } } },
      { metadata: { finalizers: ['example.org/mine'] } },
      { metadata: { annotations: { 'example.org/note': null } } },
      { metadata: { annotations: { 'berth.dev/orphan-super': 'true' } } },
    ]
    for (const change of others)
      await expect(client.patch(tenantControlPlanes, ref, change, { type: 'merge' })).rejects.toThrow(/berth-isolation-verify/)
  })

  test('makes and deletes no namespace but its own, and none that others let in', async () => {
    const refused: readonly KubeObject[] = [
      aNamespace('other'),
      aNamespace('isolation-check-0000000a-second'),
      aNamespace(place, {}),
      aNamespace(place, { 'pod-security.kubernetes.io/enforce': 'privileged' }),
      aNamespace(place, { ...restricted, 'berth.dev/reaches-tenants': 'true' }),
    ]
    for (const object of refused)
      await expect(client.create(namespaces, object, { dryRun: true })).rejects.toThrow(/isolation-check|restricted/)
    await expect(client.delete(namespaces, { name: 'home' }, { dryRun: true })).rejects.toThrow(/isolation-check/)
  })

  test('makes and deletes no pod elsewhere', async () => {
    await server.client.create(pods, aPod('home', 'theirs'))
    await expect(client.create(pods, aPod('home'), { dryRun: true })).rejects.toThrow(/isolation-check/)
    const theirs = { name: 'theirs', namespace: 'home' }
    await expect(client.delete(pods, theirs, { dryRun: true })).rejects.toThrow(/isolation-check/)
  })

  test('reads kubeconfigs where it is let, and goes on without those of others', async () => {
    const acme = { uid: 'of-acme', name: 'acme', namespace: 'home' }
    const isUp = {
      conditions: [
        { type: 'APIServerReady', status: 'True', reason: 'r', message: '', lastTransitionTime: new Date().toISOString() },
      ],
      controlPlaneNamespace: 'x',
    }
    const up = async (name: string, namespace: string): Promise<void> => {
      await aTenant(name, namespace)
      await server.client.patch(
        tenantControlPlanes,
        { name, namespace },
        { status: isUp },
        { subresource: 'status', type: 'merge' },
      )
      const value = Buffer.from(kubeconfigText(server.connection)).toString('base64')
      await server.client.create(secrets, { metadata: { name: `${name}-kubeconfig`, namespace }, data: { value } })
    }
    await up('far', 'away')
    expect(await findNeighbour(acme, { management: client, signal })).toBeUndefined()
    await server.client.create(roleBindings, {
      metadata: { name: 'berth-isolation-verify', namespace: 'home' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'berth:isolation-verify-kubeconfigs' },
      subjects: [{ kind: 'ServiceAccount', name: 'berth-isolation-verify', namespace: 'berth-system' }],
    })
    await up('near', 'home')
    const found = await eventually(() => findNeighbour(acme, { management: client, signal }), {
      deadlineMs: 60_000,
      describe: 'a neighbour',
    })
    expect(found.name).toBe('near')
  })
})
