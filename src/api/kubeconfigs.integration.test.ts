import { request } from 'node:https'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { resourceTypes } from '../apis/resource-types.ts'
import { kubeconfigText } from '../testing/api-server.ts'
import { type ApiProcess, type ApiWorld, startApiWorld } from '../testing/api-world.ts'
import { eventually } from '../testing/eventually.ts'

// The API server of management plays that of the tenant too: it is a real one, with roles and tokens.
let world: ApiWorld
let api: ApiProcess
const path = '/v1/organizations/acme/tenants/shop/kubeconfigs'

const publish = (name: string, text: string) =>
  world.kube.create(resourceTypes.secrets, {
    metadata: { name: `${name}-kubeconfig`, namespace: 'acme' },
    data: { value: Buffer.from(text).toString('base64') },
  })

beforeAll(async () => {
  world = await startApiWorld()
  api = await world.start()
  await api.ask('POST', '/v1/organizations', { body: { name: 'acme' } })
  for (const name of ['shop', 'young', 'away']) await api.ask('POST', '/v1/organizations/acme/tenants', { body: { name } })
  // What a controller manager does, which is not there: the rules of roles that are put together.
  for (const [role, ...parts] of [
    ['view', 'system:aggregate-to-view'],
    ['edit', 'system:aggregate-to-view', 'system:aggregate-to-edit'],
  ] as const) {
    const found = await Promise.all(parts.map((name) => world.kube.get(resourceTypes.clusterRoles, { name })))
    const rules = found.flatMap((each) => (each?.['rules'] ?? []) as unknown[])
    await world.kube.patch(resourceTypes.clusterRoles, { name: role }, { rules }, { type: 'merge' })
  }
  await publish('shop', kubeconfigText(world.api.connection))
  await publish('away', kubeconfigText({ ...world.api.connection, server: 'https://127.0.0.1:1' }))
}, 300_000)
afterAll(() => world?.stop())

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } }[]
  readonly users: readonly {
    readonly user: { readonly token: string; readonly as?: string; readonly 'as-groups'?: readonly string[] }
  }[]
}

/** Asks the tenant as kubectl would with this kubeconfig; gives the status. */
const use = (text: string, method: string, resource: string, body?: object): Promise<number> => {
  const config = parse(text) as Kubeconfig
  const { cluster } = config.clusters[0] ?? { cluster: { server: '', 'certificate-authority-data': '' } }
  const { user } = config.users[0] ?? { user: { token: '' } }
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${user.token}`,
      'content-type': 'application/json',
      ...(user.as !== undefined && { 'impersonate-user': user.as }),
      ...(user['as-groups'] && { 'impersonate-group': [...user['as-groups']] }),
    }
    const ca = Buffer.from(cluster['certificate-authority-data'], 'base64')
    request(`${cluster.server}${resource}`, { method, headers, ca, timeout: 5000 }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode ?? 0))
    })
      .on('error', reject)
      .end(body && JSON.stringify(body))
  })
}
const configMaps = '/api/v1/namespaces/default/configmaps'
const aConfigMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } })

describe('a kubeconfig', () => {
  test.for<[role: string, reads: number, writes: number, administers: number]>([
    ['view', 200, 403, 403],
    ['edit', 200, 201, 403],
    ['admin', 200, 201, 200],
  ])('of role %s may as much', async ([role, reads, writes, administers]) => {
    const made = await api.ask('POST', path, { body: { name: 'ci', role } })
    expect(made).toMatchObject({ status: 201, body: { role, name: 'ci' }, headers: { 'cache-control': 'no-store' } })
    const text = made.body.kubeconfig
    await eventually(async () => (await use(text, 'GET', configMaps)) === reads, { describe: 'the new rights' })
    expect(await use(text, 'POST', configMaps, aConfigMap(`of-${role}`))).toBe(writes)
    expect(await use(text, 'GET', '/api/v1/nodes')).toBe(administers)
  })

  test('of own groups is in exactly these', async () => {
    const rbac = 'rbac.authorization.k8s.io'
    await world.kube.create(resourceTypes.clusterRoleBindings, {
      metadata: { name: 'team-a' },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'view' },
      subjects: [{ apiGroup: rbac, kind: 'Group', name: 'team:a' }],
    })
    const { body } = await api.ask('POST', path, { body: { user: 'ann@example.com', groups: ['team:a'] } })
    await eventually(async () => (await use(body.kubeconfig, 'GET', configMaps)) === 200, { describe: 'the rights of the group' })
    expect(await use(body.kubeconfig, 'POST', configMaps, aConfigMap('x'))).toBe(403)
    // Nobody else, though the kubeconfig be written by hand.
    for (const other of [
      { from: 'ann@example.com', to: 'bob@example.com' },
      { from: 'team:a', to: 'system:masters' },
    ])
      expect(await use(body.kubeconfig.replace(other.from, other.to), 'GET', configMaps)).toBe(403)
    expect(await use(body.kubeconfig.replace(/^ *as(-groups)?:.*\n( *- team:a\n)?/gm, ''), 'GET', configMaps)).toBe(403)
  })

  test('is listed without itself, and lets nobody in once it is revoked', async () => {
    const { body } = await api.ask('POST', path, { body: { role: 'view', expiresInSeconds: 600 } })
    await eventually(async () => (await use(body.kubeconfig, 'GET', configMaps)) === 200, { describe: 'the new rights' })
    const listed = await api.ask('GET', path)
    const { kubeconfig: _, ...shown } = body
    expect(listed.body.items).toContainEqual(shown)
    expect(JSON.stringify(listed.body)).not.toContain('token')
    expect(await api.ask('DELETE', `${path}/${body.id}`)).toMatchObject({ status: 204 })
    await eventually(async () => (await use(body.kubeconfig, 'GET', configMaps)) >= 400, {
      describe: 'the door to close',
      deadlineMs: 2000,
    })
    expect(await api.ask('DELETE', `${path}/${body.id}`)).toMatchObject({ status: 404, body: { code: 'KUBECONFIG_NOT_FOUND' } })
  })

  test('of the same Idempotency-Key is the same one, and does not come back after it was revoked', async () => {
    const ask = () => api.ask('POST', path, { body: { role: 'view' }, headers: { 'idempotency-key': 'k1' } })
    const [first, second] = [await ask(), await ask()]
    expect(second).toMatchObject({ status: 201, body: { id: first.body.id }, headers: { 'idempotent-replayed': 'true' } })
    const { items } = await world.kube.list(resourceTypes.configMaps, { namespace: 'acme' })
    expect(JSON.stringify(items)).not.toMatch(/apiVersion: v1|eyJ/)
    await api.ask('DELETE', `${path}/${first.body.id}`)
    expect(await ask()).toMatchObject({ status: 404 })
  })

  test('whose time is over is not listed, and taken away', async () => {
    const { body } = await api.ask('POST', path, { body: { role: 'view', expiresInSeconds: 600 } })
    const later = await world.start({ now: () => Date.now() + 700_000 })
    const { body: listed } = await later.ask('GET', path)
    expect(listed.items.map(({ id }: { id: string }) => id)).not.toContain(body.id)
    const name = `berth-access-${body.id}`
    expect(await world.kube.get(resourceTypes.clusterRoleBindings, { name })).toBeUndefined()
  })
})

describe('what cannot be', () => {
  test.for<[name: string, body: object]>([
    ['nothing asked for', {}],
    ['a role and groups', { role: 'view', groups: ['a'] }],
    ['a group of Kubernetes', { groups: ['system:masters'] }],
    ["Berth's own group", { groups: ['berth:tenant-admins'] }],
    ['a user of Kubernetes', { user: 'system:admin' }],
    ['too short', { role: 'view', expiresInSeconds: 599 }],
    ['too long', { role: 'view', expiresInSeconds: 86_401 }],
  ])('%s: 400', async ([, body]) => {
    expect(await api.ask('POST', path, { body })).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } })
  })

  test('a tenant that has no kubeconfig yet: 409; one that is away: 503, soon', async () => {
    const of = (tenant: string) => path.replace('shop', tenant)
    expect(await api.ask('POST', of('young'), { body: { role: 'view' } })).toMatchObject({
      status: 409,
      body: { code: 'STATE_CONFLICT' },
    })
    const away = await api.ask('GET', of('away'))
    expect(away).toMatchObject({ status: 503, body: { code: 'TENANT_UNREACHABLE' } })
    expect(JSON.stringify(away.body)).not.toContain('127.0.0.1')
  })

  test('what a tenant wrote itself is not listed', async () => {
    await world.kube.create(resourceTypes.serviceAccounts, {
      metadata: {
        name: 'berth-aaaaaaaaaaaaaaaa',
        namespace: 'berth-access',
        labels: { 'berth.dev/kubeconfig': 'aaaaaaaaaaaaaaaa' },
        annotations: { 'berth.dev/kubeconfig-about': '{"role":"root"}' },
      },
    })
    const { body } = await api.ask('GET', path)
    expect(body.items.map(({ id }: { id: string }) => id)).not.toContain('aaaaaaaaaaaaaaaa')
  })
})
