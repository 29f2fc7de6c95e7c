import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { type KubeObject, objectKey } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { type ApiProcess, type ApiWorld, startApiWorld } from '../testing/api-world.ts'
import { eventually } from '../testing/eventually.ts'

const account = 'system:serviceaccount:berth-system:berth-api'
const typeOfKind = new Map<string, ResourceType>(Object.values(resourceTypes).map((type) => [type.kind, type]))
const { namespaces, roleBindings } = resourceTypes
let world: ApiWorld
let own: KubeClient
let api: ApiProcess

const aBinding = (namespace: string, role = 'berth:api-organization', name = 'berth-api'): KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: 'more', namespace },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
  subjects: [{ kind: 'ServiceAccount', name, namespace: 'berth-system' }],
})

beforeAll(async () => {
  world = await startApiWorld()
  const text = await readFile(join(import.meta.dirname, '../../manifests/options/api/rights.yaml'), 'utf8')
  for (const document of parseAllDocuments(text)) {
    const object = document.toJS() as KubeObject
    const type = typeOfKind.get(object.kind ?? '')
    if (!type) throw new Error(`no type for ${object.kind} ${objectKey(object)}`)
    await world.kube.create(type, object)
  }
  own = world.kube.as(account)
  // Policies are heeded a moment after they were made.
  await eventually(
    () =>
      own.create(namespaces, { metadata: { name: 'probe' } }, { dryRun: true }).then(
        () => false,
        () => true,
      ),
    { describe: 'the policy to be in force', deadlineMs: 30_000 },
  )
  api = await world.start({ kube: own })
}, 300_000)
afterAll(async () => {
  await api?.stop()
  await world?.stop()
})

describe("the API with its own account's rights", () => {
  test('does its work: an organisation, a key, a tenant from its making to its end', async () => {
    expect(await api.ask('POST', '/v1/organizations', { body: { name: 'acme' } })).toMatchObject({ status: 201 })
    expect(
      await api.ask('POST', '/v1/api-keys', { body: { name: 'ci', organization: 'acme', scopes: ['tenants:read'] } }),
    ).toMatchObject({
      status: 201,
    })
    const tenants = '/v1/organizations/acme/tenants'
    const made = await api.ask('POST', tenants, { body: { name: 'shop' }, headers: { 'idempotency-key': 'a' } })
    expect(made).toMatchObject({ status: 202 })
    expect(await api.ask('GET', made.headers['location'] ?? '')).toMatchObject({ status: 200, body: { kind: 'create' } })
    expect(await api.ask('POST', `${tenants}/shop/pause`)).toMatchObject({ status: 202 })
    expect(await api.ask('DELETE', `${tenants}/shop`)).toMatchObject({ status: 202 })
    await eventually(async () => (await api.ask('GET', `${tenants}/shop`)).status === 404, { describe: 'the tenant to be gone' })
  })

  test.for<[what: string, attempt: () => Promise<unknown>]>([
    ['a namespace that is no organisation', () => own.create(namespaces, { metadata: { name: 'other' } })],
    [
      'a namespace under the label of another organisation',
      () => own.create(namespaces, { metadata: { name: 'other', labels: { 'berth.dev/organization': 'acme' } } }),
    ],
    [
      'the label on a namespace that is there',
      () =>
        own.patch(
          namespaces,
          { name: 'kube-system' },
          { metadata: { labels: { 'berth.dev/organization': 'kube-system' } } },
          { type: 'merge' },
        ),
    ],
    ['the end of a namespace that is no organisation', () => own.delete(namespaces, { name: 'kube-public' })],
    ['a binding elsewhere', () => own.create(roleBindings, aBinding('kube-system'))],
    ['a binding of another role', () => own.create(roleBindings, aBinding('acme', 'cluster-admin'))],
    ['a binding for somebody else', () => own.create(roleBindings, aBinding('acme', 'berth:api-organization', 'default'))],
    ['Secrets elsewhere', () => own.get(resourceTypes.secrets, { name: 'x', namespace: 'kube-system' })],
  ])('is refused %s', async ([, attempt]) => {
    await expect(attempt()).rejects.toMatchObject({ code: expect.stringMatching(/^KUBE_(FORBIDDEN|INVALID)$/) })
  })
})
