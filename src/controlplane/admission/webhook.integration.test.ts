import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { tenantControlPlaneCrd } from '../../apis/crd.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { createLog } from '../../lib/log.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import { eventually } from '../../testing/eventually.ts'
import { freePorts } from '../../testing/ports.ts'
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
  const text = await readFile(join(import.meta.dirname, '../../../manifests/base/webhook.yaml'), 'utf8')
  const found = parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject)
    .find(({ kind }) => kind === 'ValidatingWebhookConfiguration')
  if (!found) throw new Error('manifests/base/webhook.yaml has no ValidatingWebhookConfiguration')
  return { ...found, webhooks: found['webhooks'].map((each: KubeObject) => ({ ...each, clientConfig: { url } })) }
}

beforeAll(async () => {
  server = await startApiServer()
  const { client } = server
  await client.create(resourceTypes.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'berth-system' } })
  await client.create(resourceTypes.customResourceDefinitions, tenantControlPlaneCrd())
  await eventually(() => client.list(type), { describe: 'the new resource' })
  const [port = 0] = await freePorts(1)
  await client.create(resourceTypes.validatingWebhookConfigurations, await configuration(`https://127.0.0.1:${port}/validate`))
  webhook = createWebhook({ kube: client, port, log: createLog({ process: 'test', level: 'silent' }) })
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

describe("the webhook stands in nobody's way", () => {
  test('a tenant without a slice of its choice, a change and a deletion go without it', async () => {
    await create('kept', '10.96.20.0/24')
    await webhook.stop()
    await expect(create('late', '10.96.24.0/24')).rejects.toThrow(/failed calling webhook/)
    await create('plain')
    const ref = { name: 'kept', namespace: 'default' }
    await server.client.patch(type, ref, { metadata: { finalizers: ['berth.dev/control-plane'] } }, { type: 'merge' })
    await server.client.patch(type, ref, { spec: { size: 'large' } }, { type: 'merge' })
    await server.client.delete(type, ref)
    await server.client.patch(type, ref, { metadata: { finalizers: [] } }, { type: 'merge' })
    expect(await server.client.get(type, ref)).toBeUndefined()
  })
})
