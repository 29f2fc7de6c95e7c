import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient } from '../../kube/client.ts'
import { createKubeClient } from '../../kube/undici-client.ts'
import { isolationVerifyAccount, isolationVerifyName, systemNamespace } from '../../tenancy/names.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import { eventually } from '../../testing/eventually.ts'
import { applyInstalledRights, managerUser, serviceAccountGroups } from '../../testing/installed-rights.ts'
import { aTenantControlPlane } from '../../testing/plane-builders.ts'
import { createIsolationRuns, type IsolationRuns } from './keep-runs.ts'

const { cronJobs, roleBindings, serviceAccounts, namespaces } = resourceTypes
const signal = new AbortController().signal
const account = { name: isolationVerifyAccount, namespace: systemNamespace }

let server: TestApiServer
let manager: KubeClient
let stranger: KubeClient
let tenants: readonly TenantControlPlane[] = []
let told: string[] = []

beforeAll(async () => {
  server = await startApiServer({ deadlineMs: 180_000 })
  await applyInstalledRights(server.client, { isolationVerify: { enabled: true } })
  for (const name of ['home', 'away']) await server.client.create(namespaces, { metadata: { name } })
  manager = createKubeClient(await server.connectionAs(managerUser, serviceAccountGroups), { userAgent: 'berth-manager' })
  stranger = createKubeClient(await server.connectionAs('somebody', []), { userAgent: 'test' })
  await eventually(() => manager.list(roleBindings), { deadlineMs: 60_000, describe: 'the rights in force' })
  const inPlace = { namespace: systemNamespace }
  await eventually(() => manager.list(cronJobs, inPlace), { deadlineMs: 60_000, describe: 'the Roles in force' })
}, 300_000)
afterAll(async () => {
  await manager?.close()
  await stranger?.close()
  await server?.stop()
})
beforeEach(() => {
  tenants = []
  told = []
})

const aTenant = (name: string, schedule: string | undefined, more: Record<string, unknown> = {}, namespace = 'home') => {
  const spec = { ...(schedule !== undefined && { isolation: { verify: { schedule } } }), ...more }
  const tenant = aTenantControlPlane({ spec })
  return { ...tenant, metadata: { ...tenant.metadata, name, namespace, uid: `uid-${name}` } }
}
const runsBy = (kube: KubeClient): IsolationRuns =>
  createIsolationRuns({
    kube,
    image: 'berth:1',
    registry: 'registry.k8s.io',
    tenants: () => tenants,
    onChange: (key) => told.push(key),
    now: () => new Date(),
  })
const nameOf = (tenant: TenantControlPlane): string =>
  isolationVerifyName({ uid: tenant.metadata.uid ?? '', name: tenant.metadata.name ?? '' })
const liveRuns = async (): Promise<readonly KubeObject[]> =>
  (await server.client.list(cronJobs, { namespace: systemNamespace })).items
const liveNames = async () => (await liveRuns()).map(({ metadata }) => metadata.name ?? '').toSorted()
const grants = async () =>
  (await server.client.list(roleBindings, { labelSelector: 'berth.dev/isolation-verify' })).items
    .map(({ metadata }) => metadata.namespace ?? '')
    .toSorted()

describe('runs by schedule, as the manager with just its rights', () => {
  test('are made, changed, mended, put to rest and removed', async () => {
    const [acme, globex, plain] = [
      aTenant('acme', '30 3 * * *'),
      aTenant('globex', '0 4 * * 0', {}, 'away'),
      aTenant('plain', undefined),
    ]
    tenants = [acme, globex, plain]
    const runs = runsBy(manager)
    await runs.reconcile(signal)
    expect(await liveNames()).toEqual([nameOf(acme), nameOf(globex)].toSorted())
    expect(await grants()).toEqual(['away', 'home'])
    expect(runs.trouble(acme)).toBeUndefined()

    // What is as it should be is not written.
    const versions = async () => (await liveRuns()).map(({ metadata }) => metadata.resourceVersion)
    const before = await versions()
    await runs.reconcile(signal)
    expect(await versions()).toEqual(before)

    // What somebody edits comes back, and a change of the spec comes through.
    const ref = { name: nameOf(acme), namespace: systemNamespace }
    await server.client.patch(cronJobs, ref, { spec: { suspend: true, schedule: '* * * * *' } }, { type: 'merge' })
    tenants = [acme, aTenant('globex', '0 5 * * 0', { state: 'Paused' }, 'away')]
    await runs.reconcile(signal)
    expect((await server.client.get(cronJobs, ref))?.spec).toMatchObject({ schedule: '30 3 * * *', suspend: false })
    const other = await server.client.get(cronJobs, { ...ref, name: nameOf(globex) })
    expect(other?.spec).toMatchObject({ schedule: '0 5 * * 0', suspend: true })

    // A tenant that goes, and one whose schedule went while no manager ran. What is not ours stays.
    const spec = { ...other?.spec, schedule: '0 0 1 1 *' }
    await server.client.create(cronJobs, { metadata: { name: 'of-the-operator', namespace: systemNamespace }, spec })
    tenants = [{ ...acme, metadata: { ...acme.metadata, deletionTimestamp: new Date().toISOString() } }, plain]
    await runsBy(manager).reconcile(signal)
    expect(await liveNames()).toEqual(['of-the-operator'])
    expect(await grants()).toEqual([])
    await server.client.delete(cronJobs, { ...ref, name: 'of-the-operator' })
  })

  test('one that Kubernetes refuses keeps no other back, and is told once', async () => {
    const [odd, good] = [aTenant('odd', '0 0 * * 7'), aTenant('good', '0 0 * * 0')]
    tenants = [odd, good]
    const runs = runsBy(manager)
    await runs.reconcile(signal)
    expect(await liveNames()).toEqual([nameOf(good)])
    expect(runs.trouble(odd)).toMatchObject({
      reason: 'ScheduleInvalid',
      message: expect.stringMatching(/^spec\.isolation\.verify\.schedule: /),
    })
    expect(runs.trouble(good)).toBeUndefined()
    await runs.reconcile(signal)
    expect(told).toEqual(['home/odd'])
  })

  test('one whose making was cut off is made by the next manager', async () => {
    tenants = [aTenant('cut', '0 0 * * 0')]
    const stop = new AbortController()
    const running = runsBy(manager).reconcile(stop.signal)
    stop.abort(new Error('killed'))
    await expect(running).rejects.toThrow()
    await runsBy(manager).reconcile(signal)
    expect(await liveNames()).toEqual(tenants.map(nameOf))
  })

  test('are removed when the option goes, and the tenant is told what to do', async () => {
    const tenant = aTenant('acme', '30 3 * * *')
    tenants = [tenant]
    const runs = runsBy(manager)
    await runs.reconcile(signal)
    expect(await liveNames()).toEqual([nameOf(tenant)])
    await server.client.delete(serviceAccounts, account)
    try {
      await runs.reconcile(signal)
      expect(await liveNames()).toEqual([])
      expect(runs.trouble(tenant)).toMatchObject({
        reason: 'NotInstalled',
        message: expect.stringContaining('isolationVerify.enabled'),
      })
      expect(told).toEqual(['home/acme'])
      // Of a tenant without a schedule there is nothing to say.
      expect(runs.trouble(aTenant('plain', undefined))).toBeUndefined()
    } finally {
      await server.client.create(serviceAccounts, { metadata: account })
    }
    await runs.reconcile(signal)
    expect(runs.trouble(tenant)).toBeUndefined()
    expect(told).toEqual(['home/acme', 'home/acme'])
  })

  test('a manager that may not is told like an option that is not there, and the round is no failure', async () => {
    const tenant = aTenant('acme', '30 3 * * *')
    tenants = [tenant]
    const runs = runsBy(stranger)
    expect(await runs.reconcile(signal)).toMatchObject({ kind: 'wait' })
    expect(runs.trouble(tenant)).toMatchObject({ reason: 'NotInstalled', message: expect.stringContaining('somebody') })
  })
})
