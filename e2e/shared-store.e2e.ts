import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rangeOfPrefix } from '../src/controlplane/data-stores/store-range.ts'
import type { KeyPair } from '../src/controlplane/pki/issue.ts'
import { apply, getJson, listJson, superKubectl, type Thing } from './support/kubectl.ts'
import { busybox, configMap, secret } from './support/objects.ts'
import { type StoreFixture, startStoreFixture } from './support/store-fixture.ts'
import { createTenant, deleteTenants, type Tenant, tenantsNamespace } from './support/tenant.ts'
import { podReady, waitFor } from './support/wait.ts'

const dataStore = 'story-pool'
const names = ['pool-one', 'pool-two', 'given'] as const
let etcd: StoreFixture
let one: Tenant
let two: Tenant
let given: Tenant

const rangeOf = ({ uid }: Tenant) => rangeOfPrefix(`/${uid}/`)
const userOf = ({ uid }: Tenant) => `berth-${uid}`
const usersAndRoles = async (): Promise<string> => `${await etcd.etcdctl('user', 'list')}\n${await etcd.etcdctl('role', 'list')}`

/** With what a tenant's API server comes to its data store. */
const storeKeys = async ({ controlPlaneNamespace }: Tenant): Promise<KeyPair> => {
  const { data } = await getJson(superKubectl, ['secret', 'kube-apiserver-keys', '-n', controlPlaneNamespace])
  const text = (key: string) => Buffer.from(data?.[key] ?? '', 'base64').toString('utf8')
  return { cert: text('etcd-client.crt'), key: text('etcd-client.key') }
}

const conditionPath = (type: string, field: string): string => `{.status.conditions[?(@.type=="${type}")].${field}}`

const storeMessage = async (name: string): Promise<string> =>
  superKubectl(['get', 'tcp', name, '-n', tenantsNamespace, '-o', `jsonpath=${conditionPath('DataStoreReady', 'message')}`])

const pod = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'main', image: busybox, command: ['sleep', '3600'] }], terminationGracePeriodSeconds: 1 },
})

/** The operator's own work for the tenant that is given a part of an etcd. */
const giveEtcd = async (): Promise<void> => {
  await etcd.etcdctl('user', 'add', 'given', '--no-password')
  await etcd.etcdctl('role', 'add', 'given')
  await etcd.etcdctl('role', 'grant-permission', 'given', 'readwrite', '/given/', '--prefix=true')
  await etcd.etcdctl('user', 'grant-role', 'given', 'given')
  const { cert, key } = await etcd.client('given')
  const keys = { 'ca.crt': etcd.authority.cert, 'tls.crt': cert, 'tls.key': key }
  await apply(superKubectl, secret(tenantsNamespace, 'given-etcd', keys))
}
const countGiven = () => etcd.asking(etcd.root, (client) => client.count(rangeOfPrefix('/given/')))

const removeAll = async (): Promise<void> => {
  await deleteTenants(...names)
  await superKubectl(['delete', 'datastore', dataStore, '--ignore-not-found', '--timeout=30s'], { timeoutMs: 40_000 })
  await superKubectl(['delete', 'secret', dataStore, '-n', 'berth-system', '--ignore-not-found'])
  await superKubectl(['delete', 'secret', 'given-etcd', '-n', tenantsNamespace, '--ignore-not-found'])
}

beforeAll(async () => {
  await removeAll()
  etcd = await startStoreFixture()
  const { authority, root, endpoint } = etcd
  const keys = { 'ca.crt': authority.cert, 'tls.crt': root.cert, 'tls.key': root.key, 'ca.key': authority.key }
  await apply(superKubectl, secret('berth-system', dataStore, keys), {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'DataStore',
    metadata: { name: dataStore },
    spec: { endpoints: [endpoint], secretRef: { name: dataStore } },
  })
  await superKubectl(['wait', '--for=condition=Ready', `datastore/${dataStore}`, '--timeout=60s'], { timeoutMs: 70_000 })
  await giveEtcd()
  const shared = { dataStore: { kind: 'shared', name: dataStore } }
  const external = { kind: 'external', endpoints: [endpoint], secretName: 'given-etcd', prefix: '/given/' }
  // One after the other: control planes that start side by side on a small machine keep each other waiting.
  one = await createTenant('pool-one', shared)
  two = await createTenant('pool-two', shared)
  given = await createTenant('given', { dataStore: external })
})
afterAll(async () => {
  await removeAll()
  await etcd?.stop()
})

describe('tenants that share an etcd', () => {
  test('have no etcd of their own, run pods, and are refused nothing by the one they share', async () => {
    await apply(one.kubectl, pod('worker'))
    await apply(two.kubectl, pod('worker'), configMap('default', 'kept', { key: 'value' }))
    await Promise.all([podReady(one.kubectl, 'default', 'worker'), podReady(two.kubectl, 'default', 'worker')])
    for (const { controlPlaneNamespace: at } of [one, two]) {
      const own = await listJson(superKubectl, ['statefulsets,services,pvc,configmaps,networkpolicies', '-n', at])
      expect(own.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('etcd'))).toEqual([])
      const log = await superKubectl(['logs', '-n', at, '-l', 'berth.dev/component=kube-apiserver', '--tail=-1'], {
        timeoutMs: 20_000,
      })
      expect(log).not.toMatch(/permission denied|PermissionDenied|compact failed/i)
    }
  })

  test('have a neighbour whose etcd the operator gives, below the prefix that was named', async () => {
    await apply(given.kubectl, pod('worker'))
    await podReady(given.kubectl, 'default', 'worker')
    expect(await countGiven()).toBeGreaterThan(100)
    await etcd.asking(await storeKeys(given), async (client) => {
      await expect(client.count(rangeOf(one))).rejects.toMatchObject({ code: 'DATA_STORE_REFUSED' })
    })
  })

  test('can read and write their own part of it and nothing else', async () => {
    const keys = await storeKeys(one)
    await etcd.asking(keys, async (client) => {
      expect(await client.count(rangeOf(one))).toBeGreaterThan(100)
      const refused = { code: 'DATA_STORE_REFUSED', message: expect.stringContaining('permission denied') as unknown }
      await expect(client.count(rangeOf(two))).rejects.toMatchObject(refused)
      await expect(client.removePage(rangeOf(two), 1)).rejects.toMatchObject(refused)
      await expect(client.count(rangeOfPrefix('/'))).rejects.toMatchObject(refused)
      await expect(client.disallow(userOf(two))).rejects.toMatchObject(refused)
    })
  })

  test('are shown with their sizes', async () => {
    interface Listed extends Thing {
      readonly status: {
        readonly tenantCount: number
        readonly tenants: readonly { name: string; keys: number; sizeBytes: number }[]
      }
    }
    const tenants = await waitFor(
      'both tenants with their sizes',
      async () => {
        const { status } = await getJson<Listed>(superKubectl, ['datastore', dataStore])
        const measured = status.tenants.filter(({ keys, sizeBytes }) => keys > 100 && sizeBytes > 50_000)
        if (status.tenantCount !== 2 || measured.length !== 2) throw new Error(JSON.stringify(status))
        return status.tenants
      },
      { deadlineMs: 90_000 },
    )
    expect(tenants.map(({ name }) => name).sort()).toEqual(['pool-one', 'pool-two'])
    expect(await storeMessage('pool-one')).toMatch(/^DataStore story-pool serves; .* in \d+ keys below/)
  })

  test('leave nothing there when they are deleted, and the others go on', async () => {
    // Used, it is not deleted.
    await superKubectl(['delete', 'datastore', dataStore, '--wait=false'])
    await deleteTenants('pool-one')
    await etcd.asking(etcd.root, async (client) => {
      expect(await client.count(rangeOf(one))).toBe(0)
      expect(await client.count(rangeOf(two))).toBeGreaterThan(100)
    })
    const left = await usersAndRoles()
    expect(left).not.toContain(userOf(one))
    expect(left).toContain(userOf(two))
    expect(await two.kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.key}'])).toBe('value')
    await apply(two.kubectl, pod('later'))
    await podReady(two.kubectl, 'default', 'later')
    expect(await superKubectl(['get', 'datastore', dataStore, '-o', `jsonpath=${conditionPath('Deleting', 'reason')}`])).toBe(
      'InUse',
    )
    await deleteTenants('pool-two', 'given')
    expect(await countGiven()).toBe(0)
    await superKubectl(['wait', '--for=delete', `datastore/${dataStore}`, '--timeout=30s'], { timeoutMs: 40_000 })
  })
})
