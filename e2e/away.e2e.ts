import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tenantLabel } from '../src/tenancy/marks.ts'
import { superNamespace } from '../src/tenancy/names.ts'
import { apply, getJson, superKubectl, type Thing } from './support/kubectl.ts'
import { configMap, deployment, namespace, service, webServer } from './support/objects.ts'
import { createTenant, deleteTenants, type Tenant } from './support/tenant.ts'
import { verify } from './support/verify.ts'
import { rolledOut, waitFor } from './support/wait.ts'

const awayMs = 60_000
/** Forbids new pods in a control-plane namespace: what is deleted there stays away, whatever a controller wants. */
const noPods = 'nobody-comes'
const configured = { env: [{ name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } }] }

let tenant: Tenant
beforeAll(async () => {
  tenant = await createTenant('unattended')
  await apply(
    tenant.kubectl,
    namespace('app'),
    configMap('app', 'settings', { colour: 'red' }),
    service('app', 'web'),
    service('app', 'old'),
    deployment('app', 'web', 3, webServer(configured)),
  )
  await rolledOut(tenant.kubectl, 'app', 'deployment/web')
})
afterAll(() => deleteTenants('unattended'))

test("changes of both sides around a minute without the tenant's API server are all there afterwards", {
  timeout: 480_000,
}, async () => {
  const { kubectl, controlPlaneNamespace } = tenant
  const plane = ['-n', controlPlaneNamespace]
  const below = ['-n', superNamespace(tenant, 'app')]
  const pods = async () =>
    (await superKubectl(['get', 'pods', '-l', 'app=web', '-o', 'name', ...below])).split('\n').filter(Boolean)
  const [victim = '', unlabelled = ''] = await pods()

  // The last words of the tenant: they reach the syncer just before, or not at all.
  await superKubectl(['create', 'quota', noPods, '--hard=pods=0', ...plane])
  await apply(
    kubectl,
    service('app', 'new'),
    configMap('app', 'settings', { colour: 'blue' }),
    deployment('app', 'web', 4, webServer(configured)),
  )
  await kubectl(['delete', 'service', 'old', '-n', 'app'])
  await superKubectl(['delete', 'pods', '-l', 'berth.dev/component=kube-apiserver', '--force', '--grace-period=0', ...plane])
  const awaySince = performance.now()

  // Super goes its own way meanwhile.
  await superKubectl(['delete', victim, '--wait=false', ...below])
  await superKubectl(['label', unlabelled, `${tenantLabel}-`, ...below])
  await superKubectl(['delete', 'configmap', 'settings', ...below])
  await superKubectl(['patch', 'service', 'web', '-p', '{"spec":{"selector":{"app":"other"}}}', ...below])
  // It goes on for some seconds, until nodes know that it goes.
  await waitFor('silence of the API server', () =>
    kubectl(['get', 'namespaces', '--request-timeout=5s'], { timeoutMs: 15_000 }).then(
      () => false,
      () => true,
    ),
  )
  await sleep(Math.max(0, awayMs - (performance.now() - awaySince)))

  await superKubectl(['delete', 'quota', noPods, ...plane])
  // The controller has given up for a while: a change of its object makes it look again.
  await superKubectl(['annotate', 'replicasets', '--all', `example.com/look=${Date.now()}`, ...plane])
  await waitFor('the API server of the tenant', () => kubectl(['get', '--raw', '/readyz'], { timeoutMs: 10_000 }), {
    deadlineMs: 120_000,
  })
  await rolledOut(kubectl, 'app', 'deployment/web')
  await waitFor(
    'both sides equal',
    async () => {
      const found = await verify(tenant)
      if (found.code !== 0) throw new Error(found.output)
      return true
    },
    { deadlineMs: 120_000, everyMs: 1_000 },
  )

  expect(await pods()).toHaveLength(4)
  expect(await pods()).not.toContain(victim)
  expect(await superKubectl(['get', 'services', '-o', 'name', ...below])).toBe('service/new\nservice/web')
  const settings = await getJson<Thing>(superKubectl, ['configmap', 'settings', ...below])
  expect(settings.data).toEqual({ colour: 'blue' })
})
