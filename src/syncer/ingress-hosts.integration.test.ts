import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { superNamespace } from '../tenancy/names.ts'
import { aNamespace } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { type RunningSyncer, runSyncer, verifyOnce } from '../testing/run-syncer.ts'
import { type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

// Two tenants that share Ingress controllers, and want the same hosts.
const log = pino({ level: process.env['BERTH_TEST_LOG'] ?? 'silent' })
const { ingresses, ingressClasses, namespaces, events } = resourceTypes
const soon = { deadlineMs: 30_000 }

let clusters: SyncClusters
let syncer: RunningSyncer
let acme: SyncTenant
let globex: SyncTenant

beforeAll(async () => {
  clusters = await startSyncClusters(['acme', 'globex'], { log })
  ;[acme, globex] = clusters.tenants as [SyncTenant, SyncTenant]
  const public_ = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'public' },
    spec: { controller: 'example.org/x' },
  }
  await clusters.superApi.client.create(ingressClasses, public_ as KubeObject)
  syncer = await runSyncer(clusters, { log })
  for (const { api } of [acme, globex]) await api.client.create(namespaces, aNamespace({ metadata: { name: 'shop' } }))
}, 300_000)
afterAll(async () => {
  await syncer?.stop()
  await clusters?.stop()
}, 60_000)

const at = (name: string) => ({ name, namespace: 'shop' })
const ruleOf = (host: string) => ({
  host,
  http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }] },
})
const claim = ({ api }: SyncTenant, name: string, host: string): Promise<KubeObject> =>
  api.client.create<KubeObject>(ingresses, {
    metadata: at(name),
    spec: { ingressClassName: 'public', rules: [ruleOf(host)] },
  } as KubeObject)
const hostInSuper = async ({ ref }: SyncTenant, name: string): Promise<string | undefined> => {
  const live = await clusters.superApi.client.get<KubeObject>(ingresses, { name, namespace: superNamespace(ref, 'shop') })
  return live?.['spec'].rules[0].host
}
const serves = (tenant: SyncTenant, name: string, host: string) =>
  eventually(async () => (await hostInSuper(tenant, name)) === host, { ...soon, describe: `${name} in super with ${host}` })
const told = ({ api }: SyncTenant, name: string) =>
  eventually(
    async () =>
      (await api.client.list<KubeObject>(events, { namespace: 'shop' })).items.find(
        (event) => event['reason'] === 'IngressHostTaken' && event['involvedObject'].name === name,
      ),
    { ...soon, describe: `the event of ${name}` },
  )

test('the first one has a host, the other is told, and gets it when it is given up', { timeout: 120_000 }, async () => {
  await claim(acme, 'first', 'web.example')
  await serves(acme, 'first', 'web.example')
  await claim(globex, 'second', 'web.example')
  await claim(globex, 'wildcard', '*.example')
  await claim(globex, 'own', 'other.test')
  await serves(globex, 'own', 'other.test')
  const event = await told(globex, 'second')
  // Not a word of whose it is.
  expect(JSON.stringify(event)).not.toMatch(/acme/)
  await told(globex, 'wildcard')
  expect([await hostInSuper(globex, 'second'), await hostInSuper(globex, 'wildcard')]).toEqual([undefined, undefined])
  expect((await verifyOnce(clusters, globex)).differences).toEqual([])

  // An Ingress that is there keeps what it had when it reaches for more.
  await globex.api.client.patch(ingresses, at('own'), { spec: { rules: [ruleOf('web.example')] } }, { type: 'merge' })
  await told(globex, 'own')
  expect(await hostInSuper(globex, 'own')).toBe('other.test')

  await acme.api.client.delete(ingresses, at('first'))
  await serves(globex, 'second', 'web.example')
  await serves(globex, 'wildcard', '*.example')
  await claim(acme, 'third', 'deep.web.example')
  await told(acme, 'third')
})
