import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { managedByLabel, tenantLabel } from '../../tenancy/marks.ts'
import { superNamespace } from '../../tenancy/names.ts'
import { aNamespace, aPod } from '../../testing/builders.ts'
import { eventually } from '../../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../../testing/run-syncer.ts'
import { patchPlane, type SyncClusters, type SyncTenant, startSyncClusters } from '../../testing/sync-clusters.ts'

const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { networkPolicies, namespaces, pods, nodes } = resourceTypes
const soon = { deadlineMs: 60_000 }
/** The time in which what was done by hand has to be put right. */
const repair = { deadlineMs: 5_000 }
const fences = ['berth-closed', 'berth-egress', 'berth-ingress']

let clusters: SyncClusters
let syncer: RunningSyncer | undefined
let acme: SyncTenant
let below: string

beforeAll(async () => {
  clusters = await startSyncClusters(['acme'], { log })
  acme = clusters.tenants[0] as SyncTenant
  below = superNamespace(acme.ref, 'shop')
  syncer = await runSyncer(clusters, { log })
  await acme.api.client.create(namespaces, aNamespace({ metadata: { name: 'shop' } }))
  await acme.api.client.create(resourceTypes.serviceAccounts, { metadata: { name: 'default', namespace: 'shop' } })
}, 300_000)
afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)

const superOf = () => clusters.superApi.client
const inTenant = () => acme.api.client
const live = (name: string) => superOf().get<KubeObject>(networkPolicies, { name, namespace: below })
const names = async (): Promise<string[]> =>
  (await superOf().list(networkPolicies, { namespace: below })).items.map(({ metadata }) => metadata.name ?? '').toSorted()
const outside = async (): Promise<{ cidr: string; except?: string[] }> => {
  const to = (await live('berth-egress'))?.spec.egress[0].to as { ipBlock?: { cidr: string; except?: string[] } }[]
  const block = to.find(({ ipBlock }) => ipBlock?.cidr === '0.0.0.0/0')?.ipBlock
  if (!block) throw new Error(`no block in ${JSON.stringify(to)}`)
  return block
}
const webMarks = async (): Promise<unknown> => {
  const labels = (await superOf().get(pods, { name: 'web', namespace: below }))?.metadata.labels ?? {}
  return [labels['berth.dev/open-ingress'], labels['berth.dev/open-egress']]
}
const settles = <T>(read: () => Promise<T>, wanted: T, wait = soon): Promise<unknown> =>
  eventually(async () => {
    const seen = await read()
    return JSON.stringify(seen) === JSON.stringify(wanted) || Promise.reject(new Error(`it is ${JSON.stringify(seen)}`))
  }, wait)

describe("Berth's own policies in a super namespace", () => {
  test('are there before its first pod', async () => {
    await inTenant().create(pods, aPod({ metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' } } }))
    const pod = await eventually(() => superOf().get(pods, { name: 'web', namespace: below }), soon)
    expect(await names()).toEqual(fences)
    for (const name of fences) {
      const { creationTimestamp = '' } = (await live(name))?.metadata ?? {}
      expect(Date.parse(creationTimestamp)).toBeLessThanOrEqual(Date.parse(pod.metadata.creationTimestamp ?? ''))
    }
    expect(await webMarks()).toEqual(['true', 'true'])
  })

  test('know the nodes of super, new ones too, and those that are gone no more', async () => {
    expect((await outside()).except).toContain('10.0.0.0/8')
    const node = { metadata: { name: 'far' }, spec: { podCIDR: '203.0.113.0/24', podCIDRs: ['203.0.113.0/24'] } }
    await superOf().create(nodes, { apiVersion: 'v1', kind: 'Node', ...node })
    await settles(async () => (await outside()).except?.includes('203.0.113.0/24'), true)
    await superOf().delete(nodes, { name: 'far' })
    await settles(async () => (await outside()).except?.includes('203.0.113.0/24'), false)
    // Each of the policies says in an annotation which ranges it knew.
    await settles(async () => JSON.stringify(await Promise.all(fences.map(live))).includes('203.0.113.0/24'), false)
  })

  test.for<[name: string, spoil: object]>([
    ['opened to all', { spec: { ingress: [{}] } }],
    ['without our label', { metadata: { labels: { [tenantLabel]: null } } }],
    ['without the other label', { metadata: { labels: { [managedByLabel]: null } } }],
    ['as if of a tenant object', { metadata: { annotations: { 'berth.dev/name': 'x', 'berth.dev/uid': 'y' } } }],
  ])('edited by hand are put right: %s', async ([, spoil]) => {
    const before = await live('berth-closed')
    await superOf().patch(networkPolicies, { name: 'berth-closed', namespace: below }, spoil, { type: 'merge' })
    await settles(
      async () => {
        const { spec, metadata } = (await live('berth-closed')) ?? { metadata: {} }
        return { spec, labels: metadata.labels, annotations: metadata.annotations }
      },
      { spec: before?.spec, labels: before?.metadata.labels, annotations: before?.metadata.annotations },
      repair,
    )
  })

  test.for(fences)('deleted by hand are there again: %s', async (name) => {
    await superOf().delete(networkPolicies, { name, namespace: below })
    await settles(names, fences, repair)
  })

  test('a policy of the tenant under their name is refused, and theirs stays', async () => {
    const spec = { podSelector: {}, ingress: [{}], policyTypes: ['Ingress'] }
    await inTenant().create(networkPolicies, { metadata: { name: 'berth-closed', namespace: 'shop' }, spec })
    await eventually(async () => {
      const { items } = await inTenant().list<KubeObject>(resourceTypes.events, { namespace: 'shop' })
      return items.find(({ involvedObject }) => involvedObject.name === 'berth-closed')?.message.includes('in the way')
    }, soon)
    expect((await live('berth-closed'))?.spec.ingress).toBeUndefined()
    await inTenant().delete(networkPolicies, { name: 'berth-closed', namespace: 'shop' })
  })

  test('open a pod only while no policy of the tenant selects it', async () => {
    await settles(webMarks, ['true', 'true'])
    const spec = { podSelector: { matchLabels: { app: 'web' } }, ingress: [{}], policyTypes: ['Ingress'] }
    await inTenant().create(networkPolicies, { metadata: { name: 'web', namespace: 'shop' }, spec })
    await settles(webMarks, ['false', 'true'])
    await eventually(() => live('web'), soon)
    expect(JSON.stringify((await live('web'))?.spec.ingress)).not.toContain('{}')
    await superOf().patch(pods, { name: 'web', namespace: below }, { metadata: { labels: { 'berth.dev/open-ingress': 'true' } } })
    await settles(webMarks, ['false', 'true'], repair)
    await inTenant().delete(networkPolicies, { name: 'web', namespace: 'shop' })
    await settles(webMarks, ['true', 'true'])
  })

  test('are what verify wants to see', async () => {
    const { differences, moving } = await verifyOnce(clusters, acme)
    expect([...differences, ...moving]).toEqual([])
    const patch = { spec: { ingress: [{}] } }
    await syncer?.stop()
    syncer = undefined
    await superOf().patch(networkPolicies, { name: 'berth-closed', namespace: below }, patch, { type: 'merge' })
    expect((await verifyOnce(clusters, acme)).differences).toMatchObject([{ resource: 'namespaces', name: 'shop' }])
    syncer = await runSyncer(clusters, { log })
    await settles(async () => (await live('berth-closed'))?.spec.ingress, undefined)
  })

  test('go by the settings, and go when the tenant is not to be kept apart', async () => {
    await patchPlane(clusters, acme, { isolation: { network: { egress: 'None', egressTo: ['198.51.100.0/24'] } } })
    await settles(async () => JSON.stringify((await live('berth-egress'))?.spec.egress).match(/"cidr":"[^"]*\.[^"]*"/g), [
      '"cidr":"10.96.4.0/24"',
      '"cidr":"198.51.100.0/24"',
    ] as RegExpMatchArray)
    await patchPlane(clusters, acme, { isolation: { profile: 'privileged', network: null } })
    await settles(names, [])
    await settles(webMarks, [undefined, undefined])
  })
})
