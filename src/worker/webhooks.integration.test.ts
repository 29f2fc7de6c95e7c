import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { verifySignature } from '../jobs/webhooks/signature.ts'
import { type ApiProcess, type ApiWorld, startApiWorld } from '../testing/api-world.ts'
import { eventually } from '../testing/eventually.ts'
import { type Answer, type Received, startReceiver } from '../testing/webhook-receiver.ts'
import { createDelivering } from './delivering.ts'
import { createTeller, type TellerOptions } from './teller.ts'

// A backend that signs up customers: the API, what tells, what delivers, and real receivers.
const log = pino({ level: 'silent' })
const rules = { allowed: ['127.0.0.0/8'], refused: [], allowHttp: true }
const readyStatus = {
  conditions: [
    {
      type: 'Ready',
      status: 'True',
      reason: 'Serving',
      message: 'm',
      lastTransitionTime: new Date().toISOString().replace(/\.\d+/, ''),
    },
  ],
}
let world: ApiWorld
let api: ApiProcess
const ends: (() => Promise<unknown> | void)[] = []
const lastEnds: (() => Promise<unknown> | void)[] = []
let organizations = 0

beforeAll(async () => {
  world = await startApiWorld()
  api = await world.start()
  const delivering = createDelivering({
    kube: world.kube,
    rules,
    log,
    registry: new Registry(),
    retries: { attempts: 4, backoff: { firstMs: 50, capMs: 200 } },
  })
  await delivering.start(AbortSignal.timeout(30_000))
  lastEnds.push(() => delivering.stop())
}, 300_000)
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})
afterAll(async () => {
  for (const end of lastEnds.toReversed()) await end()
  await world?.stop()
})

/** What looks what there is to be told, as the leader among the workers does. */
const aTeller = async (more: Partial<TellerOptions> = {}) => {
  const queue: TellerOptions['queue'] = async () => api.queue()
  const teller = createTeller({ kube: world.kube, queue, log, now: () => new Date(), ...more })
  await teller.start()
  ends.push(() => teller.stop())
  return teller
}
const anOrganization = async () => {
  organizations += 1
  const org = `org-${organizations}`
  await api.ask('POST', '/v1/organizations', { body: { name: org } })
  const at = `/v1/organizations/${org}`
  const tenant = (name: string) => api.ask('POST', `${at}/tenants`, { body: { name } })
  return { org, at, tenant }
}
const aReceiver = async (answer: Answer = (response) => void response.writeHead(200).end()) => {
  const receiver = await startReceiver(answer)
  ends.push(() => receiver.stop())
  return { received: receiver.received, url: `http://127.0.0.1:${receiver.port}/hook` }
}
const eventIn = ({ body }: Received) => JSON.parse(body) as { id: string; type: string; tenant?: Record<string, unknown> }
const typesOf = (received: readonly Received[]) => received.map((each) => eventIn(each).type)
const isSignedBy = (one: Received | undefined, ...secrets: readonly string[]) =>
  verifySignature({
    header: String(one?.headers['berth-signature']),
    body: one?.body ?? '',
    secrets,
    nowSeconds: Date.now() / 1000,
  }).kind === 'valid'
const isDone = (at: string) =>
  eventually(async () => (await api.ask('GET', `${at}/webhook-deliveries`)).body.items.length === 0, {
    describe: 'all to be sent',
  })

describe('events of tenants', () => {
  test('go from a sign-up to the receiver, once, signed and with the tenant as the API shows it', async () => {
    await aTeller()
    const { org, at, tenant } = await anOrganization()
    const { received, url } = await aReceiver()
    const made = await api.ask('POST', `${at}/webhooks`, {
      body: { url, events: ['tenant.created', 'tenant.ready', 'tenant.deleted'] },
    })
    expect(made).toMatchObject({ status: 201, body: { enabled: true, secret: expect.stringMatching(/^whsec_/) } })
    await tenant('shop')
    await eventually(() => received.length === 1)
    await world.setStatus(org, 'shop', readyStatus)
    await eventually(() => received.length === 2)
    await world.setStatus(org, 'shop', { ...readyStatus, version: '1.37.1' })
    await api.ask('DELETE', `${at}/tenants/shop`)
    await eventually(() => received.length === 3)
    await isDone(at)
    expect(typesOf(received)).toEqual(['tenant.created', 'tenant.ready', 'tenant.deleted'])
    expect(received.every((one) => isSignedBy(one, made.body.secret))).toBe(true)
    const second = received[1] && eventIn(received[1])
    expect(second).toMatchObject({ organization: org, tenant: { name: 'shop', organization: org, phase: 'Ready', ready: true } })
    expect(received[1]?.headers['berth-event-id']).toBe(second?.id)
    expect(new Set(received.map((one) => eventIn(one).id)).size).toBe(3)
  })

  test('that came while nobody looked are told by who looks next; what did not change is not', async () => {
    const { org, at, tenant } = await anOrganization()
    const { received, url } = await aReceiver()
    await tenant('old')
    const first = await aTeller()
    await eventually(async () => (await toldOf(org)).length > 0, { describe: 'what is there to be noted' })
    await first.stop()
    await api.ask('POST', `${at}/webhooks`, { body: { url } })
    await world.setStatus(org, 'old', readyStatus)
    const second = await aTeller()
    await eventually(() => received.length === 1)
    await second.stop()
    const third = await aTeller()
    await tenant('new')
    await eventually(() => received.length === 2)
    await third.stop()
    await isDone(at)
    expect(typesOf(received)).toEqual(['tenant.ready', 'tenant.created'])
  })

  test('that were noted by a process that was killed before it told them keep their ids', async () => {
    const { org, at, tenant } = await anOrganization()
    const { received, url } = await aReceiver()
    const killed = await aTeller({ queue: () => Promise.reject(new Error('killed')) })
    await api.ask('POST', `${at}/webhooks`, { body: { url } })
    await tenant('shop')
    const noted = await eventually(async () => (await outboxOf(org))[0], { describe: 'the event to be noted' })
    await killed.stop()
    await api.ask('DELETE', `${at}/tenants/shop`)
    const next = await aTeller()
    await eventually(() => received.length === 2)
    await next.stop()
    // Jobs of their own: nothing says which comes first.
    expect(Object.fromEntries(received.map((one) => eventIn(one)).map(({ type, id }) => [type, id]))).toEqual({
      'tenant.created': noted.id,
      'tenant.deleted': expect.not.stringMatching(noted.id),
    })
  })

  test('that a queue has lost are told again under their ids, and not to webhooks that came later', async () => {
    const { org, at, tenant } = await anOrganization()
    const [early, late] = [await aReceiver(), await aReceiver()]
    let epoch = 'one'
    const queue: TellerOptions['queue'] = async () => {
      const jobs = await api.queue()
      return { ...jobs, epoch: async () => epoch }
    }
    await aTeller({ queue, lookEveryMs: 50 })
    await api.ask('POST', `${at}/webhooks`, { body: { url: early.url } })
    await tenant('shop')
    await eventually(() => early.received.length === 1)
    await isDone(at)
    // Times of objects are whole seconds.
    await eventually(async () => Date.now() - Date.parse((await toldOf(org))[0]?.metadata.creationTimestamp ?? '') > 1500)
    await api.ask('POST', `${at}/webhooks`, { body: { url: late.url } })
    epoch = 'two'
    await eventually(() => early.received.length === 2, { describe: 'the event to be told again' })
    const ids = early.received.map((one) => eventIn(one).id)
    expect(ids[1]).toBe(ids[0])
    await tenant('blog')
    // Two deliveries, each on its own way.
    await eventually(() => late.received.length === 1 && early.received.length === 3)
    await isDone(at)
    expect(late.received.map((one) => eventIn(one).tenant?.['name'])).toEqual(['blog'])
    expect(typesOf(early.received)).toHaveLength(3)
  })

  const toldOf = async (namespace: string): Promise<readonly KubeObject[]> =>
    (await world.kube.list<KubeObject>(resourceTypes.configMaps, { namespace, labelSelector: 'berth.dev/told' })).items
  const outboxOf = async (namespace: string) =>
    (await toldOf(namespace)).flatMap(({ data }) => (JSON.parse(data.told) as { outbox: { id: string }[] }).outbox)
})

describe('deliveries', () => {
  const ping = (at: string, id: string) => api.ask('POST', `${at}/webhooks/${id}/test`)

  test('that fail twice arrive the third time, with the same id', async () => {
    const { at } = await anOrganization()
    const { received, url } = await aReceiver((response, _received, before) => response.writeHead(before < 2 ? 500 : 200).end())
    const { body } = await api.ask('POST', `${at}/webhooks`, { body: { url } })
    const { body: sent } = await ping(at, body.id)
    await eventually(() => received.length === 3)
    await isDone(at)
    expect(new Set(received.map((one) => one.headers['berth-event-id']))).toEqual(new Set([sent.eventId]))
  })

  test('that are given up are listed with the reason, for their organisation alone, and replayed', async () => {
    const [{ at }, other] = await Promise.all([anOrganization(), anOrganization()])
    let isBroken = true
    const { received, url } = await aReceiver((response) => response.writeHead(isBroken ? 500 : 200).end())
    const { body } = await api.ask('POST', `${at}/webhooks`, { body: { url } })
    await ping(at, body.id)
    await ping(at, body.id)
    const dead = async () => (await api.ask('GET', `${at}/webhook-deliveries?state=dead`)).body.items
    await eventually(async () => (await dead()).length === 2)
    const [letter] = await dead()
    expect(letter).toMatchObject({
      webhook: body.id,
      type: 'webhook.ping',
      failures: 4,
      reason: expect.stringContaining('answered 500'),
    })
    expect((await api.ask('GET', `${other.at}/webhook-deliveries`)).body.items).toEqual([])
    expect(await api.ask('POST', `${other.at}/webhook-deliveries/${letter.id}/replay`)).toMatchObject({ status: 404 })
    isBroken = false
    const before = received.length
    expect(await api.ask('POST', `${at}/webhook-deliveries/${letter.id}/replay`)).toMatchObject({ status: 204 })
    await eventually(() => received.length === before + 1)
    expect(await api.ask('POST', `${at}/webhook-deliveries/replay`)).toMatchObject({ status: 200, body: { replayed: 1 } })
    await isDone(at)
    expect(received).toHaveLength(before + 2)
  })

  test('are signed with both secrets while one takes the place of the other, and then with the new one alone', async () => {
    const { at } = await anOrganization()
    const { received, url } = await aReceiver()
    const make = async () => (await api.ask('POST', `${at}/webhooks`, { body: { url } })).body
    const [slow, quick] = [await make(), await make()]
    const rotate = (id: string, body?: object) => api.ask('POST', `${at}/webhooks/${id}/rotate-secret`, { body: body ?? {} })
    const { body: both } = await rotate(slow.id)
    const { body: one } = await rotate(quick.id, { overlapSeconds: 0, secret: 'a-secret-of-our-own' })
    expect(both.secrets).toHaveLength(2)
    expect(one.secret).toBe('a-secret-of-our-own')
    await ping(at, slow.id)
    await eventually(() => received.length === 1)
    expect([isSignedBy(received[0], slow.secret), isSignedBy(received[0], both.secret)]).toEqual([true, true])
    await ping(at, quick.id)
    await eventually(() => received.length === 2)
    expect([isSignedBy(received[1], quick.secret), isSignedBy(received[1], one.secret)]).toEqual([false, true])
  })
})
