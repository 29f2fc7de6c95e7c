import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keySecret, keySecretName } from '../access/key-object.ts'
import { newKey, parseKeyText } from '../access/key-text.ts'
import { apiVersionOf, resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { AppError } from '../lib/errors.ts'
import { kubeconfigText } from '../testing/api-server.ts'
import { type ApiProcess, type ApiWorld, startApiWorld } from '../testing/api-world.ts'
import { runSchemathesis } from '../testing/schemathesis.ts'

let world: ApiWorld
let api: ApiProcess
const { controlPlaneSnapshots, secrets } = resourceTypes

/** Of the Idempotency-Key `hook`. */
const webhookId = 'webhook-jvf63b2xtpwawmqw'

/** What the run stands on is still there after it was asked to go: its key, and an organisation, tenants and a snapshot that there is something to tell of. */
const keeping = (kube: KubeClient, keyIds: readonly string[]): KubeClient => ({
  ...kube,
  delete: async (type, ref, options) => {
    if (keyIds.some((id) => ref.name === keySecretName(id)))
      throw new AppError('API_KEY_NOT_FOUND', 'there is no such API key', {})
    if (ref.name === 'acme' || (ref.namespace === 'acme' && ['shop', 'first', webhookId].includes(ref.name)))
      throw new AppError('KUBE_CONFLICT', 'it is kept', {})
    return kube.delete(type, ref, options)
  },
})

/** Operations by `METHOD /path` of the document that were done at least once. */
const done = new Set<string>()
const noteAnswers = (paths: readonly string[]): void => {
  const patterns = paths.map((path) => [path, new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`)] as const)
  api.app.server.on('request', (request, response) =>
    response.on('finish', () => {
      const path = patterns.find(([, pattern]) => pattern.test((request.url ?? '').split('?', 1)[0] ?? ''))?.[0]
      if (path !== undefined && response.statusCode < 300) done.add(`${request.method} ${path}`)
    }),
  )
}

beforeAll(async () => {
  world = await startApiWorld()
  const known = { id: '0123456789abcdef', secret: newKey().secret }
  for (const key of [known, { ...known, id: 'fedcba9876543210' }])
    await world.kube.create(secrets, keySecret(key, { name: 'known', scopes: ['tenants:read'] }))
  const kube = keeping(world.kube, [known.id, parseKeyText(world.platformKey)?.id ?? ''])
  // No stream is let in: one would have no end.
  api = await world.start({ kube, limits: { perSecond: 100_000, burst: 100_000, streams: 0 } })
  await api.app.listen({ port: 0, host: '127.0.0.1' })
  await api.ask('POST', '/v1/organizations', { body: { name: 'acme' } })
  const storage = { s3: { bucket: 'backups', endpoint: 'https://s3.example.com', secretName: 's3' } }
  for (const name of ['shop', 'young'])
    await api.ask('POST', '/v1/organizations/acme/tenants', { body: { name, spec: { backup: { storage } } } })
  const headers = { 'idempotency-key': 'kept' }
  const begun = await api.ask('POST', '/v1/organizations/acme/tenants', { body: { name: 'leaving' }, headers })
  // As the settings of the run have it.
  expect(begun.body.id).toBe('siwzgp7jubqu5utq2ghnzod2xb')
  const hook = await api.ask('POST', '/v1/organizations/acme/webhooks', {
    body: { url: 'https://hooks.example.com/berth' },
    headers: { 'idempotency-key': 'hook' },
  })
  // As the settings of the run have it.
  expect(hook.body.id).toBe(webhookId)
  // The API server of management plays that of the tenant too.
  await world.kube.create(secrets, {
    metadata: { name: 'shop-kubeconfig', namespace: 'acme' },
    data: { value: Buffer.from(kubeconfigText(world.api.connection)).toString('base64') },
  })
  await world.kube.create(controlPlaneSnapshots, {
    apiVersion: apiVersionOf(controlPlaneSnapshots),
    kind: controlPlaneSnapshots.kind,
    metadata: { name: 'first', namespace: 'acme' },
    spec: { tenantName: 'shop', storage, deletionPolicy: 'Delete' },
  })
}, 300_000)
afterAll(() => world?.stop())

test('schemathesis gets no answer that the document does not have, and has each operation done', async () => {
  const { port } = api.app.server.address() as AddressInfo
  const { paths } = (await api.ask('GET', '/openapi.json')).body as { paths: Record<string, object> }
  noteAnswers(Object.keys(paths))
  const { ok, output } = await runSchemathesis({
    url: `http://127.0.0.1:${port}`,
    key: world.platformKey,
    deadlineMs: 560_000,
  })
  expect(ok, output).toBe(true)
  const all = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  )
  // What is never done finds nothing. These have tests of their own: streams are not let in here, and nothing becomes a dead letter.
  expect(all.filter((operation) => !done.has(operation))).toEqual([
    'GET /v1/organizations/{org}/events',
    'POST /v1/organizations/{org}/webhook-deliveries/{delivery}/replay',
  ])
}, 600_000)
