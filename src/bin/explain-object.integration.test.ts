import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { superNamespace } from '../tenancy/names.ts'
import { type BerthRun, runBerth } from '../testing/berth-program.ts'
import { aConfigMap, aNamespace, aPod, aService } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { runSyncer } from '../testing/run-syncer.ts'
import { type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

// The program as people run it, against real API servers on both sides and a syncer that has done its work and then stopped.
const log = pino({ level: 'silent' })
const { pods, services, configMaps, namespaces } = resourceTypes

let clusters: SyncClusters
let acme: SyncTenant
let below: string

const berth = (...args: readonly string[]): Promise<BerthRun> =>
  runBerth(args, { kubeconfigPath: clusters.superApi.kubeconfigPath })
const ofTenant = (object: string, ...args: readonly string[]) =>
  berth('explain', 'object', 'acme', object, '-n', 'tenants', ...args)
const inShop = (name: string) => ({ metadata: { name, namespace: 'shop' } })
const env = [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'key' } } }]

beforeAll(async () => {
  clusters = await startSyncClusters(['acme'], { log })
  acme = clusters.tenants[0] as SyncTenant
  below = superNamespace(acme.ref, 'shop')
  const { client } = acme.api
  await client.create(namespaces, aNamespace({ metadata: { name: 'shop' } }))
  await client.create(configMaps, aConfigMap(inShop('settings')))
  await client.create(configMaps, aConfigMap(inShop('unused')))
  await client.create(services, aService(inShop('web')))
  await client.create(pods, aPod({ ...inShop('web'), spec: { containers: [{ name: 'main', image: 'r.example/web:1', env }] } }))
  await client.create(
    pods,
    aPod({ ...inShop('bad'), spec: { hostNetwork: true, containers: [{ name: 'main', image: 'r.example/web:1' }] } }),
  )
  const syncer = await runSyncer(clusters, { log })
  await eventually(async () => (await client.get(pods, { name: 'web', namespace: 'shop' }))?.status?.phase === 'Running', {
    deadlineMs: 60_000,
    describe: 'the running pod',
  })
  await eventually(
    async () =>
      (await client.list<KubeObject>(resourceTypes.events, { namespace: 'shop' })).items.some(
        ({ reason }) => reason === 'PodSecurityViolation',
      ),
    { deadlineMs: 60_000, describe: 'the refusal' },
  )
  await eventually(async () => (await ofTenant('pods/shop/web')).code === 0, {
    deadlineMs: 60_000,
    describe: 'a pod on which both sides agree',
  })
  await syncer.stop()
}, 300_000)

afterAll(() => clusters?.stop(), 60_000)

describe('berth explain object', () => {
  test('of a pod on which both sides agree: both sides, and who wrote what', async () => {
    const { code, out, err } = await ofTenant('pods/shop/web')
    expect(err).toBe('tenant tenants/acme: both sides agree\n')
    expect(out).toMatch(/^tenant +pods\/shop\/web +there /m)
    expect(out).toMatch(new RegExp(`^super +pods/${below}/web +there `, 'm'))
    expect(out).toMatch(/^berth-syncer +super +Update .* spec\.containers/m)
    expect(out).toMatch(/^berth-test +tenant +Update .* spec\.containers/m)
    expect(code).toBe(0)
    expect((await ofTenant('po/shop/web', '-o', 'name')).out).toBe(`pods/${below}/web\n`)
  })

  test('wide has each field', async () => {
    expect((await ofTenant('pods/shop/web', '-o', 'wide')).out).toContain('spec.containers[name=main].image')
  })

  test('of one that policy keeps out: why, and what its user was told', async () => {
    const { code, out, err } = await ofTenant('pod/shop/bad')
    expect(err).toMatch(/^tenant tenants\/acme: it may not go down: PodSecurityViolation: /)
    expect(out).toMatch(/^PodSecurityViolation +tenant +Warning /m)
    expect(out).toMatch(new RegExp(`^super +pods/${below}/bad +not there`, 'm'))
    expect(code).toBe(1)
  })

  test('of one that was changed in super: what the syncer has to write', async () => {
    const ref = { name: 'web', namespace: below }
    await clusters.superApi.client.patch(services, ref, { spec: { selector: { app: 'evil' } } }, { type: 'merge' })
    const { code, out, err } = await ofTenant('svc/shop/web')
    expect(out).toMatch(/^down +field-in-super +spec\.selector\.app is "evil", wanted "main"$/m)
    expect(err).toContain('the syncer has to write to super')
    expect(code).toBe(1)
    await clusters.superApi.client.patch(services, ref, { spec: { selector: { app: 'main' } } }, { type: 'merge' })
  })

  test('of one that goes down by reference: who refers to it, or that nobody does', async () => {
    expect((await ofTenant('cm/shop/settings')).out).toMatch(/^REFERRED TO BY\npods\/shop\/web$/m)
    const unused = await ofTenant('cm/shop/unused')
    expect(unused).toMatchObject({ code: 0, err: expect.stringContaining('nothing that goes down refers to it') })
  })

  test('of what the syncer has not seen yet', async () => {
    await acme.api.client.create(services, aService({ ...inShop('late'), spec: { ports: [{ port: 81 }] } }))
    const { tenantObject, superObject, pending } = JSON.parse((await ofTenant('services/shop/late', '-o', 'json')).out)
    expect(tenantObject).toMatchObject({ place: 'services/shop/late', uid: expect.any(String) })
    expect(superObject).toEqual({ place: `services/${below}/late` })
    expect(pending).toMatchObject([{ direction: 'down', kind: 'missing-in-super' }])
    await acme.api.client.delete(services, { name: 'late', namespace: 'shop' })
  })

  test('of kinds that come up, and of those that stay', async () => {
    expect(await ofTenant('namespaces/shop')).toMatchObject({ code: 0, err: expect.stringContaining('both sides agree') })
    const [node] = (await acme.api.client.list(resourceTypes.nodes)).items
    expect((await ofTenant(`node/${node?.metadata.name}`)).out).toMatch(/^super +nodes\/node-\d +there /m)
    expect(await ofTenant('deployments/shop/web')).toMatchObject({
      code: 0,
      err: expect.stringContaining('is in the tenant only'),
    })
  })

  test.for<[object: string, code: number, told: RegExp]>([
    ['pods/shop/none', 3, /tenant acme has no pods\/shop\/none, and super nothing that stands for it/],
    ['web', 2, /names no object/],
    ['widgets/shop/a', 2, /no kind that is synced is called "widgets"/],
    ['pods/../web', 4, /cannot be a namespace in an API path/],
  ])('of %s: %i', async ([object, code, told]) => {
    const result = await ofTenant(object)
    expect(result.err).toMatch(told)
    expect(result).toMatchObject({ code, out: '' })
  })
})

describe('berth explain super', () => {
  test('of a pod: whose it is', async () => {
    const { code, out, err } = await berth('explain', 'super', `pods/${below}/web`)
    expect(err).toBe('tenant tenants/acme: both sides agree\n')
    expect(out).toMatch(/^tenant +pods\/shop\/web +there /m)
    expect(code).toBe(0)
    expect((await berth('explain', 'super', `namespaces/${below}`, '-o', 'name')).out).toBe('namespaces/shop\n')
  })

  test('of what stands for no object of the tenant: who made it', async () => {
    const { client } = clusters.superApi
    const annotations = { 'berth.dev/renew-at': '2026-01-01T00:00:00Z' }
    await client.create(resourceTypes.secrets, { metadata: { name: 'web.token', namespace: below, annotations } })
    await client.create(configMaps, { metadata: { name: 'by-hand', namespace: below } })
    const [tokens, stranger] = [
      await berth('explain', 'super', `secrets/${below}/web.token`),
      await berth('explain', 'super', `configmaps/${below}/by-hand`),
    ]
    expect(tokens).toMatchObject({ code: 0, err: expect.stringContaining('Berth made it') })
    expect(stranger).toMatchObject({ code: 0, err: expect.stringContaining('somebody else made it') })
    expect(tokens.out).not.toMatch(/^tenant/m)
  })

  test.for<[object: string, code: number, told: RegExp]>([
    ['pods/default/web', 2, /namespace default of super is no tenant's/],
    ['pods/nowhere/web', 3, /super has no namespace nowhere/],
    ['nodes/node-1', 2, /belongs to no tenant/],
  ])('of %s: %i', async ([object, code, told]) => {
    const result = await berth('explain', 'super', object)
    expect(result.err).toMatch(told)
    expect(result.code).toBe(code)
  })

  test('of one that is not there', async () => {
    expect((await berth('explain', 'super', `pods/${below}/none`)).code).toBe(3)
  })
})
