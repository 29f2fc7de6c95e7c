import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resourceTypes } from '../../apis/resource-types.ts'
import { createKubeClient } from '../../kube/undici-client.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import { eventually } from '../../testing/eventually.ts'
import { accounts, allGrantedRights, type Right } from '../../testing/granted-rights.ts'
import { isAllowed, managerUser, serviceAccountGroups } from '../../testing/installed-rights.ts'

// Each right is needed: without it the API server refuses what it is for, as nothing else grants it too. That each is asked for says the record of what
// tests see used (rights.test.ts); that a refusal fails the test in which it happens is shown last.
const { clusterRoles, clusterRoleBindings, roles, roleBindings, namespaces } = resourceTypes
const rbac = 'rbac.authorization.k8s.io'
/** Where a tenant's pods would be; any namespace will do. */
const elsewhere = 'elsewhere'

let server: TestApiServer
const granted = await allGrantedRights()

/** Gives a user just these rights, in a role for each namespace. */
const give = async (user: string, rights: readonly Right[]): Promise<void> => {
  const subjects = [{ kind: 'User', apiGroup: rbac, name: user }]
  for (const [namespace, those] of Map.groupBy(rights, (each) => each.namespace)) {
    const metadata = { name: user, ...(namespace !== undefined && { namespace }) }
    const kind = namespace === undefined ? 'ClusterRole' : 'Role'
    const binding = { metadata, roleRef: { apiGroup: rbac, kind, name: user }, subjects }
    await server.client.create(namespace === undefined ? clusterRoles : roles, { metadata, rules: those.map(({ rule }) => rule) })
    await server.client.create(namespace === undefined ? clusterRoleBindings : roleBindings, binding)
  }
}

/** What the API server would answer to a request that takes this right. */
const mayUse = (user: string, { rule, namespace = elsewhere }: Right): Promise<boolean> => {
  const [resource = '', subresource] = (rule.resources[0] ?? '').split('/')
  const resourceAttributes = {
    verb: rule.verbs[0],
    group: rule.apiGroups[0],
    resource,
    namespace,
    ...(subresource !== undefined && { subresource }),
    ...(rule.resourceNames && { name: rule.resourceNames[0] }),
  }
  return isAllowed(server.client, { user, groups: serviceAccountGroups }, resourceAttributes)
}

beforeAll(async () => {
  server = await startApiServer()
  for (const name of ['berth-system', 'berth-tenants', 'berth-network-probe', elsewhere])
    await server.client.create(namespaces, { metadata: { name } })
})
afterAll(() => server?.stop())

describe('without it the API server refuses', () => {
  test.for(accounts)('each right of %s', async (account) => {
    const all = granted.get(account) ?? []
    const users = [...new Set(all.map(({ right }) => right))].map((right, at) => ({ right, user: `${account}-without-${at}` }))
    await give(account, all)
    for (const { right, user } of users)
      await give(
        user,
        all.filter((each) => each.right !== right),
      )
    const last = users.at(-1)?.user ?? ''
    const kept = all.find(({ right }) => right !== users.at(-1)?.right)
    await eventually(async () => kept !== undefined && (await mayUse(last, kept)), { describe: 'the last role in force' })
    const granting = await Promise.all(all.map(async (each) => ((await mayUse(account, each)) ? [] : [each.right])))
    expect(granting.flat()).toEqual([])
    const needless = await Promise.all(
      users.map(async ({ right, user }) => {
        const without = await Promise.all(all.filter((each) => each.right === right).map((each) => mayUse(user, each)))
        return without.includes(true) ? [right] : []
      }),
    )
    expect(needless.flat()).toEqual([])
  })
})

test('a test in which Berth is refused a right fails when its API server stops, and names the right', async () => {
  const other = await startApiServer()
  const manager = createKubeClient(await other.connectionAs(managerUser, serviceAccountGroups), { userAgent: 'test' })
  await expect(manager.list(resourceTypes.nodes)).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' })
  await manager.close()
  await expect(other.stop()).rejects.toThrow('Berth asked for what its manifests give no right to: berth-manager list /nodes')
})
