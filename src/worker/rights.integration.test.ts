import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { type ApiProcess, type ApiWorld, startApiWorld } from '../testing/api-world.ts'
import { eventually } from '../testing/eventually.ts'
import { grantOrganizationRights } from '../testing/organization-rights.ts'
import { startReceiver } from '../testing/webhook-receiver.ts'
import { createDelivering } from './delivering.ts'
import { createTeller } from './teller.ts'

const log = pino({ level: 'silent' })
let world: ApiWorld
let api: ApiProcess
let kube: KubeClient

beforeAll(async () => {
  world = await startApiWorld()
  api = await world.start({ kube: await grantOrganizationRights(world.kube) })
  kube = world.kube.as('system:serviceaccount:berth-system:berth-worker')
}, 300_000)
afterAll(() => world?.stop())

test('the API lets the worker in, which tells and delivers with the rights of its own account, and may do no more', async () => {
  const receiver = await startReceiver((response) => void response.writeHead(410).end())
  const rules = { allowed: ['127.0.0.0/8'], refused: [], allowHttp: true }
  const delivering = createDelivering({ kube, rules, log, registry: new Registry() })
  const teller = createTeller({ kube, queue: () => delivering.queue(), log, now: () => new Date() })
  try {
    await delivering.start(AbortSignal.timeout(30_000))
    await teller.start()
    await api.ask('POST', '/v1/organizations', { body: { name: 'hooked' } })
    const url = `http://127.0.0.1:${receiver.port}/`
    const hook = await api.ask('POST', '/v1/organizations/hooked/webhooks', { body: { url } })
    await api.ask('POST', '/v1/organizations/hooked/tenants', { body: { name: 'shop' } })
    await eventually(() => receiver.received.length === 1, { describe: 'the event', deadlineMs: 20_000 })
    // It answers that it is gone: the worker disables it.
    const path = `/v1/organizations/hooked/webhooks/${hook.body.id}`
    await eventually(async () => (await api.ask('GET', path)).body.enabled === false, { describe: 'the webhook to be disabled' })
    await world.kube.create(resourceTypes.secrets, { metadata: { name: 'shop-kubeconfig', namespace: 'hooked' } })
    const ref = { name: 'shop-kubeconfig', namespace: 'hooked' }
    await expect(kube.patch(resourceTypes.secrets, ref, { data: { a: 'YQ==' } }, { type: 'merge' })).rejects.toMatchObject({
      code: expect.stringMatching(/^KUBE_(FORBIDDEN|INVALID)$/),
    })
    await expect(kube.list(resourceTypes.secrets, { namespace: 'berth-system' })).rejects.toMatchObject({
      code: 'KUBE_FORBIDDEN',
    })
  } finally {
    await teller.stop()
    await delivering.stop()
    await receiver.stop()
  }
})
