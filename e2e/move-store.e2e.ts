import { afterAll, beforeAll, expect, test } from 'vitest'
import { rangeOfPrefix } from '../src/controlplane/data-stores/store-range.ts'
import { apply, getJson, listJson, superKubectl, type Thing } from './support/kubectl.ts'
import { busybox, configMap, secret } from './support/objects.ts'
import { type StoreFixture, startStoreFixture } from './support/store-fixture.ts'
import { createTenant, deleteTenants, type Tenant, tenantsNamespace } from './support/tenant.ts'
import { podReady, waitFor } from './support/wait.ts'

const dataStore = 'story-move'
const name = 'mover'
let etcd: StoreFixture
let tenant: Tenant

interface Moved extends Thing {
  readonly status: {
    readonly dataStore?: { readonly kind: string }
    readonly move?: { readonly phase: string; readonly message: string; readonly keys?: number }
    readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string; message: string }[]
  }
}
const read = () => getJson<Moved>(superKubectl, ['tcp', name, '-n', tenantsNamespace])
const moveTo = (store: object) =>
  superKubectl([
    'patch',
    'tcp',
    name,
    '-n',
    tenantsNamespace,
    '--type=merge',
    '-p',
    JSON.stringify({ spec: { dataStore: store } }),
  ])

/** The control plane serves from there, and nothing is left of where it was. */
const moved = (kind: string) =>
  waitFor(
    `the tenant in its ${kind} data store`,
    async () => {
      const { status } = await read()
      const ready = status.conditions.find(({ type }) => type === 'Ready')
      if (status.dataStore?.kind === kind && status.move?.phase === 'Done' && ready?.status === 'True') return status
      throw new Error(JSON.stringify({ move: status.move, dataStore: status.dataStore, ready }))
    },
    { deadlineMs: 120_000, everyMs: 1000 },
  )

const pod = (podName: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: podName, namespace: 'default' },
  spec: { containers: [{ name: 'main', image: busybox, command: ['sleep', '3600'] }], terminationGracePeriodSeconds: 1 },
})
/** Etcd keeps it with a lease of an hour. */
const event = {
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'told', namespace: 'default' },
  involvedObject: { kind: 'Pod', name: 'worker-0', namespace: 'default' },
  reason: 'Told',
  message: 'before the move',
}

/** Everything of the story by kind, name and UID, and the Secret's text. */
const inTenant = async (): Promise<readonly string[]> => {
  const items = await listJson(tenant.kubectl, ['pods,configmaps,secrets,events,serviceaccounts', '-n', 'default'])
  const kept = items.filter(({ metadata }) => !/^worker-\d\.|^later/.test(metadata.name))
  const text = await tenant.kubectl(['get', 'secret', 'kept', '-o', 'jsonpath={.data.password}'])
  return [...kept.map(({ kind, metadata }) => `${kind}/${metadata.name} ${metadata.uid}`).sort(), text]
}
/** The pods behind them, and how often they were started. */
const inSuper = async (): Promise<readonly string[]> => {
  const pods = await listJson(superKubectl, ['pods', '-A', '-l', `berth.dev/tenant=${tenant.uid}`])
  return pods
    .filter(({ metadata }) => metadata.name.startsWith('worker-'))
    .map(({ metadata, status }) => {
      const { containerStatuses = [] } = (status ?? {}) as { containerStatuses?: { restartCount: number }[] }
      return `${metadata.name} ${metadata.uid} ${containerStatuses.map(({ restartCount }) => restartCount).join()}`
    })
    .sort()
}
/** The newest that a client of the tenant may have seen. */
const resourceVersion = async (): Promise<number> => {
  const list = await tenant.kubectl(['get', '--raw', '/api/v1/namespaces/default/configmaps?limit=1'])
  return Number((JSON.parse(list) as { metadata: { resourceVersion: string } }).metadata.resourceVersion)
}
const ownObjects = async () => {
  const own = await listJson(superKubectl, [
    'statefulsets,services,pvc,configmaps,networkpolicies,jobs',
    '-n',
    tenant.controlPlaneNamespace,
  ])
  return own.map(({ metadata }) => metadata.name).filter((each) => /etcd|move/.test(each))
}

const removeAll = async (): Promise<void> => {
  await deleteTenants(name)
  await superKubectl(['delete', 'datastore', dataStore, '--ignore-not-found', '--timeout=30s'], { timeoutMs: 40_000 })
  await superKubectl(['delete', 'secret', dataStore, '-n', 'berth-system', '--ignore-not-found'])
  await superKubectl(['delete', 'secret', 'mover-etcd', '-n', tenantsNamespace, '--ignore-not-found'])
}

let before: { tenant: readonly string[]; super: readonly string[]; version: number }

beforeAll(async () => {
  await removeAll()
  etcd = await startStoreFixture()
  const { authority, root, endpoint } = etcd
  const keys = { 'ca.crt': authority.cert, 'tls.crt': root.cert, 'tls.key': root.key, 'ca.key': authority.key }
  await apply(superKubectl, secret('berth-system', dataStore, keys), secret(tenantsNamespace, 'mover-etcd', keys), {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'DataStore',
    metadata: { name: dataStore },
    spec: { endpoints: [endpoint], secretRef: { name: dataStore } },
  })
  await superKubectl(['wait', '--for=condition=Ready', `datastore/${dataStore}`, '--timeout=60s'], { timeoutMs: 70_000 })
  tenant = await createTenant(name)
  await apply(
    tenant.kubectl,
    configMap('default', 'kept', { key: 'value' }),
    secret('default', 'kept', { password: 'hunter2' }),
    pod('worker-0'),
    pod('worker-1'),
    event,
  )
  await podReady(tenant.kubectl, 'default', 'worker-0', 'worker-1')
  before = { tenant: await inTenant(), super: await inSuper(), version: await resourceVersion() }
  expect(before.super).toHaveLength(2)
})
afterAll(async () => {
  await removeAll()
  await etcd?.stop()
})

test('a move to a data store that does not answer is refused, and the tenant goes on', async () => {
  await moveTo({ kind: 'external', endpoints: ['https://nobody.story-store.svc:2379'], secretName: 'mover-etcd' })
  const moving = await waitFor(
    'the refusal',
    async () => {
      const { status } = await read()
      return status.conditions.find(({ type, reason }) => type === 'Moving' && reason === 'Refused')
    },
    { deadlineMs: 45_000 },
  )
  expect(moving).toMatchObject({ status: 'False', message: expect.stringMatching(/goes on .* does not answer/) as unknown })
  const { status } = await read()
  expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }))
  expect(await inTenant()).toEqual(before.tenant)
})

test('a tenant moves to a shared data store with all that it has, and its pods go on', async () => {
  await moveTo({ kind: 'shared', name: dataStore, endpoints: null, secretName: null })
  const { move } = await moved('shared')
  expect(move?.keys).toBeGreaterThan(100)
  expect(await inTenant()).toEqual(before.tenant)
  expect(await resourceVersion()).toBeGreaterThan(before.version)
  await apply(tenant.kubectl, pod('later-shared'))
  await podReady(tenant.kubectl, 'default', 'later-shared')
  expect(await inSuper()).toEqual(before.super)
  expect(await ownObjects()).toEqual([])
})

test('and back to an etcd of its own, and nothing of it is left in the shared one', async () => {
  const version = await resourceVersion()
  await moveTo({ kind: 'dedicated', name: null })
  await moved('dedicated')
  expect(await inTenant()).toEqual(before.tenant)
  expect(await resourceVersion()).toBeGreaterThan(version)
  await apply(tenant.kubectl, pod('later-own'))
  await podReady(tenant.kubectl, 'default', 'later-own')
  expect(await inSuper()).toEqual(before.super)
  await etcd.asking(etcd.root, async (client) => {
    expect(await client.count(rangeOfPrefix(`/${tenant.uid}/`))).toBe(0)
  })
  expect(await etcd.etcdctl('user', 'list')).not.toContain(tenant.uid)
})
