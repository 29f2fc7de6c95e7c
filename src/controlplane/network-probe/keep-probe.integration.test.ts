import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { createKubeClient } from '../../kube/undici-client.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import { eventually } from '../../testing/eventually.ts'
import { applyInstalledRights, managerUser, serviceAccountGroups } from '../../testing/installed-rights.ts'
import { createNetworkProbe, type NetworkProbe } from './keep-probe.ts'
import { probeNamespace } from './plan.ts'

const { pods } = resourceTypes
const signal = new AbortController().signal

let server: TestApiServer
let manager: ReturnType<typeof createKubeClient>
let time = new Date()
let told = 0

beforeAll(async () => {
  server = await startApiServer()
  await applyInstalledRights(server.client)
  await server.client.create(resourceTypes.serviceAccounts, { metadata: { name: 'default', namespace: probeNamespace } })
  manager = createKubeClient(await server.connectionAs(managerUser, serviceAccountGroups), { userAgent: 'berth-manager' })
  await eventually(() => manager.list(pods, { namespace: probeNamespace }), {
    deadlineMs: 30_000,
    describe: 'the rights in force',
  })
}, 120_000)
afterAll(async () => {
  await manager?.close()
  await server?.stop()
})

const aProbe = (image: string | undefined = 'berth:1', isWanted = true): NetworkProbe =>
  createNetworkProbe({
    kube: manager,
    image,
    isWanted: () => isWanted,
    onChange: () => {
      told += 1
    },
    now: () => time,
  })
const names = async (): Promise<string[]> =>
  (await server.client.list(pods, { namespace: probeNamespace })).items.map(({ metadata }) => metadata.name ?? '').toSorted()
/** What the kubelet would say. */
const play = (name: string, state: object): Promise<KubeObject> => {
  const status = {
    podIP: '10.244.0.9',
    containerStatuses: [{ name: 'probe', image: 'i', imageID: '', ready: true, restartCount: 0, state }],
  }
  return server.client.patch(pods, { name, namespace: probeNamespace }, { status }, { subresource: 'status', type: 'merge' })
}
const clients = ['kept-in', 'kept-out', 'open']

describe('a try of super, as the manager with just its rights', () => {
  test.for<[name: string, exits: readonly [number, number, number], status: string]>([
    ['enforced', [0, 0, 0], 'True'],
    ['not enforced', [3, 3, 0], 'False'],
  ])('%s', async ([, exits, status]) => {
    const before = told
    const probe = aProbe()
    await probe.reconcile(signal)
    expect(await names()).toEqual(['server'])
    expect(probe.enforcement()).toBeUndefined()
    await play('server', { running: { startedAt: time.toISOString() } })
    await probe.reconcile(signal)
    expect(await names()).toEqual([...clients, 'server'].toSorted())
    for (const [index, name] of clients.entries()) {
      const terminated = { exitCode: exits[index] ?? 1, startedAt: time.toISOString(), finishedAt: time.toISOString() }
      await play(name, { terminated })
    }
    // Another process goes on with what the first began.
    const next = aProbe()
    await next.reconcile(signal)
    expect(next.enforcement()?.status).toBe(status)
    expect(told).toBe(before + 1)
    expect(await names()).toEqual([])
    // It counts for half an hour, or until nodes come or go.
    await next.reconcile(signal)
    expect(await names()).toEqual([])
    next.nodesChanged()
    time = new Date(time.getTime() + 61_000)
    await next.reconcile(signal)
    expect(await names()).toEqual(['server'])
    await server.client.delete(pods, { name: 'server', namespace: probeNamespace }, { gracePeriodSeconds: 0 })
  })

  test('its pods keep to the restricted level that their namespace asks for', async () => {
    const probe = aProbe()
    await probe.reconcile(signal)
    expect(probe.enforcement()).toBeUndefined()
    const [made] = (await server.client.list(pods, { namespace: probeNamespace })).items
    expect(made?.spec.automountServiceAccountToken).toBe(false)
    await server.client.delete(pods, { name: 'server', namespace: probeNamespace }, { gracePeriodSeconds: 0 })
  })

  test('nothing is tried without a tenant that is to be kept apart, and nothing is known without an image', async () => {
    await aProbe('berth:1', false).reconcile(signal)
    expect(await names()).toEqual([])
    const probe = createNetworkProbe({
      kube: manager,
      image: undefined,
      isWanted: () => true,
      onChange: () => {},
      now: () => time,
    })
    await probe.reconcile(signal)
    expect(probe.enforcement()).toMatchObject({ status: 'Unknown', reason: 'NoImage' })
  })
})
