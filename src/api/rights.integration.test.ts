import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { type ApiProcess, type ApiWorld, startApiWorld } from '../testing/api-world.ts'
import { eventually } from '../testing/eventually.ts'
import { grantOrganizationRights } from '../testing/organization-rights.ts'

const { namespaces, roleBindings } = resourceTypes
let world: ApiWorld
let own: KubeClient
let api: ApiProcess

const aHook = (organization: string) => ({
  path: `/v1/organizations/${organization}/webhooks`,
  body: { url: 'https://example.com/' },
})
const aSecret = (namespace: string, labels: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'shop-kubeconfig', namespace, labels },
})

const aBinding = (namespace: string, role = 'berth:api-organization', name = 'berth-api'): KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: 'more', namespace },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
  subjects: [{ kind: 'ServiceAccount', name, namespace: 'berth-system' }],
})

beforeAll(async () => {
  world = await startApiWorld()
  own = await grantOrganizationRights(world.kube)
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
    const { path, body } = aHook('acme')
    const hook = await api.ask('POST', path, { body })
    expect(hook).toMatchObject({ status: 201 })
    expect(await api.ask('POST', `${path}/${hook.body.id}/rotate-secret`)).toMatchObject({ status: 200 })
    expect(await api.ask('POST', `${path}/${hook.body.id}/test`)).toMatchObject({ status: 200 })
    expect(await api.ask('GET', '/v1/organizations/acme/webhook-deliveries')).toMatchObject({
      body: { items: [{ type: 'webhook.ping' }] },
    })
    expect(await api.ask('DELETE', `${path}/${hook.body.id}`)).toMatchObject({ status: 204 })
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
    ["the worker's role for itself", () => own.create(roleBindings, aBinding('acme', 'berth:worker-organization'))],
    ['a Secret of an organisation that is no webhook', () => own.create(resourceTypes.secrets, aSecret('acme'))],
    [
      'the end of a Secret that is no webhook',
      async () => {
        await world.kube.create(resourceTypes.secrets, aSecret('acme'))
        await own.delete(resourceTypes.secrets, { name: 'shop-kubeconfig', namespace: 'acme' })
      },
    ],
    [
      'the label of webhooks on a Secret that is none',
      () =>
        own.patch(
          resourceTypes.secrets,
          { name: 'shop-kubeconfig', namespace: 'acme' },
          { metadata: { labels: { 'berth.dev/webhook': 'true' } } },
          { type: 'merge' },
        ),
    ],
    ['Secrets elsewhere', () => own.get(resourceTypes.secrets, { name: 'x', namespace: 'kube-system' })],
  ])('is refused %s', async ([, attempt]) => {
    await expect(attempt()).rejects.toMatchObject({ code: expect.stringMatching(/^KUBE_(FORBIDDEN|INVALID)$/) })
  })
})
