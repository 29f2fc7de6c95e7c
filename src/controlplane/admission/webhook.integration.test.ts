import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { tenantControlPlaneCrd } from '../../apis/crd.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { tenantClassCrd } from '../../apis/tenant-class-crd.ts'
import { createLog } from '../../lib/log.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import { eventually } from '../../testing/eventually.ts'
import { freePorts } from '../../testing/ports.ts'
import { sameCluster } from '../super-cluster.ts'
import { createWebhook, type Webhook } from './webhook.ts'

let server: TestApiServer
let webhook: Webhook
const type = resourceTypes.tenantControlPlanes

const create = (name: string, serviceSlice?: string): Promise<KubeObject> =>
  server.client.create(type, {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'TenantControlPlane',
    metadata: { name, namespace: 'default' },
    spec: serviceSlice === undefined ? {} : { network: { serviceSlice } },
  })

/** The configuration that is installed, with a URL in place of the Service, which does not exist here. */
const configuration = async (url: string): Promise<KubeObject> => {
  const text = await readFile(join(import.meta.dirname, '../../../manifests/parts/management/webhook.yaml'), 'utf8')
  const found = parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject)
    .find(({ kind }) => kind === 'ValidatingWebhookConfiguration')
  if (!found) throw new Error('manifests/parts/management/webhook.yaml has no ValidatingWebhookConfiguration')
  const at = ({ clientConfig }: KubeObject) => ({ url: `${url}${clientConfig.service.path}` })
  return { ...found, webhooks: found['webhooks'].map((each: KubeObject) => ({ ...each, clientConfig: at(each) })) }
}

beforeAll(async () => {
  server = await startApiServer()
  const { client } = server
  await client.create(resourceTypes.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'berth-system' } })
  await client.create(resourceTypes.customResourceDefinitions, tenantControlPlaneCrd())
  await client.create(resourceTypes.customResourceDefinitions, tenantClassCrd())
  for (const of of [type, resourceTypes.tenantClasses]) await eventually(() => client.list(of), { describe: 'the new resource' })
  const [port = 0] = await freePorts(1)
  await client.create(resourceTypes.validatingWebhookConfigurations, await configuration(`https://127.0.0.1:${port}`))
  webhook = createWebhook({
    kube: client,
    superCluster: sameCluster(client),
    port,
    log: createLog({ process: 'test', level: 'silent' }),
  })
  await webhook.start()
  await eventually(() => webhook.complaint() === undefined, { describe: `the webhook (${webhook.complaint()})` })
  // The API server takes a moment to learn of a changed configuration.
  await eventually(
    () =>
      create('probe', '172.31.0.0/24').then(
        () => false,
        (error: Error) => error.message.includes('outside'),
      ),
    { describe: 'a refusal by the webhook', deadlineMs: 30_000 },
  )
})
afterAll(async () => {
  await webhook?.stop()
  await server?.stop()
})

describe('a slice that cannot be had is refused at once', () => {
  test("outside super's Service range", async () => {
    await expect(create('outside', '10.97.0.0/24')).rejects.toThrow(
      /spec\.network\.serviceSlice: 10\.97\.0\.0\/24 is outside the super cluster's Service range 10\.96\.0\.0\/16/,
    )
  })

  test('overlapping the slice that another tenant asked for, whose name is not told', async () => {
    await create('first', '10.96.8.0/24')
    await expect(create('second', '10.96.8.16/28')).rejects.toThrow(/overlaps 10\.96\.8\.0\/24 of another tenant/)
  })

  test('overlapping the slice that another tenant was given', async () => {
    const given = await create('given')
    const status = { serviceSlice: '10.96.12.0/24' }
    await server.client.replace(type, { ...given, status }, { subresource: 'status' })
    await expect(create('taker', '10.96.12.0/24')).rejects.toThrow(/overlaps 10\.96\.12\.0\/24/)
  })

  test('with addresses that Services of super hold', async () => {
    await expect(create('used', '10.96.0.0/24')).rejects.toThrow(
      /Services of the super cluster use already, for example 10\.96\.0\.1/,
    )
  })
})

describe('limits of a class are said at once', () => {
  const tenants = (name: string) => ({ name, namespace: 'default' })
  const object = (name: string, spec: object): KubeObject => ({
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'TenantControlPlane',
    metadata: tenants(name),
    spec,
  })

  test('of a new tenant and of a change, with field, value, limit and what to do', async () => {
    await server.client.create(resourceTypes.tenantClasses, {
      apiVersion: 'berth.dev/v1alpha1',
      kind: 'TenantClass',
      metadata: { name: 'bronze' },
      spec: { limits: { sizes: ['small'] } },
    })
    const beyond = /spec\.size: large is beyond what TenantClass bronze allows \(one of small\): change it, or name another class/
    await expect(server.client.create(type, object('beyond', { className: 'bronze', size: 'large' }))).rejects.toThrow(beyond)
    await server.client.create(type, object('within', { className: 'bronze' }))
    const grow = { spec: { size: 'large' } }
    await expect(server.client.patch(type, tenants('within'), grow, { type: 'merge' })).rejects.toThrow(beyond)
  })

  test('and hold up no deletion, no finalizer and no other change of a tenant that is beyond already', async () => {
    await server.client.create(type, object('early', { className: 'later', size: 'large' }))
    await server.client.create(resourceTypes.tenantClasses, {
      apiVersion: 'berth.dev/v1alpha1',
      kind: 'TenantClass',
      metadata: { name: 'later' },
      spec: { limits: { sizes: ['small'] } },
    })
    const patch = (body: object) => server.client.patch(type, tenants('early'), body, { type: 'merge' })
    await patch({ metadata: { finalizers: ['berth.dev/control-plane'] } })
    await patch({ spec: { state: 'Paused' } })
    await server.client.patch(
      type,
      tenants('early'),
      { status: { version: 'v1.37.1' } },
      { type: 'merge', subresource: 'status' },
    )
    await server.client.delete(type, tenants('early'))
    await patch({ metadata: { finalizers: [] } })
    expect(await server.client.get(type, tenants('early'))).toBeUndefined()
  })
})

describe("the webhook stands in nobody's way", () => {
  test('a tenant without a slice of its choice, a change and a deletion go without it', async () => {
    await create('kept', '10.96.20.0/24')
    await webhook.stop()
    await expect(create('late', '10.96.24.0/24')).rejects.toThrow(/failed calling webhook/)
    await create('plain')
    await server.client.create(type, {
      apiVersion: 'berth.dev/v1alpha1',
      kind: 'TenantControlPlane',
      metadata: { name: 'of-a-class', namespace: 'default' },
      spec: { className: 'bronze', size: 'large' },
    })
    const ref = { name: 'kept', namespace: 'default' }
    await server.client.patch(type, ref, { metadata: { finalizers: ['berth.dev/control-plane'] } }, { type: 'merge' })
    await server.client.patch(type, ref, { spec: { size: 'large' } }, { type: 'merge' })
    await server.client.delete(type, ref)
    await server.client.patch(type, ref, { metadata: { finalizers: [] } }, { type: 'merge' })
    expect(await server.client.get(type, ref)).toBeUndefined()
  })
})
